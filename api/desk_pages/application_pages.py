"""Pages of applications for heat at the desk: the list with its views, and the form of one that comes in.

An application is worked on the page of its ticket.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from pydantic import ValidationError
from starlette.responses import Response

from api.desk.applications import NewHomeApplication, NewLoad, apply_for_building, apply_for_home
from api.desk_pages.forms import (
    SEVERAL,
    Faults,
    FormField,
    FormState,
    FormWords,
    ShownField,
    Told,
    faults_in,
    fields_of,
    shown_fields,
    values_of,
    whole_fault,
)
from api.desk_pages.queue import QUEUE
from api.desk_pages.show import AskingDeskPerson, desk_page, reader_of
from api.desk_pages.taken_in import taken_in
from api.desk_pages.ticket_routes import read_told
from api.desk_pages.time_left import time_left
from api.figures.application_figures import figures, named_figures
from api.http.language import Language, said
from api.http.paging import Paging
from api.http.session import Session, surroundings
from api.pages.render import Times, say
from api.staff.session import StaffRoute
from api.words.desk import SOURCES
from domain.applications import ApplicationKind
from domain.words.applications import DOCUMENT_TEXTS, KIND_TEXTS
from domain.words.desk import CLOCK_TEXTS
from domain.words.text import Text
from store.base.rows import Row
from store.tickets import application_rows, queue_rows
from store.tickets.application_rows import ApplicationFilter, ApplicationView

APPLICATIONS = f"{QUEUE}/applications"
PAGE_LINES = 50

router = APIRouter(prefix=APPLICATIONS, route_class=StaffRoute, include_in_schema=False)


@dataclass(frozen=True)
class ApplicationListQuery:
    """The query keys of the list; a form sends empty ones for what is not chosen."""

    view: ApplicationView = ApplicationView.OPEN
    kind: Annotated[str | None, Query(max_length=20)] = None
    station: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")] = None
    cursor: Annotated[str | None, Query(max_length=200)] = None

    def address(self, **changes: str | None) -> str:
        """Return the address of the list with these keys, some of them changed; None: without."""
        kept = {key: value for key, value in {**asdict(self), **changes}.items() if value}
        return f"{APPLICATIONS}?{urlencode(kept)}"


@router.get("")
def listed(request: Request, asking: AskingDeskPerson, query: Annotated[ApplicationListQuery, Depends()]) -> Response:
    """Show the list, and how applications of this month were answered."""
    language = reader_of(request, asking).language
    return desk_page(request, asking, "desk/applications.html", **list_content(asking, query, language))


def list_content(asking: Session, query: ApplicationListQuery, language: Language) -> dict[str, Any]:
    """Gather the list for the template."""
    kind = query.kind if query.kind in set(ApplicationKind) else None
    wanted = ApplicationFilter(now=asking.now, view=query.view, kind=kind, station=query.station or None)
    paging = Paging(query.cursor or None, PAGE_LINES)
    rows = application_rows.applications(asking.conn, asking.scope, wanted, after=paging.id(), limit=paging.fetched)
    shown, following = paging.cut(rows, "ticket_id")
    counts = application_rows.counts(asking.conn, asking.scope, asking.now)
    month = figures(asking)
    return {
        "query": query,
        "views": [_view(query, view, str(key), counts[view], language) for key, view in enumerate(ApplicationView, 1)],
        "lines": [_line(row, asking, language) for row in shown],
        "month": month.month,
        "figures": named_figures(month, language),
        "options": {"kind": _named(KIND_TEXTS, language), "station": _stations(asking)},
        "following": query.address(cursor=following) if following else None,
    }


def _view(
    query: ApplicationListQuery, view: ApplicationView, key: str, count: int, language: Language
) -> dict[str, Any]:
    address = query.address(view=view, cursor=None)
    name = say(language, f"desk_apps_{view}")
    return {"view": view, "key": key, "name": name, "address": address, "count": count, "is_open": view is query.view}


def _line(row: Row, asking: Session, language: Language) -> dict[str, Any]:
    times, due = Times(language, asking.policy.zone, asking.now), row["next_due_at"]
    place = " ".join(part for part in (row["building_name"], row["unit"]) if part)
    return {
        **row,
        "place": place,
        "about": said(KIND_TEXTS[row["kind"]], language),
        "papers": [said(DOCUMENT_TEXTS[one], language) for one in row["documents"]],
        "left": time_left(language, due, asking.now) if due else None,
        "due": due.isoformat() if due else None,
        "clock": said(CLOCK_TEXTS[row["next_clock"]], language) if row["next_clock"] else None,
        "answered": times.at(row["answered_at"]) if row["answered_at"] else None,
        "received": times.at(row["opened_at"]),
        "state_name": say(language, f"desk_state_{row['ending'] or row['state']}"),
    }


def _named(texts: Mapping[Any, Text], language: Language) -> list[tuple[str, str]]:
    return [(key.value, said(text, language)) for key, text in texts.items()]


def _stations(asking: Session) -> list[tuple[str, str]]:
    return [(station, station) for station in queue_rows.stations(asking.conn)]


@router.get("/new")
def new(request: Request, asking: AskingDeskPerson) -> Response:
    """Show the form of an application that comes in."""
    return _form(request, asking, FormState())


@router.post("")
def receive(request: Request, told: Annotated[Told, Depends(read_told)]) -> Response:
    """Receive an application once, and lead to its ticket."""
    read = _read(told, surroundings(request).policy.zone)
    return taken_in(request, "application", told, read, lambda changing, body: _take(changing, told, body), _form)


def _read(told: Told, zone: ZoneInfo) -> NewHomeApplication | NewLoad | Faults:
    """Read the form as the body of the API that the kind asks for."""
    is_load = told.get("kind") == ApplicationKind.NEW_LOAD
    model: type[NewHomeApplication] | type[NewLoad] = NewLoad if is_load else NewHomeApplication
    kind = {} if is_load else {"kind": told.get("kind", "")}
    documents = [one for one in told.get("documents", "").split(SEVERAL) if one]
    try:
        return model.model_validate({**values_of(fields_of(model), told, zone), **kind, "documents": documents})
    except ValidationError as error:
        return faults_in(error)


def _take(changing: Session, told: Told, read: NewHomeApplication | NewLoad) -> str:
    if isinstance(read, NewLoad):
        return apply_for_building(changing, read).number
    return apply_for_home(told.get("home", "").strip() or "-", changing, read).number


def _form(request: Request, asking: Session, state: FormState, status: int = 200) -> Response:
    language = reader_of(request, asking).language
    fields = _shown(state, language)
    fault = whole_fault(state.faults, {*(one.name for one in fields), "documents"}, language)
    return desk_page(
        request,
        asking,
        "desk/application_new.html",
        status,
        fields=fields,
        documents=_named(DOCUMENT_TEXTS, language),
        ticked=state.told.get("documents", "").split(SEVERAL),
        unticked=said(state.faults["documents"], language) if "documents" in state.faults else None,
        fault=fault,
    )


def _shown(state: FormState, language: Language) -> list[ShownField]:
    """Show the fields of both bodies: the kind decides which of home and building is asked for."""
    kind = FormField("kind", "choice", True, tuple(ApplicationKind))
    building = next(one for one in fields_of(NewLoad) if one.name == "building")._replace(required=False)
    shown = [kind, building._replace(name="home"), building, *fields_of(NewHomeApplication)]

    def option(name: str, value: str) -> str:
        return said(KIND_TEXTS[ApplicationKind(value)] if name == "kind" else SOURCES[value], language)

    words = FormWords(label=lambda name: say(language, f"desk_app_{name}"), option=option, hints={})
    return shown_fields(shown, words, state, language)

"""Routes of the pages of outages: the list, a new one with its preview, one with its moves, and its notices."""

from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Query, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from api.desk import outages
from api.desk.once import number_once
from api.desk.outages import Number
from api.desk_pages.local_times import shown_time
from api.desk_pages.outage_content import draft_content, lines, outage_content
from api.desk_pages.outage_forms import MOVES, Faults, OutageForm, faults_in, faults_of, read_form
from api.desk_pages.queue import QUEUE
from api.desk_pages.show import AskingDeskPerson, desk_page
from api.http.language import said
from api.http.paging import Paging
from api.http.problem import Problem
from api.http.session import DESK, Session
from api.staff.frame import language_of
from api.staff.session import StaffRoute, signed_in
from api.words.outages import NOTICE_TEXTS
from store.base.access import Right
from store.network import outage_rows
from store.tickets import queue_rows

OUTAGES = f"{QUEUE}/outages"
PAGE_OUTAGES = 50
PAGE_NOTICES = 100
reading = contextmanager(signed_in(DESK))
writing = contextmanager(signed_in(DESK, Right.WRITE))
Told = Annotated[OutageForm, Depends(read_form)]
Codes = Annotated[list[str] | None, Query(max_length=1_000)]

router = APIRouter(prefix=OUTAGES, route_class=StaffRoute, include_in_schema=False)


@dataclass(frozen=True)
class OutageListQuery:
    """The query keys of the list; a form sends empty ones for what is not chosen."""

    state: Annotated[str, Query(max_length=20)] = ""
    station: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")] = ""
    cursor: Annotated[str | None, Query(max_length=200)] = None

    def address(self, **changes: str | None) -> str:
        """Return the address of the list with these keys, some of them changed."""
        kept = {name: value for name, value in {**vars(self), **changes}.items() if value}
        return f"{OUTAGES}?{urlencode(kept)}" if kept else OUTAGES


@router.get("")
def outage_list(request: Request, asking: AskingDeskPerson, query: Annotated[OutageListQuery, Depends()]) -> Response:
    """Show the outages, newest first."""
    language = language_of(request, asking)
    paged = Paging(query.cursor or None, PAGE_OUTAGES)
    states = (query.state,) if query.state in outage_rows.STATES else outage_rows.STATES
    wanted = outage_rows.OutageFilter(now=asking.now, states=states, station=query.station or None)
    found = outage_rows.outages(asking.conn, asking.scope, wanted, before=paged.id(), limit=paged.fetched)
    rows, following = paged.cut(found, "outage_id")
    return desk_page(
        request,
        asking,
        "desk/outages.html",
        query=query,
        states=outage_rows.STATES,
        stations=queue_rows.stations(asking.conn),
        lines=lines(asking, rows, language),
        following=query.address(cursor=following) if following else None,
    )


@router.get("/new")
def new_outage(
    request: Request,
    asking: AskingDeskPerson,
    substations: Codes = None,
    buildings: Codes = None,
    homes: Codes = None,
) -> Response:
    """Show an empty form: a fault that begins now, at the places of the address."""
    form = OutageForm(
        begins_at=shown_time(asking.now, asking.policy.zone),
        substations=tuple(substations or ()),
        buildings=tuple(buildings or ()),
        homes=tuple(homes or ()),
    )
    return _draft(request, asking, form)


@router.post("/draft")
def draft(request: Request, asking: AskingDeskPerson, form: Told, part: str = "") -> Response:
    """Show a form with the places that were found and the preview: in the page, or for its script alone (`part`)."""
    template = {"found": "desk/outage_found.html", "preview": "desk/outage_preview.html"}.get(part)
    return _draft(request, asking, form, template or "desk/outage_new.html")


@router.post("")
def record(request: Request, form: Told) -> Response:
    """Record an outage once, and lead to it; what is not taken is shown with what was told."""
    try:
        with writing(request) as changing:
            number = _record(changing, form)
    except ValidationError as error:
        return _unrecorded(request, form, 422, faults_of(error))
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        return _unrecorded(request, form, problem.status, faults_in(problem), problem)
    return RedirectResponse(f"{OUTAGES}/{quote(number)}?done=recorded", 303)


def _record(changing: Session, form: OutageForm) -> str:
    return number_once(changing, form.once, lambda: outages.record(form.draft(changing.policy.zone), changing).number)


def _unrecorded(
    request: Request, form: OutageForm, status: int, faults: Faults, refused: Problem | None = None
) -> Response:
    with reading(request) as asking:
        told = None if faults else refused
        return _draft(request, asking, form, status=status, faults=faults, refused=told)


def _draft(
    request: Request,
    asking: Session,
    form: OutageForm,
    template: str = "desk/outage_new.html",
    *,
    status: int = 200,
    **outcome: Any,
) -> Response:
    content = draft_content(asking, form, language_of(request, asking), **outcome)
    return desk_page(request, asking, template, status, **content)


@router.get("/{number}")
def outage(
    request: Request, asking: AskingDeskPerson, number: Number, done: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    """Show an outage."""
    return _outage(request, asking, number, done=done)


@router.post("/{number}")
def move(request: Request, number: Number, form: Told) -> Response:
    """Add an event once and lead back to the outage; what is not taken is shown with what was told."""
    try:
        with writing(request) as changing:
            _take(changing, number, form)
    except ValidationError as error:
        return _untaken(request, number, form, 422, faults=faults_of(error))
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        return _untaken(request, number, form, problem.status, faults=faults_in(problem), refused=problem)
    return RedirectResponse(f"{OUTAGES}/{quote(number)}?done={form.kind}", 303)


@router.post("/{number}/draft")
def places(request: Request, asking: AskingDeskPerson, number: Number, form: Told) -> Response:
    """Show the places that were found for an outage that is to be widened."""
    return _outage(request, asking, number, sent=form)


def _take(changing: Session, number: str, form: OutageForm) -> None:
    def move() -> str:
        happening = form.happening(outages.outage(number, changing), changing.policy.zone)
        version = int(form.version) if form.version.isdecimal() and len(form.version) < 7 else 0
        outages.event(number, happening, changing, version)
        return number

    number_once(changing, form.once, move)


def _untaken(request: Request, number: str, form: OutageForm, status: int, **outcome: Any) -> Response:
    with reading(request) as asking:
        return _outage(request, asking, number, status=status, sent=form, **outcome)


def _outage(
    request: Request,
    asking: Session,
    number: str,
    *,
    status: int = 200,
    sent: OutageForm | None = None,
    faults: Faults | None = None,
    **outcome: Any,
) -> Response:
    """Render an outage with the outcome of a form: done, or refused."""
    language = language_of(request, asking)
    refused, done = outcome.get("refused"), outcome.get("done")
    conflict = refused is not None and "events" in refused.members
    content = outage_content(asking, outages.outage(number, asking), language, sent, faults)
    return desk_page(
        request,
        asking,
        "desk/outage.html",
        status,
        **content,
        done=done if done in ("recorded", *MOVES) else None,
        conflict=conflict,
        refused=refused.details(language).detail if refused and not conflict and not faults else None,
    )


@router.get("/{number}/notices")
def notices(
    request: Request,
    asking: AskingDeskPerson,
    number: Number,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Show the notices of an outage, newest first: to which home, by which channel, with what result."""
    language = language_of(request, asking)
    page = outages.notices(number, asking, Paging(cursor or None, PAGE_NOTICES))
    following = f"{OUTAGES}/{quote(number)}/notices?{urlencode({'cursor': page.next})}" if page.next else None
    names = {name: said(text, language) for name, text in NOTICE_TEXTS.items()}
    return desk_page(
        request,
        asking,
        "desk/outage_notices.html",
        number=number,
        notices=page.items,
        names=names,
        following=following,
    )

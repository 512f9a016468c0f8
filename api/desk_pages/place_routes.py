"""The page of a call about a place outside any home: a leak in a stairwell, in a cellar, on a line."""

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from api.desk.desk_routes import PlaceTicket, open_at_place
from api.desk.once import number_once
from api.desk.outage_previews import Place, described, places
from api.desk_pages.call_routes import CALL, HomeCode
from api.desk_pages.forms import Faults, Told, faults_in, faults_of, once
from api.desk_pages.queue import QUEUE
from api.desk_pages.show import AskingDeskPerson, desk_page, reader_of
from api.desk_pages.ticket_routes import read_told
from api.http.language import said
from api.http.problem import Problem, no_such
from api.http.session import DESK, Session
from api.pages.report import NEW
from api.staff.session import StaffRoute, signed_in
from domain.words.desk import CLASS_TEXTS
from store.base.access import Right
from store.network.outage_rows import PlaceCodes

PART = "place"
KINDS = ("substation", "building")
Fields = Annotated[Told, Depends(read_told)]
SearchedName = Annotated[str, Query(max_length=100, pattern=r"^[^\x00]*$")]
reading = contextmanager(signed_in(DESK))
writing = contextmanager(signed_in(DESK, Right.WRITE))

router = APIRouter(prefix=f"{CALL}/place", route_class=StaffRoute, include_in_schema=False)


@dataclass(frozen=True)
class Untaken:
    """Obstacles to a form, by field or as a whole, and the tickets that are open at its place."""

    status: int = 200
    faults: Faults = field(default_factory=dict)
    refused: Problem | None = None
    there: Sequence[Mapping[str, Any]] = ()


NOTHING_SENT = Untaken()


@router.get("")
def begin(
    request: Request, asking: AskingDeskPerson, q: SearchedName = "", building: HomeCode = "", substation: HomeCode = ""
) -> Response:
    """Show the places that are found, or the form for one that was chosen."""
    return _page(request, asking, {"building": building, "substation": substation}, asked=q.strip())


@router.post("")
def take(request: Request, told: Fields) -> Response:
    """Take down what the caller said, once, and lead to its ticket."""
    try:
        with writing(request) as changing:
            number = number_once(changing, once(PART, told), lambda: open_at_place(changing, _report(told)).number)
    except ValidationError as error:
        return _untaken(request, told, Untaken(422, faults_in(error)))
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        named = faults_of(problem) if problem.faults else {}
        there = problem.members.get("open_tickets", ())
        return _untaken(request, told, Untaken(problem.status, named, None if named else problem, there))
    return RedirectResponse(f"{QUEUE}/tickets/{quote(number)}", 303)


def _report(told: Told) -> PlaceTicket:
    """Read the form as the API reads a body."""
    given = {name: told[name] for name in ("building", "substation", "description", "contact") if told.get(name)}
    about = told.get("about", "")
    adds = {"add_to": about} if about not in ("", NEW) else {"new": about == NEW}
    return PlaceTicket.model_validate({**given, **adds, "class": told.get("class")})


def _untaken(request: Request, told: Told, untaken: Untaken) -> Response:
    with reading(request) as asking:
        return _page(request, asking, told, untaken)


def _page(request: Request, asking: Session, told: Told, untaken: Untaken = NOTHING_SENT, asked: str = "") -> Response:
    language = reader_of(request, asking).language
    refused = untaken.refused.details(language).detail if untaken.refused else None
    faults = {name: said(text, language) for name, text in untaken.faults.items()}
    return desk_page(
        request,
        asking,
        "desk/place.html",
        untaken.status,
        asked=asked,
        found=[one for one in places(asking, asked).items if one.kind != "home"] if asked else None,
        place=_chosen(asking, told),
        sent={"part": PART, "told": told, "faults": faults, "refused": refused},
        there=untaken.there,
        classes={name: said(text, language) for name, text in CLASS_TEXTS.items()},
        NEW=NEW,
    )


def _chosen(asking: Session, told: Told) -> Place | None:
    """Return the place that was chosen; None: none was.

    Raises:
        Problem: 404.
    """
    codes = {kind: told[kind].replace("\0", "") for kind in KINDS if told.get(kind)}
    if not codes:
        return None
    found = described(asking, PlaceCodes(*([codes[kind]] if kind in codes else [] for kind in KINDS)))
    if not found:
        raise no_such("place")
    return found[0]

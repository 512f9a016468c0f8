"""Routes for what is chosen on the map: its homes, and its tickets, for which a crew is sent."""

import re
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import ValidationError
from starlette.responses import Response

from api.desk.desk_routes import make_move
from api.desk.moves import Assigned
from api.desk_pages.forms import once
from api.desk_pages.map_routes import MAP, MOST_CHOSEN
from api.desk_pages.show import AskingDeskPerson, desk_page
from api.http.language import said
from api.http.problem import Problem
from api.http.session import DESK, Session
from api.staff.frame import language_of
from api.staff.session import StaffRoute, signed_in
from domain.words.desk import CLASS_TEXTS
from store.base import form_sent
from store.base.access import Right
from store.figures import map_areas
from store.tickets import queue_rows

MOST_HOMES = 500
MOST_TICKETS = 200
MOST_FIELDS = MOST_CHOSEN + 20
SEEN = re.compile(r"([A-Za-z0-9-]{1,40}):([0-9]{1,6})")
reading = contextmanager(signed_in(DESK))
writing = contextmanager(signed_in(DESK, Right.WRITE))

router = APIRouter(prefix=MAP, route_class=StaffRoute, include_in_schema=False)


@dataclass(frozen=True)
class AreaForm:
    """A form about an area: the buildings by code, the tickets as they were seen, and who is to be sent."""

    buildings: Sequence[str] = ()
    tickets: Sequence[tuple[str, int]] = ()
    station: str = ""
    responsible: str = ""
    key: str = ""

    @property
    def once(self) -> str:
        """The idempotency key: equal only if the same is sent again from the same page."""
        told = {"tickets": repr(self.tickets), "station": self.station, "responsible": self.responsible}
        return once(f"crew {self.key}", told)

    @property
    def move(self) -> Assigned | None:
        """The move on each ticket; None: nobody is named, or with a name that no ticket takes."""
        try:
            return Assigned(kind="assigned", station=self.station or None, responsible=self.responsible or None)
        except ValidationError:
            return None


async def read_area(request: Request) -> AreaForm:
    """Read what was chosen on the map."""
    form = await request.form(max_files=0, max_fields=MOST_FIELDS)
    told = {name: [one for one in form.getlist(name) if isinstance(one, str)] for name in form}
    seen = (SEEN.fullmatch(one) for one in told.get("tickets", []))
    single = {name: told.get(name, [""])[0].strip() for name in ("station", "responsible", "key")}
    return AreaForm(
        tuple(dict.fromkeys(told.get("buildings", []))),
        tuple((one[1], int(one[2])) for one in seen if one),
        **single,
    )


Told = Annotated[AreaForm, Depends(read_area)]
Codes = Annotated[list[str] | None, Query(max_length=200)]


@router.get("/homes")
def homes_of(request: Request, asking: AskingDeskPerson, buildings: Codes = None) -> Response:
    """List the homes of buildings that a link names."""
    return _homes(request, asking, [code for code in buildings or () if "\0" not in code])


@router.post("/homes")
def homes_chosen(request: Request, asking: AskingDeskPerson, form: Told) -> Response:
    """List the homes of what is chosen."""
    return _homes(request, asking, form.buildings)


def _homes(request: Request, asking: Session, buildings: Sequence[str]) -> Response:
    rows = map_areas.homes_at(asking.conn, buildings, asking.now, MOST_HOMES + 1)
    return desk_page(
        request, asking, "desk/map_homes.html", buildings=buildings, homes=rows[:MOST_HOMES], most=MOST_HOMES,
        is_cut=len(rows) > MOST_HOMES,
    )  # fmt: skip


@router.post("/crew")
def crew(request: Request, asking: AskingDeskPerson, form: Told) -> Response:
    """Show the tickets of what is chosen, and who may be sent for them."""
    return _crew(request, asking, form)


@router.post("/crew/send")
def send(request: Request, form: Told) -> Response:
    """Assign each ticket by the move of the API; one that does not take it keeps no other from it."""
    move = form.move
    if move is None or not form.tickets:
        with reading(request) as asking:
            return _crew(request, asking, form, 422, lacking=True)
    with writing(request) as changing:
        outcome = _send(request, changing, form, move)
    with reading(request) as asking:
        return _crew(request, asking, form, **outcome)


def _send(request: Request, changing: Session, form: AreaForm, move: Assigned) -> dict[str, Any]:
    form_sent.lock(changing.conn, form.once)
    if form_sent.number(changing.conn, form.once) is not None:
        changing.notes["again"] = True
        return {"again": True}
    sent, refused = [], []
    for number, version in form.tickets[:MOST_TICKETS]:
        try:
            with changing.conn.transaction():
                make_move(changing, number, move, version)
            sent.append(number)
        except Problem as problem:
            refused.append((number, problem.details(language_of(request, changing)).detail))
    changing.notes["tickets"] = sent
    form_sent.keep(changing.conn, form.once, form.tickets[0][0], changing.now)
    return {"sent": sent, "refused": refused}


def _crew(request: Request, asking: Session, form: AreaForm, status: int = 200, **outcome: Any) -> Response:
    language = language_of(request, asking)
    rows = map_areas.tickets_at(asking.conn, asking.scope, form.buildings, MOST_TICKETS + 1)
    chosen = {number for number, _ in form.tickets}
    stations = queue_rows.stations(asking.conn)
    return desk_page(
        request,
        asking,
        "desk/map_crew.html",
        status,
        form=form,
        station=form.station or _shared([row["station"] for row in rows]),
        stations=stations,
        tickets=[{**row, "about": said(CLASS_TEXTS[row["class"]], language)} for row in rows[:MOST_TICKETS]],
        chosen=chosen or {row["number"] for row in rows},
        most=MOST_TICKETS,
        is_cut=len(rows) > MOST_TICKETS,
        may_write=Right.WRITE in asking.asker.rights,
        **{"sent": None, "refused": [], "again": False, "lacking": False, **outcome},
    )


def _shared(stations: Sequence[str | None]) -> str:
    """Return the station of all tickets; of several ones none is suggested, and each ticket stays with its own."""
    (only, *others) = {*stations} or {None}
    return "" if others or only is None else only

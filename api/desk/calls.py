"""Routes for a call: find the home it is about, and see at once what there is to say."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.answers import models
from api.answers.seen import seen
from api.desk.incidents import Incident
from api.desk.outages import Outage
from api.homes import home_routes
from api.homes.buckets import Every
from api.homes.home_routes import Code
from api.http.paging import Page
from api.http.problem import no_such
from api.http.session import DESK, AskingStaff, LookingStaff, Session
from api.http.values import Instant, Shown
from domain.cases import CASE_CLASSES
from domain.tickets import SELF_CLOSING
from registry import home_search
from registry.addresses import LONGEST_QUERY
from registry.home_search import FoundBy, HomeSearch
from store.base.access import Right
from store.base.rows import Row
from store.network import incident_pages, outage_rows
from store.readings.reading_history import HistoryPage
from store.registry import home_rows, search_rows
from store.tickets import call_rows, ticket_pages

MOST_CALLS = 5
MOST_TICKETS = 10  # open ones of a home
MOST_OUTAGES = 5
MOST_BUCKETS = 1_000
GOING_ON = ("planned", "running", "late")

Typed = Annotated[
    str,
    Query(
        min_length=1,
        max_length=LONGEST_QUERY,
        pattern=r"^[^\x00]*[^\s\x00][^\x00]*$",
        description="an address or a part of it, a door, a code; for the desk a name or a telephone number too",
    ),
]

router = APIRouter(prefix="/v1", tags=["calls"])


class FoundHome(BaseModel):
    """A home that was probably meant, and by what it was found. Who lives there is not told here."""

    home: str
    building: str
    building_name: str
    address: str
    unit: str
    station: str
    state: models.HomeStateName
    by: FoundBy


class HomePerson(BaseModel):
    """Somebody of a home, and how to reach them. Each look is on record."""

    name: str | None
    channel: Literal["phone", "email", "webhook"]
    address: str


class CurvePoint(BaseModel):
    """Ten minutes of a sensor, °C."""

    sensor: str
    room: str
    start: Instant
    mean: Shown
    min: Shown


class CallEntry(BaseModel):
    """Something that was said by or to the people of a home, or an attempt to reach them (`tried`)."""

    at: Instant
    kind: Literal["opened", "user_said", "contacted", "tried"]
    actor: str
    ticket: str
    class_: models.TicketClass = Field(alias="class")
    state: models.TicketState
    words: str | None
    contact: str | None
    again_at: Instant | None


class CallPanel(BaseModel):
    """Everything that a dispatcher needs while somebody of a home is on the telephone.

    `people` is null for callers who may not see them. `curve` is the last 24 hours; `outages` and `incidents` may
    explain what is wrong.
    """

    home: models.Home
    building_name: str
    address: str
    unit: str
    station: str
    people: list[HomePerson] | None
    curve: list[CurvePoint]
    tickets: list[models.Ticket]
    outages: list[Outage]
    incidents: list[Incident]
    calls: list[CallEntry]


@router.get("/homes")
def search(asking: AskingStaff, q: Typed) -> Page[FoundHome]:
    """Find homes by what a caller says, likeliest first; also misspelt, in pinyin, or by its initials. One page."""
    return Page(items=[FoundHome.model_validate(row) for row in found(asking, q)], next=None)


def found(asking: Session, asked: str) -> list[Row]:
    """Find homes within reach; by the people of a home only for those who may see them."""
    search = HomeSearch(asked, asking.scope, asking.now, people=may_see_people(asking))
    return home_search.find(asking.conn, search)


def may_see_people(asking: Session) -> bool:
    """Return whether the caller may see names and telephone numbers of users."""
    return asking.asker.role in DESK and Right.REVEAL in asking.asker.rights


@router.get("/homes/{code}/call")
def call(code: Code, looking: LookingStaff) -> CallPanel:
    """Get what there is to say to a caller from a home. That it was looked at is on record."""
    shown = panel(looking, code)
    return CallPanel.model_validate({**shown, "curve": curve(looking, shown["home_id"])})


def panel(looking: Session, code: str) -> dict[str, Any]:
    """Gather what there is to say to a caller; `addable` are the tickets that it may be added to.

    Raises:
        Problem: 404.
    """
    found = home_rows.find(looking.conn, looking.scope, code)
    if found is None:
        raise no_such("home")
    home_id = found["home_id"]
    people = search_rows.people(looking.conn, home_id, looking.now) if may_see_people(looking) else None
    looking.notes["people"] = len(people) if people is not None else None
    tickets = _open_tickets(looking, home_id)
    return {
        **{name: found[name] for name in ("home_id", "building", "building_name", "address", "unit", "station")},
        "home": home_routes.home_answer(looking.conn, looking.scope, found),
        "people": people,
        "tickets": tickets,
        "addable": [ticket for ticket in tickets if _is_addable(ticket)],
        "outages": _outages(looking, code),
        "incidents": _incidents(looking, home_id),
        "calls": call_rows.calls(looking.conn, looking.scope, home_id, MOST_CALLS),
    }


def curve(asking: Session, home_id: int) -> list[Row]:
    """Return the last day of a home, each sensor in ten minutes."""
    start = asking.now - home_routes.DEFAULT_SPAN
    stretch = HistoryPage(home_id=home_id, start=start, end=asking.now, after=None, limit=MOST_BUCKETS)
    return home_routes.bucketed(asking, stretch, Every.TEN_MINUTES, None)


def _open_tickets(asking: Session, home_id: int) -> list[Row]:
    wanted = ticket_pages.TicketFilter(now=asking.now, home_id=home_id, is_open=True)
    rows = ticket_pages.tickets(asking.conn, asking.scope, wanted, limit=MOST_TICKETS)
    return [seen(row, asking) for row in rows]


def _is_addable(ticket: Row) -> bool:
    return ticket["source"] not in SELF_CLOSING and ticket["class"] not in CASE_CLASSES


def _outages(asking: Session, code: str) -> list[Row]:
    wanted = outage_rows.OutageFilter(now=asking.now, states=GOING_ON, home=code)
    return outage_rows.outages(asking.conn, asking.scope, wanted, limit=MOST_OUTAGES)


def _incidents(asking: Session, home_id: int) -> list[Row]:
    return incident_pages.open_at(asking.conn, asking.scope, home_id)

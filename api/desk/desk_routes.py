"""Routes for flags and tickets within the token's scope, and for the moves of the repair desk."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Header, Path, Query
from fastapi.responses import PlainTextResponse, Response
from psycopg.errors import InsufficientPrivilege, UniqueViolation
from pydantic import BaseModel, ConfigDict, Field, model_validator

from alerts.desk.moves import HomeHasTicket, NotThere, OpenThere, ReportTarget, TooMany, act, say, take_in
from alerts.desk.offers import check_unchanged
from alerts.tickets.docket import Opening, UserStatement
from alerts.tickets.endings import merge, void
from api.answers import models
from api.answers.seen import seen
from api.desk.causes import cause_text
from api.desk.move_bodies import Line, Words
from api.desk.moves import AnyMove, Assigned, CauseFound, Merged, UserSaid, Void, kind_of
from api.desk.once import do_once
from api.desk.receipt import Receipt, as_text, make_receipt
from api.homes.cold_cause import likely_of
from api.homes.home_routes import Code, home_id
from api.http.language import Language, preferred
from api.http.paging import Page, Paged, Sort, Sorted
from api.http.problem import FieldFault, Problem, forbidden, invalid, no_such, too_many
from api.http.session import LEADERS, Asking, ChangingDesk, ChangingStaff, ChangingUserOrDesk, Session
from api.words import problems
from domain.move_times import MadeAtFault, NotMadeThen
from domain.priority import Cold, priority
from domain.statements import TimesRefused
from domain.tickets import (
    CREW_MOVES,
    LEADER_MOVES,
    UNDISTURBING,
    ChangedSince,
    EventKind,
    MoveRefused,
    NewEvent,
    TicketClass,
    TicketSource,
    TooEarly,
)
from domain.words.text import Text
from store.base.access import Role
from store.base.numbers import ticket_number
from store.tickets import ticket_pages

Number = Annotated[str, Path(max_length=40, pattern=r"^[^\x00]+$")]
Station = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")]
Told = Literal["phone", "walk_in", "letter", "superior"]
MOST_EVENTS = 2**31 - 1
MADE_AT_TEXTS = {
    MadeAtFault.FUTURE: problems.MADE_AT_FUTURE,
    MadeAtFault.TOO_OLD: problems.MADE_AT_TOO_OLD,
    MadeAtFault.BEFORE_TICKET: problems.MADE_AT_BEFORE_TICKET,
}

router = APIRouter(prefix="/v1", tags=["desk"])


@router.get("/flags")
def flags(
    asking: Asking, paged: Paged, state: models.FlagState | None = None, sort: Sorted = Sort.NEWEST
) -> Page[models.Flag]:
    """List flags, newest first by default."""
    wanted = ticket_pages.FlagFilter(states=ticket_pages.FLAG_STATES if state is None else (state,))
    rows = ticket_pages.flags(
        asking.conn, asking.scope, wanted, oldest=sort is Sort.OLDEST, after=paged.id(), limit=paged.fetched
    )
    return paged.page(rows, models.Flag, "id")


@dataclass(frozen=True)
class TicketQuery:
    """The query keys that select tickets."""

    state: models.TicketState | None = None
    kind: Annotated[models.TicketClass | None, Query(alias="class")] = None
    station: Station = None
    overdue: Annotated[bool | None, Query(description="not closed, with a breached clock")] = None


@router.get("/tickets")
def tickets(
    asking: Asking, paged: Paged, query: Annotated[TicketQuery, Depends()], sort: Sorted = Sort.NEWEST
) -> Page[models.Ticket]:
    """List tickets, newest first by default. State `verifying`: marked done, recovery not yet proven."""
    wanted = ticket_pages.TicketFilter(now=asking.now, **vars(query))
    rows = ticket_pages.tickets(
        asking.conn, asking.scope, wanted, oldest=sort is Sort.OLDEST, after=paged.id(), limit=paged.fetched
    )
    return paged.page([seen(row, asking) for row in rows], models.Ticket, "ticket_id")


@router.get("/tickets/{number}")
def ticket(number: Number, asking: Asking) -> models.Ticket:
    """Get a ticket by its number."""
    return answer(asking, number)


@router.get("/tickets/{number}/receipt", response_model=Receipt)
def receipt(
    number: Number,
    asking: Asking,
    language: Annotated[Language | None, Query(description="default: by Accept-Language")] = None,
    form: Annotated[Literal["json", "text"], Query(alias="as")] = "json",
    accept_language: Annotated[str | None, Header(max_length=200)] = None,
) -> Receipt | Response:
    """Get the receipt for the user (回执单): what was reported, and what was done about it."""
    made = make_receipt(find(asking, number), ZoneInfo(asking.zone), language or preferred(accept_language))
    return PlainTextResponse(as_text(made)) if form == "text" else made


@router.post("/tickets/{number}/events", status_code=201)
def event(
    number: Number,
    changing: ChangingStaff,
    move: AnyMove,
    version: Annotated[
        int | None, Query(ge=0, le=MOST_EVENTS, description="`seq` of the last event read; a later change is a 409")
    ] = None,
    idempotency_key: Annotated[
        str | None,
        Header(min_length=8, max_length=100, description="random, of one's own: what is sent again under it is once"),
    ] = None,
) -> models.Ticket:
    """Add an event to a ticket. A move that its state does not allow is a 409 that names the reason."""
    do_once(changing, number, idempotency_key, lambda: make_move(changing, number, move, version))
    return answer(changing, number)


def make_move(
    changing: Session,
    number: str,
    move: AnyMove,
    version: int | None = None,
    undisturbing: Collection[EventKind] = UNDISTURBING,
) -> None:
    """Make a move on a ticket within scope.

    Args:
        version: `seq` of the last event that the caller has read; None: whatever has happened since.
        undisturbing: events since then that are no reason against the move.
    Raises:
        Problem: 403, 404 or 422; 409, the ticket does not allow it, or has changed (then with `events`).
    """
    kind = kind_of(move)
    if changing.asker.role is Role.CREW and kind not in CREW_MOVES:
        raise forbidden(problems.CREW_FORBIDDEN.fill(kind=kind))
    if not may_move(changing, kind):
        raise forbidden(problems.LEADERS_ALONE.fill(kind=kind))
    found = ticket_pages.ticket_id(changing.conn, changing.scope, number)
    if found is None:
        raise no_such("ticket")
    if isinstance(move, Assigned) and move.station is not None:
        check_station(changing, move.station)
    tickets = [found, *([_into(changing, move)] if isinstance(move, Merged) else [])]
    with refusals(changing):
        if version is not None:
            check_unchanged(changing.conn, tickets, version, undisturbing)
        _let(changing, tickets, move)
    changing.notes["kind"] = kind.value


def may_move(asking: Session, kind: EventKind) -> bool:
    """Return whether the caller may make a move of the desk: papers of the company are for its leaders."""
    return kind not in LEADER_MOVES or asking.asker.role in LEADERS


def _into(changing: Session, move: Merged) -> int:
    other = ticket_pages.ticket_id(changing.conn, changing.scope, move.into)
    if other is None:
        raise invalid(FieldFault("into", problems.NO_SUCH_TICKET))
    return other


def _let(changing: Session, tickets: list[int], move: AnyMove) -> None:
    conn, policy, now, actor = changing.conn, changing.policy, changing.now, changing.asker.actor
    match move:
        case UserSaid():
            say(conn, policy, tickets[0], UserStatement(move.data(), move.contact), now, actor)
        case CauseFound():
            text = cause_text(changing, move.cause)._asdict()
            data = {**move.data(), **text, **likely_of(changing, tickets[0])}
            act(conn, policy, NewEvent(tickets[0], kind_of(move), data), now, actor)
        case Void():
            void(conn, policy, tickets[0], move.data(), now, actor)
        case Merged():
            merge(conn, policy, (tickets[0], tickets[1]), move.data(), now, actor)
        case _:
            act(conn, policy, NewEvent(tickets[0], kind_of(move), move.data()), now, actor)


class Report(BaseModel):
    """A report by a person.

    If tickets are already open at the place, the report must say which one it belongs to (`add_to`), or that it is
    `new`.
    """

    model_config = ConfigDict(extra="forbid")

    description: Words
    contact: Line | None = None
    source: Told = "phone"
    add_to: Line | None = None
    new: bool = False

    @model_validator(mode="after")
    def _either(self) -> "Report":
        if self.new and self.add_to is not None:
            raise ValueError("give either add_to or new, not both")
        return self


class PlaceTicket(Report):
    """A report about a building or a substation, outside any home."""

    kind: Literal["leak", "repair"] = Field(alias="class")
    building: Line | None = None
    substation: Line | None = None

    @model_validator(mode="after")
    def _place(self) -> "PlaceTicket":
        if (self.building is None) == (self.substation is None):
            raise ValueError("give either a building or a substation")
        return self


@router.post("/tickets", status_code=201)
def open_at_place(changing: ChangingDesk, wanted: PlaceTicket) -> models.Ticket:
    """Open a ticket for a building or a substation, or add to one already open there."""
    building = substation = None
    if wanted.building is not None:
        building = ticket_pages.building_id(changing.conn, wanted.building)
    if wanted.substation is not None:
        substation = ticket_pages.substation_id(changing.conn, wanted.substation)
    if building is None and substation is None:
        field = "building" if wanted.building is not None else "substation"
        raise invalid(FieldFault(field, problems.NO_SUCH_CODE))
    return open_ticket(
        changing,
        Opening(
            ticket_class=TicketClass(wanted.kind),
            source=TicketSource(wanted.source),
            priority=priority(TicketClass(wanted.kind), Cold(), None),
            building_id=building,
            substation_id=substation,
            description=wanted.description,
            contact=wanted.contact,
        ),
        ReportTarget(wanted.add_to, wanted.new),
    )


class HomeTicket(Report):
    """A report about a home. For a customer's report the source is always the user, whatever the body says."""

    kind: Literal["cold", "leak", "repair", "device"] = Field(alias="class")


@router.post("/homes/{code}/tickets", status_code=201)
def open_in_home(code: Code, changing: ChangingUserOrDesk, wanted: HomeTicket) -> models.Ticket:
    """Open a ticket for a home, or add to one already open there. Customers may do so for their own homes only.

    A home has at most one open ticket for cold.
    """
    user = changing.asker.role is Role.CUSTOMER
    return open_ticket(
        changing,
        Opening(
            ticket_class=TicketClass(wanted.kind),
            source=TicketSource.USER if user else TicketSource(wanted.source),
            priority=priority(TicketClass(wanted.kind), Cold(), None),
            home_id=home_id(changing, code),
            description=wanted.description,
            contact=wanted.contact,
        ),
        ReportTarget(wanted.add_to, wanted.new),
    )


def open_ticket(changing: Session, opening: Opening, belongs: ReportTarget) -> models.Ticket:
    """Open a ticket for a report, or add the report to an open ticket.

    Raises:
        Problem: 409, tickets are open there and the report names none of them, or the home has too many open tickets;
            429, a customer has added too often.
    """
    adds = belongs.add_to is not None and changing.asker.role is Role.CUSTOMER
    if adds and (seconds := changing.limiter.wait_case(f"{changing.asker.actor} adds")):
        raise too_many(seconds)
    try:
        made = take_in(changing.conn, changing.policy, opening, changing.now, changing.asker.actor, belongs)
    except OpenThere as error:
        there = [
            {"number": one.number, "class": one.ticket_class, "state": one.state, "since": one.opened_at}
            for one in error.tickets
        ]
        detail = problems.OPEN_THERE.fill(numbers=", ".join(one.number for one in error.tickets))
        raise Problem(409, detail, open_tickets=there) from None
    except NotThere:
        raise Problem(409, problems.NOT_OPEN_THERE.fill(number=belongs.add_to)) from None
    except HomeHasTicket as error:
        raise Problem(409, problems.HOME_HAS_TICKET.fill(number=error.number)) from None
    except UniqueViolation:
        # The open ticket is of a previous resident: this customer can neither see it nor add to it.
        raise Problem(409, problems.HOME_HAS_TICKET_OF_OTHERS) from None
    except InsufficientPrivilege:
        # Row-level security, the second line of defence: the token could not see the ticket it tries to insert.
        raise forbidden(problems.MAY_NOT_OPEN) from None
    except TooMany:
        raise Problem(409, problems.TOO_MANY_TICKETS) from None
    number = ticket_number(made)
    changing.notes["ticket"] = number
    return answer(changing, number)


def find(asking: Session, number: str) -> dict[str, Any]:
    """Read a ticket within scope, as the caller may see it.

    Raises:
        Problem: 404.
    """
    found = ticket_pages.ticket(asking.conn, asking.scope, number)
    if found is None:
        raise no_such("ticket")
    return seen(found, asking)


def answer(asking: Session, number: str) -> models.Ticket:
    """Read a ticket within scope as a response."""
    return models.Ticket.model_validate(find(asking, number))


def check_station(asking: Session, station: str) -> None:
    """Refuse a station without substations.

    Raises:
        Problem: 422.
    """
    if not ticket_pages.has_station(asking.conn, station):
        raise invalid(FieldFault("station", problems.NO_SUCH_STATION))


@contextmanager
def refusals(asking: Session) -> Iterator[None]:
    """Answer a refused move with a 409; a premature one with the time from which it is allowed.

    A move on a ticket that has changed is answered with the events that the caller has not seen.
    """
    try:
        yield
    except TimesRefused as error:
        raise invalid(FieldFault("times", problems.TIMES_REFUSED[error.fault])) from None
    except NotMadeThen as error:
        raise invalid(FieldFault("made_at", MADE_AT_TEXTS[error.fault])) from None
    except ChangedSince as error:
        raise Problem(409, problems.CHANGED_SINCE.fill(number=error.number), events=error.events) from None
    except TooEarly as error:
        local = f"{error.allowed_from.astimezone(asking.policy.zone):%Y-%m-%d %H:%M}"
        zh = problems.TOO_EARLY.format(number=error.number, allowed_from=local, kind=error.kind)
        raise Problem(409, Text(zh, str(error)), allowed_from=error.allowed_from) from None
    except MoveRefused as error:
        zh = problems.MOVE_REFUSED.format(**vars(error))
        raise Problem(409, Text(zh, str(error))) from None

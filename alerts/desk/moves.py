"""Actions at the repair desk: reported tickets, and moves on tickets."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg import Connection

from alerts.desk import applications
from alerts.desk.late_moves import is_outdated, kept_data
from alerts.desk.recovery import prove
from alerts.desk.user_moves import check_terms
from alerts.tickets.clock_terms import within_call_back
from alerts.tickets.docket import Docket, Opening, UserStatement
from alerts.tickets.work import check_call_back, check_closing, record, refused
from domain.policy import Policy
from domain.statements import Reaction, Says, check_times, reaction, times_in
from domain.tickets import EventKind, MoveRefused, NewEvent, TicketClass, TicketSource, TicketState
from store.notices import outbox
from store.tickets import recovery_rows, ticket_rows
from store.tickets.ticket_rows import OpenTicketRow, TicketRow

MOST_OPEN_OF_A_USER = 5  # tickets that users themselves opened for one home, and that are still open


class HomeHasTicket(Exception):
    """The home has an open cold ticket; two would be worked twice."""

    def __init__(self, number: str) -> None:
        super().__init__(f"the home has an open ticket for cold: {number}")
        self.number = number


class OpenThere(Exception):
    """Something is open at the place, and nobody has said whether this belongs to it; nothing was changed."""

    def __init__(self, tickets: Sequence[OpenTicketRow]) -> None:
        super().__init__(f"open there: {', '.join(ticket.number for ticket in tickets)}")
        self.tickets = tickets


class NotThere(Exception):
    """The ticket to add a report to is not open at the place; nothing was changed."""


class ReportTarget(NamedTuple):
    """The ticket chosen for a report: an open one, explicitly none, or no choice."""

    add_to: str | None = None
    new: bool = False


UNSAID = ReportTarget()


class TooMany(Exception):
    """A user has opened as many tickets as are worked at a time."""


def act(conn: Connection, policy: Policy, move: NewEvent, now: datetime, actor: str) -> None:
    """Let somebody do something with a ticket; the caller owns the transaction.

    Raises:
        Refused: the ticket does not allow it now.
        NotMadeThen: the time at which it was made is out of bounds.
    """
    ticket_id, kind = move.ticket_id, move.kind
    if kind is EventKind.REOPENED:
        ticket_rows.lock_home_of(conn, ticket_id)
    applications.lock_homes(conn, move)
    rows = ticket_rows.lock(conn, [ticket_id])
    row = rows[ticket_id]
    move = NewEvent(ticket_id, kind, kept_data(conn, row, kind, move.data, now))
    if kind is EventKind.REOPENED and ticket_rows.superseded(conn, row):
        raise MoveRefused(row.number, row.state, kind, "the home has another open ticket for cold")
    if kind is EventKind.CALLED_BACK:
        check_call_back(conn, policy, row, now)
    if kind is EventKind.CLOSED:
        if row.state != TicketState.DONE:
            raise refused(row, kind)
        check_closing(conn, row)
    if row.ticket_class == TicketClass.APPLICATION:
        move = applications.prepared(conn, row, move, now, actor)
    outbox.put(conn, record(conn, policy, rows, [move], now, actor), now)
    applications.execute(conn, move, now)
    if rows[ticket_id].state == TicketState.VERIFYING:
        prove(conn, policy, [ticket_id], now)


def say(conn: Connection, policy: Policy, ticket_id: int, saying: UserStatement, now: datetime, actor: str) -> None:
    """Add what a user has said to a ticket, and do what follows from it; the caller owns the transaction.

    Raises:
        Refused: it is closed, would tell who has complained, or refuses terms where none wait for an answer.
        TimesRefused: no visit can be made at a time that is wished.
        NotMadeThen: the time at which it was said is out of bounds.
    """
    check_times(times_in(saying.data), now.astimezone(policy.zone).date())
    row = ticket_rows.lock(conn, [ticket_id])[ticket_id]
    if saying.contact is not None and row.ticket_class in (TicketClass.COMPLAINT, TicketClass.REPORT):
        reason = "who has complained is kept apart: leave the contact out"
        raise MoveRefused(row.number, row.state, EventKind.USER_SAID, reason)
    if "agreed" in saying.data:
        check_terms(row)
    docket = Docket(conn, policy, now, actor)
    saying = saying._replace(data=kept_data(conn, row, EventKind.USER_SAID, saying.data, now))
    follows = _reaction(conn, row, saying, now)
    docket.say(ticket_id, saying if follows is Reaction.NOTED else saying.leading_to(follows))
    if follows is Reaction.AGAIN:
        docket.add(ticket_id, EventKind.RELAPSED, source=TicketSource.USER.value)
    docket.write()


def _reaction(conn: Connection, row: TicketRow, saying: UserStatement, now: datetime) -> Reaction:
    """Decide what follows from what is said on a locked ticket."""
    says = Says(saying.data["says"]) if saying.data.get("says") and not is_outdated(conn, row, saying.data) else None
    warm_now = any(one.warm_now for one in recovery_rows.standing(conn, [row.ticket_id], now))
    return reaction(says, TicketClass(row.ticket_class), TicketState(row.state), warm_now=warm_now)


def take_in(
    conn: Connection, policy: Policy, opening: Opening, now: datetime, actor: str, belongs: ReportTarget = UNSAID
) -> int:
    """Open a ticket for what somebody reported, or add it to one; returns its ticket_id.

    A home that is cold again within the call-back time gets its ticket back instead of a new one. Reports of one place
    wait for each other: two of the same are not opened both unless somebody says so. The caller owns the transaction.

    Raises:
        OpenThere: something is open at the place, and `belongs` does not say what this belongs to.
        NotThere: what it is said to belong to is not open there.
        HomeHasTicket: it has an open cold ticket already.
        TooMany: the users of the home have opened too many.
    """
    docket, place = Docket(conn, policy, now, actor), opening.place
    ticket_rows.lock_place(conn, place)
    if place.home is not None:
        ticket_rows.lock_home(conn, place.home)
    there = ticket_rows.open_at(conn, place)
    if belongs.add_to is not None:
        ticket = next((one.ticket_id for one in there if one.number == belongs.add_to), None)
        if ticket is None:
            raise NotThere
        docket.say(ticket, opening.saying)
    elif there and not belongs.new:
        raise OpenThere(there)
    else:
        ticket = _open(conn, policy, docket, opening, now)
    docket.write()
    return ticket


def _open(conn: Connection, policy: Policy, docket: Docket, opening: Opening, now: datetime) -> int:
    home = opening.home_id
    if (
        home is not None
        and opening.source is TicketSource.USER
        and ticket_rows.open_of_user(conn, home) >= MOST_OPEN_OF_A_USER
    ):
        raise TooMany
    if home is None or opening.ticket_class is not TicketClass.COLD:
        return docket.open(opening)
    row, _ = ticket_rows.last_cold(conn, [home]).get(home, (None, None))
    if row is None:
        return docket.open(opening)
    if row.state != TicketState.CLOSED:
        raise HomeHasTicket(row.number)
    if not within_call_back(policy, row, now):
        return docket.open(opening.following(row.ticket_id))
    docket.add(row.ticket_id, EventKind.REOPENED, source=opening.source.value)
    docket.say(row.ticket_id, opening.saying)
    return row.ticket_id

"""What people do at the repair desk: tickets that were phoned in, and moves on tickets."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg import Connection

from alerts.recovery import prove
from alerts.ticket_clocks import within_call_back
from alerts.ticket_work import check_closing, record, refused
from alerts.tickets import Docket, Opening
from domain.policy import Policy
from domain.tickets import Event, EventKind, Refused, Source, State, TicketClass
from store import outbox
from store import tickets as store

MOST_OPEN_OF_A_USER = 5  # tickets that users themselves opened for one home, and that are still open


class HomeHasTicket(Exception):
    """The home has an open cold ticket; two would be worked twice."""

    def __init__(self, number: str) -> None:
        super().__init__(f"the home has an open ticket for cold: {number}")
        self.number = number


class TooMany(Exception):
    """A user has opened as many tickets as are worked at a time."""


def act(
    conn: Connection,
    policy: Policy,
    ticket_id: int,
    kind: EventKind,
    data: Mapping[str, Any],
    now: datetime,
    actor: str,
) -> None:
    """Let somebody do something with a ticket; the caller owns the transaction.

    Raises:
        Refused: the ticket does not allow it now.
    """
    if kind is EventKind.REOPENED:
        store.lock_home_of(conn, ticket_id)
    rows = store.lock(conn, [ticket_id])
    row = rows[ticket_id]
    if kind is EventKind.REOPENED and store.superseded(conn, row):
        raise Refused(row.number, row.state, kind, "the home has another open ticket for cold")
    if kind is EventKind.CLOSED:
        if row.state != State.DONE:
            raise refused(row, kind)
        check_closing(conn, row)
    outbox.put(conn, record(conn, policy, rows, [Event(ticket_id, kind, data)], now, actor), now)
    if rows[ticket_id].state == State.VERIFYING:
        prove(conn, policy, [ticket_id], now)


def take_in(conn: Connection, policy: Policy, opening: Opening, now: datetime, actor: str) -> int:
    """Open a ticket for what somebody reported; returns its ticket_id. The caller owns the transaction.

    A home that is cold again within the call-back time gets its ticket back instead of a new one.

    Raises:
        HomeHasTicket: it has an open cold ticket already.
        TooMany: the users of the home have opened too many.
    """
    docket = Docket(conn, policy, now, actor)
    home = opening.home_id
    if home is not None:
        store.lock_home(conn, home)
        if opening.source is Source.USER and store.open_of_user(conn, home) >= MOST_OPEN_OF_A_USER:
            raise TooMany
    if home is not None and opening.ticket_class is TicketClass.COLD:
        row, _ = store.last_cold(conn, [home]).get(home, (None, None))
        if row is not None and row.state != State.CLOSED:
            raise HomeHasTicket(row.number)
        if row is not None and within_call_back(policy, row, now):
            docket.add(row.ticket_id, EventKind.REOPENED, source=opening.source.value, reason=opening.description)
            docket.write()
            return row.ticket_id
        if row is not None:
            opening = opening.following(row.ticket_id)
    ticket = docket.open(opening)
    docket.write()
    return ticket

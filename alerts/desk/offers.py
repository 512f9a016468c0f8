"""The moves that a ticket takes now, and the reason against each that its state alone would allow."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg import Connection

from alerts.tickets.work import call_back_begins
from domain.closing import missing
from domain.endings import merge_refusal, void_refusal
from domain.policy import Policy
from domain.tickets import UNDISTURBING, ChangedSince, EventKind, MoveBar, TicketSource, TicketState, allowed_moves
from store.tickets import ending_rows, ticket_rows
from store.tickets.ticket_rows import TicketRow


class MoveOffers(NamedTuple):
    """The moves of a ticket's state; a bar is the reason against one.

    `into`: the numbers of the tickets into which it may be merged. `call_back_from`: from when its user may be called
    back; None: at any time.
    """

    bars: Mapping[EventKind, MoveBar | None]
    into: Sequence[str]
    call_back_from: datetime | None

    @property
    def open(self) -> list[EventKind]:
        """The moves that the ticket takes now."""
        return [kind for kind, bar in self.bars.items() if bar is None]


def offers(conn: Connection, policy: Policy, ticket_id: int, now: datetime) -> MoveOffers:
    """Return the moves that people may make on a ticket now. Nothing is locked: making one checks again."""
    row = ticket_rows.read(conn, ticket_id)
    facts = ending_rows.ended(conn, [ticket_id])[ticket_id]
    into = [other.number for other in ending_rows.beside(conn, ticket_id) if merge_refusal(facts, other) is None]
    begins = call_back_begins(conn, policy, row)
    on_record = void_refusal(facts) is not None
    bars = {
        EventKind.CLOSED: _bar_to_closing(conn, row),
        EventKind.CALLED_BACK: MoveBar.EARLY if begins is not None and now < begins else None,
        EventKind.VOID: MoveBar.ON_RECORD if on_record else None,
        EventKind.MERGED: MoveBar.ON_RECORD if on_record else None if into else MoveBar.NO_OTHER,
        EventKind.REOPENED: MoveBar.OTHER_OPEN if ticket_rows.superseded(conn, row) else None,
    }
    return MoveOffers({kind: bars.get(kind) for kind in allowed_moves(TicketState(row.state))}, into, begins)


def _bar_to_closing(conn: Connection, row: TicketRow) -> MoveBar | None:
    if row.source == TicketSource.DEVICE:
        return MoveBar.BY_ITSELF
    return MoveBar.NEEDS if missing(ticket_rows.standing(conn, [row.ticket_id])[row.ticket_id]) else None


def check_unchanged(conn: Connection, tickets: Sequence[int], version: int) -> None:
    """Refuse a move on a ticket that has changed; else it stays as it is until the transaction ends.

    Args:
        tickets: this ticket, and the one into which it is to be merged. Homes are locked before tickets, and tickets in
            the order of their keys, as by every move.
        version: `seq` of the last event that the caller has read.
    Raises:
        ChangedSince: with what has happened since.
    """
    ticket_rows.lock_home_of(conn, tickets[0])
    rows = ticket_rows.lock(conn, sorted(set(tickets)))
    if events := ticket_rows.events_since(conn, tickets[0], version, UNDISTURBING):
        raise ChangedSince(rows[tickets[0]].number, events)

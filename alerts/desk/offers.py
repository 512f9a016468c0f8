"""The moves that a ticket takes now, and the reason against each that its state alone would allow."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg import Connection

from alerts.desk import applications
from alerts.tickets.clock_terms import call_back_begins
from domain.closing import missing
from domain.endings import EndingFacts, merge_refusal, void_refusal
from domain.move_bars import MoveBar
from domain.policy import Policy
from domain.tickets import (
    AFTER_DONE,
    UNDISTURBING,
    ChangedSince,
    EventKind,
    TicketClass,
    TicketSource,
    TicketState,
    allowed_moves,
)
from store.base.rows import Row
from store.tickets import ending_rows, ticket_rows


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


def offers(conn: Connection, policy: Policy, ticket: Row, now: datetime) -> MoveOffers:
    """Return the moves that people may make on a ticket now. Nothing is locked: making one checks again.

    Args:
        ticket: as ticket_pages has it.
    """
    facts, beside = ending_rows.with_beside(conn, ticket["ticket_id"])
    into = [other.number for other in beside if merge_refusal(facts, other) is None]
    begun = [
        clock["started_at"]
        for clock in ticket["clocks"]
        if (clock["name"], clock["round"]) == (AFTER_DONE, ticket["round"])
    ]
    begins = call_back_begins(policy, ticket["class"], ticket["opened_at"], ticket["done_at"], begun)
    on_record = void_refusal(facts) is not None
    bars: dict[EventKind, MoveBar | None] = {
        EventKind.CLOSED: _bar_to_closing(ticket),
        EventKind.CALLED_BACK: MoveBar.EARLY if begins is not None and now < begins else None,
        EventKind.VOID: MoveBar.ON_RECORD if on_record else None,
        EventKind.MERGED: MoveBar.ON_RECORD if on_record else None if into else MoveBar.NO_OTHER,
        EventKind.REOPENED: MoveBar.OTHER_OPEN if _is_superseded(facts, beside) else None,
    }
    kinds = allowed_moves(TicketState(ticket["state"]), TicketClass(ticket["class"]))
    if ticket["class"] == TicketClass.APPLICATION:
        steps = applications.bars(conn, ticket["ticket_id"])
        kinds, bars = tuple(kind for kind in kinds if kind in steps), steps | bars
    return MoveOffers({kind: bars.get(kind) for kind in kinds}, into, begins)


def _bar_to_closing(ticket: Row) -> MoveBar | None:
    if ticket["source"] == TicketSource.DEVICE:
        return MoveBar.BY_ITSELF
    return MoveBar.NEEDS if missing(ticket["standing"]) else None


def _is_superseded(facts: EndingFacts, beside: Sequence[EndingFacts]) -> bool:
    """Return whether another cold ticket of the home of a cold one is open."""
    home = facts.place[0]
    return (
        facts.ticket_class == TicketClass.COLD
        and home is not None
        and any(other.ticket_class == TicketClass.COLD and other.place[0] == home for other in beside)
    )


def check_unchanged(
    conn: Connection, tickets: Sequence[int], version: int, undisturbing: Collection[EventKind] = UNDISTURBING
) -> None:
    """Refuse a move on a ticket that has changed; else it stays as it is until the transaction ends.

    Args:
        tickets: this ticket, and the one into which it is to be merged. Homes are locked before tickets, and tickets in
            the order of their keys, as by every move.
        version: `seq` of the last event that the caller has read.
        undisturbing: events that are no such change.
    Raises:
        ChangedSince: with what has happened since.
    """
    ticket_rows.lock_home_of(conn, tickets[0])
    rows = ticket_rows.lock(conn, sorted(set(tickets)))
    if events := ticket_rows.events_since(conn, tickets[0], version, undisturbing):
        raise ChangedSince(rows[tickets[0]].number, events)

"""Tickets end without work: merged into another, or void. Their record stays, their clocks run no more."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection

from alerts.tickets.work import record, refused
from domain.endings import EndingFacts, merge_refusal, void_refusal
from domain.policy import Policy
from domain.tickets import EventKind, MoveRefused, NewEvent, TicketState
from store.notices import outbox
from store.tickets import ending_rows, ticket_rows
from store.tickets.ticket_rows import TicketRow


def void(conn: Connection, policy: Policy, ticket_id: int, said: Mapping[str, Any], now: datetime, actor: str) -> None:
    """Say that a ticket was opened by mistake; `said` has the `reason`. The caller owns the transaction.

    Raises:
        Refused: says why it cannot be.
    """
    rows, facts = _locked(conn, [ticket_id])
    row = rows[ticket_id]
    _check(row, EventKind.VOID, void_refusal(facts[ticket_id]))
    event = NewEvent(ticket_id, EventKind.VOID, said)
    outbox.put(conn, record(conn, policy, rows, [event], now, actor), now)


def merge(
    conn: Connection, policy: Policy, pair: tuple[int, int], said: Mapping[str, Any], now: datetime, actor: str
) -> None:
    """Let another ticket stand for one of the same matter; `pair`: this one, and the other; `said` has the `reason`.

    What the user was still to get passes over: the answer, the call-back, the signature. The caller owns the
    transaction.

    Raises:
        Refused: says why it cannot be.
    """
    rows, facts = _locked(conn, pair)
    row, other = (rows[ticket] for ticket in pair)
    one, into = (facts[ticket] for ticket in pair)
    _check(row, EventKind.MERGED, merge_refusal(one, into))
    events = [
        NewEvent(row.ticket_id, EventKind.MERGED, {**said, "into": other.number, "into_id": other.ticket_id}),
        NewEvent(other.ticket_id, EventKind.MERGED_HERE, {"ticket": row.number, **_passing_over(row, one)}),
    ]
    outbox.put(conn, record(conn, policy, rows, events, now, actor), now)


def _locked(conn: Connection, tickets: Sequence[int]) -> tuple[dict[int, TicketRow], dict[int, EndingFacts]]:
    """Lock tickets until the transaction ends; no flag joins one meanwhile."""
    ticket_rows.lock_home_of(conn, tickets[0])
    return ticket_rows.lock(conn, sorted(set(tickets))), ending_rows.ended(conn, list(tickets))


def _check(row: TicketRow, kind: EventKind, refusal: str | None) -> None:
    if row.state == TicketState.CLOSED:
        raise refused(row, kind)
    if refusal is not None:
        raise MoveRefused(row.number, row.state, kind, refusal)


def _passing_over(row: TicketRow, one: EndingFacts) -> dict[str, bool]:
    """Return the duties towards the user of this ticket that pass to the one it is merged into."""
    return {
        "reply": row.replied_at is None,
        "call_back": one.call_back_asked and row.called_back_at is None,
        "by_user": row.responsibility == "user" and row.confirmation is None,
        "paid": row.paid and row.confirmation is None,
    }

"""New tickets of stations that keep a rota: they call people out, instead of being told to the station and dispatch."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from psycopg import Connection

from domain.notices import Audience, NoticeKind, OutboxEntry
from domain.policy import Policy
from domain.tickets import EventKind, NewEvent
from store.notices import call_out_rows
from store.notices.call_out_rows import CalledOut

OPENING = frozenset({NoticeKind.TICKET_OPENED, NoticeKind.TICKET_REOPENED})
STEP_BY_STEP = frozenset({Audience.CREW, Audience.DISPATCH})


def begin(
    conn: Connection, policy: Policy, events: Sequence[NewEvent], entries: Sequence[OutboxEntry], now: datetime
) -> list[OutboxEntry]:
    """Begin the call-outs of tickets that have opened, or were given to a station, in the caller's transaction.

    Args:
        events: what has happened to tickets, which are written.
        entries: what would be told of it.
    Returns:
        The entries without those that call-outs tell step by step; hearth notify takes the steps.
    """
    rules = policy.rules_at(now)
    if rules.call_out is None or rules.notices is None:
        return list(entries)
    wanted = _given(events) | {
        entry.ticket_id: CalledOut(entry.ticket_id, entry.kind.value, opened=True)
        for entry in entries
        if entry.kind in OPENING and entry.audience is Audience.CREW and entry.ticket_id is not None
    }
    if not wanted:
        return list(entries)
    held = rules.incident.finding if rules.incident else timedelta()
    begun = call_out_rows.begin(conn, list(wanted.values()), now, now + held)
    return [one for one in entries if not (_is_step_by_step(one) and one.ticket_id in begun)]


def _given(events: Sequence[NewEvent]) -> dict[int, CalledOut]:
    """Return the tickets that were given to a station; what opened them may have been told to another one."""
    return {
        event.ticket_id: CalledOut(event.ticket_id, NoticeKind.TICKET_OPENED.value, opened=False)
        for event in events
        if event.kind is EventKind.ASSIGNED and event.data.get("station") is not None
    }


def _is_step_by_step(entry: OutboxEntry) -> bool:
    return entry.kind in OPENING and entry.audience in STEP_BY_STEP

"""Clocks by the clock: warnings, breaches, and due times that nobody knew when the clock began."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from psycopg import Connection

from alerts.tickets.clock_terms import clock_due
from alerts.tickets.work import ACTOR, record
from domain.policy import Policy
from domain.tickets import EventKind, NewEvent
from store.base.halves import Aside, in_halves
from store.notices import outbox
from store.tickets import clock_rows, ticket_rows

MOST_CLOCKS = 2_000  # in one transaction, which has their tickets locked
log = structlog.get_logger()


class ClocksLeft(Exception):
    """Clocks of some tickets were set aside: the round is to wait a while before it comes again."""


def run_out(conn: Connection, policy: Policy, now: datetime) -> bool:
    """Warn of clocks and note those that have run out, each once; True if there is more to do at once.

    A ticket that somebody else is working on at this moment has its turn at the next look. The connection is in
    autocommit mode.

    Raises:
        ClocksLeft: those of some tickets cannot be noted; all others are.
    """
    due = clock_rows.due(conn, now, MOST_CLOCKS)
    if not due:
        return False
    with conn.transaction():
        free = list(ticket_rows.lock_free(conn, due))
        left = in_halves(conn, free, lambda some: _run_out(conn, policy, some, now), Aside[int]("clocks"))
    if left:
        raise ClocksLeft(f"of {len(left)} tickets")
    return bool(free) and len(due) == MOST_CLOCKS


def _run_out(conn: Connection, policy: Policy, tickets: Sequence[int], now: datetime) -> None:
    warned = [_event(EventKind.CLOCK_WARNED, rung) for rung in clock_rows.warn(conn, tickets, now)]
    broken = [_event(EventKind.CLOCK_BREACHED, rung) for rung in clock_rows.breach(conn, tickets, now)]
    _tell(conn, policy, tickets, [*warned, *broken], now)


def date_undated(conn: Connection, policy: Policy, now: datetime) -> bool:
    """Give clocks their due time that began when the calendar did not know the year; True if there may be more."""
    waiting: dict[int, list[clock_rows.ClockRow]] = {}
    for clock in clock_rows.undated(conn, MOST_CLOCKS):
        waiting.setdefault(clock.ticket_id, []).append(clock)
    known = list[int]()

    def date(tickets: Sequence[int]) -> None:
        known.append(_date(conn, policy, [clock for ticket in tickets for clock in waiting[ticket]], now))

    in_halves(conn, sorted(waiting), date, Aside[int]("undated clocks"))
    return sum(known) == MOST_CLOCKS


def _date(conn: Connection, policy: Policy, waiting: Sequence[clock_rows.ClockRow], now: datetime) -> int:
    """Give clocks of tickets that are free their due time; return how many have one now."""
    rows = ticket_rows.lock_free(conn, sorted({clock.ticket_id for clock in waiting}))
    known = []
    for clock in waiting:
        if (row := rows.get(clock.ticket_id)) is None:
            continue
        assert clock.started_at is not None  # that is how they were found
        found = clock_due(policy, row.ticket_class, clock.name, clock.started_at, row.opened_at)
        if found is not None and found.due_at is not None:
            known.append(_dated(clock, found.due_at, found.warn_at))
    late = clock_rows.date(conn, known)
    events = [_event(EventKind.CLOCK_DATED, clock) for clock in late]
    # What was met before anybody could say by when: late after all.
    events += [_event(EventKind.CLOCK_BREACHED, clock) for clock in late if clock.breached_at is not None]
    if events:
        _tell(conn, policy, sorted({event.ticket_id for event in events}), events, now)
        log.info("clocks dated", count=len(late))
    return len(known)


def _dated(clock: clock_rows.ClockRow, due_at: datetime, warn_at: datetime | None) -> dict[str, Any]:
    return {
        "ticket_id": clock.ticket_id,
        "round": clock.round,
        "name": clock.name,
        "due_at": due_at.isoformat(),
        "warn_at": warn_at.isoformat() if warn_at else None,
    }


def _event(kind: EventKind, clock: clock_rows.RunningClock) -> NewEvent:
    return NewEvent(clock.ticket_id, kind, {"clock": clock.name, "due_at": clock.due_at.isoformat()})


def _tell(
    conn: Connection, policy: Policy, ticket_ids: Sequence[int], events: Sequence[NewEvent], now: datetime
) -> None:
    rows = ticket_rows.lock(conn, ticket_ids)
    outbox.put(conn, record(conn, policy, rows, events, now, ACTOR), now)

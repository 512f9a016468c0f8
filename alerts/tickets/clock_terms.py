"""The clocks of a ticket: which it has, from when, and when each runs out."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import structlog

from alerts.tickets.calendar import working_days
from domain.clocks import DueTime, due
from domain.policy import Duration, Policy, Version
from domain.tickets import AFTER_DONE, EventKind, NewEvent, TicketClass, TicketState
from domain.working_days import UnknownYear
from store.tickets.ticket_rows import TicketRow

log = structlog.get_logger()


def fresh_clocks(
    policy: Policy, version: Version | None, ticket_class: TicketClass, now: datetime
) -> list[tuple[str, datetime | None, DueTime]]:
    """Name, start and due time of each clock of a ticket that is opened now."""
    if version is None:
        return []
    found: list[tuple[str, datetime | None, DueTime]] = []
    for name, length in version.clocks.get(ticket_class, {}).items():
        waits = name == AFTER_DONE
        found.append((name, None, DueTime(None)) if waits else (name, now, _due(policy, version, now, length)))
    return found


def call_back(policy: Policy, row: TicketRow, done_at: datetime) -> tuple[datetime, DueTime] | None:
    """From when and by when the user of a ticket whose work was done then is called back; None: not at all."""
    version = policy.version_at(row.opened_at)
    after = version.call_back_after.get(row.ticket_class) if version else None
    if after is None:
        return None
    opens_at = done_at + after
    found = clock_due(policy, row.ticket_class, AFTER_DONE, opens_at, row.opened_at)
    return None if found is None else (opens_at, found)


def clock_due(
    policy: Policy, ticket_class: str, name: str, started_at: datetime, opened_at: datetime
) -> DueTime | None:
    """When a clock runs out by the rules in force when its ticket was opened; None: they do not know it."""
    version = policy.version_at(opened_at)
    length = version.clocks.get(ticket_class, {}).get(name) if version else None
    return _due(policy, version, started_at, length) if version and length else None


def within_call_back(policy: Policy, ticket: TicketRow, now: datetime) -> bool:
    """Whether a closed ticket is still in the time after its work in which a relapse opens it again."""
    if ticket.state != TicketState.CLOSED or ticket.done_at is None:
        return False
    until = call_back(policy, ticket, ticket.done_at)
    return until is not None and until[1].due_at is not None and now <= until[1].due_at


def _due(policy: Policy, version: Version, start: datetime, length: Duration) -> DueTime:
    share = version.desk.warn_share if version.desk else None
    return due(start, length, working_days(policy), policy.zone, share)


def undated_events(ticket: int, clocks: Iterable[tuple[str, datetime | None, DueTime]]) -> list[NewEvent]:
    """What happens to a ticket whose clocks run into a year that the calendar does not know."""
    events = []
    for name, _, found in clocks:
        if found.unknown_year is not None:
            what = str(UnknownYear(found.unknown_year))
            log.error("a clock has no due time", ticket_id=ticket, clock=name, error=what)
            events.append(
                NewEvent(ticket, EventKind.CLOCK_UNDATED, {"clock": name, "year": found.unknown_year, "what": what})
            )
    return events


def clock_row(ticket: int, nth_round: int, name: str, started_at: datetime | None, found: DueTime) -> dict[str, Any]:
    """A clock as it is stored."""
    return {
        "ticket_id": ticket,
        "round": nth_round,
        "name": name,
        "started_at": as_text(started_at),
        "due_at": as_text(found.due_at),
        "warn_at": as_text(found.warn_at),
    }


def as_text(at: datetime | None) -> str | None:
    """An instant as JSON has it."""
    return None if at is None else at.isoformat()

"""The clocks of a ticket: which it has, from when, and when each runs out."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeAlias

from alerts.tickets.calendar import working_days
from domain.clocks import DueTime, due
from domain.policy import Duration, Policy, Version
from domain.tickets import AFTER_DONE, STARTED_LATER, EventKind, NewEvent, TicketClass, TicketState
from domain.working_days import UnknownYear
from store.tickets.ticket_rows import TicketRow

FreshClock: TypeAlias = tuple[str, datetime | None, DueTime]  # name and start; None: starts with another event


def fresh_clocks(policy: Policy, rules: Version, ticket_class: TicketClass, now: datetime) -> list[FreshClock]:
    """Return name, start and due time of each clock of a ticket that is opened now."""
    found: list[FreshClock] = []
    for name, length in rules.clocks.get(ticket_class, {}).items():
        waits = name in STARTED_LATER
        found.append((name, None, DueTime(None)) if waits else (name, now, _due(policy, rules, now, length)))
    return found


def call_back(
    policy: Policy, ticket_class: str, opened_at: datetime, done_at: datetime
) -> tuple[datetime, DueTime] | None:
    """Return from when and by when the user is called back after the work; None if there is no call-back."""
    after = policy.rules_at(opened_at).call_back_after.get(ticket_class)
    if after is None:
        return None
    opens_at = done_at + after
    found = clock_due(policy, ticket_class, AFTER_DONE, opens_at, opened_at)
    return None if found is None else (opens_at, found)


def call_back_begins(
    policy: Policy, ticket_class: str, opened_at: datetime, done_at: datetime | None, begun: Iterable[datetime | None]
) -> datetime | None:
    """Return from when the user of a ticket may be called back; None: at any time.

    Args:
        begun: the starts of its call-back clock in the present round.
    """
    starts = [at for at in begun if at is not None]
    if done_at is not None and (found := call_back(policy, ticket_class, opened_at, done_at)):
        starts.append(found[0])
    return max(starts, default=None)


def clock_due(
    policy: Policy, ticket_class: str, name: str, started_at: datetime, opened_at: datetime
) -> DueTime | None:
    """Return when a clock runs out by the rules of when its ticket was opened; None if they have no such clock."""
    rules = policy.rules_at(opened_at)
    length = rules.clocks.get(ticket_class, {}).get(name)
    return _due(policy, rules, started_at, length) if length else None


def within_call_back(policy: Policy, ticket: TicketRow, now: datetime) -> bool:
    """Return whether a relapse still reopens a closed ticket: until its call-back is due."""
    if ticket.state != TicketState.CLOSED or ticket.done_at is None:
        return False
    until = call_back(policy, ticket.ticket_class, ticket.opened_at, ticket.done_at)
    return until is not None and until[1].due_at is not None and now <= until[1].due_at


def _due(policy: Policy, rules: Version, start: datetime, length: Duration) -> DueTime:
    share = rules.desk.warn_share if rules.desk else None
    return due(start, length, working_days(policy), policy.zone, share)


def undated_events(ticket: int, clocks: Iterable[FreshClock]) -> list[NewEvent]:
    """Return the events of a ticket whose clocks run into a year that the calendar does not know."""
    events = []
    for name, _, found in clocks:
        if found.unknown_year is not None:
            import structlog  # late: it takes a tenth of the start of `hearth recheck`, in each process that judges

            what = str(UnknownYear(found.unknown_year))
            structlog.get_logger().error("a clock has no due time", ticket_id=ticket, clock=name, error=what)
            events.append(
                NewEvent(ticket, EventKind.CLOCK_UNDATED, {"clock": name, "year": found.unknown_year, "what": what})
            )
    return events


def clock_row(ticket: int, nth_round: int, name: str, started_at: datetime | None, found: DueTime) -> dict[str, Any]:
    """Return the row of a clock."""
    return {
        "ticket_id": ticket,
        "round": nth_round,
        "name": name,
        "started_at": as_text(started_at),
        "due_at": as_text(found.due_at),
        "warn_at": as_text(found.warn_at),
    }


def as_text(at: datetime | None) -> str | None:
    """Format an instant for JSON."""
    return None if at is None else at.isoformat()

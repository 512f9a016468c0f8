"""When something has to be done: the due time of a clock, and when it warns."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from domain.policy import Duration
from domain.working_days import UnknownYear, WorkingCalendar, end_of_working_days


@dataclass(frozen=True)
class DueTime:
    """When a clock runs out, and when it warns; without a due time, the year that the calendar does not know."""

    due_at: datetime | None
    warn_at: datetime | None = None
    unknown_year: int | None = None


def due(
    started_at: datetime, length: Duration, calendar: WorkingCalendar, zone: ZoneInfo, warn_share: float | None = None
) -> DueTime:
    """When a clock that starts now runs out.

    Args:
        started_at: aware. Plain time is counted around the clock, whatever the clocks of the zone do meanwhile.
        warn_share: of the time from start to end after which it warns; None: it does not.
    """
    start = started_at.astimezone(UTC)  # adding to a local time would move the hands instead
    if length.working_days:
        try:
            end = end_of_working_days(start, length.working_days, calendar, zone)
        except UnknownYear as error:
            return DueTime(None, unknown_year=error.year)
    else:
        end = start + length.elapsed
    return DueTime(end, None if warn_share is None else start + (end - start) * warn_share)

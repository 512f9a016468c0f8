"""Due and warning times of the desk's clocks."""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from domain.policy import Duration, Policy
from domain.working_days import UnknownYear, WorkingCalendar, end_of_working_days


@dataclass(frozen=True)
class DueTime:
    """Due and warning time of a clock; without a due time, the year missing from the calendar."""

    due_at: datetime | None
    warn_at: datetime | None = None
    unknown_year: int | None = None


def due(
    started_at: datetime, length: Duration, calendar: WorkingCalendar, zone: ZoneInfo, warn_share: float | None = None
) -> DueTime:
    """Compute when a clock that starts at an instant runs out.

    Args:
        started_at: aware. Elapsed time is counted in UTC, so daylight saving does not matter.
        warn_share: share of the span after which the clock warns; None: never.
    """
    start = started_at.astimezone(UTC)  # local arithmetic would shift across a change of the clocks
    if length.working_days:
        try:
            end = end_of_working_days(start, length.working_days, calendar, zone)
        except UnknownYear as error:
            return DueTime(None, unknown_year=error.year)
    else:
        end = start + length.elapsed
    return DueTime(end, None if warn_share is None else start + (end - start) * warn_share)


def heat_due_from(policy: Policy, now: datetime) -> datetime:
    """Return from when heat is due: now, or the beginning of the next season that is known (5(3): 在供热期限)."""
    if policy.in_season(now):
        return now
    day = now.astimezone(policy.zone).date()
    later = [season.first for season in policy.seasons if season.first > day]
    return datetime.combine(min(later), time(0), policy.zone).astimezone(UTC) if later else now

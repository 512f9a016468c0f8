"""Working days, and the end of a term counted in them."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
SATURDAY = 5


class UnknownYear(Exception):
    """The holidays of a year are not known yet."""

    def __init__(self, year: int) -> None:
        super().__init__(
            f"the calendar does not know the holidays of {year}: list them in the policy under [calendar], "
            f"with {year} among its years"
        )
        self.year = year


@dataclass(frozen=True)
class WorkingCalendar:
    """Monday to Friday except public holidays, plus make-up workdays at weekends.

    A day outside the known years is neither: asking for it raises UnknownYear.
    """

    holidays: Set[date] = frozenset()
    workdays: Set[date] = frozenset()
    years: Set[int] = frozenset()

    def works(self, day: date) -> bool:
        """Return whether a day is a working day.

        Raises:
            UnknownYear: the year of the day is not known.
        """
        if day.year not in self.years:
            raise UnknownYear(day.year)
        if day in self.workdays:
            return True
        return day not in self.holidays and day.weekday() < SATURDAY


def end_of_working_days(start: datetime, days: int, calendar: WorkingCalendar, zone: ZoneInfo) -> datetime:
    """Compute the end of a term of working days: the midnight that ends the last one, in the utility's zone.

    The first day does not count (Civil Code 201), and the last one counts in full (Civil Code 203).

    Raises:
        UnknownYear: the term reaches into a year that the calendar does not know.
    """
    # Via UTC: a local time on a day that the zone skipped becomes one of the next day.
    day = start.astimezone(UTC).astimezone(zone).date()
    left = days
    while left > 0:
        day += DAY
        # A zone that moves across the date line skips a day.
        left -= calendar.works(day) and _begins(day, zone) < _begins(day + DAY, zone)
    return _begins(day + DAY, zone)


def _begins(day: date, zone: ZoneInfo) -> datetime:
    """Return midnight: the first if it occurs twice, the instant of the change if it is skipped."""
    return datetime.combine(day, time(0), zone).astimezone(UTC)

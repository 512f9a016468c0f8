"""Working days: which days they are, and when a number of them is over."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
SATURDAY = 5


class UnknownYear(Exception):
    """Nobody has said yet which days of the year are holidays."""

    def __init__(self, year: int) -> None:
        super().__init__(
            f"the calendar does not know the holidays of {year}: list them in the policy under [calendar], "
            f"with {year} among its years"
        )
        self.year = year


@dataclass(frozen=True)
class WorkingCalendar:
    """Monday to Friday but for public holidays, and Saturdays and Sundays on which a holiday is worked off.

    A day outside the known years is neither: whoever asks is told that nobody knows.
    """

    holidays: Set[date]
    workdays: Set[date]
    years: Set[int]

    def works(self, day: date) -> bool:
        """Whether people work on a day.

        Raises:
            UnknownYear: the year of the day is not known.
        """
        if day.year not in self.years:
            raise UnknownYear(day.year)
        if day in self.workdays:
            return True
        return day not in self.holidays and day.weekday() < SATURDAY


def end_of_working_days(start: datetime, days: int, calendar: WorkingCalendar, zone: ZoneInfo) -> datetime:
    """When a term of working days is over: the midnight that ends its last one, in the zone of the utility.

    The day on which it starts does not count (Civil Code 201), and the last one counts to its end (Civil Code 203).

    Raises:
        UnknownYear: the term reaches into a year that the calendar does not know.
    """
    # By way of UTC: a time of a day that a zone has skipped is one of the next day.
    day = start.astimezone(UTC).astimezone(zone).date()
    left = days
    while left > 0:
        day += DAY
        # A zone that moves across the date line leaves a day out.
        left -= calendar.works(day) and _begins(day, zone) < _begins(day + DAY, zone)
    return _begins(day + DAY, zone)


def _begins(day: date, zone: ZoneInfo) -> datetime:
    """Midnight: of one that there is twice the first, of one that is leapt over the instant of the leap."""
    return datetime.combine(day, time(0), zone).astimezone(UTC)

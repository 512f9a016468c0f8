"""The working days of a utility: China's public calendar, with what its policy adds."""

from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from chinese_calendar.constants import Holiday, holidays, workdays

from domain.policy import Policy
from domain.words.text import Text
from domain.working_days import UnknownYear, WorkingCalendar

AHEAD = timedelta(days=60)  # the list of a year comes out in the November before


class ListedDay(NamedTuple):
    """A day that the calendar lists: off or worked, whatever day of the week it is."""

    day: date
    works: bool
    by_policy: bool  # else by the public calendar
    occasion: Text | None  # None: the policy names none


@lru_cache(maxsize=8)
def working_days(policy: Policy) -> WorkingCalendar:
    """Return the working days of a policy, whose own days override the public calendar."""
    added = policy.calendar
    public = {day.year for day in holidays} - added.years
    return WorkingCalendar(
        ({day for day in holidays if day.year in public} - added.workdays) | added.holidays,
        ({day for day in workdays if day.year in public} - added.holidays) | added.workdays,
        public | added.years,
    )


def missing_years(policy: Policy, today: date) -> list[str]:
    """Return what to do about unknown years of the calendar that clocks in working days will soon reach."""
    if not any(
        length.working_days for v in policy.versions for clocks in v.clocks.values() for length in clocks.values()
    ):
        return []
    known = working_days(policy).years
    return [str(UnknownYear(year)) for year in sorted({today.year, (today + AHEAD).year}) if year not in known]


def listed_days(policy: Policy, year: int) -> list[ListedDay]:
    """Return the holidays and worked days of a year, in order."""
    calendar, added = working_days(policy), policy.calendar
    found = [(day, works) for works, days in ((False, calendar.holidays), (True, calendar.workdays)) for day in days]
    return [
        ListedDay(day, works, day in added.holidays | added.workdays, _occasion(day, works))
        for day, works in sorted(found)
        if day.year == year
    ]


def _occasion(day: date, works: bool) -> Text | None:
    """Return the public holiday that a day belongs to, or makes up for."""
    name = (workdays if works else holidays).get(day)
    return None if name is None else Text(Holiday(name).chinese, name)

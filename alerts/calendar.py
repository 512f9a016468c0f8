"""The working days of a utility: China's public calendar, with what its policy adds."""

from functools import lru_cache

from chinese_calendar.constants import holidays, workdays

from domain.policy import Policy
from domain.working_days import Calendar


@lru_cache(maxsize=8)
def working_days(policy: Policy) -> Calendar:
    """The calendar of a policy. What the policy says of a day goes before what the public calendar says of it."""
    added = policy.calendar
    public = {day.year for day in holidays} - added.years
    return Calendar(
        ({day for day in holidays if day.year in public} - added.workdays) | added.holidays,
        ({day for day in workdays if day.year in public} - added.holidays) | added.workdays,
        public | added.years,
    )

"""Instants: aware datetimes where people read them, integer microseconds since 1970 where they are counted.

What comes from outside is read by `instant` and `day`, at every door: within what PostgreSQL, Python and the clocks of
all zones can hold, with room for the arithmetic of rules on both sides.
"""

import re
from datetime import UTC, date, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NONE_US = -(2**63)  # "no such instant", or -infinity, in int64 arrays of microseconds
EVER_US = 2**63 - 1  # infinity
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)
BOUNDS = "between 1970 and 2199"
LONGEST_OFFSET = timedelta(hours=14, minutes=59)  # no zone is further from UTC than 14 hours
_MICROSECOND = timedelta(microseconds=1)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(_DAY.pattern + r"[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")


class NotBounded(ValueError):
    """A day or an instant that is one of the calendar, but beyond what is taken."""


def instant(text: str) -> datetime:
    """Read RFC 3339 with an offset.

    Raises:
        NotBounded: it is too early or too late, or its offset is none of any zone.
        ValueError: it is no instant.
    """
    if not _INSTANT.fullmatch(text):
        raise ValueError(text)
    return bounded(datetime.fromisoformat(text.upper()))


def bounded(at: datetime) -> datetime:
    """The same instant; an aware one.

    Raises:
        NotBounded: it is too early or too late, or its offset is none of any zone.
    """
    offset = at.utcoffset()
    if offset is None or abs(offset) > LONGEST_OFFSET:
        raise NotBounded("its offset is more than 14:59 from UTC")
    bounded_day(at.replace(tzinfo=None).date())
    return at


def day(text: str) -> date:
    """Read a day of the calendar.

    Raises:
        NotBounded: it is too early or too late.
        ValueError: it is no day.
    """
    if not _DAY.fullmatch(text):
        raise ValueError(text)
    return bounded_day(date.fromisoformat(text))


def bounded_day(at: date) -> date:
    """The same day.

    Raises:
        NotBounded: it is too early or too late.
    """
    if not FIRST_DAY <= at <= LAST_DAY:
        raise NotBounded(f"{at.isoformat()} is not {BOUNDS}")
    return at


def to_us(instant: datetime) -> int:
    """An aware datetime as microseconds since 1970, exactly."""
    return (instant - EPOCH) // _MICROSECOND


def to_datetime(us: int) -> datetime:
    """Microseconds since 1970 as an aware datetime in UTC.

    Raises:
        OverflowError: it is beyond any calendar.
    """
    return EPOCH + timedelta(microseconds=int(us))

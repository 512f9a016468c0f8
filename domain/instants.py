"""Instants: aware datetimes for people, integer microseconds since 1970 for arithmetic.

Every input is read by `instant` or `day`, which keep it within the range of PostgreSQL, Python and every time zone,
with a margin for the arithmetic of rules.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from domain.errors import Fault
from domain.words.faults import DAY_OUT_OF_BOUNDS, OFFSET_TOO_LARGE

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NONE_US = -(2**63)  # "no such instant", or -infinity, in int64 arrays of microseconds
EVER_US = 2**63 - 1  # infinity
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)
LONGEST_OFFSET = timedelta(hours=14, minutes=59)  # no zone is further from UTC than 14 hours
_MICROSECOND = timedelta(microseconds=1)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(_DAY.pattern + r"[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")


class NotBounded(Fault):
    """A valid day or instant outside the accepted range."""


def instant(text: str) -> datetime:
    """Parse RFC 3339 with an offset.

    Raises:
        NotBounded: it is too early or too late, or no zone has its offset.
        ValueError: it is not an instant.
    """
    if not _INSTANT.fullmatch(text):
        raise ValueError(text)
    return bounded(datetime.fromisoformat(text.upper()))


def bounded(at: datetime) -> datetime:
    """Check that an aware instant is within the accepted range, and return it.

    Raises:
        NotBounded: it is too early or too late, or no zone has its offset.
    """
    offset = at.utcoffset()
    if offset is None or abs(offset) > LONGEST_OFFSET:
        raise NotBounded(OFFSET_TOO_LARGE)
    bounded_day(at.replace(tzinfo=None).date())
    return at


def day(text: str) -> date:
    """Parse a calendar day.

    Raises:
        NotBounded: it is too early or too late.
        ValueError: it is not a day.
    """
    if not _DAY.fullmatch(text):
        raise ValueError(text)
    return bounded_day(date.fromisoformat(text))


def bounded_day(at: date) -> date:
    """Check that a day is within the accepted range, and return it.

    Raises:
        NotBounded: it is too early or too late.
    """
    if not FIRST_DAY <= at <= LAST_DAY:
        raise NotBounded(DAY_OUT_OF_BOUNDS.fill(day=at.isoformat()))
    return at


def to_us(instant: datetime) -> int:
    """Convert an aware datetime to microseconds since 1970, exactly."""
    return (instant - EPOCH) // _MICROSECOND


def to_datetime(us: int) -> datetime:
    """Convert microseconds since 1970 to an aware datetime in UTC.

    Raises:
        OverflowError: a datetime cannot hold it.
    """
    return EPOCH + timedelta(microseconds=int(us))


def midnight_us(day: date, zone: tzinfo) -> int:
    """Return the µs at which a local day begins."""
    return to_us(datetime.combine(day, time(0), zone))

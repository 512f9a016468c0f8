"""Instants: aware datetimes where people read them, integer microseconds since 1970 where they are counted."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NONE_US = -(2**63)  # "no such instant", or -infinity, in int64 arrays of microseconds
EVER_US = 2**63 - 1  # infinity
_MICROSECOND = timedelta(microseconds=1)


def to_us(instant: datetime) -> int:
    """An aware datetime as microseconds since 1970, exactly."""
    return (instant - EPOCH) // _MICROSECOND


def to_datetime(us: int) -> datetime:
    """Microseconds since 1970 as an aware datetime in UTC.

    Raises:
        OverflowError: it is beyond any calendar.
    """
    return EPOCH + timedelta(microseconds=int(us))

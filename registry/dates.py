"""Days, instants and clock times as people and spreadsheets write them. What can be read in two ways is refused."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from domain import instants
from domain.errors import Fault
from domain.words.text import Text
from registry import words

TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]+([Zz]|[+-][0-9]{2}:[0-9]{2})")
LOCAL = r"([ 　]+(?P<clock>[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?))?"
YEAR_FIRST = re.compile(
    r"(?P<year>[0-9]{4})(?:(?P<mark>[-/.])(?P<month>[0-9]{1,2})(?P=mark)|\u5e74(?P<m>[0-9]{1,2})\u6708)(?P<day>[0-9]{1,2})\u65e5?"
    + LOCAL
)
COMPACT = re.compile(r"(?P<year>[12][0-9]{3})(?P<month>[0-9]{2})(?P<day>[0-9]{2})")
YEAR_LAST = re.compile(r"(?P<one>[0-9]{1,2})(?P<mark>[-/.])(?P<other>[0-9]{1,2})(?P=mark)(?P<year>[0-9]{4})" + LOCAL)
TWO_DIGITS = re.compile(r"[0-9]{1,2}([-/.])[0-9]{1,2}\1[0-9]{1,2}( .*)?")
SERIAL = re.compile(r"[0-9]{5}([.,][0-9]+)?")
CLOCK = re.compile(r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(:00)?")


def instant(zone: ZoneInfo) -> Callable[[str], datetime]:
    """Make a parser for RFC 3339 with an offset, or for a day or time on the clocks of `zone`. Values are in UTC.

    A day begins at midnight. Days have the year first, or last where only one order of day and month is possible.
    """

    def in_utc(cell: str) -> datetime:
        try:
            if TIME.fullmatch(cell):
                return instants.instant(cell).astimezone(UTC)
            if parts := YEAR_FIRST.fullmatch(cell) or COMPACT.fullmatch(cell) or YEAR_LAST.fullmatch(cell):
                return _local(cell, _day(cell, parts.groupdict()), parts.groupdict().get("clock"), zone)
        except instants.NotBounded:
            raise Fault(words.OUT_OF_BOUNDS.fill(given=cell)) from None
        except Ambiguous:
            raise
        except ValueError:
            raise Fault(words.NOT_VALID.fill(given=cell)) from None
        raise Fault(_no_time(cell).fill(given=cell))

    return in_utc


def local_day(zone: ZoneInfo) -> Callable[[str], date]:
    """Make a parser for a day on the clocks of `zone`."""
    read = instant(zone)
    return lambda cell: read(cell).astimezone(zone).date()


class Ambiguous(Fault):
    """A day or time that can be read in two ways."""


def _no_time(cell: str) -> Text:
    if SERIAL.fullmatch(cell):
        return words.NOT_A_TIME_SERIAL
    return words.NOT_A_TIME_TWO_DIGITS if TWO_DIGITS.fullmatch(cell) else words.NOT_A_TIME


def _day(cell: str, parts: dict[str, str | None]) -> date:
    year = int(parts["year"] or 0)
    if "one" in parts:
        return instants.bounded_day(date(year, *_month_and_day(cell, int(parts["one"] or 0), int(parts["other"] or 0))))
    return instants.bounded_day(date(year, int(parts["month"] or parts["m"] or 0), int(parts["day"] or 0)))


def _month_and_day(cell: str, one: int, other: int) -> tuple[int, int]:
    """Return month and day where the year is last: one of them has to be greater than 12, or both equal."""
    if one <= 12 and other <= 12 and one != other:
        raise Ambiguous(words.AMBIGUOUS_DAY.fill(given=cell))
    return (one, other) if one <= 12 else (other, one)


def _local(cell: str, day: date, clock: str | None, zone: ZoneInfo) -> datetime:
    """Return a time on the local clocks, which has to exist once."""
    if clock is None:
        return datetime.combine(day, time(), zone).astimezone(UTC)
    at = datetime.combine(day, time.fromisoformat(clock.zfill(5 if len(clock) < 6 else 8)), zone)
    if at.utcoffset() != at.replace(fold=1).utcoffset():
        raise Ambiguous(words.AMBIGUOUS_HOUR.fill(given=cell))
    return at.astimezone(UTC)


def clock_time(cell: str) -> time:
    """Parse a local time, to the minute."""
    found = CLOCK.fullmatch(cell)
    if not found:
        raise Fault(words.NOT_A_CLOCK_TIME.fill(given=cell))
    try:
        return time(int(found["hour"]), int(found["minute"]))
    except ValueError:
        raise Fault(words.NOT_A_TIME_OF_DAY.fill(given=cell)) from None

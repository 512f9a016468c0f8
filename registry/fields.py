"""Parsers of CSV cells. A parser takes a non-empty cell and raises ValueError with the reason if it is invalid."""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from domain import instants
from domain.milli import is_whole
from domain.registry import SESSIONS

Value = str | int | float | datetime | time | None
Parser = Callable[[str], Value]

CODE_LENGTH = 100
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
WHOLE = re.compile(r"[0-9]{1,9}")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIME = re.compile(DAY.pattern + r"[Tt ][0-9:.]+([Zz]|[+-][0-9]{2}:[0-9]{2})")
CLOCK = re.compile(r"[0-9]{2}:[0-9]{2}")


def words(cell: str) -> str:
    """Parse free text without control characters."""
    if any(unicodedata.category(character) == "Cc" for character in cell):
        raise ValueError("holds a line break or another control character")
    return cell


def code(cell: str) -> str:
    """Parse a code that other lines refer to."""
    if len(cell) > CODE_LENGTH:
        raise ValueError(f"is longer than {CODE_LENGTH} characters")
    if not cell.isprintable() or " " in cell:
        raise ValueError(f"{cell!r} holds a space or an unprintable character")
    return cell


def device(cell: str) -> str:
    """Parse a code that is also an MQTT topic level and an account name at the broker."""
    if any(character in cell for character in "/+#"):
        raise ValueError(f"{cell!r} holds '/', '+' or '#', which a level of an MQTT topic cannot")
    if cell.startswith(SESSIONS):
        raise ValueError(f"{cell!r} begins like the broker sessions of Hearth itself")
    return code(cell)


def one_of(choices: tuple[str, ...]) -> Parser:
    """Make a parser for one of some words."""

    def choice(cell: str) -> str:
        if cell not in choices:
            raise ValueError(f"{cell!r} is not one of {', '.join(choices)}")
        return cell

    return choice


def number(least: float, most: float) -> Parser:
    """Make a parser for a decimal number from `least` to `most`, both included."""
    return lambda cell: _decimal(cell, least, most)


def kelvin(least: float, most: float) -> Parser:
    """Make a parser for a temperature or temperature difference in whole thousandths, the unit of judging."""

    def thousandths(cell: str) -> float:
        value = _decimal(cell, least, most)
        if not is_whole(value):
            raise ValueError(f"{cell} is finer than a thousandth of a degree")
        return value + 0.0  # never -0.0

    return thousandths


def _decimal(cell: str, least: float, most: float) -> float:
    if not NUMBER.fullmatch(cell):
        raise ValueError(f"{cell!r} is not a number")
    if not least <= float(cell) <= most:
        raise ValueError(f"{cell} is not between {least:g} and {most:g}")
    return float(cell)


def whole(least: int, most: int) -> Parser:
    """Make a parser for a whole number from `least` to `most`, both included."""

    def in_range(cell: str) -> int:
        if not WHOLE.fullmatch(cell):
            raise ValueError(f"{cell!r} is not a whole number")
        if not least <= int(cell) <= most:
            raise ValueError(f"{cell} is not between {least} and {most}")
        return int(cell)

    return in_range


def instant(zone: ZoneInfo) -> Parser:
    """Make a parser for RFC 3339 with an offset, or for a day, meaning midnight in `zone`. Values are in UTC."""

    def in_utc(cell: str) -> datetime:
        try:
            if TIME.fullmatch(cell):
                return instants.instant(cell).astimezone(UTC)
            if DAY.fullmatch(cell):
                return datetime.combine(instants.day(cell), time(), zone).astimezone(UTC)
        except instants.NotBounded:
            raise ValueError(f"{cell!r} is not {instants.BOUNDS}, with an offset of at most 14:59") from None
        except ValueError:
            raise ValueError(f"{cell!r} is not a valid day or time") from None
        raise ValueError(f"{cell!r} is neither a day (2026-01-31) nor a time with offset (2026-01-31T08:00:00+08:00)")

    return in_utc


def clock_time(cell: str) -> time:
    """Parse a local time, to the minute."""
    if not CLOCK.fullmatch(cell):
        raise ValueError(f"{cell!r} is not a clock time HH:MM")
    try:
        return time.fromisoformat(cell)
    except ValueError:
        raise ValueError(f"{cell!r} is not a time of day") from None


def text(value: Value) -> str:
    """Render the cell that parses to a value; None is the empty cell, instants are in UTC."""
    match value:
        case None:
            return ""
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case time():
            return value.isoformat("minutes")
        case _:
            return str(value)

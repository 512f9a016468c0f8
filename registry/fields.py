"""Parsers of CSV cells. A parser takes a non-empty cell and raises ValueError with the reason if it is invalid."""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, time

from domain.milli import is_whole
from domain.registry import SESSIONS
from registry.synonyms import Words

Value = str | int | float | datetime | time | None
Parser = Callable[[str], Value]

CODE_LENGTH = 100
NUMBER = re.compile(r"[+-]?([0-9]+[.,]?[0-9]*|[.,][0-9]+)([eE][+-]?[0-9]+)?")
WHOLE = re.compile(r"([0-9]{1,9})([.,]0{1,2})?")  # three zeros may be thousands


def words(cell: str) -> str:
    """Parse free text without control characters."""
    if any(unicodedata.category(character) == "Cc" for character in cell):
        raise ValueError("holds a line break or another control character; write it on one line")
    return cell


def code(cell: str) -> str:
    """Parse a code that other lines refer to."""
    if len(cell) > CODE_LENGTH:
        raise ValueError(f"is longer than {CODE_LENGTH} characters")
    if not cell.isprintable() or " " in cell:
        raise ValueError(f"{cell!r} holds a space or an unprintable character{_which(cell)}")
    return cell


def _which(cell: str) -> str:
    """Name the first character that cannot be seen."""
    unseen = [c for c in cell if not c.isprintable()]
    return f" (U+{ord(unseen[0]):04X})" if unseen else ""


def device(cell: str) -> str:
    """Parse a code that is also an MQTT topic level and an account name at the broker."""
    if any(character in cell for character in "/+#"):
        raise ValueError(f"{cell!r} holds '/', '+' or '#', which a level of an MQTT topic cannot")
    if cell.startswith(SESSIONS):
        raise ValueError(f"{cell!r} begins like the broker sessions of Hearth itself")
    return code(cell)


def one_of(choices: tuple[str, ...], synonyms: Words) -> Parser:
    """Make a parser for one of some words, in capitals or not, or one of their synonyms."""
    meanings = {choice: choice for choice in choices}
    meanings |= {word: choice for choice in choices for word in synonyms[choice]}

    def choice(cell: str) -> str:
        found = meanings.get(cell.casefold())
        if found is None:
            raise ValueError(f"{cell!r} is not one of {', '.join(choices)}")
        return found

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
    value = float(cell.replace(",", "."))
    if not least <= value <= most:
        raise ValueError(f"{cell} is not between {least:g} and {most:g}")
    return value


def whole(least: int, most: int) -> Parser:
    """Make a parser for a whole number from `least` to `most`, both included."""

    def in_range(cell: str) -> int:
        found = WHOLE.fullmatch(cell)
        if not found:
            raise ValueError(f"{cell!r} is not a whole number; write it with digits alone")
        value = int(found[1])
        if not least <= value <= most:
            raise ValueError(f"{cell} is not between {least} and {most}")
        return value

    return in_range


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

"""Parsers of CSV cells. A parser takes a non-empty cell and raises Fault with the reason if it is invalid."""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal

from domain.errors import Fault
from domain.milli import is_whole
from domain.registry import SESSIONS
from domain.words.text import Text, listed
from registry.synonyms import Words
from registry.words import (
    CONTROL_CHARACTER,
    NO_TOPIC_LEVEL,
    NOT_A_NUMBER,
    NOT_BETWEEN,
    NOT_ONE_OF,
    NOT_WHOLE,
    SESSION_NAME,
    SPACE,
    TOO_FINE,
    TOO_LONG,
    TOO_MANY_PLACES,
    UNSEEN,
)

Value = str | int | float | Decimal | date | datetime | time | None
Parser = Callable[[str], Value]

CODE_LENGTH = 100
NUMBER = re.compile(r"[+-]?([0-9]+[.,]?[0-9]*|[.,][0-9]+)([eE][+-]?[0-9]+)?")
FLOOR = re.compile(r"([+-]?[0-9]{1,3})(?:[.,]0)?(?:[fF层楼])?")
WHOLE = re.compile(r"([0-9]{1,9})([.,]0{1,2})?")  # three zeros may be thousands


def words(cell: str) -> str:
    """Parse free text without control characters."""
    if any(unicodedata.category(character) == "Cc" for character in cell):
        raise Fault(CONTROL_CHARACTER)
    return cell


def code(cell: str) -> str:
    """Parse a code that other lines refer to."""
    if len(cell) > CODE_LENGTH:
        raise Fault(TOO_LONG.fill(most=CODE_LENGTH))
    if not cell.isprintable() or " " in cell:
        raise Fault(_unprintable(cell))
    return cell


def _unprintable(cell: str) -> Text:
    """Name the first character that cannot be seen."""
    unseen = next((c for c in cell if not c.isprintable()), None)
    return UNSEEN.fill(given=cell, which=f"U+{ord(unseen):04X}") if unseen else SPACE.fill(given=cell)


def device(cell: str) -> str:
    """Parse a code that is also an MQTT topic level and an account name at the broker."""
    if any(character in cell for character in "/+#"):
        raise Fault(NO_TOPIC_LEVEL.fill(given=cell))
    if cell.startswith(SESSIONS):
        raise Fault(SESSION_NAME.fill(given=cell))
    return code(cell)


def one_of(choices: tuple[str, ...], synonyms: Words) -> Parser:
    """Make a parser for one of some words, in capitals or not, or one of their synonyms."""
    meanings = {choice: choice for choice in choices}
    meanings |= {word: choice for choice in choices for word in synonyms[choice]}

    def choice(cell: str) -> str:
        found = meanings.get(cell.casefold())
        if found is None:
            raise Fault(NOT_ONE_OF.fill(given=cell, words=listed(choices)))
        return found

    return choice


def number(least: float, most: float) -> Parser:
    """Make a parser for a decimal number from `least` to `most`, both included."""
    return lambda cell: _decimal(cell, least, most)


def decimal(most: int, places: int) -> Parser:
    """Make a parser for an exact positive number up to `most` with so many decimals, as areas and prices are."""

    def exact(cell: str) -> Decimal:
        if not NUMBER.fullmatch(cell):
            raise Fault(NOT_A_NUMBER.fill(given=cell))
        value = Decimal(cell.replace(",", "."))
        if not 0 < value <= most:
            raise Fault(NOT_BETWEEN.fill(given=cell, least=0, most=most))
        if value != value.quantize(Decimal(1).scaleb(-places)):
            raise Fault(TOO_MANY_PLACES.fill(given=cell, places=places))
        return value

    return exact


def kelvin(least: float, most: float) -> Parser:
    """Make a parser for a temperature or temperature difference in whole thousandths, the unit of judging."""

    def thousandths(cell: str) -> float:
        value = _decimal(cell, least, most)
        if not is_whole(value):
            raise Fault(TOO_FINE.fill(given=cell))
        return value + 0.0  # never -0.0

    return thousandths


def _decimal(cell: str, least: float, most: float) -> float:
    if not NUMBER.fullmatch(cell):
        raise Fault(NOT_A_NUMBER.fill(given=cell))
    value = float(cell.replace(",", "."))
    if not least <= value <= most:
        raise Fault(NOT_BETWEEN.fill(given=cell, least=f"{least:g}", most=f"{most:g}"))
    return value


def whole(least: int, most: int) -> Parser:
    """Make a parser for a whole number from `least` to `most`, both included."""

    def in_range(cell: str) -> int:
        found = WHOLE.fullmatch(cell)
        if not found:
            raise Fault(NOT_WHOLE.fill(given=cell))
        value = int(found[1])
        if not least <= value <= most:
            raise Fault(NOT_BETWEEN.fill(given=cell, least=least, most=most))
        return value

    return in_range


def floor_number(lowest: int, highest: int) -> Parser:
    """Make a parser for the number of a floor: 1 is the ground floor, cellars are negative; 3F and 3层 are read."""

    def number_of(cell: str) -> int:
        found = FLOOR.fullmatch(cell)
        if not found:
            raise Fault(NOT_WHOLE.fill(given=cell))
        value = int(found[1])
        if value == 0 or not lowest <= value <= highest:
            raise Fault(NOT_BETWEEN.fill(given=cell, least=lowest, most=highest))
        return value

    return number_of


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

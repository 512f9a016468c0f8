"""Numbers as networks write them: as such, or as text, with a decimal comma, with a unit behind."""

import math
import re
from dataclasses import dataclass
from typing import Any

from domain.reasons import RejectReason
from ingest.decoders.fault import DecodeError

# What is written in place of a number when there is none.
NOTHING = frozenset(
    ["", "-", "--", "---", "nan", "inf", "+inf", "-inf", "infinity", "-infinity", "null", "nil", "none", "n/a", "na"]
) | {"unknown", "unavailable", "undefined", "无", "无效"}
NUMBER = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)\s*([^\s\d.,].{0,15})?")
COMMA = re.compile(r"([+-]?[0-9]+(?:,[0-9]+)?)\s*([^\s\d.,].{0,15})?")
LONGEST = 60  # a text that is longer is no number


@dataclass(frozen=True)
class Spelling:
    """Spelling of numbers by a source."""

    text: bool = False  # whether "21.5" is one
    comma: bool = False  # whether it is "21,5"


AS_NUMBERS = Spelling()


def number(value: Any, what: str, spelling: Spelling = AS_NUMBERS) -> tuple[float, str | None] | None:
    """Read a number, and the unit that a text has behind it; None where the text says that there is no number.

    Raises:
        DecodeError: it is none, or not a finite one; says what to set if that would make it one.
    """
    unit = None
    if isinstance(value, str):
        said = _of_text(value, what, spelling)
        if said is None:
            return None
        value, unit = said
    return finite(value, what), unit


def finite(value: Any, what: str) -> float:
    """Check for a finite number.

    Raises:
        DecodeError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DecodeError(RejectReason.WRONG_TYPE, f"{what} is not a number")
    try:
        out = float(value)
    except OverflowError:
        out = math.inf
    if not math.isfinite(out):
        raise DecodeError(RejectReason.NOT_A_NUMBER, f"{what} is not a finite number")
    return out


def _of_text(value: str, what: str, spelling: Spelling) -> tuple[float, str | None] | None:
    text = value[: LONGEST + 40].strip()
    if text.casefold() in NOTHING:
        return None
    form = COMMA if spelling.comma else NUMBER
    found = form.fullmatch(text) if len(text) <= LONGEST else None
    shown = f"{what} is the text {value[:40]!r}"
    if found and not spelling.text:
        raise DecodeError(RejectReason.WRONG_TYPE, f"{shown}: set text_numbers = true for the source to read it")
    if found:
        return float(found[1].replace(",", ".")), found[2]
    if len(text) <= LONGEST and not spelling.comma and COMMA.fullmatch(text):
        raise DecodeError(RejectReason.WRONG_TYPE, f'{shown}: set decimal = "," for the source to read it')
    raise DecodeError(RejectReason.WRONG_TYPE, f"{what} is not a number, but the text {value[:40]!r}")

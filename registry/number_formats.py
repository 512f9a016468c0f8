"""Number formats of workbooks: which numbers are days or times, and which are shown in another form than digits."""

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Literal

from registry.cells import ShownNumber

# Built-in formats (ECMA-376, 18.8.30); 27-36 and 50-58 are the days of Chinese and other East Asian spreadsheets.
BUILT_IN_DAYS = frozenset({*range(14, 18), 22, *range(27, 32), 36, *range(50, 59)})
BUILT_IN_TIMES = frozenset({18, 19, 20, 21, *range(32, 36), 45, 46, 47})
BUILT_IN_SHOWN = frozenset({9, 10, 12, 13})  # per cent and fractions
LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h|m|s)[^\]]*\]', re.IGNORECASE)
SHOWS_DIGITS = re.compile(r"[()\s-]*(General|[#0?.,]*([eE][+-]0+)?|@)[()\s-]*", re.IGNORECASE)
RUNS = re.compile(r"(y+|e+|m+|d+|h+|s+)")  # m are minutes after hours and before seconds, else months
HALF_DAYS = re.compile("am/pm|a/p|上午/下午", re.IGNORECASE)
PADDED = re.compile(r"0{2,}")
FIRST_DAY = 61  # 1 March 1900: before it, spreadsheets count a day that never was
EPOCHS = {False: datetime(1899, 12, 30, tzinfo=UTC), True: datetime(1904, 1, 1, tzinfo=UTC)}
LAST_SERIAL = 2_958_465  # 31 December 9999
EXACT = 10**15
WHOLE = re.compile(r"-?[0-9]+")
Nature = Literal["day", "time", "digits", "padded", "shown"]


@cache
def nature(number: int, code: str | None) -> Nature:
    """Return what the cells of a format are, by its number and, if it is not built in, its code."""
    if code is None:
        if number in BUILT_IN_DAYS:
            return "day"
        if number in BUILT_IN_TIMES:
            return "time"
        return "shown" if number in BUILT_IN_SHOWN else "digits"
    first = code.partition(";")[0]
    bare = LITERAL.sub("", first)
    if PADDED.fullmatch(first):
        return "padded"
    if SHOWS_DIGITS.fullmatch(bare) and not re.search(r'"[^" ]+"|\\[^ ()-]', first):
        return "digits"
    parts = [part[0] for part in RUNS.findall(HALF_DAYS.sub("", bare).lower())]
    around = zip(["", *parts], parts, [*parts[1:], ""], strict=False)
    months = (part == "m" and before != "h" and after != "s" for before, part, after in around)
    if not {"y", "d", "e"}.isdisjoint(parts) or any(months):
        return "day"
    return "time" if {"h", "s"} & {*parts} else "shown"


def text(raw: str, kind: Nature, code: str | None, since_1904: bool) -> str:
    """Return the text of a number.

    Days are 2026/01/31, a form that no code or name has, so that a day in their columns is refused.

    Raises:
        ValueError: it is no number.
    """
    value = float(raw)
    if kind in ("day", "time"):
        return _instant(value, kind, since_1904) or _digits(raw, value)
    digits = _digits(raw, value)
    if kind == "padded" and value >= 0:
        return digits.zfill(len((code or "").partition(";")[0]))
    return ShownNumber(digits) if kind == "shown" else digits


def _digits(raw: str, value: float) -> str:
    if WHOLE.fullmatch(raw):
        return raw
    if value.is_integer():
        return str(int(value)) if abs(value) < EXACT else f"{value:.5E}"
    return f"{value:.15g}"


def _instant(value: float, kind: Nature, since_1904: bool) -> str:
    """Return a day, a time or both, to the second; empty: the number cannot be one."""
    seconds = round(value * 86_400)
    if kind == "time" and 0 <= seconds < 86_400:
        clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}"
        return clock + (f":{seconds % 60:02}" if seconds % 60 else "")
    if not (0 if since_1904 else FIRST_DAY) <= value <= LAST_SERIAL:
        return ""
    at = EPOCHS[since_1904] + timedelta(seconds=seconds)
    return f"{at:%Y/%m/%d}" if seconds % 86_400 == 0 else f"{at:%Y/%m/%d %H:%M:%S}"

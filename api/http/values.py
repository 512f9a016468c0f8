"""Instants, days, time zones and temperatures: their format in requests and responses."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from math import isfinite
from typing import Annotated
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from api.http.messages import UnreadableValue
from api.words.problems import NO_DAY, NO_INSTANT, NO_ZONE, OUT_OF_BOUNDS
from domain import instants

_LOST_PLUS = re.compile(r" (?=\d\d:\d\d$)")


def instant(text: object) -> datetime:
    """Parse an instant from RFC 3339 text.

    Raises:
        ValueError: the text is no instant, or has no offset.
    """
    # An unescaped + in a query arrives as a space; no other space can precede the offset.
    plain = _LOST_PLUS.sub("+", str(text))
    try:
        return instants.instant(plain)
    except instants.NotBounded:
        raise UnreadableValue(OUT_OF_BOUNDS) from None
    except ValueError:
        raise UnreadableValue(NO_INSTANT) from None


def day(text: object) -> date:
    """Parse a day from ISO 8601 text.

    Raises:
        ValueError: the text is no day.
    """
    try:
        return instants.day(str(text))
    except instants.NotBounded:
        raise UnreadableValue(OUT_OF_BOUNDS) from None
    except ValueError:
        raise UnreadableValue(NO_DAY) from None


def rounded(value: float | None) -> float | None:
    """Round to two decimals for display; NaN and infinities become None."""
    return _round(value, 2)


def rounded_all(values: Sequence[float | None]) -> list[float | None]:
    """Round a column of 32-bit floats as `rounded` does, at a tenth of the cost.

    A hundred times such a float is exact in 64 bits, and so is its nearest integer; so both round the same number.
    """
    hundredths = np.rint(np.array(values, np.float64) * 100)
    shown: list[float | None] = (hundredths / 100).tolist()
    return shown if np.isfinite(hundredths).all() else [None if x is None or not isfinite(x) else x for x in shown]


def rounded_finely(value: float | None) -> float | None:
    """Round to three decimals, for sums of small parts."""
    return _round(value, 3)


def _round(value: float | None, decimals: int) -> float | None:
    return None if value is None or not isfinite(value) else round(value, decimals)


def in_utc(at: datetime) -> datetime:
    """Convert an instant to UTC, so that it is written with Z."""
    return at.astimezone(UTC)


def zone(text: object) -> ZoneInfo:
    """Parse a time zone from its IANA name.

    Raises:
        ValueError: no such time zone.
    """
    try:
        return ZoneInfo(str(text)[:100])
    except (KeyError, ValueError, OSError):
        raise UnreadableValue(NO_ZONE) from None


Asked = Annotated[datetime, BeforeValidator(instant)]
AskedZone = Annotated[ZoneInfo, BeforeValidator(zone), WithJsonSchema({"type": "string"})]
AskedDay = Annotated[date, BeforeValidator(day)]
Instant = Annotated[datetime, AfterValidator(in_utc)]
Shown = Annotated[float | None, BeforeValidator(rounded)]
ShownFinely = Annotated[float | None, BeforeValidator(rounded_finely)]

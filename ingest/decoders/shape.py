"""Shapes of foreign messages: the paths to their fields, and the conversion of values."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from domain.instants import EPOCH
from domain.reasons import RejectReason
from ingest.decoders.fault import DecodeError
from ingest.decoders.work import Work, check_depth

TOPIC = "topic"  # as the place of the sensor: what the wildcards of the filter stand for
ANY = "*"  # in a path: whatever key
UNITS = {"C": "C", "Cel": "C", "°C": "C", "F": "F", "Far": "F", "°F": "F", "K": "K"}
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?")
_BLANK = re.compile(r"\s")
_LATEST_MS = 1e14
_DECODE_JSON = msgspec.json.Decoder().decode


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The fields of a source's messages. A path is keys joined by dots; of several the first present counts."""

    sensor: tuple[str, ...]  # paths, or TOPIC
    time: tuple[str, ...]
    time_unit: str  # of numbers: "s" or "ms"
    zone: ZoneInfo  # of times without an offset
    body: str  # path to what holds the values; a message without it is none with readings
    values: Mapping[str, tuple[str, ...]]  # channel of an Uplink → paths in the body, or labels
    unit: str  # of temperatures, a key of UNITS
    unit_at: str  # path to that unit, where the message says it
    text_numbers: bool  # whether "21.5" is a number
    expects_value: bool  # whether a body without any value is a fault

    def channel(self, label: str) -> str | None:
        """Return the channel that a label stands for."""
        return next((channel for channel, labels in self.values.items() if label in labels), None)


class Incoming(NamedTuple):
    """A message for a decoder."""

    levels: tuple[str, ...]  # of the topic
    wild: tuple[str, ...]  # the levels that the wildcards of the filter stand for
    payload: bytes
    received_us: int
    work: Work


def json(payload: bytes) -> Any:
    """Parse a payload as JSON.

    Raises:
        DecodeError: it is not JSON, or nested too deeply.
    """
    check_depth(payload)
    try:
        return _DECODE_JSON(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DecodeError(RejectReason.MALFORMED, str(error)) from None


def find(node: Any, path: str) -> Any:
    """Return the value at a path; None if there is none, or null.

    Raises:
        DecodeError: `*` stands for more than one.
    """
    nodes = [node]
    for key in path.split(".") if path else ():
        inner = [n for n in nodes if isinstance(n, dict)]
        nodes = [v for n in inner for v in n.values()] if key == ANY else [n[key] for n in inner if key in n]
    there = [n for n in nodes if n is not None]
    if len(there) > 1:
        raise DecodeError(RejectReason.AMBIGUOUS, f"{len(there)} values at {path!r}: name the one in the source")
    return there[0] if there else None


def first(node: Any, paths: tuple[str, ...]) -> Any:
    """Return the value at the first path that has one."""
    return next((value for path in paths if (value := find(node, path)) is not None), None)


def code(name: Any) -> str:
    """Return the code of a sensor from its name in a foreign network; a code has neither slashes nor blanks.

    Raises:
        DecodeError: it is no name.
    """
    if not isinstance(name, str) or not name:
        raise DecodeError(RejectReason.NO_SENSOR, "names no sensor" if name is None else "its sensor is not a text")
    return _BLANK.sub("_", name.replace("/", ":"))


def number(value: Any, text_numbers: bool, what: str) -> float:
    """Check for a finite number.

    Raises:
        DecodeError: it is none.
    """
    if isinstance(value, str) and text_numbers and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DecodeError(RejectReason.WRONG_TYPE, f"{what} is not a number")
    try:
        out = float(value)
    except OverflowError:
        out = math.inf
    if not math.isfinite(out):
        raise DecodeError(RejectReason.NOT_A_NUMBER, f"{what} is not a finite number")
    return out


def measure(channel: str, value: float, unit: str) -> float:
    """Convert a value to the unit of its channel; °C is left as it is."""
    if not channel.endswith("temperature") or unit == "C":
        return value
    # Rounded far below what any thermometer knows, so that -196.6 °F is the sentinel -127 °C again.
    return round((value - 32) * 5 / 9 if unit == "F" else value - 273.15, 6)


def unit_named(name: Any) -> str:
    """Return a temperature unit as one letter.

    Raises:
        DecodeError: it is none of UNITS.
    """
    if not isinstance(name, str) or name not in UNITS:
        raise DecodeError(RejectReason.WRONG_TYPE, f"unit {str(name)[:40]!r} is none of {', '.join(UNITS)}")
    return UNITS[name]


def instant(value: Any, unit: str, zone: ZoneInfo) -> int | str | None:
    """Convert a time to that of an Uplink: text with its offset, or Unix milliseconds.

    Raises:
        DecodeError: it is no time, or one that the clocks of the zone leapt over.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return _of_text(value, zone)
    ms = number(value, False, "the time") * (1000 if unit == "s" else 1)
    if not abs(ms) < _LATEST_MS:
        raise DecodeError(RejectReason.ABSURD_TIME, f"time {value} is beyond any calendar")
    return round(ms)


def _of_text(text: str, zone: ZoneInfo) -> int | str:
    try:
        said = datetime.fromisoformat(text)
    except ValueError:
        raise DecodeError(RejectReason.WRONG_TYPE, f"time {text[:40]!r} is not an ISO 8601 time") from None
    if said.tzinfo is not None:
        return text
    try:
        # In the hour that comes twice this is the first one (fold 0).
        at = said.replace(tzinfo=zone).astimezone(UTC)
        back = at.astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        raise DecodeError(RejectReason.ABSURD_TIME, f"time {text[:40]!r} is beyond any calendar") from None
    if back != said:
        raise DecodeError(RejectReason.ABSURD_TIME, f"there was no {text[:40]} in {zone.key}: the clocks leapt over it")
    return (at - EPOCH) // timedelta(milliseconds=1)

"""SenML in JSON (RFC 8428): a list of records, the base fields of one of which hold for those that follow.

The label of a value is the last part of its name ("urn:dev:mac:…/temp"); what comes before is the sensor. A name that
ends in no label we know is wholly the sensor's, and the unit says what is measured.
"""

import re
from dataclasses import dataclass
from typing import Any

from domain.reasons import RejectReason
from ingest.decoders.fault import DecodeError, Read
from ingest.decoders.shape import Incoming, Shape, code, json, measure, number
from ingest.uplink import Uplink

NEWEST_VERSION = 10  # RFC 8428, 4.4
RELATIVE_BELOW_S = 2**28  # RFC 8428, 4.5.3: smaller times are relative to now
LATEST_S = 1e11
CHANNELS = {"Cel": "temperature", "K": "temperature", "%RH": "humidity", "%EL": "battery"}
_BASE_TEXTS, _BASE_NUMBERS = ("bn", "bu"), ("bt", "bv", "bs", "bver")


@dataclass
class Base:
    """Base values of SenML, valid for all records that follow."""

    bn: str = ""
    bu: str = ""
    bt: float = 0.0
    bv: float = 0.0
    bs: float = 0.0
    bver: float = NEWEST_VERSION

    def take(self, record: dict[str, Any]) -> None:
        """Change by the base fields of a record."""
        for name in _BASE_TEXTS:
            if name in record:
                setattr(self, name, _text(record, name))
        for name in _BASE_NUMBERS:
            if name in record:
                setattr(self, name, number(record[name], False, name))
        if self.bver > NEWEST_VERSION:
            raise DecodeError(RejectReason.MALFORMED, f"SenML version {self.bver:g} is not known")


def decode(message: Incoming, shape: Shape) -> Read:
    """Read a pack; a record whose value is none is a fault and the others still count.

    Raises:
        DecodeError: it is not a pack, or one of its base fields is wrong: then no record can be trusted.
    """
    pack = json(message.payload)
    if not isinstance(pack, list):
        raise DecodeError(RejectReason.MALFORMED, "is not a JSON array of records")
    base = Base()
    message.work.count(len(pack))
    uplinks: dict[tuple[str, int | None], Uplink] = {}
    for nth, record in enumerate(pack):
        if not isinstance(record, dict) or any(name.endswith("_") for name in record):
            raise DecodeError(
                RejectReason.MALFORMED, "a record is not an object, or has a field that must be understood"
            )
        base.take(record)
        try:
            _read(record, base, message.received_us, shape, uplinks)
        except DecodeError as error:
            message.work.fault(error.fault(nth))
    return list(uplinks.values()), message.work.faults


def _read(
    record: dict[str, Any], base: Base, received_us: int, shape: Shape, uplinks: dict[tuple[str, int | None], Uplink]
) -> None:
    """Add the value of a record to the reading of its sensor and time."""
    if "v" not in record and "bv" not in record:
        return  # a text, a truth, a sum, or base fields alone
    unit = _text(record, "u") or base.bu
    name, channel = _split(base.bn + _text(record, "n"), unit, shape)
    if channel is None:
        return
    value = base.bv + number(record.get("v", 0), shape.text_numbers, channel)
    ts = _time(base.bt + number(record.get("t", 0), False, "t"), received_us)
    uplink = uplinks.setdefault((name, ts), Uplink(id=code(name), ts=ts))
    setattr(uplink, channel, measure(channel, value, _temperature_unit(channel, unit, shape)))


def _split(name: str, unit: str, shape: Shape) -> tuple[str, str | None]:
    """Split a name into the sensor and the channel of the value."""
    parts = re.fullmatch(r"(.*)[/:]([^/:]*)", name, re.DOTALL)
    if parts and (channel := shape.channel(parts[2])):
        return parts[1].rstrip("/:"), channel
    return name.rstrip("/:"), CHANNELS.get(unit)


def _temperature_unit(channel: str, unit: str, shape: Shape) -> str:
    if not channel.endswith("temperature") or not unit:
        return shape.unit
    if CHANNELS.get(unit) != "temperature":
        raise DecodeError(RejectReason.WRONG_TYPE, f"a temperature in {unit[:40]!r}; SenML has Cel and K")
    return "C" if unit == "Cel" else "K"


def _time(seconds: float, received_us: int) -> int | None:
    """Unix milliseconds; None for now."""
    if not abs(seconds) < LATEST_S:
        raise DecodeError(RejectReason.ABSURD_TIME, "a time is beyond any calendar")
    if seconds >= RELATIVE_BELOW_S:
        return round(seconds * 1000)
    return received_us // 1000 + round(seconds * 1000) if seconds else None


def _text(record: dict[str, Any], name: str) -> str:
    value = record.get(name, "")
    if not isinstance(value, str):
        raise DecodeError(RejectReason.WRONG_TYPE, f"{name} is not a text")
    return value

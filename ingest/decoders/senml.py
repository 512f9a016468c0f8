"""SenML in JSON (RFC 8428): a list of records, the base fields of one of which hold for those that follow.

The label of a value is the last part of its name ("urn:dev:mac:…/temp"); what comes before is the sensor. A name that
ends in no label we know is wholly the sensor's, and the unit says what is measured.
"""

import re
from dataclasses import dataclass
from typing import Any

from domain.reasons import RejectReason
from ingest.decoders.fault import DecodeError, Read
from ingest.decoders.numbers import finite
from ingest.decoders.payload import json
from ingest.decoders.shape import Incoming, Quantity, Shape, code
from ingest.decoders.units import Unit, unit_of
from ingest.uplink import Uplink

NEWEST_VERSION = 10  # RFC 8428, 4.4
RELATIVE_BELOW_S = 2**28  # RFC 8428, 4.5.3: smaller times are relative to now
LATEST_S = 1e11
CHANNELS = {"Cel": "temperature", "K": "temperature", "%RH": "humidity", "%EL": "battery"}
# Units of SenML (RFC 8428 12.1, RFC 8798) and what they are called here.
UNITS = {"Cel": "C", "K": "K", "%RH": "%", "%EL": "%", "%": "%", "/": "/", "V": "V", "mV": "mV", "W": "W", "kW": "kW"}
UNITS |= {"Pa": "Pa", "hPa": "hPa", "kPa": "kPa", "MPa": "MPa"} | {
    name: name for name in ("m3/s", "m3/h", "l/s", "l/h")
}
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
                setattr(self, name, finite(record[name], name))
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
        _check_text(record, base, shape)
        return  # a truth, a sum, or base fields alone
    unit = _text(record, "u") or base.bu
    name, channel = _split(base.bn, _text(record, "n"), unit, shape)
    if channel is None or record.get("v", 0) is None:
        return
    quantity = shape.quantities.get(channel) or Quantity(channel=channel)
    said = record.get("v", 0)
    if base.bv:
        said = base.bv + finite(said, channel)
    value = quantity.read(said, shape.spelling, _unit(channel, unit))
    if value is None:
        return
    ts = _time(base.bt + finite(record.get("t", 0), "t"), received_us)
    sensor = code(name)
    uplink = uplinks.setdefault((sensor, ts), Uplink(id=sensor, ts=ts))
    setattr(uplink, channel, value)


def _check_text(record: dict[str, Any], base: Base, shape: Shape) -> None:
    """Refuse a text where a value is expected."""
    if "vs" in record and (channel := _split(base.bn, _text(record, "n"), "", shape)[1]):
        raise DecodeError(RejectReason.WRONG_TYPE, f"{channel} is a text (vs), where v has numbers")


def _split(base: str, name: str, unit: str, shape: Shape) -> tuple[str, str | None]:
    """Split a name into the sensor and the channel of the value; a base may lack the separator at its end."""
    if base and (channel := shape.channel(name)):
        return base.rstrip("/:"), channel
    parts = re.fullmatch(r"(.*)[/:]([^/:]*)", base + name, re.DOTALL)
    if parts and (channel := shape.channel(parts[2])):
        return parts[1].rstrip("/:"), channel
    return (base + name).rstrip("/:"), CHANNELS.get(unit)


def _unit(channel: str, unit: str) -> Unit | None:
    """Return the unit that a record says; None if it says none.

    Raises:
        DecodeError: it is none of SenML, or of another quantity.
    """
    if not unit:
        return None
    known = unit_of(channel, UNITS[unit]) if unit in UNITS else None
    if known is None:
        fitting = ", ".join(name for name, ours in UNITS.items() if unit_of(channel, ours))
        raise DecodeError(RejectReason.WRONG_TYPE, f"{channel} in {unit[:40]!r}; SenML has {fitting}")
    return known


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

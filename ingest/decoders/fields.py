"""JSON objects with one reading: ChirpStack, The Things Stack, Zigbee2MQTT, Tasmota, and whatever else is of that kind.

They differ in where things are, and that a Shape says; `ingest/presets.toml` has those of the known ones.
"""

from typing import Any

from domain.reasons import RejectReason
from ingest.decoders.fault import DecodeError, Read
from ingest.decoders.shape import TOPIC, Incoming, Shape, code, find, first, instant, json, measure, number, unit_named
from ingest.uplink import Uplink


def decode(message: Incoming, shape: Shape) -> Read:
    """Read a JSON object.

    Raises:
        DecodeError: it is none, or not of that shape.
    """
    return read(json(message.payload), message, shape), []


def read(said: Any, message: Incoming, shape: Shape) -> list[Uplink]:
    """Read the reading in an object; none, if it is a message of another kind.

    Raises:
        DecodeError: it is not of that shape.
    """
    if not isinstance(said, dict):
        raise DecodeError(RejectReason.MALFORMED, "is not a JSON object")
    uplink = values(said, shape)
    if uplink is None:
        return []
    uplink.id = code(":".join(message.wild) if shape.sensor == (TOPIC,) else first(said, shape.sensor))
    return [uplink]


def values(said: dict[str, Any], shape: Shape) -> Uplink | None:
    """Time and values of an object, the sensor left open; None if it holds no value and need not.

    Raises:
        DecodeError: it is not of that shape.
    """
    body = find(said, shape.body)
    if body is None:
        return None
    found = {c: v for c, paths in shape.values.items() if (v := first(body, paths)) is not None}
    if not found:
        if shape.expects_value:
            raise DecodeError(RejectReason.NO_VALUE, f"has none of {', '.join(sum(shape.values.values(), ()))}")
        return None
    said_unit = find(said, shape.unit_at) if shape.unit_at else None
    unit = unit_named(shape.unit if said_unit is None else said_unit)
    uplink = Uplink(ts=instant(first(said, shape.time), shape.time_unit, shape.zone))
    for channel, value in found.items():
        setattr(uplink, channel, measure(channel, number(value, shape.text_numbers, channel), unit))
    return uplink

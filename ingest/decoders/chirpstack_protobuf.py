"""ChirpStack v4 with protobuf: the few fields of `integration.UplinkEvent` that its JSON has too, read as that JSON."""

from datetime import timedelta
from typing import Any

from domain.instants import EPOCH
from domain.reasons import RejectReason
from ingest.decoders import fields
from ingest.decoders.fault import DecodeError, Read, too_deep
from ingest.decoders.shape import Incoming, Shape
from ingest.decoders.wire import ProtobufMessage
from ingest.decoders.work import Work

# Field numbers: chirpstack api/proto/integration/integration.proto; google/protobuf/{timestamp,struct}.proto.
TIME, DEVICE_INFO, OBJECT = 2, 3, 11
DEV_EUI = 8
SECONDS, NANOS = 1, 2
STRUCT_FIELDS, KEY, VALUE = 1, 1, 2
NUMBER, STRING, BOOL, STRUCT, LIST = 2, 3, 4, 5, 6  # null is no value
ITEMS = 1
DEEPEST = 16


def decode(message: Incoming, shape: Shape) -> Read:
    """Read an uplink event.

    Raises:
        DecodeError: it is none, or not of that shape.
    """
    event = ProtobufMessage(message.payload)
    device, spoken = event.record(DEVICE_INFO), event.record(OBJECT)
    said = {
        "time": _time(event.record(TIME)),
        "deviceInfo": {"devEui": device.text(DEV_EUI) if device else None},
        "object": _struct(spoken, DEEPEST, message.work) if spoken else None,
    }
    return fields.read(said, message, shape)


def _time(stamp: ProtobufMessage | None) -> str | None:
    if stamp is None:
        return None
    seconds, nanos = stamp.uint(SECONDS) or 0, stamp.uint(NANOS) or 0
    try:
        return (EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)).isoformat()
    except OverflowError:
        raise DecodeError(RejectReason.ABSURD_TIME, "its time is beyond any calendar") from None


def _struct(record: ProtobufMessage, depth: int, work: Work) -> dict[str, Any]:
    """Read an object of google.protobuf; a value of 0 is present, unlike in fields of proto3."""
    if not depth:
        raise too_deep()
    out: dict[str, Any] = {}
    for entry in record.records(STRUCT_FIELDS):
        work.count()
        value = entry.record(VALUE)
        out[entry.text(KEY) or ""] = _value(value, depth, work) if value else None
    return out


def _value(value: ProtobufMessage, depth: int, work: Work) -> Any:
    if (number := value.real(NUMBER)) is not None:
        return number
    if (text := value.text(STRING)) is not None:
        return text
    if (truth := value.uint(BOOL)) is not None:
        return bool(truth)
    if inner := value.record(STRUCT):
        return _struct(inner, depth - 1, work)
    items = value.record(LIST)
    return _list(items, depth - 1, work) if items else None


def _list(record: ProtobufMessage, depth: int, work: Work) -> list[Any]:
    if not depth:
        raise too_deep()
    items = list(record.records(ITEMS))
    work.count(len(items))
    return [_value(item, depth, work) for item in items]

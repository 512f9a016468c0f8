"""Hearth's own format: `hearth/v1/{device}/telemetry`, a JSON object or an array of them."""

from typing import Any

import msgspec

from domain.reasons import RejectReason
from ingest.decoders.fault import DecodeError, DecodeFault, Read
from ingest.decoders.payload import DEEPEST, check_depth, json
from ingest.decoders.work import USUAL, MessageBounds, Work
from ingest.uplink import Uplink

BEFORE, BEHIND = "hearth/v1/", "/telemetry"
NAMING = frozenset({"id", "ts"})
_DECODE_ONE = msgspec.json.Decoder(Uplink).decode
_DECODE = msgspec.json.Decoder(Uplink | list[Uplink]).decode


def device_of(topic: str) -> str | None:
    """Return the device of a telemetry topic; None if the topic is not one."""
    if not topic.startswith(BEFORE) or not topic.endswith(BEHIND):
        return None
    device = topic[len(BEFORE) : -len(BEHIND)]
    return device if device and "/" not in device else None


def decode(payload: bytes, bounds: MessageBounds = USUAL) -> Read:
    """Read a payload; an element that is not a reading is a fault and the others still count."""
    try:
        if len(payload) <= DEEPEST and payload.startswith(b"{"):  # one reading and no more, which most are
            return [_DECODE_ONE(payload)], []
        check_depth(payload)
        found = _DECODE(payload)
        if isinstance(found, Uplink):
            return [found], []
        Work(bounds).count(len(found))
        return found, []
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError):
        return _one_by_one(payload, Work(bounds))
    except DecodeError as error:
        return [], [error.fault()]


def _one_by_one(payload: bytes, work: Work) -> Read:
    try:
        found = json(payload)
        if not isinstance(found, list):
            return _convert([found], work)
        work.count(len(found))
        return _convert(found, work)
    except DecodeError as error:
        return [], [error.fault()]


def _convert(elements: list[Any], work: Work) -> Read:
    uplinks = []
    for nth, element in enumerate(elements):
        try:
            uplinks.append(msgspec.convert(element, Uplink))
        except msgspec.ValidationError as error:
            uplink, faults = _without_what_is_wrong(element, nth, error)
            uplinks += [uplink] if uplink else []
            for fault in faults:
                work.fault(fault)
    return uplinks, work.faults


def _without_what_is_wrong(
    element: Any, nth: int, error: msgspec.ValidationError
) -> tuple[Uplink | None, list[DecodeFault]]:
    """Read what can be read of an element; a wrong name or time spoils all of it."""
    if not isinstance(element, dict):
        return None, [DecodeFault(RejectReason.MALFORMED, str(error), nth)]
    good, wrong = dict[str, Any](), dict[str, str]()
    for name in Uplink.__struct_fields__:
        if element.get(name) is not None:
            try:
                msgspec.convert({name: element[name]}, Uplink)
                good[name] = element[name]
            except msgspec.ValidationError as one:
                wrong[name] = str(one)
    sensor = good.get("id")
    if not wrong.keys() & NAMING and good.keys() - NAMING:
        parts = [DecodeFault(RejectReason.UNREAD_VALUE, problem, nth, sensor) for problem in wrong.values()]
        return msgspec.convert(good, Uplink), parts
    return None, [DecodeFault(RejectReason.WRONG_TYPE, str(error), nth, sensor)]

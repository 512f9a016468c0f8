"""Hearth's own format: `hearth/v1/{device}/telemetry`, a JSON object or an array of them."""

from typing import Any

import msgspec

from domain.reasons import RejectReason
from ingest.decoders.fault import DecodeError, DecodeFault, Read
from ingest.decoders.shape import json
from ingest.decoders.work import USUAL, MessageBounds, Work, check_depth
from ingest.uplink import Uplink

_DECODE = msgspec.json.Decoder(Uplink | list[Uplink]).decode


def device_of(topic: str) -> str | None:
    """Return the device of a telemetry topic; None if the topic is not one."""
    parts = topic.split("/")
    if len(parts) != 4 or parts[0] != "hearth" or parts[1] != "v1" or parts[3] != "telemetry" or not parts[2]:
        return None
    return parts[2]


def decode(payload: bytes, bounds: MessageBounds = USUAL) -> Read:
    """Read a payload; an element that is not a reading is a fault and the others still count."""
    try:
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
            work.fault(_fault(element, nth, error))
    return uplinks, work.faults


def _fault(element: Any, nth: int, error: msgspec.ValidationError) -> DecodeFault:
    if not isinstance(element, dict):
        return DecodeFault(RejectReason.MALFORMED, str(error), nth)
    sensor = element.get("id")
    return DecodeFault(RejectReason.WRONG_TYPE, str(error), nth, sensor if isinstance(sensor, str) else None)

"""Hearth's own format: `hearth/v1/{device}/telemetry`, a JSON object or an array of them."""

from typing import Any

import msgspec

from domain.reasons import RejectReason
from ingest.decoders.fault import Fault
from ingest.uplink import Uplink

_DECODE = msgspec.json.Decoder(Uplink | list[Uplink]).decode
_DECODE_ANY = msgspec.json.Decoder().decode


def device_of(topic: str) -> str | None:
    """The device that speaks on a telemetry topic; None if the topic is not one."""
    parts = topic.split("/")
    if len(parts) != 4 or parts[0] != "hearth" or parts[1] != "v1" or parts[3] != "telemetry" or not parts[2]:
        return None
    return parts[2]


def topic_of(device: str) -> str:
    """The topic on which a device speaks."""
    return f"hearth/v1/{device}/telemetry"


def decode(payload: bytes) -> tuple[list[Uplink], list[Fault]]:
    """Read a payload; an element that is not a reading is a fault and the others still count."""
    try:
        found = _DECODE(payload)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _one_by_one(payload)
    return ([found], []) if isinstance(found, Uplink) else (found, [])


def _one_by_one(payload: bytes) -> tuple[list[Uplink], list[Fault]]:
    try:
        found = _DECODE_ANY(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return [], [Fault(RejectReason.MALFORMED, str(error), payload)]
    if not isinstance(found, list):
        return _convert([found], payload)
    return _convert(found, None)


def _convert(elements: list[Any], whole: bytes | None) -> tuple[list[Uplink], list[Fault]]:
    uplinks, faults = [], []
    for element in elements:
        try:
            uplinks.append(msgspec.convert(element, Uplink))
        except msgspec.ValidationError as error:
            raw = msgspec.json.encode(element) if whole is None else whole
            reason = RejectReason.WRONG_TYPE if isinstance(element, dict) else RejectReason.MALFORMED
            faults.append(Fault(reason, str(error), raw))
    return uplinks, faults

"""Ruuvi gateways: what a tag advertises, in hex, or decoded by the gateway already.

Formats of the advertisement: docs.ruuvi.com, "Bluetooth advertisements". The battery is in volts there, and left out.
"""

import struct
from typing import Any

from domain.reasons import RejectReason
from ingest.decoders import fields
from ingest.decoders.fault import DecodeError, Read
from ingest.decoders.payload import json
from ingest.decoders.shape import Incoming, Shape

ADVERTISED = "data"  # the key of the hex
MARK = bytes.fromhex("ff9904")  # manufacturer data of Ruuvi Innovations
NO_TEMPERATURE, NO_HUMIDITY = -0x8000, 0xFFFF
RAW_1, RAW_2, AIR, EXTENDED = 3, 5, 6, 0xE1
RAW_2_LIKE = {RAW_2: 24, AIR: 20, EXTENDED: 40}  # bytes of each


def decode(message: Incoming, shape: Shape) -> Read:
    """Read a message about one tag, or the history of a gateway about many.

    Raises:
        DecodeError: it is none.
    """
    said = json(message.payload)
    if isinstance(said, dict):
        inner = said.get("data")
        tags = inner.get("tags") if isinstance(inner, dict) else said.get("tags")
        message.work.count(len(tags) if isinstance(tags, dict) else 0)
        for tag in [said, *(tags.values() if isinstance(tags, dict) else ())]:
            if isinstance(tag, dict) and isinstance(tag.get(ADVERTISED), str):
                tag |= _measured(tag[ADVERTISED])
    return fields.read(said, message, shape)


def _measured(advertised: str) -> dict[str, Any]:
    """Read what a tag measures from its advertisement; nothing, if it is of another maker.

    Raises:
        DecodeError: it is cut off, or of a format that is not known.
    """
    try:
        raw = bytes.fromhex(advertised)
    except ValueError:
        raise DecodeError(RejectReason.MALFORMED, f"{ADVERTISED} is not hex") from None
    _, mark, said = raw.partition(MARK)
    if not mark:
        return {}
    kind = said[0] if said else None
    if kind == RAW_1 and len(said) >= 14:
        sign = -1 if said[2] & 0x80 else 1
        return {"humidity": said[1] / 2, "temperature": sign * round((said[2] & 0x7F) + said[3] / 100, 2)}
    if kind in RAW_2_LIKE and len(said) >= RAW_2_LIKE[kind]:
        temperature, humidity = struct.unpack_from(">hH", said, 1)
        return {
            "temperature": None if temperature == NO_TEMPERATURE else round(temperature * 0.005, 3),
            "humidity": None if humidity == NO_HUMIDITY else round(humidity * 0.0025, 4),
        }
    raise DecodeError(RejectReason.MALFORMED, f"an advertisement of Ruuvi in format {kind} is not read, or is cut off")

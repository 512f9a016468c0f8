"""Explanations: why a message gives no reading, for the people who write the table of sources."""

from typing import Any

from domain.quality import SPANS
from ingest.decoders import hints, native, thingsboard
from ingest.decoders.fault import DecodeError
from ingest.decoders.payload import json, text
from ingest.decoders.shape import Incoming, Shape
from ingest.decoders.work import Work
from ingest.sources import Sources

BY_PATHS = ("fields", "ruuvi", "thingsboard")


def explain(sources: Sources, topic: str, payload: bytes) -> list[str]:
    """Say of a message from which nothing was read what its source looks for, and what is there instead."""
    try:
        if native.device_of(topic) is not None:
            return _native(json(payload))
        origin = sources.origin_of(topic)
        if origin is None:
            return []
        if origin.decoder not in BY_PATHS:
            return [f"values: none of {', '.join(map(repr, origin.shape.by_label)) or 'them'} is named"]
        said = text(payload) if origin.shape.plain else json(payload)
        message = Incoming(tuple(topic.split("/")), origin.wild(topic) or (), payload, 0, Work())
        return _by_paths(said, message, origin.shape, origin.decoder == "thingsboard")
    except DecodeError as error:
        return [error.detail]


def _native(said: Any) -> list[str]:
    found = said if isinstance(said, list) else [said]
    names = [key for one in found if isinstance(one, dict) for key in one]
    near = [name for name in names if any(hints.is_near(name, channel, [channel]) for channel in SPANS)]
    return [f"none of {', '.join(SPANS)}; there is {', '.join(dict.fromkeys(near or names)) or 'nothing'}"]


def _by_paths(said: Any, message: Incoming, shape: Shape, by_device: bool) -> list[str]:
    if by_device and isinstance(said, dict):
        elements = [one for many in said.values() for one in (many if isinstance(many, list) else [many])]
        said = [thingsboard.whole("", one) for one in elements if isinstance(one, dict)]
    return hints.missing(said, message, shape)

"""`hearth decode`: what a sample message becomes, without storing it."""

import json
import sys
from typing import Annotated, Any

import msgspec
import typer

from domain.errors import UsageError
from domain.instants import to_us
from domain.reasons import NoValue
from hearth.ingesting import bounds_of, chosen_sources
from hearth.settings import load
from hearth.wiring import now
from ingest.explain import explain
from ingest.sources import Decoded, Sources
from ingest.uplink import WITHHELD, Uplink

NAMING = {"id", "ts"}  # of a reading: they are no values


def decode(
    topic: Annotated[str, typer.Option(help="The topic on which it comes.")],
    source: Annotated[str | None, typer.Option(help="The source that must be the one to read it.")] = None,
    file: Annotated[typer.FileBinaryRead, typer.Argument(metavar="[FILE]", help="The payload; else from stdin.")] = "-",  # type: ignore[assignment]
) -> None:
    """Print as JSON what a message becomes, by the sources of HEARTH_SOURCES.

    Exit code 2 if something of it is not read, or if it holds nothing to read: then it says what was looked for.
    """
    settings = load()
    sources = chosen_sources(settings)
    if source is not None:
        _belongs(sources, source, topic)
    received_us = to_us(now())
    payload = file.read()
    said = sources.decode(topic, payload, received_us, bounds_of(settings))
    out = shown(said)
    is_empty = not any(reading.keys() - NAMING for reading in out["readings"])
    if is_empty and not said.faults:
        out["nothing"] = explain(sources, topic, payload)
    typer.echo(json.dumps(out, ensure_ascii=False, indent=2))
    if is_empty or said.faults:
        sys.exit(2)


def _belongs(sources: Sources, name: str, topic: str) -> None:
    if name not in (names := [origin.name for origin in sources.origins]):
        raise UsageError(f"--source: there is no {name!r} in HEARTH_SOURCES, which names {', '.join(names) or 'none'}")
    origin = sources.origin_of(topic)
    if origin is None or origin.name != name:
        other = f"{origin.name!r} has it" if origin else "none has it"
        raise UsageError(f"--topic: {topic!r} is not let through by the filter of {name!r}; {other}")


def _plain(uplink: Uplink) -> dict[str, Any]:
    said = msgspec.to_builtins(uplink)
    return {name: NoValue.WITHHELD.value if value == WITHHELD else value for name, value in said.items()}


def shown(said: Decoded) -> dict[str, Any]:
    """Plain values; a reading without a sensor is that of the device."""
    return {
        "device": said.device,
        "readings": [{"id": said.device, **_plain(uplink)} for uplink in said.uplinks],
        "faults": [{"reason": fault.reason.value, "detail": fault.detail} for fault in said.faults],
        "publishes": [topic for topic, _ in said.requests],
    }

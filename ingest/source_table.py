"""The TOML table of sources: networks other than Hearth's own devices, each a preset and what is different with it."""

import re
from itertools import combinations, product
from typing import Any
from zoneinfo import ZoneInfo

from domain.errors import UsageError
from domain.registry import SESSIONS
from ingest import table_entries, topics
from ingest.source_entry import SourceEntry, WrongKey, completed
from ingest.source_shape import says_topic, shape_of
from ingest.sources import NATIVE, Origin, Sources, widest

NEEDS_SENSOR = ("fields", "chirpstack_protobuf", "ruuvi")


def load(text: str, source: str, zone: ZoneInfo) -> Sources:
    """Read a table of sources.

    Args:
        text: the TOML.
        source: what to call it in errors.
        zone: of local times, where a source does not say its own.
    Raises:
        UsageError: names the source and the key.
    """
    entries = table_entries.read(text, source, "source")
    return Sources(
        _without_conflict([origin(e, f"{source}: source[{n}]", zone) for n, e in enumerate(entries)], source)
    )


def origin(given: Any, where: str, zone: ZoneInfo) -> Origin:
    """Make an origin of one entry of a table.

    Raises:
        UsageError: names the key.
    """
    try:
        entry = completed(given)
        _check(entry)
        shape = shape_of(entry, _zone(entry.zone, zone))
    except WrongKey as error:
        raise UsageError(f"{where}{error.key}: {error}") from None
    return Origin(
        name=entry.name,
        decoder=entry.decoder,
        filters=tuple(entry.filter),
        every_worker=tuple(entry.every_worker),
        shape=shape,
        patterns=tuple(map(topics.compiled, (*entry.filter, *entry.every_worker))),
    )


def _without_conflict(origins: list[Origin], source: str) -> list[Origin]:
    """Check that each name is there once, each source is reachable, and no message would be sent twice."""
    for one, other in combinations(origins, 2):
        if one.name == other.name:
            raise UsageError(f"{source}: name {one.name!r} is there twice")
        for wide, narrow in product(one.filters, other.filters):
            if topics.covers(wide, narrow):
                raise UsageError(f"{source}: {other.name} gets nothing, {one.name} has all of {narrow!r}: put it first")
    shared = widest([NATIVE, *(text for origin in origins for text in origin.filters)])
    alone = widest([text for origin in origins for text in origin.every_worker])
    for text, other_text in combinations([*shared, *alone], 2):
        if topics.overlap(text, other_text):
            raise UsageError(f"{source}: filters {text!r} and {other_text!r} share topics, and neither has all of both")
    return origins


def _check(entry: SourceEntry) -> None:
    if not re.fullmatch(r"[^\s/+#]{1,100}", entry.name) or not entry.name.isprintable():
        raise WrongKey(".name", "must be what the gateway column of sensors.csv can hold: no blanks, no / + #")
    if entry.name.startswith(SESSIONS):
        raise WrongKey(".name", "begins as the sessions of Hearth itself at the broker do")
    if not entry.filter:
        raise WrongKey(".filter", "is missing: the topics of the source")
    for key, texts in (("filter", entry.filter), ("every_worker", entry.every_worker)):
        for text in texts:
            if problem := topics.wrong(text):
                raise WrongKey(f".{key}", f"{text!r} {problem}")
    if all(value == [] for value in entry.values.values()):
        raise WrongKey(".values", "says of no channel where it is")
    if entry.decoder in NEEDS_SENSOR:
        _check_sensor(entry)


def _check_sensor(entry: SourceEntry) -> None:
    if not entry.sensor and not entry.split:
        raise WrongKey(".sensor", "is missing: the path to it, or topic")
    try:
        by_topic = says_topic(entry.sensor)
    except ValueError:
        return  # said when the paths are read
    if by_topic and not all("+" in text or "#" in text for text in entry.filter):
        raise WrongKey(".sensor", "is the topic, but a filter has no wildcard that could stand for it")


def _zone(name: str | None, usual: ZoneInfo) -> ZoneInfo:
    try:
        return usual if name is None else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise WrongKey(".zone", f"{name!r} is not an IANA time zone such as Asia/Shanghai") from None

"""The TOML table of sources: networks other than Hearth's own devices, each a preset and what is different with it."""

import re
import tomllib
from functools import cache
from importlib.resources import files
from itertools import combinations, product
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from domain.errors import UsageError
from domain.quality import SPANS
from domain.registry import SESSIONS
from ingest import topics
from ingest.decoders.shape import TOPIC, UNITS, Shape
from ingest.sources import NATIVE, Origin, Sources, widest

CHANNELS = tuple(SPANS)
NEEDS_SENSOR = ("fields", "chirpstack_protobuf")
USUAL_VALUES = {"temperature": ["temperature"], "humidity": ["humidity"], "battery": ["battery"]}
LISTS = ("filter", "every_worker", "sensor", "time")


class SourceEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A source as the table has it, on top of its preset. docs/formats.md explains the keys."""

    name: str
    preset: str
    decoder: str
    filter: list[str] = []
    every_worker: list[str] = []
    sensor: list[str] = []
    time: list[str] = []
    time_unit: Literal["ms", "s"] = "ms"
    zone: str | None = None
    body: str = ""
    values: dict[str, list[str]]
    unit: str = "C"
    unit_at: str = ""
    text_numbers: bool = False
    expects_value: bool = False


@cache
def presets() -> dict[str, dict[str, Any]]:
    """Return the built-in presets by name."""
    return tomllib.loads((files("ingest") / "presets.toml").read_text(encoding="utf-8"))


def load(text: str, source: str, zone: ZoneInfo) -> Sources:
    """Read a table of sources.

    Args:
        text: the TOML.
        source: what to call it in errors.
        zone: of local times, where a source does not say its own.
    Raises:
        UsageError: names the source and the key.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{source}: {error}") from None
    entries = table.pop("source", [])
    if table or not isinstance(entries, list):
        raise UsageError(f"{source}: {next(iter(table), 'source')}: there is nothing but [[source]] tables")
    return Sources(
        _without_conflict([_Reader(f"{source}: source[{n}]", zone).origin(e) for n, e in enumerate(entries)], source)
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


class _Reader:
    """Makes an origin of an entry."""

    def __init__(self, where: str, zone: ZoneInfo) -> None:
        self.where = where
        self.zone = zone

    def origin(self, given: Any) -> Origin:
        entry = self._entry(given)
        self._check(entry)
        filters = (*entry.filter, *entry.every_worker)
        return Origin(
            name=entry.name,
            decoder=entry.decoder,
            filters=tuple(entry.filter),
            every_worker=tuple(entry.every_worker),
            shape=self._shape(entry),
            patterns=tuple(map(topics.compiled, filters)),
        )

    def _entry(self, given: Any) -> SourceEntry:
        """Complete an entry by its preset."""
        known = presets()
        if not isinstance(given, dict) or given.get("preset") not in list(known):
            raise self._wrong("preset", f"must be one of {', '.join(known)}")
        if "decoder" in given:
            raise self._wrong("decoder", "is the preset's to say")
        preset = known[given["preset"]]
        merged = preset | {key: _listed(key, value) for key, value in given.items()}
        values = given.get("values", {})
        if not isinstance(values, dict):
            raise self._wrong("values", "must be a table of channels")
        merged["values"] = preset.get("values", USUAL_VALUES) | {c: _listed("time", v) for c, v in values.items()}
        try:
            return msgspec.convert(merged, SourceEntry)
        except msgspec.ValidationError as error:
            reason, _, place = str(error).partition(" - at `$")
            raise UsageError(f"{self.where}{place.rstrip('`')}: {reason}") from None

    def _check(self, entry: SourceEntry) -> None:
        if not re.fullmatch(r"[^\s/+#]{1,100}", entry.name) or not entry.name.isprintable():
            raise self._wrong("name", "must be what the gateway column of sensors.csv can hold: no blanks, no / + #")
        if entry.name.startswith(SESSIONS):
            raise self._wrong("name", "begins as the sessions of Hearth itself at the broker do")
        if not entry.filter:
            raise self._wrong("filter", "is missing: the topics of the source")
        for key, texts in (("filter", entry.filter), ("every_worker", entry.every_worker)):
            for text in texts:
                if problem := topics.wrong(text):
                    raise self._wrong(key, f"{text!r} {problem}")
        if entry.decoder in NEEDS_SENSOR:
            self._check_sensor(entry)
        for channel in entry.values:
            if channel not in CHANNELS:
                raise self._wrong(f"values.{channel}", f"is none of {', '.join(CHANNELS)}")
        if not any(entry.values.values()):
            raise self._wrong("values", "says of no channel where it is")
        if entry.unit not in UNITS:
            raise self._wrong("unit", f"must be one of {', '.join(UNITS)}")

    def _check_sensor(self, entry: SourceEntry) -> None:
        if not entry.sensor:
            raise self._wrong("sensor", "is missing: the path to it, or topic")
        if TOPIC in entry.sensor:
            if len(entry.sensor) > 1:
                raise self._wrong("sensor", "is either topic or paths")
            if not all("+" in text or "#" in text for text in entry.filter):
                raise self._wrong("sensor", "is the topic, but a filter has no wildcard that could stand for it")

    def _shape(self, entry: SourceEntry) -> Shape:
        return Shape(
            sensor=tuple(entry.sensor),
            time=tuple(entry.time),
            time_unit=entry.time_unit,
            zone=self._zone(entry.zone),
            body=entry.body,
            values={channel: tuple(paths) for channel, paths in entry.values.items()},
            unit=UNITS[entry.unit],
            unit_at=entry.unit_at,
            text_numbers=entry.text_numbers,
            expects_value=entry.expects_value,
        )

    def _zone(self, name: str | None) -> ZoneInfo:
        try:
            return self.zone if name is None else ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise self._wrong("zone", f"{name!r} is not an IANA time zone such as Asia/Shanghai") from None

    def _wrong(self, key: str, problem: str) -> UsageError:
        return UsageError(f"{self.where}.{key}: {problem}")


def _listed(key: str, value: Any) -> Any:
    """Make a text a list of one where a list is wanted."""
    return [value] if key in LISTS and isinstance(value, str) else value

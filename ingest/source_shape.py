"""From an entry of the table of sources to the shape of its messages."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from domain.quality import SPANS
from ingest.decoders.numbers import Spelling
from ingest.decoders.path import WILDCARDS, Path, Pick, Steps, Wildcard, word
from ingest.decoders.shape import TRUSTED, Condition, Form, Quantity, Reach, Shape, ValueField, Verdict
from ingest.decoders.times import SourceClock
from ingest.decoders.units import SAME, UNITS, Unit, known, unit_of
from ingest.source_entry import ConditionEntry, Parts, SourceEntry, ValueEntry, WrongKey

CHANNELS = tuple(SPANS)
YEARS = range(1971, 2100)
SPLIT = re.compile(r"\{sensor\}([^{}]{1,10})\{label\}")
_SUFFIX = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9%]+")


def shape_of(entry: SourceEntry, zone: ZoneInfo) -> Shape:
    """Make the shape of a source's messages.

    Raises:
        WrongKey: a path is none, a unit is unknown, or keys do not go together.
    """
    quantities = {channel: _quantity(channel, value, entry) for channel, value in entry.values.items()}
    bodies = [[_path("body", text) for text in _alternatives(part)] for part in entry.body]
    if not bodies or not all(bodies) or any(b.level is not None or b.is_key for part in bodies for b in part):
        raise WrongKey(".body", "is a path into the message, or a list of them")
    value = tuple(_path("value", text).steps for text in entry.value)
    every = [path for part in bodies for path in part]
    paths = [path for quantity in quantities.values() for path in quantity.paths]
    return Shape(
        forms=tuple(tuple(_form(entry, body, every, quantities) for body in part) for part in bodies),
        quantities=quantities,
        clock=SourceClock(entry.time_unit, zone, _not_before(entry.not_before)),
        spelling=Spelling(entry.text_numbers or entry.plain, entry.decimal == ","),
        split=_split(entry),
        value=value,
        plain=entry.plain,
        expects_value=entry.expects_value,
        takes_scalars=entry.plain or any(not p.steps for p in paths) or (bool(entry.label) and () in value),
        takes_lists=any(isinstance(path.steps[0], Wildcard | Pick | int) for path in every if path.steps)
        and not any(path.steps[:1] == (Wildcard.KEY,) for path in every),
        by_label={label: channel for channel, q in quantities.items() for label in sorted(q.labels)},
    )


def _path(key: str, text: str) -> Path:
    try:
        return Path.of(text)
    except ValueError as error:
        raise WrongKey(f".{key}", f"{text!r} {error}") from None


def _verdict(good: tuple[Condition, ...], bad: tuple[Condition, ...]) -> Verdict:
    return Verdict(good, bad) if good or bad else TRUSTED


def _is_inner(text: str) -> bool:
    return text.startswith(".")


def _alternatives(part: str | list[str]) -> list[str]:
    return [part] if isinstance(part, str) else part


def _form(entry: SourceEntry, body: Path, every: Sequence[Path], quantities: dict[str, Quantity]) -> Form:
    binder = _Binder(body.steps, [path.steps for path in every])
    sensor = tuple(binder.all("sensor", _alternatives(part)) for part in entry.sensor)
    if not all(sensor) and not (len(every) > 1 and any(sensor)):
        raise WrongKey(".sensor", f"goes into a list in which body {body.text!r} is not")
    return Form(
        body=body,
        sensor=sensor,
        time=binder.all("time", entry.time),
        day=binder.all("day", entry.day),
        ignore=binder.conditions("ignore", entry.ignore),
        verdict=_verdict(binder.conditions("good", entry.good), binder.conditions("bad", entry.bad)),
        label=binder.all("label", entry.label),
        fields=tuple(binder.field(quantity, entry) for quantity in quantities.values() if quantity.paths),
    )


class _Binder:
    """Binds the paths of an entry to one of its bodies."""

    def __init__(self, body: Steps, every: Sequence[Steps]) -> None:
        self.body = body
        self.every = every

    def all(self, key: str, texts: Iterable[str]) -> tuple[Reach, ...]:
        """Bind paths; those of the elements of another body's list are of no use to this one."""
        paths = [_path(key, text) for text in texts]
        reaches = []
        for path in paths:
            reach = Reach.of(path, self.body)
            if reach is not None:
                reaches.append(reach)
            elif not any(Reach.of(path, other) for other in self.every):
                raise WrongKey(f".{key}", f"{path.text!r} goes into a list: its body has to, too")
        return tuple(reaches)

    def conditions(self, key: str, entries: Iterable[ConditionEntry]) -> tuple[Condition, ...]:
        """Bind conditions."""
        made = [
            Condition(self.all(f"{key}.path", _alternatives(entry.path)), frozenset(map(word, entry.values)))
            for entry in entries
        ]
        return tuple(condition for condition in made if condition.reaches)

    def field(self, quantity: Quantity, entry: SourceEntry) -> ValueField:
        """Bind what a message says of a quantity beside it."""
        key = f"values.{quantity.channel}"
        own = _entry_of(entry.values[quantity.channel])
        of_all = entry.unit_at if quantity.channel.endswith("temperature") else filter(_is_inner, entry.unit_at)
        unit_at = own.unit_at or list(of_all)
        verdict = _verdict(self.conditions(f"{key}.good", own.good), self.conditions(f"{key}.bad", own.bad))
        reaches = self.all(f"{key}.unit_at", _alternatives(unit_at))
        return ValueField(
            quantity=quantity, unit_at=reaches, verdict=verdict, is_plain=not reaches and verdict is TRUSTED
        )


def _quantity(channel: str, said: str | list[str] | ValueEntry, entry: SourceEntry) -> Quantity:
    key = f"values.{channel}"
    if channel not in CHANNELS:
        raise WrongKey(f".{key}", f"is none of {', '.join(CHANNELS)}")
    own = _entry_of(said)
    texts = _alternatives(own.path)
    is_label = bool(entry.label) or entry.decoder in ("senml", "sparkplug")
    paths = tuple(Path(text, ()) if is_label else _path(key, text) for text in texts)
    if any(path.level is not None or path.is_key for path in paths):
        raise WrongKey(f".{key}", "is in the topic, or a key: a value is in the body")
    if not own.scale or own.scale != own.scale:
        raise WrongKey(f".{key}.scale", "must be a number other than 0")
    return Quantity(
        channel=channel,
        paths=paths,
        labels=frozenset(texts if is_label else ()),
        unit=_unit(channel, own, entry, texts),
        scale=own.scale,
        offset=own.offset,
        none=frozenset(map(word, own.none)),
    )


def _unit(channel: str, own: ValueEntry, entry: SourceEntry, texts: list[str]) -> Unit:
    """Return the unit of a quantity; a name that ends in another unit than is meant is asked about."""
    named = own.unit
    if named is None and channel.endswith("temperature") and entry.unit != "C":
        named = entry.unit
    if named is not None:
        unit = unit_of(channel, named)
        if unit is None:
            key = f".values.{channel}.unit" if own.unit is not None else ".unit"
            raise WrongKey(key, f"must be one of {known(channel)}; {named!r} is none of them")
        return unit
    if own.unit_at or entry.unit_at or own.scale != 1.0:
        return SAME
    for text in texts:
        meant = unit_in_name(channel, text)
        if meant and UNITS[channel][meant] != SAME:
            usual = next(name for name, unit in UNITS[channel].items() if unit == SAME)
            raise WrongKey(
                f".values.{channel}.unit", f"is missing: {text!r} looks like {meant}, and without it {usual} is meant"
            )
    return SAME


def unit_in_name(channel: str, name: str) -> str | None:
    """Return the unit of a quantity in which a name ends: `temp_f`, `pressure_bar`; None if it ends in none."""
    parts = _SUFFIX.split(name)
    last = next((part.casefold() for part in reversed(parts) if part), None)
    return next((unit for unit in UNITS[channel] if unit.casefold() == last), None) if len(parts) > 1 else None


def _not_before(year: int | None) -> int | None:
    if year is None:
        return None
    if year not in YEARS:
        raise WrongKey(".not_before", f"must be a year from {YEARS[0]} to {YEARS[-1]}")
    return round(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000)


def _split(entry: SourceEntry) -> re.Pattern[str] | None:
    if entry.split is None:
        return None
    found = SPLIT.fullmatch(entry.split)
    if not found or not entry.label:
        raise WrongKey(".split", "is {sensor}, what parts them, and {label}; and goes with label")
    # The shortest sensor, so the longest label that is known.
    labels = [text for value in entry.values.values() for text in _alternatives(_entry_of(value).path)]
    known_labels = "|".join(re.escape(label) for label in sorted(labels, key=len, reverse=True))
    return re.compile(f"(?P<sensor>.+?){re.escape(found[1])}(?P<label>{known_labels})", re.DOTALL)


def _entry_of(said: str | list[str] | ValueEntry) -> ValueEntry:
    return said if isinstance(said, ValueEntry) else ValueEntry(path=said)


def says_topic(parts: Parts) -> bool:
    """Return whether a sensor is named by what the wildcards of the filter stand for."""
    return any(Path.of(text).level == WILDCARDS for part in parts for text in _alternatives(part))

"""Guesses: what the fields of a group of messages are likely to be, and what cannot be known of them."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from domain.quality import SPANS
from ingest.decoders.fault import DecodeError
from ingest.decoders.hints import like_a_number
from ingest.decoders.numbers import COMMA, NUMBER
from ingest.decoders.path import Steps, Wildcard, word
from ingest.decoders.times import SourceClock
from ingest.decoders.units import SAME, UNITS, unit_of
from ingest.learning.groups import VALUE_WORDS, FieldSeen, MessageGroup
from ingest.learning.words import NUMBERED, ROOM, TIME, channel_of, rank_of_name
from ingest.source_shape import unit_in_name

NUMBERED_AS = {"1": "supply_temperature", "2": "return_temperature"}
HOT_WATER = 40.0, 150.0  # no room is that warm
GOOD = ("good", "true", "192", "ok")
PLAUSIBLE_ROOM = 5.0, 35.0
PLAUSIBLE_YEARS = 2015, 2100
USUAL = {"temperature": "°C", "humidity": "%", "battery": "%", "pressure": "MPa", "flow": "m³/h", "power": "kW"}


@dataclass
class Guess:
    """A field that is likely to be a quantity.

    Args:
        doubts: what cannot be known from the values.
    """

    steps: Steps
    channel: str
    seen: FieldSeen
    unit: str | None = None
    scale: float = 1.0
    unit_at: Steps = ()  # the field that says the unit
    good_at: Steps = ()  # the field that says whether the value is good
    good: tuple[Any, ...] = ()  # how it says so
    doubts: list[str] = field(default_factory=list)

    @property
    def is_text(self) -> bool:
        """Return whether the number is written as a text."""
        return any(isinstance(value, str) for value in self.seen.samples)

    @property
    def has_comma(self) -> bool:
        """Return whether it is written with a decimal comma."""
        texts = [value for value in self.seen.samples if isinstance(value, str)]
        return any("," in value for value in texts) and all(COMMA.fullmatch(value.strip()) for value in texts)


def numbers(seen: FieldSeen) -> list[float]:
    """Return the numbers that a field said, those in texts as well; none if it says anything else."""
    out = []
    for value in seen.samples:
        if isinstance(value, bool):
            return []
        if isinstance(value, int | float):
            out.append(float(value))
        elif like_a_number(value) and (found := NUMBER.match(value.strip().replace(",", ".", 1))):
            out.append(float(found[1]))
        else:
            return []
    return out


def prefix(steps: Steps) -> Steps:
    """Return the steps up to the innermost list, or object of many, that a field is in."""
    last = max((nth for nth, step in enumerate(steps) if isinstance(step, Wildcard)), default=-1)
    return steps[: last + 1]


def name_of(steps: Steps) -> str:
    """Return the name of a field: its last key, with the one before it where that key says only that it is a value."""
    keys = [step for step in steps if isinstance(step, str)]
    if len(keys) > 1 and keys[-1].casefold() in VALUE_WORDS:
        return keys[-2]
    return keys[-1] if keys else ""


def guess(steps: Steps, name: str, seen: FieldSeen, channel: str | None) -> Guess | None:
    """Guess whether a field is the quantity of its name, and in which unit; None if its values are not of one."""
    said = numbers(seen)
    if channel is None or not said:
        return None
    found = Guess(steps, channel, seen)
    return found if _scaled(found, name, said) else None


def _scaled(found: Guess, name: str, said: list[float]) -> bool:
    """Choose unit and scale; False if the values fit none."""
    texts = [value for value in found.seen.samples if isinstance(value, str)]
    if texts and any((match := NUMBER.fullmatch(value.strip().replace(",", ".", 1))) and match[2] for value in texts):
        return True  # the unit is in the text
    named = unit_in_name(found.channel, name)
    if named is not None:
        found.unit = named if UNITS[found.channel][named] != SAME else None
        return True
    lowest, highest = SPANS[found.channel].lowest, SPANS[found.channel].highest
    most, least = max(said), min(said)
    is_whole = all(value.is_integer() for value in said)
    if found.channel.endswith("temperature"):
        return _degrees(found, least, most, is_whole)
    if found.channel == "humidity":
        return _per_cent(found, least, most, is_whole)
    if found.channel == "battery":
        return _battery(found, most, is_whole)
    if found.channel.endswith("pressure"):
        return _pressure(found, most)
    found.doubts.append(f"unit: {_usual(found.channel)} is meant, as long as no unit is said")
    return lowest <= least and most <= highest


def _usual(channel: str) -> str:
    return USUAL[channel.rpartition("_")[2]]


def _degrees(found: Guess, least: float, most: float, is_whole: bool) -> bool:
    span = SPANS[found.channel]
    if is_whole and most > 1000 and most <= 100 * span.highest:
        found.scale = 0.01
        found.doubts.append("scale: whole numbers of this size are likely to be hundredths of a degree")
    elif is_whole and most > max(100, span.highest) and most <= 10 * span.highest:
        found.scale = 0.1
        found.doubts.append("scale: whole numbers of this size are likely to be tenths of a degree")
    elif least >= 250 and most <= 330:
        found.unit = "K"
        found.doubts.append("unit: values of this size are likely to be kelvin")
    elif found.channel == "temperature" and least >= 45 and most <= 110:
        found.unit = "F"
        found.doubts.append("unit: values of this size are likely to be °F, if this is a room")
    elif most > 1e6 or (most > span.highest and most not in span.sentinels):
        return False
    else:
        found.doubts.append("unit: °C is meant, as long as no unit is said")
    return True


def _per_cent(found: Guess, least: float, most: float, is_whole: bool) -> bool:
    if is_whole and 1000 < most <= 10_000:
        found.scale = 0.01
        found.doubts.append("scale: likely to be hundredths of a per cent")
    elif is_whole and 100 < most <= 1000:
        found.scale = 0.1
        found.doubts.append("scale: likely to be tenths of a per cent")
    elif least > 0 and most <= 1 and not is_whole:
        found.unit = "/"
        found.doubts.append("unit: likely to be a ratio from 0 to 1")
    return least >= 0 and most <= 10_000


def _battery(found: Guess, most: float, is_whole: bool) -> bool:
    if most <= 5 and not is_whole:
        found.unit = "V"
        found.doubts.append("unit: likely to be volts, which say nothing of per cent")
    elif 1000 < most <= 15_000:
        found.unit = "mV"
        found.doubts.append("unit: likely to be millivolts, which say nothing of per cent")
    return 0 <= most <= 15_000


def _pressure(found: Guess, most: float) -> bool:
    if most > 40:
        found.unit = "kPa"
    elif most > 2.5:
        found.unit = "bar"
    meant = found.unit or "MPa"
    found.doubts.append(f"unit: {meant} is a guess from the size; MPa, kPa, bar, … are known")
    return most <= 10_000


def channels_of(named: Mapping[Any, tuple[str, FieldSeen]]) -> dict[Any, str | None]:
    """Return the channels of fields by their names; t1 and t2 are supply and return where that is likely."""
    found = {key: channel_of(name) for key, (name, _) in named.items()}
    is_substation = any(c and c.endswith(("pressure", "flow", "power", "y_temperature")) for c in found.values())
    for key, (name, seen) in named.items():
        match = NUMBERED.fullmatch(name)
        if (
            found[key] == "temperature"
            and match
            and (is_substation or HOT_WATER[0] <= max(numbers(seen), default=0.0) <= HOT_WATER[1])
        ):
            is_substation = True
            found[key] = NUMBERED_AS[match[1]]
    return found


def quantities(group: MessageGroup) -> list[Guess]:
    """Return the fields of a group that are likely to be quantities, as their names say it."""
    named = {steps: (name_of(steps), seen) for steps, seen in group.fields.items()}
    channels = channels_of(named)
    found = []
    for steps, (name, seen) in named.items():
        beside = _beside(group, steps)
        one = (
            guess(steps, name, seen, channels[steps])
            if not beside
            else _with_unit(group, steps, beside, channels[steps])
        )
        if one:
            _judged(group, one)
            if NUMBERED.fullmatch(name) and one.channel in NUMBERED_AS.values():
                one.doubts.append("which is supply and which is return is a guess from the number")
            found.append(one)
    return found


def _beside(group: MessageGroup, steps: Steps) -> Steps:
    """Return the field beside a value that says its unit."""
    there = [
        s for s in group.fields if len(s) > 1 and s[:-1] == steps[:-1] and str(s[-1]).casefold() in ("unit", "uom")
    ]
    return there[0] if there and str(steps[-1]).casefold() in VALUE_WORDS else ()


def _with_unit(group: MessageGroup, steps: Steps, beside: Steps, channel: str | None) -> Guess | None:
    """Return a quantity whose unit is said beside it, if that is known."""
    seen, units = group.fields[steps], group.fields[beside].samples
    if channel is None or not numbers(seen) or not all(isinstance(u, str) and unit_of(channel, u) for u in units):
        return None
    return Guess(steps, channel, seen, unit_at=beside)


def _judged(group: MessageGroup, one: Guess) -> None:
    """Note the field beside a value that says whether it is good."""
    for steps, seen in group.fields.items():
        if len(steps) > 1 and steps[:-1] == one.steps[:-1] and str(steps[-1]).casefold() in ("quality", "q"):
            good = tuple(value for value in seen.samples if word(value) in GOOD)
            if good and str(one.steps[-1]).casefold() in VALUE_WORDS:
                one.good_at, one.good = steps, good


def best_of(rivals: list[Guess]) -> Guess:
    """Return which of several fields is the likeliest to be the quantity."""
    return min(rivals, key=_unlikeliness)


def _unlikeliness(one: Guess) -> tuple[bool, bool, int, int]:
    name = name_of(one.steps)
    said = [value * one.scale for value in numbers(one.seen)]
    in_a_room = all(PLAUSIBLE_ROOM[0] <= value <= PLAUSIBLE_ROOM[1] for value in said)
    return not in_a_room, not ROOM.search(name), len(one.steps), len(name)


def names(group: MessageGroup, body: Steps) -> list[tuple[Steps, FieldSeen]]:
    """Return the fields that may name the sensor of what is in a body, the likeliest first."""
    inner = prefix(body)
    found = []
    for nth, (steps, seen) in enumerate(group.fields.items()):
        own = prefix(steps)
        rank = rank_of_name(name_of(steps))
        if rank is None or own != inner[: len(own)] or not all(map(_is_name, seen.samples)):
            continue
        found.append(((-len(own), rank, len(steps), nth), steps, seen))
    return [(steps, seen) for _, steps, seen in sorted(found, key=lambda one: one[0])]


def _is_name(value: Any) -> bool:
    if isinstance(value, str):
        return 0 < len(value.strip()) <= 64
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def times(group: MessageGroup, body: Steps, zone: ZoneInfo) -> list[tuple[Steps, FieldSeen]]:
    """Return the fields that may be the time of what is in a body, the likeliest first."""
    inner, clock = prefix(body), SourceClock("auto", zone)
    found = []
    for nth, (steps, seen) in enumerate(group.fields.items()):
        own = prefix(steps)
        if not TIME.search(name_of(steps)) or own != inner[: len(own)]:
            continue
        if all(_is_time(value, clock) for value in seen.samples):
            found.append(((-len(own), len(steps), nth), steps, seen))
    return [(steps, seen) for _, steps, seen in sorted(found, key=lambda one: one[0])]


def _is_time(value: Any, clock: SourceClock) -> bool:
    if isinstance(value, bool) or value in (None, "") or (isinstance(value, int | float) and value < 1e8):
        return False
    with suppress(DecodeError):
        at = clock.read(value)
        year = int(at[:4]) if isinstance(at, str) else 1970 + (at or 0) / 31_556_952_000
        return PLAUSIBLE_YEARS[0] <= year <= PLAUSIBLE_YEARS[1]
    return False


def labels(group: MessageGroup) -> Iterator[tuple[Steps, str, str, Steps]]:
    """Yield from lists of names and values: the list, key of the name, key of the value, both within an element."""
    for steps, seen in group.fields.items():
        place, last = prefix(steps), steps[-1] if steps else ""
        if not place or not isinstance(last, str) or len(steps) != len(place) + 1:
            continue
        if not any(isinstance(value, str) and channel_of(tail(value)) for value in seen.samples):
            continue
        for key in VALUE_WORDS:
            value = next((s for s in group.fields if s[:-1] == place and str(s[-1]).casefold() == key), None)
            if value is not None:
                yield place, last, str(value[-1]), steps


def tail(label: str) -> str:
    """Return the last part of a name of several parts."""
    return label.replace("/", ".").rpartition(".")[2]

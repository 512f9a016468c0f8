"""Shapes of foreign messages: where a source's messages have what, bound to the place that holds the values.

A body is the path to what holds values; each place where it leads is a reading. All other paths begin at the root of
the message and, as far as they go the same way as the body's, stay at the same elements: with the body `list[*]`,
`list[*].id` is the id of the very element, and `time` that of the message.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, NamedTuple

from domain.reasons import RejectReason
from ingest.decoders.fault import DecodeError
from ingest.decoders.numbers import Spelling, number
from ingest.decoders.path import WILDCARDS, Path, Steps, Trail, Wildcard, find, word
from ingest.decoders.times import SourceClock
from ingest.decoders.units import SAME, Unit, known, unit_of
from ingest.decoders.work import Work

_COMPACT_DAY = re.compile(r"^([0-9]{4})([0-9]{2})([0-9]{2})$")
_BLANK = re.compile(r"\s")
EXACT = 2**53  # whole numbers beyond it have lost digits as a float
MOST_LABEL = 300  # letters of the text that names a quantity


class Incoming(NamedTuple):
    """A message for a decoder."""

    levels: tuple[str, ...]  # of the topic
    wild: tuple[str, ...]  # the levels that the wildcards of the filter stand for
    payload: bytes
    received_us: int
    work: Work


class Reach(NamedTuple):
    """A path bound to a body: from which of the nodes along the body's path on, or which of its keys."""

    text: str
    node: int
    steps: Steps
    key: int | None = None
    level: int | None = None

    @classmethod
    def of(cls, path: Path, body: Steps) -> "Reach | None":
        """Bind a path to a body; None if it goes into a list in which the body is not."""
        if path.level is not None:
            return cls(path.text, 0, (), None, path.level)
        steps = body + path.steps if path.is_inner else path.steps
        common = next((n for n, pair in enumerate(zip(steps, body, strict=False)) if pair[0] != pair[1]), None)
        start = min(len(steps), len(body)) if common is None else common
        if path.is_key and start == len(steps):
            return cls(path.text, 0, (), start - 1)
        if Wildcard.ELEMENT in steps[start:]:
            return None
        return cls(path.text, start, steps[start:])

    def value(self, trail: Trail, message: Incoming) -> Any:
        """Return what is there; None if nothing is."""
        if self.level is not None:
            return _level(message, self.level)
        if self.key is not None:
            return trail.keys[self.key]
        return find(trail.nodes[self.node], self.steps, message.work)


def _level(message: Incoming, level: int) -> str | None:
    if level == WILDCARDS:
        return ":".join(message.wild)
    nth = level - 1 if level > 0 else level
    return message.levels[nth] if -len(message.levels) <= nth < len(message.levels) else None


class Condition(NamedTuple):
    """A place in the message, and what it says there; without words: anything but null and false."""

    reaches: tuple[Reach, ...]
    words: frozenset[str]

    def holds(self, trail: Trail, message: Incoming) -> bool | None:
        """Return whether it says that; None if nothing is there."""
        said = first(self.reaches, trail, message)
        if said is None:
            return None
        return word(said) in self.words if self.words else said is not False


class Verdict(NamedTuple):
    """The word of a source on the worth of its values."""

    good: tuple[Condition, ...] = ()  # that each of them holds, or is not there
    bad: tuple[Condition, ...] = ()  # that none of them holds

    def trusts(self, trail: Trail, message: Incoming) -> bool:
        """Return whether the source says that a value is good, or says nothing."""
        return all(c.holds(trail, message) is not False for c in self.good) and not any(
            c.holds(trail, message) for c in self.bad
        )


TRUSTED = Verdict()


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A quantity: where it is, and how it becomes one in the unit of its channel."""

    channel: str
    paths: tuple[Path, ...] = ()  # in the body
    labels: frozenset[str] = frozenset()
    unit: Unit = SAME
    scale: float = 1.0
    offset: float = 0.0
    none: frozenset[str] = frozenset()  # values that stand for none

    def read(self, raw: Any, spelling: Spelling, unit: Unit | None = None) -> float | None:
        """Read a value as its source has it, in the unit that is said beside it, or in the text itself.

        Raises:
            DecodeError: it is no number, or in no unit that is known.
        """
        if self.none and word(raw) in self.none:
            return None
        if (type(raw) is float and isfinite(raw)) or (type(raw) is int and -EXACT < raw < EXACT):  # most are
            return self.measure(float(raw), unit)
        said = number(raw, self.channel, spelling)
        if said is None:
            return None
        value, named = said
        return self.measure(value, unit if named is None else unit_said(self.channel, named))

    def measure(self, value: float, unit: Unit | None = None) -> float | None:
        """Convert a value to the unit of its channel; None if it says nothing of it."""
        if self.scale != 1.0 or self.offset:
            value = round(value * self.scale + self.offset, 9)
        return (unit or self.unit)(value)


@dataclass(frozen=True, kw_only=True)
class ValueField:
    """A quantity of a form, with what else the message says of it."""

    quantity: Quantity
    unit_at: tuple[Reach, ...] = ()
    verdict: Verdict = TRUSTED
    is_plain: bool = True  # whether there is nothing but the number

    def unit(self, trail: Trail, message: Incoming) -> Unit | None:
        """Return the unit that the message says.

        Raises:
            DecodeError: it is none that is known.
        """
        said = first(self.unit_at, trail, message)
        return None if said in (None, "") else unit_said(self.quantity.channel, said)


@dataclass(frozen=True, kw_only=True)
class Form:
    """One way in which a message holds readings: a body, and all paths bound to it."""

    body: Path
    sensor: tuple[tuple[Reach, ...], ...] = ()  # parts of the name, each the first that is there
    time: tuple[Reach, ...] = ()
    day: tuple[Reach, ...] = ()  # where the time alone does not say it
    ignore: tuple[Condition, ...] = ()
    verdict: Verdict = TRUSTED
    label: tuple[Reach, ...] = ()
    fields: tuple[ValueField, ...] = ()

    def name(self, trail: Trail, message: Incoming) -> Iterator[str]:
        """Yield the parts of the sensor's name.

        Raises:
            DecodeError: one is missing.
        """
        for reaches in self.sensor:
            said = first(reaches, trail, message)
            yield said if said and type(said) is str else part_of_name(said, " or ".join(r.text for r in reaches))

    def when(self, trail: Trail, message: Incoming) -> Any:
        """Return the time as the message says it, with its day before it where that is a field of its own.

        Raises:
            DecodeError: the two are no day and time of day.
        """
        said = first(self.time, trail, message)
        day = first(self.day, trail, message) if self.day and said not in (None, "") else None
        if day in (None, ""):
            return said
        of_day, of_clock = _printed(day), _printed(said)
        if of_day.isdecimal() and of_clock.isdecimal():
            return of_day + of_clock.zfill(6)
        return _COMPACT_DAY.sub(r"\1-\2-\3", of_day) + " " + of_clock


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The fields of a source's messages.

    Args:
        forms: groups of alternatives; of each the first that gives a reading counts, all groups do.
        quantities: by channel, those of the formats that name them by labels.
        split: of a label that begins with the sensor's name.
        value: paths to the number of a body whose quantity a label says.
        plain: the payload is a text and not JSON.
    """

    forms: tuple[tuple[Form, ...], ...]
    quantities: Mapping[str, Quantity]
    clock: SourceClock
    spelling: Spelling
    split: re.Pattern[str] | None = None
    value: tuple[Steps, ...] = ()
    plain: bool = False
    expects_value: bool = False
    takes_scalars: bool = False  # whether the message may be a mere number
    takes_lists: bool = False  # whether a path goes into a list at the top
    by_label: Mapping[str, str] = field(default_factory=dict)

    def channel(self, label: str) -> str | None:
        """Return the channel that a label stands for."""
        return self.by_label.get(label)


def first(reaches: tuple[Reach, ...], trail: Trail, message: Incoming) -> Any:
    """Return the value at the first path that has one."""
    for reach in reaches:
        value = reach.value(trail, message)
        if value is not None:
            return value
    return None


def unit_said(channel: str, name: Any) -> Unit:
    """Return the unit that a message says.

    Raises:
        DecodeError: it is none that is known for the quantity.
    """
    unit = unit_of(channel, name) if isinstance(name, str) and len(name) < 40 else None
    if unit is None:
        raise DecodeError(
            RejectReason.WRONG_TYPE, f"{channel} in the unit {str(name)[:40]!r}, which is none of {known(channel)}"
        )
    return unit


def part_of_name(said: Any, where: str) -> str:
    """Return a part of a sensor's name: a text, or a whole number.

    Raises:
        DecodeError: it is neither.
    """
    if isinstance(said, str) and said:
        return said
    if isinstance(said, int | float) and not isinstance(said, bool) and said == said // 1 and abs(said) <= EXACT:
        return str(int(said))
    if said is None or said == "":
        raise DecodeError(RejectReason.NO_SENSOR, f"names no sensor: nothing at {where}")
    raise DecodeError(RejectReason.NO_SENSOR, f"its sensor is no text and no whole number: {where}")


def _printed(said: Any) -> str:
    """Return a day, or a time of day, as a text: both may be a number such as 20261128."""
    if isinstance(said, str):
        return said.strip()
    if type(said) is int and 0 <= said < 10**8:
        return str(said)
    raise DecodeError(RejectReason.WRONG_TYPE, "the day and the time of day are not texts or numbers such as 20261128")


def code(name: str) -> str:
    """Return the code of a sensor from its name in a foreign network; a code has neither slashes nor blanks.

    Raises:
        DecodeError: it is empty.
    """
    if not name:
        raise DecodeError(RejectReason.NO_SENSOR, "names no sensor")
    return _BLANK.sub("_", name.replace("/", ":"))

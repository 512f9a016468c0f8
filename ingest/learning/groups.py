"""Messages heard on a broker, grouped by the shapes of topics and payloads, in bounded memory."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ingest import topics
from ingest.decoders.fault import DecodeError
from ingest.decoders.path import Step, Steps, Wildcard
from ingest.decoders.payload import json, text
from ingest.learning.words import channel_of

MOST_GROUPS = 200
MOST_FIELDS = 200  # of a group
MOST_LEAVES = 400  # of a message that are looked at
MOST_SAMPLES = 12  # of a field; three are shown
MOST_MESSAGES = 3  # of a group that are kept whole
MOST_KEPT_BYTES = 16 << 20  # by all of these
MOST_TOPICS = 20  # of a group that are remembered
LONGEST = 80  # letters of a value that are kept
FULL = 500  # messages of a group that are looked into; more are counted
MOST_FULL = 20_000  # topics that are counted only
ALIKE = 0.5  # share of fields in common from which two payloads are of one kind
DEEPEST = 20

VALUE_WORDS = ("value", "val", "v", "data", "current", "reading")  # keys that do not say which value it is
LABEL = "\0"  # stands for the level of a topic that names a quantity
# A level that is a name given to a device, rather than a word of the format.
GIVEN = re.compile(r"[0-9]+|(?=.*[0-9])[0-9a-f:_-]{6,}|(?!v[0-9]+$).*[a-z_-][0-9]+|.*[0-9]{4,}.*", re.IGNORECASE)
ADDRESS = re.compile(r"(?=.*[0-9])[0-9a-f:-]{6,}|[0-9]{4,}", re.IGNORECASE)
KEY_GIVEN = re.compile(r"(?=.*[0-9])[0-9a-f:-]{6,}|[0-9]{4,}|(?=.*[0-9])[\w-]{12,}", re.IGNORECASE)
JSON, PLAIN, OTHER, SPARKPLUG = "JSON", "a value", "no text", "Sparkplug"
Name = TypeVar("Name", Steps, str)


@dataclass
class FieldSeen:
    """The values of a field so far."""

    count: int = 0
    samples: list[Any] = field(default_factory=list)

    def note(self, value: Any) -> None:
        """Remember a value, if it is another one."""
        self.count += 1
        shown = value[:LONGEST] if isinstance(value, str) else value
        if len(self.samples) < MOST_SAMPLES and not any(shown == s and type(shown) is type(s) for s in self.samples):
            self.samples.append(shown)


@dataclass
class MessageGroup:
    """Messages of one kind: their topics, their fields, and a few of them whole."""

    levels: tuple[str, ...]
    kind: str
    count: int = 0
    retained: int = 0
    fields: dict[Steps, FieldSeen] = field(default_factory=dict)
    messages: list[tuple[str, bytes]] = field(default_factory=list)
    topics: dict[str, None] = field(default_factory=dict)
    labels: dict[str, FieldSeen] = field(default_factory=dict)  # levels that stood at LABEL, and what they said

    @property
    def filter(self) -> str:
        """Return the filter of its topics."""
        return "/".join(topics.ONE if level == LABEL else level for level in self.levels)

    def likeness(self, other: set[Steps]) -> float:
        """Return the share of fields that it has in common with a message; 1 if one has all of the other's."""
        mine = self.fields.keys()
        if not mine or not other:
            return float(not mine and not other)
        return len(mine & other) / min(len(mine), len(other))

    def absorb(self, other: "MessageGroup") -> None:
        """Take over what another group has heard."""
        self.count += other.count
        self.retained += other.retained
        _take_over(self.fields, other.fields)
        _take_over(self.labels, other.labels)
        self.messages += other.messages[: MOST_MESSAGES - len(self.messages)]
        for topic in list(other.topics)[: MOST_TOPICS - len(self.topics)]:
            self.topics[topic] = None


class Heardings:
    """All groups of what was heard."""

    def __init__(self) -> None:
        self.count = 0
        self.beyond = 0  # messages that found no place
        self._groups: dict[tuple[tuple[str, ...], str], list[MessageGroup]] = {}
        self._size = 0
        self._bytes = 0
        self._full: dict[str, MessageGroup] = {}  # by topic: groups of which enough is known

    @property
    def kinds(self) -> int:
        """Return how many groups there are so far."""
        return self._size

    def hear(self, topic: str, payload: bytes, retained: bool = False) -> None:
        """Take a message in."""
        self.count += 1
        if (full := self._full.get(topic)) is not None:
            full.count += 1
            return
        levels = tuple(topic.split("/"))
        kind, said = _kind(levels, payload)
        leaves = list(_leaves(said)) if kind == JSON else []
        places = {steps for steps, _ in leaves}
        mask, label = _mask(levels, kind, places)
        group = self._group(mask, kind, places)
        if group is None:
            self.beyond += 1
            return
        group.count += 1
        group.retained += retained
        if group.count <= FULL:
            self._note(group, topic, payload, leaves)
            if label is not None:
                _remember(group.labels, label, _single(said))
        elif len(self._full) < MOST_FULL:
            self._full[topic] = group

    def _note(self, group: MessageGroup, topic: str, payload: bytes, leaves: list[tuple[Steps, Any]]) -> None:
        is_new = topic not in group.topics
        if is_new and len(group.topics) < MOST_TOPICS:
            group.topics[topic] = None
        for steps, value in leaves:
            _remember(group.fields, steps, value)
        fits = len(group.messages) < MOST_MESSAGES and self._bytes + len(payload) <= MOST_KEPT_BYTES
        if fits and (is_new or group.count < 10):
            self._bytes += len(payload)
            group.messages.append((topic, payload))

    def _group(self, mask: tuple[str, ...], kind: str, places: set[Steps]) -> MessageGroup | None:
        """Return the group of a message, a new one if there is room for it; else one whose filter lets it through."""
        there = self._groups.get((mask, kind), [])
        for group in there:
            if kind != JSON or group.likeness(places) >= ALIKE:
                return group
        if self._size >= MOST_GROUPS:
            topic = "/".join(mask)
            return next((g for g in self._all() if g.kind == kind and topics.covers(g.filter, topic)), None)
        self._size += 1
        group = MessageGroup(mask, kind)
        self._groups.setdefault((mask, kind), []).append(group)
        if self._size == MOST_GROUPS:
            self._merge()
        return group

    def _all(self) -> Iterator[MessageGroup]:
        for groups in self._groups.values():
            yield from groups

    def _merge(self) -> None:
        merged = _merged(list(self._all()))
        self._full.clear()
        self._groups, self._size = {}, len(merged)
        for group in merged:
            self._groups.setdefault((group.levels, group.kind), []).append(group)

    def groups(self) -> list[MessageGroup]:
        """Return the groups, those that are alike but for one level of their topics as one; the largest first."""
        return sorted(_merged(list(self._all())), key=lambda group: -group.count)


def _remember(fields: dict[Name, FieldSeen], name: Name, value: Any) -> None:
    """Remember a value of a field, if there is room for the field."""
    if name in fields or len(fields) < MOST_FIELDS:
        fields.setdefault(name, FieldSeen()).note(value)


def _take_over(fields: dict[Name, FieldSeen], others: dict[Name, FieldSeen]) -> None:
    for name, seen in others.items():
        for value in seen.samples:
            _remember(fields, name, value)


def _single(said: Any) -> Any:
    """Return the one value that a message says."""
    if not isinstance(said, dict):
        return said
    return next((said[key] for key in said if key.casefold() in VALUE_WORDS), None)


def _kind(levels: tuple[str, ...], payload: bytes) -> tuple[str, Any]:
    if levels[0] == "spBv1.0":
        return SPARKPLUG, None
    with suppress(DecodeError):
        said = json(payload)
        if isinstance(said, dict | list):
            return JSON, said
        return PLAIN, said
    with suppress(DecodeError):
        said = text(payload)
        if said and len(said) <= LONGEST and said.isprintable() and "<" not in said:
            return PLAIN, said
    return OTHER, None


def _leaves(node: Any) -> Iterator[tuple[Steps, Any]]:
    """Yield where in a message which value is: every list as `[*]`, and keys that were given to devices as `*`."""
    waiting: list[tuple[Steps, Any]] = [((), node)]
    seen = 0
    while waiting and seen < MOST_LEAVES:
        steps, one = waiting.pop(0)
        seen += 1
        if isinstance(one, str) and one[:1] in ("{", "["):
            with suppress(DecodeError):
                one = json(one.encode(errors="replace"))
        if len(steps) > DEEPEST:
            continue
        if isinstance(one, dict):
            waiting += [((*steps, _key(name, inner)), inner) for name, inner in list(one.items())[:MOST_LEAVES]]
        elif isinstance(one, list):
            waiting += [((*steps, Wildcard.ELEMENT), inner) for inner in one[:MOST_SAMPLES]]
        elif one is not None:
            yield steps, one


def _key(name: str, inner: Any) -> Step:
    return Wildcard.KEY if isinstance(inner, dict | list) and KEY_GIVEN.fullmatch(name) else name


def _mask(levels: tuple[str, ...], kind: str, places: set[Steps]) -> tuple[tuple[str, ...], str | None]:
    """Return the levels of a topic with wildcards for names of devices, and the one that names a quantity, if any."""
    named = any(isinstance(s[-1], str) and channel_of(s[-1]) for s in places if s)
    out, label = list(levels), None
    for nth in reversed(range(len(levels))):
        if label is None and nth and kind in (PLAIN, JSON) and not named and channel_of(_word(levels[nth])):
            out[nth], label = LABEL, levels[nth]
        elif _is_given(levels[nth], nth):
            out[nth] = topics.ONE
    return tuple(out), label


def _word(level: str) -> str:
    return level if not level.rpartition("_")[2].isdecimal() else level.rpartition("_")[0]


def _is_given(level: str, nth: int) -> bool:
    if level in (topics.ONE, topics.REST):
        return True
    return bool((GIVEN if nth else ADDRESS).fullmatch(level))


def _merged(groups: list[MessageGroup]) -> list[MessageGroup]:
    """Merge groups whose topics differ in one level, and whose messages are alike."""
    kept: list[MessageGroup] = []
    for group in sorted(groups, key=lambda one: -one.count):
        for other in kept:
            if (nth := _differing(group, other)) is not None and other.kind in (JSON, PLAIN):
                levels = list(other.levels)
                if nth >= 0:
                    levels[nth] = topics.ONE
                other.levels = tuple(levels)
                other.absorb(group)
                break
        else:
            kept.append(group)
    return kept if len(kept) == len(groups) else _merged(kept)


def _differing(one: MessageGroup, other: MessageGroup) -> int | None:
    """Return the only level in which two groups differ; -1 if in none, None if they are not alike."""
    if one.kind != other.kind or len(one.levels) != len(other.levels):
        return None
    differing = [n for n, (a, b) in enumerate(zip(one.levels, other.levels, strict=True)) if a != b]
    if len(differing) > 1 or any(LABEL in (one.levels[n], other.levels[n]) for n in differing):
        return None
    if one.kind == PLAIN and LABEL not in one.levels:
        return None  # nothing says that they mean the same
    is_wild = any(topics.ONE in (one.levels[n], other.levels[n]) for n in differing)
    alike = 0.8 if differing and not is_wild else ALIKE
    if one.kind == JSON and one.likeness(set(other.fields)) < alike:
        return None
    return differing[0] if differing else -1

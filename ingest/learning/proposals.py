"""Proposals: for each group of messages the preset that reads it, or else an entry for what its fields seem to be."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from domain.errors import UsageError
from domain.quality import SPANS
from ingest import source_table, topics
from ingest.decoders.path import Path, Steps, Trail, Wildcard, places
from ingest.decoders.payload import json
from ingest.decoders.work import Work
from ingest.learning import entries
from ingest.learning.groups import JSON, SPARKPLUG, FieldSeen, MessageGroup
from ingest.learning.guesses import Guess, best_of, quantities
from ingest.source_entry import presets
from ingest.sources import Sources
from ingest.uplink import WITHHELD

OF_ANYTHING = ("json", "plain")


class Outcome(NamedTuple):
    """The readings that an entry makes of the messages of a group that were kept."""

    read: int  # messages
    faults: tuple[str, ...]
    channels: frozenset[str]
    odd: frozenset[str]  # channels with values that no instrument says
    values: int


@dataclass
class Proposal:
    """A source for a group of messages, and what it cannot know."""

    group: MessageGroup
    entry: dict[str, Any]
    outcome: Outcome
    doubts: list[str] = field(default_factory=list)
    read: Mapping[Steps, str] = field(default_factory=dict)  # channels by the fields they are taken from

    @property
    def worth(self) -> tuple[int, int, bool, int, int]:
        """Rank a proposal among others for the same messages."""
        told = self.outcome
        return -len(told.faults), told.read, "temperature" in told.channels, len(told.channels), told.values


def proposed(group: MessageGroup, zone: ZoneInfo, received_us: int) -> Proposal | None:
    """Propose a source for a group; None if nothing in it seems to be a reading."""
    judge = _Judge(group, zone, received_us)
    of_preset = max(judge.by_preset(), key=_worth_of_preset, default=None)
    own = max(judge.by_fields(), key=lambda one: one.worth, default=None)
    if of_preset is None or own is None:
        return of_preset or own
    has_own_topics = "filter" not in of_preset.entry
    is_enough = has_own_topics or of_preset.outcome.channels >= own.outcome.channels
    return of_preset if is_enough and not of_preset.outcome.faults else max(own, of_preset, key=lambda one: one.worth)


def _worth_of_preset(one: Proposal) -> tuple[bool, bool, tuple[int, int, bool, int, int]]:
    """Rank presets: one that has these very topics is likelier than another that understands the messages."""
    return not one.outcome.faults, "filter" not in one.entry, one.worth


class _Judge:
    """Tries entries on the messages of one group."""

    def __init__(self, group: MessageGroup, zone: ZoneInfo, received_us: int) -> None:
        self.group = group
        self.zone = zone
        self.received_us = received_us

    def outcome(self, entry: dict[str, Any]) -> Outcome | None:
        """Return what an entry makes of the messages; None if it is none, or reads nothing."""
        try:
            sources = Sources([source_table.origin({"name": "new", **entry}, "proposal", self.zone)])
        except UsageError:
            return None
        read, faults, values = 0, list[str](), 0
        channels, odd = set[str](), set[str]()
        for topic, payload in self.group.messages:
            said = sources.decode(topic, payload, self.received_us)
            faults += [fault.detail for fault in said.faults]
            for uplink in said.uplinks:
                there = {name: v for name in SPANS if (v := getattr(uplink, name)) not in (None, WITHHELD)}
                odd |= {n for n, v in there.items() if not SPANS[n].lowest <= v <= SPANS[n].highest}
                channels |= there.keys()
                values += len(there)
            read += any(getattr(uplink, name) is not None for uplink in said.uplinks for name in SPANS)
        return Outcome(read, tuple(faults), frozenset(channels), frozenset(odd), values) if channels else None

    def by_preset(self) -> Iterator[Proposal]:
        """Yield proposals of presets, those first whose own topics these are."""
        for name, preset in presets().items():
            if name in OF_ANYTHING:
                continue
            is_own = any(topics.covers(text, t) for text in _filters(preset) for t in self.group.topics)
            if is_own:
                yield from self._with({"preset": name}, preset)
            elif _is_distinct(preset) and self.group.kind != SPARKPLUG:
                yield from self._with({"preset": name, "filter": self.group.filter}, preset)

    def _with(self, entry: dict[str, Any], preset: Mapping[str, Any]) -> Iterator[Proposal]:
        """Yield what a preset reads, and what it reads with names of values that it does not know."""
        plain = self.outcome(entry)
        others = _other_names(preset, self.group, plain.channels if plain else frozenset())
        if plain:
            yield Proposal(self.group, entry, plain, _odd(plain))
        if "label" in preset:
            yield from self._with_labels(entry, preset, plain)
        if others:
            more = {**entry, "values": {guess.channel: entries.value_of(guess, rest) for guess, rest in others}}
            if (found := self.outcome(more)) and (plain is None or found.channels > plain.channels):
                doubts = [f"values.{guess.channel}: {doubt}" for guess, _ in others for doubt in guess.doubts]
                yield Proposal(self.group, more, found, doubts + _odd(found), {g.steps: g.channel for g, _ in others})

    def _with_labels(
        self, entry: dict[str, Any], preset: Mapping[str, Any], plain: Outcome | None
    ) -> Iterator[Proposal]:
        """Yield what a preset reads whose messages name the values, by the names that were heard."""
        doubts: list[str] = []
        chosen = entries.labelled(_labels_heard(preset, self.group), doubts)
        values = entries.values_of(chosen)
        found = self.outcome({**entry, "values": values}) if values else None
        if found and (plain is None or found.channels > plain.channels):
            doubts += [f"values.{one.channel}: {doubt}" for one in chosen.values() for doubt in one.doubts]
            yield Proposal(self.group, {**entry, "values": values}, found, doubts + _odd(found))

    def by_fields(self) -> Iterator[Proposal]:
        """Yield proposals of what the fields, or the levels of the topic, seem to be."""
        for draft in entries.drafts(self.group, self.zone):
            if found := self.outcome(draft.entry):
                yield Proposal(self.group, draft.entry, found, draft.doubts + _odd(found), draft.read)


def _odd(outcome: Outcome) -> list[str]:
    said = [f"values.{channel}: has values that no instrument says: scale or unit?" for channel in sorted(outcome.odd)]
    return said + [f"{len(outcome.faults)} values are not read: {detail}" for detail in outcome.faults[:1]]


def _filters(preset: Mapping[str, Any]) -> list[str]:
    return [*preset.get("filter", []), *preset.get("every_worker", [])]


def _bodies(preset: Mapping[str, Any]) -> list[Steps]:
    parts = preset.get("body", [""])
    return [Path.of(text).steps for part in parts for text in ([part] if isinstance(part, str) else part)]


def _is_distinct(preset: Mapping[str, Any]) -> bool:
    """Return whether a preset knows its messages by more than their topics."""
    return not preset.get("plain") and (
        preset["decoder"] in ("senml", "ruuvi", "thingsboard")
        or any(isinstance(b[0], str) for b in _bodies(preset) if b)
    )


def _labels_heard(preset: Mapping[str, Any], group: MessageGroup) -> dict[str, FieldSeen]:
    """Return what the messages that were kept say under each name, where a preset has names and values."""
    found: dict[str, FieldSeen] = {}
    paths, keys = preset["label"], preset.get("value", [""])
    for _, payload in group.messages if group.kind == JSON else ():
        said = json(payload)
        for body in _bodies(preset):
            for trail in places(said, body, Work()):
                label = next((one for path in paths if (one := _label(Path.of(path), body, trail)) is not None), None)
                node = trail.nodes[-1]
                said_of = [node.get(key) if isinstance(node, dict) else node for key in keys]
                there = next((one for one in said_of if one is not None), None)
                if label is not None and there is not None:
                    found.setdefault(label.rpartition(".")[2] if "split" in preset else label, FieldSeen()).note(there)
    return found


def _label(path: Path, body: Steps, trail: Trail) -> str | None:
    """Return the name of a value at a place, as a preset says where it is."""
    if path.is_key:
        said = trail.keys[-1] if path.steps == body else None
    else:
        rest = path.steps if path.is_inner else _below(path.steps, body)
        node = trail.nodes[-1]
        said = node.get(rest[0]) if len(rest) == 1 and isinstance(node, dict) else None
    return said if isinstance(said, str) else None


def _other_names(preset: Mapping[str, Any], group: MessageGroup, known: frozenset[str]) -> list[tuple[Guess, Steps]]:
    """Return fields in the bodies of a preset that seem to be quantities which it does not read, best of each."""
    if "label" in preset or preset["decoder"] not in ("fields", "chirpstack_protobuf", "thingsboard"):
        return []
    found: dict[str, list[tuple[Guess, Steps]]] = {}
    for guess in quantities(group):
        for body in _bodies(preset):
            rest = _below(guess.steps, body)
            if rest and guess.channel not in known and not any(isinstance(step, Wildcard) for step in rest):
                found.setdefault(guess.channel, []).append((guess, rest))
                break
    return [next(one for one in many if one[0] is best_of([g for g, _ in many])) for many in found.values()]


def _below(steps: Steps, body: Steps) -> Steps:
    """Return the steps from a body on; none if they do not lead through it."""
    for mine, theirs in zip(steps, body, strict=False):
        if mine != theirs and theirs is not Wildcard.KEY:
            return ()
    return steps[len(body) :]


def of_sparkplug(groups: Sequence[MessageGroup]) -> MessageGroup | None:
    """Return all that speaks Sparkplug as one group, births first: what comes later is told by them."""
    those = [group for group in groups if group.kind == SPARKPLUG]
    if not those:
        return None
    whole = MessageGroup(("spBv1.0", topics.REST), SPARKPLUG)
    for group in those:
        whole.absorb(group)
    messages = [one for group in those for one in group.messages]
    whole.messages = sorted(messages, key=lambda one: "BIRTH/" not in one[0])
    return whole

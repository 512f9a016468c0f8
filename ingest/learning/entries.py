"""Entries of the table of sources for messages that no preset reads: drafts, to be tried on the messages."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ingest import topics
from ingest.decoders.path import Steps, Wildcard, places, spelled
from ingest.decoders.payload import json
from ingest.decoders.work import Work
from ingest.learning.groups import JSON, LABEL, PLAIN, VALUE_WORDS, FieldSeen, MessageGroup
from ingest.learning.guesses import (
    Guess,
    best_of,
    channels_of,
    guess,
    labels,
    name_of,
    names,
    prefix,
    quantities,
    tail,
    times,
)
from ingest.source_entry import presets


class EntryDraft(NamedTuple):
    """An entry to be tried, what is not known of it, and channels by the fields they are taken from."""

    entry: dict[str, Any]
    doubts: list[str]
    read: Mapping[Steps, str]


@dataclass
class _Making:
    """An entry in the making."""

    group: MessageGroup
    zone: ZoneInfo
    entry: dict[str, Any]
    doubts: list[str] = field(default_factory=list)

    def name(self, body: Steps, label: Steps | None = None) -> None:
        """Say where the sensor's name is."""
        group, inner = self.group, prefix(body)
        there = [(steps, seen) for steps, seen in names(group, body) if steps != label]
        own = [steps for steps, _ in there if prefix(steps) == inner]
        if inner and not own and inner[-1] is Wildcard.KEY:
            self.entry["sensor"] = f"{spelled(inner)}~"
        elif there:
            self._by_field([steps for steps, _ in there], bool(inner) and not own and label is None)
        else:
            self._by_topic(bool(inner) and label is None)

    def _by_field(self, there: list[Steps], is_outside: bool) -> None:
        self.entry["sensor"] = spelled(there[0])
        others = [spelled(steps) for steps in there[1:4]] + ["topic"] * (topics.ONE in self.group.levels)
        if others:
            self.doubts.append(f"sensor: or is it named by {' or '.join(others)}?")
        if is_outside:
            self.doubts.append('sensor: the elements of the list have no name of their own; ["…", "…"] joins parts')

    def _by_topic(self, is_outside: bool) -> None:
        if topics.ONE in self.group.levels:
            self.entry["sensor"] = "topic"
        else:
            self.entry["sensor"] = "topic[-1]"
            self.doubts.append("sensor: no field looks like a name, so the last level of the topic is taken")
        if is_outside:
            self.doubts.append("sensor: the elements of the list have no name: they would all be one sensor")

    def time(self, body: Steps) -> None:
        """Say where the time is, if the preset does not know it."""
        there = times(self.group, body, self.zone)
        if not there:
            self.doubts.append("time: no field looks like one, so that of receipt is taken")
            return
        steps, seen = there[0]
        known = presets()["json"]["time"]
        inner = body if steps[: len(body)] == body else ()
        if spelled(steps) not in known and not (inner and f".{spelled(steps[len(inner) :])}" in known):
            self.entry["time"] = spelled(steps)
        texts = [one.strip() for one in seen.samples if isinstance(one, str)]
        if any(":" in one and one[-1:] not in "zZ" and "+" not in one for one in texts):
            self.doubts.append(f"zone: the time says none, so {self.zone.key} is meant")

    def draft(self, found: Collection[Guess], values: Mapping[str, Any]) -> EntryDraft:
        """Return the draft for what was found, whose values by channel are these."""
        self.entry["values"] = values
        self._spelling(found)
        self.doubts += [f"values.{one.channel}: {doubt}" for one in found for doubt in one.doubts]
        return EntryDraft(self.entry, self.doubts, {one.steps: one.channel for one in found})

    def labelled(self, chosen: Mapping[str, Guess]) -> EntryDraft:
        """Return the draft for quantities under names."""
        return self.draft(chosen.values(), values_of(chosen))

    def _spelling(self, found: Collection[Guess]) -> None:
        if self.entry["preset"] == "json" and any(one.is_text for one in found):
            self.entry["text_numbers"] = True
        if any(one.has_comma for one in found):
            self.entry["decimal"] = ","


def drafts(group: MessageGroup, zone: ZoneInfo) -> Iterator[EntryDraft]:
    """Yield what might read a group."""
    if group.kind == JSON:
        yield from _by_keys(group, zone)
        yield from _by_lists_of_names(group, zone)
    if group.kind in (JSON, PLAIN) and LABEL in group.levels:
        yield from _by_topic(group, zone)


def value_of(one: Guess, steps: Steps) -> str | dict[str, Any]:
    """Return what an entry says of a quantity."""
    said = _told(one, spelled(steps))
    start = one.steps[: len(one.steps) - len(steps)]
    extras: dict[str, Any] = {"unit_at": _inner(one.unit_at, start)} if one.unit_at else {}
    if one.good_at:
        extras["good"] = {"path": _inner(one.good_at, start), "values": list(one.good)}
    return {"path": spelled(steps), **extras} if extras and isinstance(said, str) else said


def _inner(steps: Steps, body: Steps) -> str:
    return f".{spelled(steps[len(body) :])}"


def _told(one: Guess, path: str) -> str | dict[str, Any]:
    extras: dict[str, Any] = {"unit": one.unit} if one.unit else {}
    extras |= {"scale": one.scale} if one.scale != 1.0 else {}
    return {"path": path, **extras} if extras else path


def _by_keys(group: MessageGroup, zone: ZoneInfo) -> Iterator[EntryDraft]:
    """Yield drafts for values under keys that say what they are, one for each list that has any."""
    bodies: dict[Steps, list[Guess]] = {}
    for one in quantities(group):
        bodies.setdefault(prefix(one.steps), []).append(one)
    for body, found in bodies.items():
        making = _Making(group, zone, {"preset": "json", "filter": group.filter})
        making.name(body)
        making.time(body)
        if body:
            making.entry["body"] = spelled(body)
        chosen = _chosen(found, making.doubts)
        yield making.draft(chosen, {one.channel: value_of(one, one.steps[len(body) :]) for one in chosen})


def _chosen(found: list[Guess], doubts: list[str]) -> list[Guess]:
    """Return one field for each channel, and note where there are several."""
    by_channel: dict[str, list[Guess]] = {}
    for one in found:
        by_channel.setdefault(one.channel, []).append(one)
    out = []
    for channel, rivals in by_channel.items():
        best = best_of(rivals)
        out.append(best)
        others = [spelled(one.steps) for one in rivals if one is not best]
        if others:
            which = "which is the room's" if channel == "temperature" else "which is meant"
            doubts.append(f"values.{channel}: or {' or '.join(others[:4])}? {which}, is not to be told")
    return sorted(out, key=lambda one: one.channel != "temperature")


def _by_lists_of_names(group: MessageGroup, zone: ZoneInfo) -> Iterator[EntryDraft]:
    """Yield drafts for lists of names and values."""
    for body, key, value, at in labels(group):
        making = _Making(group, zone, {"preset": "json", "filter": group.filter})
        making.name(body, at)
        making.time(body)
        making.entry |= {"body": spelled(body), "label": spelled((*body, key)), "value": value}
        if (*body, "unit") in group.fields:
            making.entry["unit_at"] = ".unit"
        yield making.labelled(labelled(_said_under(group, body, key, value), making.doubts))


def _said_under(group: MessageGroup, body: Steps, key: str, value: str) -> dict[str, FieldSeen]:
    """Return what elements of a list say under each name, in the messages that were kept."""
    found: dict[str, FieldSeen] = {}
    for _, payload in group.messages:
        for trail in places(json(payload), body, Work()):
            one = trail.nodes[-1]
            if isinstance(one, dict) and isinstance(label := one.get(key), str) and one.get(value) is not None:
                found.setdefault(label, FieldSeen()).note(one[value])
    return found


def labelled(said: Mapping[str, FieldSeen], doubts: list[str]) -> dict[str, Guess]:
    """Return for each channel the name that is likely to mean it, and note where there are several."""
    chosen: dict[str, Guess] = {}
    channels = channels_of({label: (tail(label), seen) for label, seen in said.items()})
    for label, seen in said.items():
        one = guess((label,), tail(label), seen, channels[label])
        other = one and next((name for name, there in chosen.items() if there.channel == one.channel), None)
        if one and other:
            doubts.append(f"values.{one.channel}: {other!r} is taken, or is it {label!r}?")
        elif one:
            chosen[label] = one
    return chosen


def values_of(chosen: Mapping[str, Guess]) -> dict[str, Any]:
    """Return what an entry says of quantities under names, by channel."""
    return {one.channel: _told(one, label) for label, one in chosen.items()}


def _by_topic(group: MessageGroup, zone: ZoneInfo) -> Iterator[EntryDraft]:
    """Yield a draft for values whose topic says what they are."""
    at = group.levels.index(LABEL)
    making = _Making(group, zone, {"preset": "plain" if group.kind == PLAIN else "json"})
    chosen = labelled(group.labels, making.doubts)
    if not chosen:
        return
    making.entry["filter"] = [_with(group.levels, at, label) for label in chosen]
    wild = [nth + 1 for nth, level in enumerate(group.levels) if level == topics.ONE] or [at]
    making.entry["sensor"] = [f"topic[{nth}]" for nth in wild]
    making.entry["label"] = f"topic[{at + 1}]"
    if group.kind == JSON:
        key = next((name_of(s) for s in group.fields if len(s) == 1 and str(s[0]).casefold() in VALUE_WORDS), "")
        making.entry["value"] = key
        making.time(())
    yield making.labelled(chosen)


def _with(levels: tuple[str, ...], at: int, label: str) -> str:
    return "/".join((*levels[:at], label, *levels[at + 1 :]))

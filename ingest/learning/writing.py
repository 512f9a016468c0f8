"""A table of sources as TOML, with what was heard as comments."""

import json
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from domain.errors import UsageError
from domain.quality import SPANS
from ingest import source_table, topics
from ingest.decoders.path import spelled
from ingest.learning.groups import JSON, OTHER, SPARKPLUG, FieldSeen, Heardings, MessageGroup
from ingest.learning.guesses import name_of
from ingest.learning.proposals import Proposal, of_sparkplug, proposed
from ingest.learning.words import PRIVATE

SHOWN = 3
MOST_SHOWN_FIELDS = 40
MOST_UNREAD = 50  # groups without a proposal that are told of
NAME = re.compile(r"[^\w.-]+", re.ASCII)


def table(heard: Heardings, existing: str, zone: ZoneInfo, received_us: int) -> str:
    """Write the proposals for what was heard.

    Args:
        existing: the table that there is, beside which they must hold.
    """
    groups = heard.groups()
    sparkplug = of_sparkplug(groups)
    known = [group for group in groups if group.kind != SPARKPLUG] + ([sparkplug] if sparkplug else [])
    writer, parts, unread = _Writer(existing, zone, received_us), list[str](), list[MessageGroup]()
    for group in known:
        proposal = proposed(group, zone, received_us)
        if proposal is None:
            unread.append(group)
        else:
            parts.append(writer.part(proposal))
    parts += [_unread(group) for group in unread[:MOST_UNREAD]]
    if len(unread) > MOST_UNREAD or heard.beyond:
        parts.append(f"# More was heard: {len(unread[MOST_UNREAD:])} kinds, and {heard.beyond} messages of others.\n")
    return "\n".join(parts)


class _Writer:
    """Writes proposals, each beside those before it."""

    def __init__(self, existing: str, zone: ZoneInfo, received_us: int) -> None:
        self.zone = zone
        self.received_us = received_us
        self.accepted = existing
        self.sources = source_table.load(existing, "the table", zone)
        self.names = {origin.name for origin in self.sources.origins}

    def part(self, proposal: Proposal) -> str:
        """Write one: its table, what is not known of it, and its fields; as a comment where it cannot stand."""
        group = proposal.group
        fields = _fields(group, proposal.read)
        if name := self._reader(proposal):
            return f"{_heading(group)}# is read by {name} above\n{fields}"
        text, problem = self._table(proposal)
        doubts = "".join(f"# ? {plain(doubt)}\n" for doubt in dict.fromkeys(proposal.doubts))
        reads = ", ".join(sorted(proposal.outcome.channels))
        return f"{_heading(group)}# reads {reads}\n{problem}{doubts}{text}{fields}"

    def _reader(self, proposal: Proposal) -> str | None:
        """Return the source above that reads what this one was to read."""
        found, names = set[str](), set[str]()
        for topic, payload in proposal.group.messages:
            said = self.sources.decode(topic, payload, self.received_us)
            found |= {name for uplink in said.uplinks for name in SPANS if getattr(uplink, name) is not None}
            names.add(said.device)
            if said.faults and not proposal.outcome.faults:
                return None
        return names.pop() if len(names) == 1 and found >= proposal.outcome.channels else None

    def _table(self, proposal: Proposal) -> tuple[str, str]:
        """Return the entry as TOML, and what is wrong with it; then it is a comment."""
        name, problems = self._name(proposal), list[str]()
        for entry in _choices(proposal):
            text = toml({"name": name, **entry})
            try:
                self.sources = source_table.load(f"{self.accepted}\n{text}", "the table", self.zone)
            except UsageError as error:
                problems.append(str(error))
                continue
            self.accepted += f"\n{text}"
            self.names.add(name)
            return text, ""
        text = "".join(f"# {line}\n" for line in toml({"name": name, **proposal.entry}).splitlines())
        return text, f"# ? cannot stand beside the others as it is: {plain(problems[0])}\n"

    def _name(self, proposal: Proposal) -> str:
        levels = [level for level in proposal.group.filter.split("/") if level not in ("", "+", "#")]
        preset = proposal.entry["preset"]
        wanted = (
            NAME.sub("-", levels[0] if preset in ("json", "plain") and levels else preset).strip("-.")[:40] or "new"
        )
        wanted = f"net-{wanted}" if wanted.startswith("hearth") else wanted
        nth = 1
        while (name := wanted if nth == 1 else f"{wanted}-{nth}") in self.names:
            nth += 1
        return name


def _choices(proposal: Proposal) -> list[dict[str, Any]]:
    """Return the entry, and the same for no more topics than were heard."""
    entry = proposal.entry
    if proposal.group.kind == SPARKPLUG:
        return [entry]
    narrow = [] if "filter" in entry else [{**entry, "filter": proposal.group.filter}]
    first, *rest = proposal.group.filter.split("/")
    if first == topics.ONE and isinstance(entry.get("filter", ""), str):  # networks of others may be below it
        roots = dict.fromkeys(topic.partition("/")[0] for topic in proposal.group.topics)
        narrow.append({**entry, "filter": ["/".join((root, *rest)) for root in roots]})
    return [entry, *narrow]


def toml(entry: Mapping[str, Any]) -> str:
    """Write an entry of the table."""
    lines = [f"{key} = {_value(value)}" for key, value in entry.items() if key != "values"]
    lines += [f"values.{channel} = {_value(value)}" for channel, value in entry.get("values", {}).items()]
    return "\n".join(["[[source]]", *lines, ""])


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, int | float) else _text(value)


def _text(value: str) -> str:
    """Write a text as TOML has it, which is as JSON has it but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def plain(text: str) -> str:
    """Return a text for a comment: one line, without control characters."""
    return "".join(letter if letter.isprintable() else "·" for letter in text)


def _heading(group: MessageGroup) -> str:
    retained = f", {group.retained} of them retained" if group.retained else ""
    such = ", ".join(list(group.topics)[:SHOWN])
    return plain(f"# {group.filter}: {group.count} messages{retained}, such as on {such}") + "\n"


def _fields(group: MessageGroup, read: Mapping[Any, str]) -> str:
    """Write what each field said, and what it is taken for."""
    rows = [(spelled(steps), read.get(steps, ""), seen, name_of(steps)) for steps, seen in group.fields.items()]
    rows += [(f"topic {label}", "", seen, label) for label, seen in group.labels.items()]
    shown = rows[:MOST_SHOWN_FIELDS]
    width = min(40, max((len(path) for path, *_ in shown), default=0))
    lines = [
        f"#   {plain(path).ljust(width)}  {_samples(seen, path)}{f'  → {channel}' if channel else ''}\n"
        for path, channel, seen, _ in shown
    ]
    more = f"#   and {len(rows) - len(shown)} more fields\n" if len(rows) > len(shown) else ""
    return "".join(lines) + more


def _samples(seen: FieldSeen, path: str) -> str:
    if PRIVATE.search(path):
        return "(not shown)"
    return plain(" | ".join(_text(one) if isinstance(one, str) else json.dumps(one) for one in seen.samples[:SHOWN]))


def _unread(group: MessageGroup) -> str:
    """Tell of messages in which nothing seems to be a reading."""
    if group.kind == OTHER:
        return f"{_heading(group)}# ? neither JSON nor a short text: not read\n"
    why = (
        "says no quantity: name it (preset plain)" if group.kind != JSON else "no field looks like a quantity of a home"
    )
    return f"{_heading(group)}# ? {why}\n{_fields(group, {})}"

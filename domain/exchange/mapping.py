"""Mappings of a peer's interface: which of its fields is what here, and the other way round. Dated, as a policy is.

A path such as `ticket.article.0.body` leads into a JSON object; a number is a place in a list.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

from domain.bounds import OneOf, Within
from domain.tickets import EventKind, TicketClass

MOST_STEPS = 12  # of a path
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


class PeerSays(StrEnum):
    """Kind of what a peer says of a case."""

    OPENED = "opened"
    SAID = "said"  # adds to it, urges
    REOPENED = "reopened"  # does not accept what was done
    RATED = "rated"  # its call-back asked the user
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class CaseField(StrEnum):
    """Fields of an incoming case."""

    NUMBER = "number"  # theirs
    HANDLE = "handle"  # by what their interface finds it
    OUR_NUMBER = "our_number"  # where they say that they know ours
    KIND = "kind"  # what they say of it
    AT = "at"
    CLASS = "class"
    HOME = "home"  # its code
    ADDRESS = "address"
    TEXT = "text"
    CONTACT = "contact"
    RESPOND_BY = "respond_by"
    RESOLVE_BY = "resolve_by"
    SATISFIED = "satisfied"


# What the templates of outgoing fields may name: of the event, the ticket, its place, and the two numbers.
OUTGOING = (
    "event", "word", "seq", "at", "number", "class", "class_word", "state", "state_word", "priority", "home", "place",
    "station", "title", "text", "their_number", "their_handle", "due_at", "desk",
)  # fmt: skip
ProofName = Annotated[str, OneOf(("standard", "zammad", "frappe"))]
EnvelopeName = Annotated[str, OneOf(("cloudevents", "plain"))]
MethodName = Annotated[str, OneOf(("POST", "PUT", "PATCH"))]
EventName = Annotated[str, OneOf(tuple(EventKind))]
ClassName = Annotated[str, OneOf(tuple(TicketClass))]
# What a peer may open. An application needs documents, and a report an informer: no message has them.
TakenName = Annotated[str, OneOf((TicketClass.COLD, TicketClass.LEAK, TicketClass.REPAIR, TicketClass.COMPLAINT))]
SayingName = Annotated[str, OneOf(tuple(PeerSays))]
FieldName = Annotated[str, OneOf(tuple(CaseField))]
StateName = Annotated[str, OneOf(("open", "accepted", "working", "verifying", "done", "closed"))]


class JsonPath(NamedTuple):
    """A way into a JSON object."""

    steps: tuple[str, ...]

    def of(self, value: Any) -> Any:
        """Return what is there; None if nothing is."""
        for step in self.steps:
            if isinstance(value, Mapping):
                value = value.get(step)
            elif isinstance(value, Sequence) and not isinstance(value, str) and step.isdecimal():
                value = value[int(step)] if int(step) < len(value) else None
            else:
                return None
        return value


class FieldTemplate(NamedTuple):
    """A field of an outgoing body: where it goes, and a text with placeholders."""

    path: JsonPath
    text: str

    def filled(self, facts: Mapping[str, Any]) -> Any:
        """Return the value; a placeholder alone keeps the type of its value, and None is left out."""
        alone = PLACEHOLDER.fullmatch(self.text)
        if alone:
            return facts.get(alone[1])
        return PLACEHOLDER.sub(lambda found: _text(facts.get(found[1])), self.text)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


@dataclass(frozen=True, kw_only=True)
class PeerRequest:
    """A request to the peer's interface; `path` is added to its address."""

    method: MethodName = "POST"
    path: str = ""
    fields: tuple[FieldTemplate, ...]


@dataclass(frozen=True, kw_only=True)
class OutgoingRules:
    """Rules of telling a peer: of which events, by which word, with which bodies."""

    envelope: EnvelopeName
    events: Mapping[EventName, str]
    states: Mapping[StateName, str] = field(default_factory=dict)
    classes: Mapping[ClassName, str] = field(default_factory=dict)
    create: PeerRequest  # of the first event of a case that began here
    update: PeerRequest
    number: JsonPath | None = None  # in the answer to `create`
    handle: JsonPath | None = None


@dataclass(frozen=True, kw_only=True)
class IncomingRules:
    """Rules of reading a peer: the proof it gives, where its fields are, and what its words mean."""

    proof: ProofName
    envelope: EnvelopeName
    fields: Mapping[FieldName, JsonPath]
    kinds: Mapping[SayingName, tuple[str, ...]] = field(default_factory=dict)
    classes: Mapping[TakenName, tuple[str, ...]] = field(default_factory=dict)
    other: TakenName = "repair"  # the class of what no word of `classes` names
    satisfied: tuple[str, ...] = ()
    dissatisfied: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PeerClocks:
    """The events that meet a peer's clocks, and how long these run where the peer names no time."""

    responds: tuple[EventName, ...]
    solves: tuple[EventName, ...]
    respond_within_s: Annotated[int, Within(60, 31_536_000, "s")] | None = None
    resolve_within_s: Annotated[int, Within(60, 31_536_000, "s")] | None = None


@dataclass(frozen=True, kw_only=True)
class MappingVersion:
    """A mapping in force from a local day on."""

    valid_from: date
    out: OutgoingRules | None = None  # None: it is told nothing
    incoming: IncomingRules | None = None  # None: nothing is taken from it
    clocks: PeerClocks


@dataclass(frozen=True, kw_only=True)
class PeerMapping:
    """A mapping with its versions."""

    title: str
    source: str  # what was read for it
    versions: tuple[MappingVersion, ...]

    def at(self, day: date) -> MappingVersion | None:
        """Return the version in force on a local day; None before the first."""
        return next((one for one in reversed(self.versions) if one.valid_from <= day), None)

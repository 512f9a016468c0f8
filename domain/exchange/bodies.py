"""Bodies of requests to a peer, from what happened to a ticket."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from domain.exchange.cloud_events import CONTENT_TYPE, CloudEvent
from domain.exchange.mapping import PLACEHOLDER, FieldTemplate, OutgoingRules, PeerRequest
from domain.tickets import MOVES, EventKind

JSON = "application/json; charset=utf-8"
LONGEST_TEXT = 2000


class TheirNumbers(NamedTuple):
    """A peer's names of a case: its number, and by what its interface finds it."""

    number: str | None = None
    handle: str | None = None


class NotKnownThere(ValueError):
    """The address of a request needs a number of the peer that it has not said."""


class PeerBody(NamedTuple):
    """A request ready to go, without address and signature."""

    method: str
    path: str
    content_type: str
    body: bytes


def facts_of(kind: EventKind, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a peer may know of an event: what its user sees, as one text."""
    shown = {key: data[key] for key in MOVES[kind].shown or () if data.get(key) is not None}
    said = shown.pop("text", None) or shown.pop("zh", None) or shown.pop("result", None) or shown.pop("explanation", "")
    return {
        "event": kind.value,
        "text": str(said)[:LONGEST_TEXT],
        **{key: shown[key] for key in ("cause", "reason") if key in shown},
    }


def request(
    rules: OutgoingRules, facts: Mapping[str, Any], theirs: TheirNumbers, key: str, *, is_first: bool
) -> PeerBody:
    """Return the request that tells a peer of an event.

    Args:
        facts: as they were written down when it happened.
        key: the same at every attempt.
        is_first: with it the peer first hears of a case that began here.
    Raises:
        NotKnownThere: the peer has not said its number yet.
    """
    known = {
        **facts,
        "word": rules.events.get(facts["event"]),
        "state_word": rules.states.get(facts["state"], facts["state"]),
        "class_word": rules.classes.get(facts["class"], facts["class"]),
        "their_number": theirs.number,
        "their_handle": theirs.handle or theirs.number,
    }
    chosen = rules.create if is_first else rules.update
    data = nested(chosen.fields, known)
    if rules.envelope == "plain":
        body, kind = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode(), JSON
    else:
        event = CloudEvent(
            id=key,
            source=f"/{facts['desk']}",
            type=str(known["word"] or facts["event"]),
            data=data,
            time=facts["at"],
            subject=facts["number"],
            sequence=f"{facts['seq']:08}",
        )
        body, kind = event.body(), CONTENT_TYPE
    return PeerBody(chosen.method, _address(chosen, known), kind, body)


def nested(fields: tuple[FieldTemplate, ...], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in templates; what has no value is left out."""
    made: dict[str, Any] = {}
    for one in fields:
        value = one.filled(facts)
        if value is None:
            continue
        place = made
        for step in one.path.steps[:-1]:
            inner = place.setdefault(step, {})
            place = inner if isinstance(inner, dict) else place
        place[one.path.steps[-1]] = value
    return made


def _address(chosen: PeerRequest, known: Mapping[str, Any]) -> str:
    for name in PLACEHOLDER.findall(chosen.path):
        if known.get(name) is None:
            raise NotKnownThere(name)
    return PLACEHOLDER.sub(lambda found: quote(str(known[found[1]]), safe=""), chosen.path)

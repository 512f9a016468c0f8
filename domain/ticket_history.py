"""The events of a ticket as they are read: what of them still stands, and what of them its user sees."""

from collections.abc import Iterable, Mapping
from typing import Any

from domain.move_times import MADE_AT
from domain.tickets import MOVES, UNDOING, EventKind

UNDONE = frozenset({EventKind.DONE, EventKind.PROVEN, EventKind.REPLIED, EventKind.CALLED_BACK})


def parts_used(events: Iterable[Mapping[str, Any]]) -> list[str]:
    """List the parts that events of a ticket tell of, with how many of each were used at a time."""
    used = [event["data"] for event in events if event["kind"] == EventKind.PART_USED]
    return [f"{part['part']} × {part['count']}" for part in used]


def standing_events(events: Iterable[Mapping[str, Any]]) -> dict[EventKind, Mapping[str, Any]]:
    """Find the last event of each kind that is still valid: of the present round and not undone since.

    Args:
        events: of one ticket in order, each with `kind` and `round`.
    """
    standing: dict[EventKind, Mapping[str, Any]] = {}
    present = 1
    for event in events:
        kind = EventKind(event["kind"])
        if event["round"] > present:
            present, standing = event["round"], {}
        if kind in UNDOING:
            standing = {k: e for k, e in standing.items() if k not in UNDONE}
        standing[kind] = event
    return standing


def is_for_user(kind: EventKind) -> bool:
    """Return whether customers are shown events of a kind; of files only those that are meant for them."""
    return MOVES[kind].shown is not None


def event_for_user(event: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return an event with only what the user may see of it; None: the user does not see it."""
    shown, data = MOVES[EventKind(event["kind"])].shown, event["data"]
    if shown is None or (event["kind"] == EventKind.ATTACHED and not data["for_user"]):
        return None
    by_user = event["kind"] in (EventKind.USER_SAID, EventKind.RATED) or data.get("by_user")
    actor = "user" if by_user else event["actor"]
    actor = actor if actor in ("hearth", "user") else "staff"
    contact = {"contact": None} if "contact" in event else {}
    return {**event, **contact, "actor": actor, "data": {k: v for k, v in data.items() if k in (*shown, MADE_AT)}}

"""Rows of a dossier's files, for the user or for the company's staff."""

import json
from datetime import UTC, date, datetime, time
from enum import StrEnum

from domain.policy import Version
from domain.states import ClearReason
from domain.ticket_history import event_for_user
from domain.words.reasons import CLEAR_TEXTS
from store.base.rows import Row
from store.evidence.dossier_rows import DossierPoint

PERSONAL = ("responsible", "measurer", "recorded_by", "signature", "confirmation")  # not for the user's dossier


class DossierAudience(StrEnum):
    """Audience of a dossier."""

    USER = "user"  # without staff remarks and other people's names
    STAFF = "staff"


def seen(row: Row, view: DossierAudience) -> Row:
    """Return the part of a row that the view shows."""
    hidden = PERSONAL if view is DossierAudience.USER else ()
    return {name: value for name, value in row.items() if name not in hidden}


def version(label: str, version: Version) -> Row:
    """Return the part of a policy version that homes are judged by."""
    limits = [
        {
            "class": limit.home_class,
            "severity": limit.severity,
            "below": limit.below_celsius,
            "from": limit.opens,
            "to": limit.closes,
            "clause": limit.clause,
        }
        for limit in version.limits
    ]
    plain = ("valid_from", "confirm_for_s", "clear_for_s", "deadband_k", "hold_intervals", "judged_rooms")
    return {"label": label, **{name: getattr(version, name) for name in plain}, "limits": limits}


def thermometer(place: DossierPoint) -> Row:
    """Return the placement of a sensor in a room."""
    return {name: value for name, value in place._asdict().items() if name not in ("point_id", "sensor_id")}


def flag(row: Row) -> Row:
    """Return a flag with the reason it ended in both languages."""
    ended = CLEAR_TEXTS[ClearReason(row["clear_reason"])]._asdict() if row["clear_reason"] else None
    return {**{name: value for name, value in row.items() if name != "ticket_id"}, "cleared_because": ended}


def measured(row: Row) -> Row:
    """Return a measurement with its validity."""
    return {**row, "signed": row["signature"] is not None, "valid": row["worth"] == "valid"}


def event(event: Row, view: DossierAudience) -> Row:
    """Return an event: whole with its hashed text, in part, or as the hash alone."""
    plain = {name: event[name] for name in ("at", "kind", "actor", "state", "data")}
    whole = {"shown": "whole", **plain, "canonical": event["told"]}
    if view is DossierAudience.STAFF:
        return whole
    seen = event_for_user(plain)
    if seen is None:
        return {"shown": "withheld"}
    return whole if seen == plain else {"shown": "part", **seen}


def dumps(told: object, indent: int | None = 1) -> str:
    """Render JSON; instants are UTC to the µs, hashes are hexadecimal."""
    return json.dumps(told, indent=indent, ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    raise TypeError(f"{type(value).__name__} has no place in a dossier")

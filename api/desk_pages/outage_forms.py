"""Forms of outages: what they tell becomes the bodies of the API, so a form can say no less and no more."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from fastapi import Request
from pydantic import BaseModel, TypeAdapter, ValidationError

from api.desk.outages import Happening, NewOutage
from api.desk_pages.local_times import told_instant
from api.http.messages import in_both
from api.http.problem import Problem
from domain.outages import OutageEvent
from domain.words.text import Text
from store.network.outage_rows import PlaceCodes

MOST_FIELDS = 3_100  # places by code, of three kinds, and the fields of the form
HAPPENING: TypeAdapter[Any] = TypeAdapter(Happening)
MOVES = (
    OutageEvent.CHANGED,
    OutageEvent.WIDENED,
    OutageEvent.EXPLAINED,
    OutageEvent.RESTORED,
    OutageEvent.CANCELLED,
)
TIMES = ("begins_at", "expected_end", "restored_at")
Faults: TypeAlias = Mapping[str, Text]


@dataclass(frozen=True, kw_only=True)
class OutageForm:
    """The fields of a form about an outage, as they were told; `q` looks for places."""

    kind: str = "fault"
    stops_heating: str = "yes"
    reason: str = ""
    begins_at: str = ""
    expected_end: str = ""
    restored_at: str = ""
    explanation: str = ""
    q: str = ""
    key: str = ""
    version: str = ""
    substations: tuple[str, ...] = ()
    buildings: tuple[str, ...] = ()
    homes: tuple[str, ...] = ()

    @property
    def area(self) -> PlaceCodes:
        """The places that were chosen."""
        return PlaceCodes(self.substations, self.buildings, self.homes)

    @property
    def once(self) -> str:
        """The idempotency key: equal only if the same is sent again from the same page."""
        return hashlib.sha256(json.dumps(["outage", vars(self)]).encode()).hexdigest()

    def draft(self, zone: ZoneInfo) -> NewOutage:
        """Read the form as the API reads a new outage.

        Raises:
            ValidationError: it tells something that the API would not take.
        """
        given: dict[str, Any] = {
            "kind": self.kind,
            "stops_heating": self.stops_heating != "no",
            "reason": self.reason,
            "begins_at": told_instant(self.begins_at, zone),
            "area": self.area._asdict(),
        }
        if self.expected_end:
            given["expected_end"] = told_instant(self.expected_end, zone)
        return NewOutage.model_validate(given)

    def previewed(self, zone: ZoneInfo) -> NewOutage | None:
        """Read the form as far as it goes, for a preview; None: place or time are missing."""
        try:
            return (self if self.reason else replace(self, reason="…")).draft(zone)
        except ValidationError:
            return None

    def happening(self, before: BaseModel, zone: ZoneInfo) -> Any:
        """Read the form as the API reads an event; a change says only what differs from the outage as it was shown.

        Raises:
            ValidationError: it tells something that the API would not take.
        """
        match self.kind:
            case OutageEvent.CHANGED:
                given = self._changes(before, zone)
            case OutageEvent.WIDENED:
                given = {"area": self.area._asdict()}
            case OutageEvent.EXPLAINED:
                given = {"explanation": self.explanation}
            case OutageEvent.RESTORED if self.restored_at:
                given = {"restored_at": told_instant(self.restored_at, zone)}
            case _:
                given = {}
        return HAPPENING.validate_python({"kind": self.kind, **given})

    def _changes(self, before: BaseModel, zone: ZoneInfo) -> dict[str, Any]:
        told: dict[str, Any] = {
            "stops_heating": self.stops_heating != "no",
            "reason": self.reason,
            "begins_at": told_instant(self.begins_at, zone),
            "expected_end": told_instant(self.expected_end, zone) if self.expected_end else None,
        }
        return {name: value for name, value in told.items() if not _is_same(value, getattr(before, name))}


def _is_same(told: object, known: object) -> bool:
    """Compare what a form tells with what is known; the field of a form has whole minutes."""
    if isinstance(known, datetime) and isinstance(told, str):
        try:
            return datetime.fromisoformat(told) == known.replace(second=0, microsecond=0)
        except (ValueError, TypeError):
            return False
    return told == known


async def read_form(request: Request) -> OutageForm:
    """Read a form about an outage."""
    form = await request.form(max_files=0, max_fields=MOST_FIELDS)
    given: dict[str, Any] = {}
    for one in fields(OutageForm):
        told = [value for value in form.getlist(one.name) if isinstance(value, str)]
        if one.name in PlaceCodes._fields:
            given[one.name] = tuple(dict.fromkeys(told))
        elif told:
            given[one.name] = told[0].strip().replace("\r\n", "\n")
    return OutageForm(**given)


def faults_of(error: ValidationError) -> dict[str, Text]:
    """Return what is wrong with a form, by field; `area` stands for all places."""
    found: dict[str, Text] = {}
    for fault in error.errors():
        place = [str(part) for part in fault["loc"] if part not in MOVES]
        found.setdefault(place[0] if place else "", in_both(fault))
    return found


def faults_in(problem: Problem) -> dict[str, Text]:
    """Return what the API has found wrong with a form, by field."""
    told = ((one.parameter.partition(".")[0], one.detail) for one in problem.faults or ())
    return {name: text if isinstance(text, Text) else Text(text, text) for name, text in told}

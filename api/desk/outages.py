"""Routes for outages: recorded and followed up by the repair desk, read by everyone they affect."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from alerts.network import outages
from alerts.network.outages import CHANGEABLE, MOST_PLACES, Draft, NoSuchOutage, OutageChanged, OutageRefused
from api.http.paging import Page, Paged
from api.http.problem import FieldFault, Problem, invalid, no_such
from api.http.session import Asking, AskingDesk, ChangingDesk, Session
from api.http.values import Asked, Instant
from api.words import problems
from domain.outages import OutageKind
from domain.words.network import OUTAGE_REFUSAL_TEXTS
from store.base.rows import Row
from store.network import outage_rows
from store.network.outage_rows import PlaceCodes
from store.notices import notice_rows
from store.registry import registry_rows

Number = Annotated[str, Path(max_length=40, pattern=r"^[^\x00]+$")]
Code = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]
Places = Annotated[list[Code], Field(max_length=MOST_PLACES)]
Words = Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")]
Filter = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")]
State = Literal["planned", "running", "late", "restored", "cancelled"]
Version = Annotated[
    int | None, Query(ge=0, le=1_000_000, description="`seq` of the last event read; a later change is a 409")
]

router = APIRouter(prefix="/v1", tags=["outages"])


class Body(BaseModel):
    """A request body; an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class Area(BaseModel):
    """Places by code; each stands for all homes it supplies."""

    substations: Places = []
    buildings: Places = []
    homes: Places = []


class GivenArea(Area, Body):
    """An area with at least one place."""

    @model_validator(mode="after")
    def _is_somewhere(self) -> "GivenArea":
        if not (self.substations or self.buildings or self.homes):
            raise ValueError("give at least one place")
        return self


class NewOutage(Body):
    """A new outage. `expected_end` may be missing (not known yet) for a fault only."""

    kind: OutageKind
    stops_heating: bool = True
    reason: Words
    begins_at: Asked
    expected_end: Asked | None = None
    area: GivenArea


class Changed(Body):
    """A change of times or reason; omitted fields stay. `expected_end` null: no longer known."""

    kind: Literal["changed"]
    stops_heating: bool | None = None
    reason: Words | None = None
    begins_at: Asked | None = None
    expected_end: Asked | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> "Changed":
        given = self.model_dump(include=self.model_fields_set - {"kind"})
        if not given:
            raise ValueError(f"changes nothing: give at least one of {', '.join(CHANGEABLE)}")
        if empty := [name for name, value in given.items() if value is None and name != "expected_end"]:
            raise ValueError(f"{empty[0]} cannot be null: omit it to leave it unchanged")
        return self


class Widened(Body):
    """An extension to more places."""

    kind: Literal["widened"]
    area: GivenArea


class Explained(Body):
    """An explanation for the users."""

    kind: Literal["explained"]
    explanation: Words


class Restored(Body):
    """The restoration of heat; default: now."""

    kind: Literal["restored"]
    restored_at: Asked | None = None


class Cancelled(Body):
    """The cancellation of a planned outage."""

    kind: Literal["cancelled"]


Happening = Annotated[Changed | Widened | Explained | Restored | Cancelled, Field(discriminator="kind")]


class AnnouncementReach(BaseModel):
    """Homes by delivery of the announcement: told (on at least one channel), waiting, failed, unreachable."""

    homes: int
    told: int
    waiting: int
    failed: int
    unreachable: int


class OutageHistoryEntry(BaseModel):
    """An entry in the history of an outage."""

    seq: int
    at: Instant
    kind: str
    actor: str
    data: JsonValue


class Outage(BaseModel):
    """An outage of heat. `area` lists the places within the token's scope; `homes` counts all homes affected."""

    number: str
    kind: OutageKind
    state: State
    stops_heating: bool
    reason: str
    begins_at: Instant
    expected_end: Instant | None
    explanation: str | None
    announced_at: Instant | None
    restored_at: Instant | None
    cancelled_at: Instant | None
    area: Area
    homes: int


class WholeOutage(Outage):
    """An outage with its history and the proof of announcement, both for the repair desk only."""

    events: list[OutageHistoryEntry] | None
    announcement: AnnouncementReach | None


class OutageNotice(BaseModel):
    """A notice: recipient, channel and delivery result. `key` identifies its message."""

    notice: int
    what: str
    at: Instant
    audience: str
    recipient: str | None
    home: str | None
    channel: str
    state: Literal["waiting", "sending", "sent", "failed"]
    key: str | None
    attempts: int | None
    finished_at: Instant | None
    reason: str | None
    detail: str | None


@router.get("/outages")
def list_outages(
    asking: Asking, paged: Paged, state: State | None = None, station: Filter = None, home: Filter = None
) -> Page[Outage]:
    """List outages that affect homes within the token's scope, newest first."""
    states = outage_rows.STATES if state is None else (state,)
    wanted = outage_rows.OutageFilter(now=asking.now, states=states, station=station, home=home)
    rows = outage_rows.outages(asking.conn, asking.scope, wanted, before=paged.id(), limit=paged.fetched)
    return paged.page(rows, Outage, "outage_id")


@router.post("/outages", status_code=201)
def record(body: NewOutage, changing: ChangingDesk) -> WholeOutage:
    """Record an outage. Users of the area are notified if its kind or expected length requires it."""
    area = known_area(changing, body.area, "area")
    draft = Draft(body.kind, body.stops_heating, body.reason, body.begins_at, body.expected_end, area)
    with answering_refusals():
        number = outages.record(changing.conn, changing.policy, draft, changing.asker.actor, changing.now)
    changing.notes["outage"] = number
    return _whole(changing, number)


@router.get("/outages/{number}")
def outage(number: Number, asking: Asking) -> WholeOutage:
    """Get an outage by its number."""
    return _whole(asking, number)


@router.post("/outages/{number}/events", status_code=201)
def event(number: Number, body: Happening, changing: ChangingDesk, version: Version = None) -> WholeOutage:
    """Add an event to an outage. An event that its state does not allow is a 409."""
    conn, policy, actor, now = changing.conn, changing.policy, changing.asker.actor, changing.now
    changing.notes["kind"] = body.kind
    with answering_refusals():
        if version is not None:
            outages.check_unchanged(conn, number, version)
        match body:
            case Changed():
                given = body.model_dump(include=body.model_fields_set - {"kind"})
                outages.change(conn, policy, number, given, actor, now)
            case Widened():
                outages.widen(conn, policy, number, known_area(changing, body.area, "area"), actor, now)
            case Explained():
                outages.explain(conn, policy, number, body.explanation, actor, now)
            case Restored():
                outages.restore(conn, policy, number, body.restored_at or now, actor, now)
            case Cancelled():
                outages.cancel(conn, policy, number, actor, now)
    return _whole(changing, number)


@router.get("/outages/{number}/notices")
def notices(number: Number, asking: AskingDesk, paged: Paged) -> Page[OutageNotice]:
    """List the notices of an outage, newest first: recipient, channel, time and result."""
    found = _find(asking, number)
    wanted = notice_rows.NoticeFilter(outage=found["outage_id"])
    return told_page(asking, paged, wanted)


def told_page(asking: Session, paged: Paged, wanted: notice_rows.NoticeFilter) -> Page[OutageNotice]:
    """Read a page of notices."""
    rows = notice_rows.told(asking.conn, wanted, before=paged.id(), limit=paged.fetched)
    return paged.page(rows, OutageNotice, "notice")


@contextmanager
def answering_refusals() -> Iterator[None]:
    """Answer refusals by the rules with a problem."""
    try:
        yield
    except NoSuchOutage:
        raise no_such("outage") from None
    except OutageChanged as error:
        events = [OutageHistoryEntry.model_validate(one).model_dump(mode="json") for one in error.events]
        raise Problem(409, problems.OUTAGE_CHANGED_SINCE.fill(number=error.number), events=events) from None
    except OutageRefused as error:
        raise Problem(409, OUTAGE_REFUSAL_TEXTS[error.why]) from None


def known_area(session: Session, area: Area, where: str) -> PlaceCodes:
    """Check the codes of an area against the registry.

    Raises:
        Problem: 422, a code is not registered.
    """
    given = registry_rows.Codes(set(area.substations), set(area.buildings), set(area.homes))
    known = registry_rows.known(session.conn, given)
    unknown = {kind: sorted(codes - getattr(known, kind)) for kind, codes in given._asdict().items()}
    faults = [
        FieldFault(f"{where}.{kind}", problems.NOT_REGISTERED.fill(code=codes[0]))
        for kind, codes in unknown.items()
        if codes
    ]
    if faults:
        raise invalid(*faults)
    return PlaceCodes(area.substations, area.buildings, area.homes)


def _find(asking: Session, number: str) -> Row:
    wanted = outage_rows.OutageFilter(now=asking.now, number=number)
    found = outage_rows.outages(asking.conn, asking.scope, wanted, limit=1)
    if not found:
        raise no_such("outage")
    return found[0]


def _whole(asking: Session, number: str) -> WholeOutage:
    found = _find(asking, number)
    desk = asking.scope.everywhere
    events = outage_rows.events(asking.conn, found["outage_id"]) if desk else None
    reached = outage_rows.reached(asking.conn, found["outage_id"]) if desk else None
    return WholeOutage.model_validate({**found, "events": events, "announcement": reached})

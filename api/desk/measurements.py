"""Measurements on site: records of a home, and what is to be measured."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from alerts.sensors.measurements import NotTaken, record
from api.desk.moves import Line, Words
from api.homes.home_routes import Code, home_id
from api.http.paging import Page, Paged
from api.http.problem import FieldFault, Problem, invalid
from api.http.session import AskingStaff, ChangingDesk, ChangingStaff
from api.http.values import Asked, Instant, Shown
from domain.measurement import (
    HIGHEST_CELSIUS,
    LOWEST_CELSIUS,
    REFUSAL_TEXTS,
    DueReason,
    NewMeasurement,
    RecordRefusal,
    RecordWorth,
)
from store.sensors import measurement_rows

Station = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")]
Days = Annotated[int, Query(ge=0, le=366, description="what is due within so many days; 0: what is late")]
CONFLICTS = frozenset({RecordRefusal.TWICE, RecordRefusal.CORRECTED_ALREADY})
FIELDS = {RecordRefusal.FUTURE: "measured_at", RecordRefusal.IMPLAUSIBLE: "celsius"}

router = APIRouter(prefix="/v1", tags=["measurements"])


class Measurement(BaseModel):
    """A record. What is not `valid` counts for nothing and stays; `state` is by the rules when it was measured.

    `sensor` was alive in that room then and said `sensor_celsius`; a record that `disagrees` proves nothing alone.
    """

    number: str
    home: str
    room: str
    room_kind: Literal["living", "bedroom", "other"]
    measured_at: Instant
    celsius: Shown
    state: Literal["compliant", "cold", "severe", "unknown", "not_judged"]
    limit: Shown
    policy: str
    worth: RecordWorth
    instrument: str
    measurer: str
    signature: str | None
    corrects: str | None
    reason: str | None
    corrected_by: str | None
    recorded_at: Instant
    recorded_by: str
    filed_late: bool
    sensor: str | None
    sensor_celsius: Shown
    disagrees: bool


class Filed(BaseModel):
    """A record as it is filed; `signature` refers to what the user signed. A correction names a record and says why."""

    model_config = ConfigDict(extra="forbid")

    room: Line
    room_kind: Literal["living", "bedroom", "other"]
    measured_at: Asked
    celsius: Annotated[float, Field(ge=LOWEST_CELSIUS, le=HIGHEST_CELSIUS)]
    instrument: Line
    measurer: Line
    signature: Line | None = None
    corrects: Line | None = None
    reason: Words | None = None

    @model_validator(mode="after")
    def _why(self) -> "Filed":
        if (self.corrects is None) != (self.reason is None):
            raise ValueError("a correction names the record that it corrects and says why; no other record does")
        return self


class Task(BaseModel):
    """A room, or (room null) a home, that is to be measured."""

    home: str
    building: str
    substation: str
    station: str
    room: str | None
    reason: DueReason
    due_at: Instant
    last_measured_at: Instant | None


class MeasurementRequest(BaseModel):
    """Ask for a measurement of a home."""

    model_config = ConfigDict(extra="forbid")

    due_at: Asked


@router.get("/homes/{code}/measurements")
def measurements(code: Code, asking: AskingStaff, paged: Paged) -> Page[Measurement]:
    """The records of a home, newest first, with those that do not count."""
    home = home_id(asking, code)
    rows = measurement_rows.shown(asking.conn, asking.scope, home=home, before=paged.id(), limit=paged.fetched)
    return paged.page(rows, Measurement, "measurement_id")


@router.post("/homes/{code}/measurements", status_code=201)
def file(code: Code, changing: ChangingStaff, filed: Filed) -> Measurement:
    """File a record. Signed and under the limit it raises flag and ticket; signed and warm it proves a recovery."""
    new = NewMeasurement(**filed.model_dump())
    try:
        taken = record(changing.conn, changing.policy, home_id(changing, code), new, changing.now, changing.asker.actor)
    except NotTaken as error:
        if error.reason in CONFLICTS:
            raise Problem(409, REFUSAL_TEXTS[error.reason]) from None
        raise invalid(FieldFault(FIELDS.get(error.reason, "corrects"), REFUSAL_TEXTS[error.reason])) from None
    changing.notes["measurement"] = taken.number
    (row,) = measurement_rows.shown(changing.conn, changing.scope, number=taken.number, limit=1)
    return Measurement.model_validate(row)


@router.post("/homes/{code}/measurement-requests", status_code=204)
def ask(code: Code, changing: ChangingDesk, wish: MeasurementRequest) -> None:
    """Ask for a measurement beside the plan; it is due until there is a valid record."""
    measurement_rows.ask(changing.conn, home_id(changing, code), wish.due_at, changing.asker.actor, changing.now)


@router.get("/measurements/due")
def due(asking: AskingStaff, paged: Paged, within: Days = 7, station: Station = None) -> Page[Task]:
    """What is to be measured, the longest due first."""
    until = asking.now + timedelta(days=within)
    rows = measurement_rows.tasks(
        asking.conn, asking.scope, until, station=station, after=paged.position(), limit=paged.fetched
    )
    return paged.page(rows, Task, "due_at", "task")

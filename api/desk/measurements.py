"""Routes for measurements on site: the records of a home, and the measurements due."""

from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from alerts.sensors.measurements import Filing, NotTaken, record
from api.desk.move_bodies import Line, Words
from api.homes.home_routes import Code, home_id
from api.http.paging import Page, Paged, Paging
from api.http.problem import FieldFault, Problem, invalid
from api.http.session import AskingStaff, ChangingDesk, ChangingStaff, Session
from api.http.values import Asked, Instant, Shown
from domain.measurement import HIGHEST_CELSIUS, LOWEST_CELSIUS, DueReason, NewMeasurement, RecordRefusal, RecordWorth
from domain.words.desk import RECORD_REFUSAL_TEXTS
from store.sensors import measurement_rows
from store.sensors.measurement_rows import RecordFilter

Station = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]+$")]
Days = Annotated[int, Query(ge=0, le=366, description="due within so many days; 0: overdue")]
CONFLICTS = frozenset({RecordRefusal.TWICE, RecordRefusal.CORRECTED_ALREADY})
FIELDS = {RecordRefusal.FUTURE: "measured_at", RecordRefusal.IMPLAUSIBLE: "celsius"}

router = APIRouter(prefix="/v1", tags=["measurements"])


class Measurement(BaseModel):
    """A measurement record. Invalid records stay on file but do not count; `state` is by the rules of that time.

    `sensor` was live in that room at the time and read `sensor_celsius`; a record that `disagrees` with it is no proof
    by itself.
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
    """A record to file; `signature` references the signed paper. A correction names the record and gives a reason."""

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
            raise ValueError("a correction needs both corrects and reason; any other record takes neither")
        return self


class Task(BaseModel):
    """A measurement due in a room, or (`room` null) in a home."""

    home: str
    building: str
    building_name: str
    address: str
    unit: str
    substation: str
    station: str
    room: str | None
    reason: DueReason
    due_at: Instant
    last_measured_at: Instant | None


class MeasurementRequest(BaseModel):
    """A request to measure a home."""

    model_config = ConfigDict(extra="forbid")

    due_at: Asked


@router.get("/measurements")
def records(asking: AskingStaff, paged: Paged, station: Station = None) -> Page[Measurement]:
    """List the measurement records of all homes, newest first, including those that do not count."""
    return _records(asking, paged, RecordFilter(station=station))


def _records(asking: Session, paged: Paging, wanted: RecordFilter) -> Page[Measurement]:
    rows = measurement_rows.shown(asking.conn, asking.scope, wanted, before=paged.id(), limit=paged.fetched)
    return paged.page(rows, Measurement, "measurement_id")


@router.get("/homes/{code}/measurements")
def measurements(code: Code, asking: AskingStaff, paged: Paged) -> Page[Measurement]:
    """List the measurement records of a home, newest first, including those that do not count."""
    return _records(asking, paged, RecordFilter(home=home_id(asking, code)))


@router.post("/homes/{code}/measurements", status_code=201)
def file(code: Code, changing: ChangingStaff, filed: Filed) -> Measurement:
    """File a record. A signed one below the limit raises a flag and a ticket; a signed warm one proves a recovery."""
    new = NewMeasurement(**filed.model_dump())
    try:
        filing = Filing(changing.asker.actor, changing.now, changing.history)
        taken = record(changing.conn, changing.policy, home_id(changing, code), new, filing)
    except NotTaken as error:
        if error.reason in CONFLICTS:
            raise Problem(409, RECORD_REFUSAL_TEXTS[error.reason]) from None
        raise invalid(FieldFault(FIELDS.get(error.reason, "corrects"), RECORD_REFUSAL_TEXTS[error.reason])) from None
    changing.notes["measurement"] = taken.number
    (row,) = measurement_rows.shown(changing.conn, changing.scope, RecordFilter(number=taken.number), limit=1)
    return Measurement.model_validate(row)


@router.post("/homes/{code}/measurement-requests", status_code=204)
def ask(code: Code, changing: ChangingDesk, wish: MeasurementRequest) -> None:
    """Request a measurement outside the plan; it stays due until a valid record exists."""
    measurement_rows.ask(changing.conn, home_id(changing, code), wish.due_at, changing.asker.actor, changing.now)


@router.get("/measurements/due")
def due(asking: AskingStaff, paged: Paged, within: Days = 7, station: Station = None) -> Page[Task]:
    """List due measurements, the most overdue first."""
    until = asking.now + timedelta(days=within)
    rows = measurement_rows.tasks(
        asking.conn, asking.scope, until, station=station, after=paged.position(), limit=paged.fetched
    )
    return paged.page(rows, Task, "due_at", "task")

"""Routes for what the registry says of a home: facts, heat, sensors. Each change names the version it is of."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.homes.home_routes import Code, home_id
from api.http.problem import no_such
from api.http.session import AskingDesk, ChangingDesk, ChangingLeaders, Session
from api.http.values import Asked, Instant
from api.office.edits import Cell, RecordChange, edit_of, recording
from domain.registry import RegisteredHome, RegisteredSensor
from registry import editing
from registry.editing import HomeRecord, SensorPlacing
from registry.fields import text
from registry.preview import ValueChange

HeatStatus = Literal["on", "stopped"]
HomeClass = Literal["multistorey", "bungalow", "nonresidential"]
Exposure = Literal["inner", "gable", "roof", "roof_gable", "ground", "ground_gable"]
RoomKind = Literal["living", "bedroom", "other"]
ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="HH:MM on the local clock")]

router = APIRouter(prefix="/v1/homes/{code}", tags=["registry"])


class HeatEntry(BaseModel):
    """The heat of a home from an instant on; null: as long as the home is known."""

    status: HeatStatus
    since: Instant | None


class SensorPlacement(BaseModel):
    """A sensor in a home or at a substation, from `valid_from` until before `valid_to`; null: unbounded."""

    sensor: str
    home: str | None
    substation: str | None
    gateway: str | None
    room: str | None
    room_kind: RoomKind | None
    interval_s: int
    offset: float
    valid_from: Instant | None
    valid_to: Instant | None


class HomeRegistration(BaseModel):
    """A home as the registry has it. `version` changes with it; a change has to name the one that it is of.

    `sensors` are all places of the sensors that are or were in the home.
    """

    code: str
    building: str
    unit: str
    class_: HomeClass = Field(alias="class")
    contract_limit: float | None
    contract_from: ClockTime | None
    contract_to: ClockTime | None
    riser: str | None
    floor: int | None
    exposure: Exposure | None
    heat: list[HeatEntry]
    sensors: list[SensorPlacement]
    version: str


class HomeFacts(RecordChange):
    """Facts of a home to change; what is left out stays, null empties."""

    building: Cell | None = None
    unit: Cell | None = None
    class_: Annotated[HomeClass | None, Field(alias="class")] = None
    contract_limit: Annotated[float | None, Field(ge=0, le=40, description="°C")] = None
    contract_from: ClockTime | None = None
    contract_to: ClockTime | None = None
    riser: Cell | None = None
    floor: Annotated[int | None, Field(ge=-5, le=200, description="1: the ground floor")] = None
    exposure: Exposure | None = None

    @property
    def cells(self) -> dict[str, str]:
        """The fields that were sent, as a file has them."""
        sent = self.model_dump(exclude_unset=True, exclude={"version", "reason"}, by_alias=True)
        return {name: _cell(value) for name, value in sent.items()}


class HeatChange(RecordChange):
    """The heat stops or is on again from `since` on: past, present or future."""

    status: HeatStatus
    since: Asked


class SensorPut(RecordChange):
    """A sensor goes into a room of the home at `since`: a new one, one that moves here, or one that is set otherwise.

    With `replaces` it takes the place of that sensor, which ends then. What is left out a sensor keeps; a new one takes
    it from the one that it replaces. A sensor that is elsewhere moves only if `moved_from` names where.
    """

    sensor: Cell
    since: Asked
    replaces: Cell | None = None
    moved_from: Cell | None = None
    room: Cell | None = None
    room_kind: RoomKind | None = None
    gateway: Cell | None = None
    interval_s: Annotated[int | None, Field(ge=1, le=86_400)] = None
    offset: Annotated[float | None, Field(ge=-20, le=20, description="K, added to what it reads")] = None

    @property
    def placing(self) -> SensorPlacing:
        """The placing that is asked for."""
        of_columns = {"room", "room_kind", "gateway", "interval_s", "offset"}
        sent = self.model_dump(exclude_unset=True, include=of_columns)
        cells = {name: _cell(value) for name, value in sent.items()}
        return SensorPlacing(self.sensor.strip(), cells, self.since, self.replaces or None, self.moved_from or None)


class SensorTaken(RecordChange):
    """A sensor leaves the home at an instant."""

    sensor: Cell
    at: Asked


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


@router.get("/registry")
def registration(code: Code, asking: AskingDesk) -> HomeRegistration:
    """Get what the registry says of a home."""
    return told(asking, record(asking, code))


def record(asking: Session, code: str) -> HomeRecord:
    """Read the record of a home within scope.

    Raises:
        Problem: 404.
    """
    home_id(asking, code)
    found = editing.record_of(asking.conn, code)
    if found is None:
        raise no_such("home")
    return found


def told(asking: Session, found: HomeRecord) -> HomeRegistration:
    """Make the answer of a record; other places of its sensors are told to somebody who reaches all homes."""
    facts = found.lines[0]
    places = [place for place in found.places if asking.scope.everywhere or place.home == facts.code]
    return HomeRegistration.model_validate(
        {
            **facts._asdict(),
            "class": facts.home_class,
            "contract_from": text(facts.contract_from) or None,
            "contract_to": text(facts.contract_to) or None,
            "heat": [_heat(line) for line in found.lines],
            "sensors": [placement(place) for place in places],
            "version": found.version,
        }
    )


def _heat(line: RegisteredHome) -> HeatEntry:
    return HeatEntry(status=line.heat_status, since=line.status_since)  # type: ignore[arg-type]


def placement(place: RegisteredSensor) -> SensorPlacement:
    """Make the answer of a place of a sensor."""
    return SensorPlacement.model_validate({**place._asdict(), "sensor": place.code, "offset": place.offset_k})


@router.post("/registry")
def change_facts(code: Code, changing: ChangingLeaders, change: HomeFacts) -> HomeRegistration:
    """Change facts of a home. Class and contract change how all of its past is judged."""
    edit = _edit(changing, code, change)
    with recording(changing):
        changes = editing.change_home(changing.conn, edit, change.cells)
    return _changed(changing, code, changes)


@router.post("/heat")
def change_heat(code: Code, changing: ChangingLeaders, change: HeatChange) -> HomeRegistration:
    """Stop or resume the heat of a home, from an instant on."""
    edit = _edit(changing, code, change)
    with recording(changing):
        changes = editing.set_heat(changing.conn, edit, change.status, change.since)
    return _changed(changing, code, changes)


@router.post("/sensors")
def put_sensor(code: Code, changing: ChangingDesk, change: SensorPut) -> HomeRegistration:
    """Put a sensor into a room of a home, or set it otherwise, from an instant on."""
    edit = _edit(changing, code, change)
    with recording(changing):
        changes = editing.place_sensor(changing.conn, edit, change.placing)
    return _changed(changing, code, changes)


@router.post("/sensors/end")
def take_sensor(code: Code, changing: ChangingDesk, change: SensorTaken) -> HomeRegistration:
    """Take a sensor away from a home. What it measured there stays."""
    edit = _edit(changing, code, change)
    with recording(changing):
        changes = editing.take_sensor(changing.conn, edit, change.sensor.strip(), change.at)
    return _changed(changing, code, changes)


def _edit(changing: Session, code: str, change: RecordChange) -> editing.Edit:
    home_id(changing, code)
    return edit_of(changing, code, change)


def _changed(changing: Session, code: str, changes: list[ValueChange]) -> HomeRegistration:
    changing.notes["changes"] = [change._asdict() for change in changes]
    return told(changing, record(changing, code))

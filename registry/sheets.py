"""Columns of the registry's four files: order, parser, and the meaning of an empty cell."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, Literal, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from domain.measurement import PlanLine
from domain.registry import (
    CLASSES,
    HEAT_STATUSES,
    ROOM_KINDS,
    Contact,
    RegisteredBuilding,
    RegisteredHome,
    RegisteredSensor,
    RegisteredSubstation,
    Resident,
)
from registry.fields import Parser, Value, clock_time, code, device, instant, kelvin, number, one_of, whole, words

Row = TypeVar(
    "Row", RegisteredSubstation, RegisteredBuilding, RegisteredHome, RegisteredSensor, Resident, Contact, PlanLine
)


class Missing(Enum):
    """Marker for a value that must be given."""

    REQUIRED = "required"


REQUIRED: Literal[Missing.REQUIRED] = Missing.REQUIRED

LATITUDE = number(-90, 90)
LONGITUDE = number(-180, 180)
LIMIT_CELSIUS = kelvin(0, 40)
OFFSET_KELVIN = kelvin(-20, 20)
INTERVAL_SECONDS = whole(1, 86_400)


class SheetColumn(NamedTuple):
    """A column: its name in the header, its parser, and the value of an empty cell.

    An absent column takes that value for new objects; known objects keep theirs.
    """

    name: str
    parse: Parser
    empty: Value | Literal[Missing.REQUIRED] = None


@dataclass(frozen=True)
class Sheet(Generic[Row]):
    """A file: `make` takes the values of a line in column order; the first column is the code.

    A header has both columns of each of the `pairs`, or neither.
    """

    file: str
    columns: tuple[SheetColumn, ...]
    make: Callable[..., Row]
    pairs: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return [column.name for column in self.columns]


class Sheets(NamedTuple):
    """The four files, in the order in which they refer to each other."""

    substations: Sheet[RegisteredSubstation]
    buildings: Sheet[RegisteredBuilding]
    homes: Sheet[RegisteredHome]
    sensors: Sheet[RegisteredSensor]


def sheets(zone: ZoneInfo) -> Sheets:
    """Describe the four files; days begin at midnight in `zone`."""
    return Sheets(_substations(), _buildings(), _homes(zone), _sensors(zone))


def _substations() -> Sheet[RegisteredSubstation]:
    columns = (
        SheetColumn("code", code, REQUIRED),
        SheetColumn("name", words, REQUIRED),
        SheetColumn("station", words, REQUIRED),
        SheetColumn("lat", LATITUDE),
        SheetColumn("lon", LONGITUDE),
    )
    return Sheet("substations.csv", columns, RegisteredSubstation, (("lat", "lon"),))


def _buildings() -> Sheet[RegisteredBuilding]:
    columns = (
        SheetColumn("code", code, REQUIRED),
        SheetColumn("substation", code, REQUIRED),
        SheetColumn("name", words, REQUIRED),
        SheetColumn("address", words, ""),
        SheetColumn("lat", LATITUDE),
        SheetColumn("lon", LONGITUDE),
    )
    return Sheet("buildings.csv", columns, RegisteredBuilding, (("lat", "lon"),))


def _homes(zone: ZoneInfo) -> Sheet[RegisteredHome]:
    columns = (
        SheetColumn("code", code, REQUIRED),
        SheetColumn("building", code, REQUIRED),
        SheetColumn("unit", words, ""),
        SheetColumn("class", one_of(CLASSES), REQUIRED),
        SheetColumn("heat_status", one_of(HEAT_STATUSES), REQUIRED),
        SheetColumn("status_since", instant(zone)),
        SheetColumn("contract_limit", LIMIT_CELSIUS),
        SheetColumn("contract_from", clock_time),
        SheetColumn("contract_to", clock_time),
    )
    return Sheet("homes.csv", columns, RegisteredHome, (("contract_from", "contract_to"),))


def _sensors(zone: ZoneInfo) -> Sheet[RegisteredSensor]:
    columns = (
        SheetColumn("id", device, REQUIRED),
        SheetColumn("home", code),
        SheetColumn("substation", code),
        SheetColumn("gateway", device),
        SheetColumn("room", words),
        SheetColumn("room_kind", one_of(ROOM_KINDS)),
        SheetColumn("interval_s", INTERVAL_SECONDS, REQUIRED),
        SheetColumn("offset", OFFSET_KELVIN, 0.0),
        SheetColumn("valid_from", instant(zone)),
        SheetColumn("valid_to", instant(zone)),
    )
    return Sheet("sensors.csv", columns, RegisteredSensor)


def plan_sheet(file: str, zone: ZoneInfo) -> Sheet[PlanLine]:
    """Describe a plan of measurements on site: places and intervals."""
    columns = (
        SheetColumn("room", words, REQUIRED),
        SheetColumn("room_kind", one_of(ROOM_KINDS), REQUIRED),
        SheetColumn("home", code),
        SheetColumn("building", code),
        SheetColumn("every_days", whole(1, 366), REQUIRED),
        SheetColumn("from", instant(zone)),
        SheetColumn("to", instant(zone)),
    )
    return Sheet(file, columns, PlanLine)

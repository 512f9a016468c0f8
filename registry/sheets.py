"""The four files of the registry: their columns in order, how a cell is read, and what an empty cell means."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, Literal, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from domain.measurement import PlanLine
from domain.registry import CLASSES, HEAT_STATUSES, ROOM_KINDS, Building, Contact, Home, Resident, Sensor, Substation
from registry.fields import Parser, Value, clock_time, code, device, instant, kelvin, number, one_of, whole, words

Row = TypeVar("Row", Substation, Building, Home, Sensor, Resident, Contact, PlanLine)


class Missing(Enum):
    """Stands where a value must be given."""

    REQUIRED = "required"


REQUIRED: Literal[Missing.REQUIRED] = Missing.REQUIRED

LATITUDE = number(-90, 90)
LONGITUDE = number(-180, 180)
LIMIT_CELSIUS = kelvin(0, 40)
OFFSET_KELVIN = kelvin(-20, 20)
INTERVAL_SECONDS = whole(1, 86_400)


class Column(NamedTuple):
    """A column: its name in the header, how a cell is read, the value of an empty cell.

    A column that is absent has that value in what the registry does not know yet; else the known value stays.
    """

    name: str
    parse: Parser
    empty: Value | Literal[Missing.REQUIRED] = None


@dataclass(frozen=True)
class Sheet(Generic[Row]):
    """A file: `make` takes the values of a line in the order of `columns`; the first column is the code.

    Of the `pairs` a header has both columns or none.
    """

    file: str
    columns: tuple[Column, ...]
    make: Callable[..., Row]
    pairs: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return [column.name for column in self.columns]


class Sheets(NamedTuple):
    """The four files, in the order in which they refer to each other."""

    substations: Sheet[Substation]
    buildings: Sheet[Building]
    homes: Sheet[Home]
    sensors: Sheet[Sensor]


def sheets(zone: ZoneInfo) -> Sheets:
    """The four files; days in them begin at midnight in `zone`."""
    return Sheets(_substations(), _buildings(), _homes(zone), _sensors(zone))


def _substations() -> Sheet[Substation]:
    columns = (
        Column("code", code, REQUIRED),
        Column("name", words, REQUIRED),
        Column("station", words, REQUIRED),
        Column("lat", LATITUDE),
        Column("lon", LONGITUDE),
    )
    return Sheet("substations.csv", columns, Substation, (("lat", "lon"),))


def _buildings() -> Sheet[Building]:
    columns = (
        Column("code", code, REQUIRED),
        Column("substation", code, REQUIRED),
        Column("name", words, REQUIRED),
        Column("address", words, ""),
        Column("lat", LATITUDE),
        Column("lon", LONGITUDE),
    )
    return Sheet("buildings.csv", columns, Building, (("lat", "lon"),))


def _homes(zone: ZoneInfo) -> Sheet[Home]:
    columns = (
        Column("code", code, REQUIRED),
        Column("building", code, REQUIRED),
        Column("unit", words, ""),
        Column("class", one_of(CLASSES), REQUIRED),
        Column("heat_status", one_of(HEAT_STATUSES), REQUIRED),
        Column("status_since", instant(zone)),
        Column("contract_limit", LIMIT_CELSIUS),
        Column("contract_from", clock_time),
        Column("contract_to", clock_time),
    )
    return Sheet("homes.csv", columns, Home, (("contract_from", "contract_to"),))


def _sensors(zone: ZoneInfo) -> Sheet[Sensor]:
    columns = (
        Column("id", device, REQUIRED),
        Column("home", code),
        Column("substation", code),
        Column("gateway", device),
        Column("room", words),
        Column("room_kind", one_of(ROOM_KINDS)),
        Column("interval_s", INTERVAL_SECONDS, REQUIRED),
        Column("offset", OFFSET_KELVIN, 0.0),
        Column("valid_from", instant(zone)),
        Column("valid_to", instant(zone)),
    )
    return Sheet("sensors.csv", columns, Sensor)


def plan_sheet(file: str, zone: ZoneInfo) -> Sheet[PlanLine]:
    """A plan of measurements on site: where, and how often."""
    columns = (
        Column("room", words, REQUIRED),
        Column("room_kind", one_of(ROOM_KINDS), REQUIRED),
        Column("home", code),
        Column("building", code),
        Column("every_days", whole(1, 366), REQUIRED),
        Column("from", instant(zone)),
        Column("to", instant(zone)),
    )
    return Sheet(file, columns, PlanLine)

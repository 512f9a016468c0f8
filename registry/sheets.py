"""Columns of the registry's four files: order, parser, and the meaning of an empty cell."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Generic, Literal, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import numpy as np

from domain.datum import Datum, to_wgs84
from domain.measurement import PlanLine
from domain.registry import (
    CLASSES,
    EXPOSURES,
    HEAT_STATUSES,
    HIGHEST_FLOOR,
    LOWEST_FLOOR,
    ROOM_KINDS,
    Contact,
    HomeFee,
    RegisteredBuilding,
    RegisteredHome,
    RegisteredSensor,
    RegisteredSubstation,
    Resident,
)
from registry import synonyms
from registry.cells import Kind
from registry.dates import clock_time, instant, local_day
from registry.fields import Parser, Value, code, decimal, device, floor_number, kelvin, number, one_of, whole, words

Row = TypeVar(
    "Row",
    RegisteredSubstation,
    RegisteredBuilding,
    RegisteredHome,
    RegisteredSensor,
    Resident,
    Contact,
    PlanLine,
    HomeFee,
)


class Missing(Enum):
    """Marker for a value that must be given."""

    REQUIRED = "required"


REQUIRED: Literal[Missing.REQUIRED] = Missing.REQUIRED

LATITUDE = number(-90, 90)
LONGITUDE = number(-180, 180)
PLACE = (("lat", "lon"),)
DEGREE_DIGITS = 7  # 1 cm: what is computed on another machine is the same, so that it changes nothing
LIMIT_CELSIUS = kelvin(0, 40)
OFFSET_KELVIN = kelvin(-20, 20)
INTERVAL_SECONDS = whole(1, 86_400)
CLASS = one_of(CLASSES, synonyms.CLASSES)
HEAT_STATUS = one_of(HEAT_STATUSES, synonyms.HEAT_STATUSES)
CHANNELS = ("email", "phone", "webhook")
ROOM_KIND = one_of(ROOM_KINDS, synonyms.ROOM_KINDS)
FLOOR = floor_number(LOWEST_FLOOR, HIGHEST_FLOOR)
EXPOSURE = one_of(EXPOSURES, synonyms.EXPOSURES)
DATUM = one_of(tuple(Datum), synonyms.DATUMS)
KINDS: dict[Parser, Kind] = {code: Kind.CODE, device: Kind.CODE, words: Kind.TEXT}


class SheetColumn(NamedTuple):
    """A column: its name in the header, its parser, and the value of an empty cell.

    An absent column takes that value for new objects; known objects keep theirs.
    """

    name: str
    parse: Parser
    empty: Value | Literal[Missing.REQUIRED] = None

    @property
    def kind(self) -> Kind:
        """Content of its cells, which decides what is cleaned away."""
        return KINDS.get(self.parse, Kind.VALUE)


@dataclass(frozen=True)
class Sheet(Generic[Row]):
    """A file: `make` takes the values of a line in column order; the first column is the code.

    A header has both columns of each of the `pairs`, or neither. `manner`: columns that say how the pairs of a line are
    meant, and are not kept. `understand` takes the rows and their values of each such column; it returns what is meant.
    """

    file: str
    columns: tuple[SheetColumn, ...]
    make: Callable[..., Row]
    pairs: tuple[tuple[str, str], ...] = ()
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    manner: tuple[SheetColumn, ...] = ()
    understand: Callable[..., list[Row]] = lambda rows: rows

    @property
    def readable(self) -> tuple[SheetColumn, ...]:
        """The columns that a file may have."""
        return self.columns + self.manner

    @cached_property
    def meanings(self) -> dict[str, str]:
        """The column that each name of a header means."""
        also = {word: column for column, words in self.synonyms.items() for word in words}
        return also | {column.name: column.name for column in self.readable}

    @property
    def stem(self) -> str:
        """The name of the file without its ending."""
        return self.file.partition(".")[0]

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return [column.name for column in self.columns]


MANNER = (SheetColumn("datum", DATUM, Datum.WGS84),)
Placed = TypeVar("Placed", RegisteredSubstation, RegisteredBuilding)


def in_wgs84(rows: Sequence[Placed], datums: Sequence[str]) -> list[Placed]:
    """Return rows with their places in WGS 84, in which the registry keeps them."""
    found = list(rows)
    for datum in Datum:
        told = [n for n, of_row in enumerate(datums) if of_row == datum and None not in (rows[n].lon, rows[n].lat)]
        if datum == Datum.WGS84 or not told:
            continue
        places = np.array([(rows[n].lon, rows[n].lat) for n in told], np.float64)
        lon, lat = (degrees.round(DEGREE_DIGITS).tolist() for degrees in to_wgs84(datum, *places.T))
        for n, east, north in zip(told, lon, lat, strict=True):
            found[n] = rows[n]._replace(lon=east, lat=north)
    return found


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
    return Sheet("substations.csv", columns, RegisteredSubstation, PLACE, synonyms.SUBSTATIONS, MANNER, in_wgs84)


def _buildings() -> Sheet[RegisteredBuilding]:
    columns = (
        SheetColumn("code", code, REQUIRED),
        SheetColumn("substation", code, REQUIRED),
        SheetColumn("name", words, REQUIRED),
        SheetColumn("address", words, ""),
        SheetColumn("lat", LATITUDE),
        SheetColumn("lon", LONGITUDE),
    )
    return Sheet("buildings.csv", columns, RegisteredBuilding, PLACE, synonyms.BUILDINGS, MANNER, in_wgs84)


def _homes(zone: ZoneInfo) -> Sheet[RegisteredHome]:
    columns = (
        SheetColumn("code", code, REQUIRED),
        SheetColumn("building", code, REQUIRED),
        SheetColumn("unit", words, ""),
        SheetColumn("class", CLASS, REQUIRED),
        SheetColumn("heat_status", HEAT_STATUS, REQUIRED),
        SheetColumn("status_since", instant(zone)),
        SheetColumn("contract_limit", LIMIT_CELSIUS),
        SheetColumn("contract_from", clock_time),
        SheetColumn("contract_to", clock_time),
        SheetColumn("riser", words),
        SheetColumn("floor", FLOOR),
        SheetColumn("exposure", EXPOSURE),
    )
    return Sheet("homes.csv", columns, RegisteredHome, (("contract_from", "contract_to"),), synonyms.HOMES)


def _sensors(zone: ZoneInfo) -> Sheet[RegisteredSensor]:
    columns = (
        SheetColumn("id", device, REQUIRED),
        SheetColumn("home", code),
        SheetColumn("substation", code),
        SheetColumn("gateway", device),
        SheetColumn("room", words),
        SheetColumn("room_kind", ROOM_KIND),
        SheetColumn("interval_s", INTERVAL_SECONDS, REQUIRED),
        SheetColumn("offset", OFFSET_KELVIN, 0.0),
        SheetColumn("valid_from", instant(zone)),
        SheetColumn("valid_to", instant(zone)),
    )
    return Sheet("sensors.csv", columns, RegisteredSensor, synonyms=synonyms.SENSORS)


def plan_sheet(file: str, zone: ZoneInfo) -> Sheet[PlanLine]:
    """Describe a plan of measurements on site: places and intervals."""
    columns = (
        SheetColumn("room", words, REQUIRED),
        SheetColumn("room_kind", ROOM_KIND, REQUIRED),
        SheetColumn("home", code),
        SheetColumn("building", code),
        SheetColumn("every_days", whole(1, 366), REQUIRED),
        SheetColumn("from", instant(zone)),
        SheetColumn("to", instant(zone)),
    )
    return Sheet(file, columns, PlanLine, synonyms=synonyms.PLAN)


def residents_sheet(zone: ZoneInfo) -> Sheet[Resident]:
    """Describe the file; days begin at midnight in `zone`."""
    columns = (
        SheetColumn("home", code, REQUIRED),
        SheetColumn("resident", code),
        SheetColumn("from", instant(zone)),
        SheetColumn("to", instant(zone)),
    )
    return Sheet("residents.csv", columns, Resident, synonyms=synonyms.RESIDENTS)


def fees_sheet(zone: ZoneInfo) -> Sheet[HomeFee]:
    """Describe the file; a season is named by its first day."""
    columns = (
        SheetColumn("home", code, REQUIRED),
        SheetColumn("season", local_day(zone), REQUIRED),
        SheetColumn("area_m2", decimal(1_000_000, 2), REQUIRED),
        SheetColumn("per_m2", decimal(10_000, 4), REQUIRED),
    )
    return Sheet("fees.csv", columns, HomeFee, synonyms=synonyms.FEES)


def contacts_sheet(zone: ZoneInfo) -> Sheet[Contact]:
    """Describe the file; days begin at midnight in `zone`."""
    columns = (
        SheetColumn("home", code, REQUIRED),
        SheetColumn("channel", one_of(CHANNELS, synonyms.CHANNELS)),
        SheetColumn("address", words),
        SheetColumn("language", one_of(("zh", "en"), synonyms.LANGUAGES), "zh"),
        SheetColumn("consent", instant(zone)),
        SheetColumn("resident", code),
        SheetColumn("name", words),
    )
    return Sheet("contacts.csv", columns, Contact, (("channel", "address"),), synonyms.CONTACTS)

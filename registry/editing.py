"""Changes to one home and its sensors, by the rules of an import. Each is made to the version that its author has read.

A change goes through the statements of an import: re-judging is queued and workers notice it in the same way.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from psycopg import Connection

from domain.errors import Fault
from domain.registry import RegisteredHome, RegisteredSensor, Registry
from domain.words.text import Text
from registry import place_index, rules, words
from registry.cells import Cleaner
from registry.csv_file import FileLine
from registry.fields import Value
from registry.keeping import since
from registry.preview import ValueChange, home_changes, sensor_changes
from registry.rules import Registered
from registry.sheets import REQUIRED, Row, Sheet, SheetColumn, sheets
from store.registry import registry_bringing, registry_lines, registry_rows
from store.registry.registry_bringing import OutOfReach
from store.registry.registry_rows import Codes

ROOM = ("room", "room_kind")
OF_DEVICE = ("gateway", "interval_s")  # what a sensor takes along, or over from the one that it replaces
VERSION_LENGTH = 16


class HomeRecord(NamedTuple):
    """A home by the registry: its line for each entry of the heat status, and the places of its sensors, by time."""

    lines: Sequence[RegisteredHome]
    places: Sequence[RegisteredSensor]

    @property
    def version(self) -> str:
        """A digest of the record, which changes with it."""
        return version_of([*self.lines, *self.places])


def version_of(rows: Iterable[object]) -> str:
    """Return a digest of rows."""
    return hashlib.sha256(json.dumps(list(rows), default=str).encode()).hexdigest()[:VERSION_LENGTH]


class EditRefused(Exception):
    """A change breaks rules: (column, fault) for each."""

    def __init__(self, faults: Sequence[tuple[str, Text]]) -> None:
        super().__init__(faults)
        self.faults = faults


class RecordChanged(Exception):
    """The record is not the one that the author of the change has read."""


class PlacedElsewhere(Exception):
    """A sensor is in a place that the author of the change has not named; None: nor reaches."""

    def __init__(self, place: str | None) -> None:
        super().__init__(place)
        self.place = place


@dataclass(frozen=True)
class Edit:
    """A change to a home: the version that its author has read, the present, and the zone in which days begin.

    `limited`: the home classes that have a limit without a contract.
    """

    home: str
    version: str
    now: datetime
    zone: ZoneInfo
    limited: frozenset[str] = frozenset()


def record_of(conn: Connection, code: str) -> HomeRecord | None:
    """Return the record of a home; None: there is no such home."""
    lines = registry_lines.homes(conn, [code])
    places = registry_lines.sensors(conn, registry_lines.sensors_of(conn, code))
    return HomeRecord(lines, places) if lines else None


def change_home(conn: Connection, edit: Edit, cells: Mapping[str, str]) -> list[ValueChange]:
    """Change facts of a home, but not its heat status; the caller commits.

    Args:
        cells: by column, as a file would have them; an empty one empties the value.
    Raises:
        EditRefused, RecordChanged: nothing was written.
    """
    record = _locked(conn, edit)
    sheet = sheets(edit.zone).homes
    changed = parsed(sheet, cells, _columns(sheet, record.lines[0]))
    if changed.building not in registry_rows.known(conn, Codes(set(), {changed.building}, set())).buildings:
        raise EditRefused([("building", words.UNKNOWN_CODE.fill(given=changed.building))])
    facts = changed._replace(code=edit.home)
    lines = [facts._replace(heat_status=one.heat_status, status_since=one.status_since) for one in record.lines]
    return _write_home(conn, edit, record, lines)


def set_heat(conn: Connection, edit: Edit, status: str, begins: datetime) -> list[ValueChange]:
    """Stop the heat of a home from an instant on, or note that it was on before all that is known; the caller commits.

    Heat that is stopped begins again by an application and its notice.

    Raises:
        EditRefused, RecordChanged: nothing was written.
    """
    record = _locked(conn, edit)
    before = [line for line in record.lines if since(line) <= begins]
    if before and max(before, key=since).heat_status == status:
        raise EditRefused([("status", words.HEAT_ALREADY.fill(status=words.HEAT_STATUSES[status]))])
    if before and status == "on":
        raise EditRefused([("status", words.HEAT_NEEDS_NOTICE)])
    line = record.lines[0]._replace(heat_status=status, status_since=begins)
    others = [one for one in record.lines if one.status_since != begins]
    return _write_home(conn, edit, record, [*others, line])


def _locked(conn: Connection, edit: Edit) -> HomeRecord:
    registry_rows.lock(conn)
    record = record_of(conn, edit.home)
    if record is None or record.version != edit.version:
        raise RecordChanged
    return record


def _write_home(conn: Connection, edit: Edit, record: HomeRecord, lines: Sequence[RegisteredHome]) -> list[ValueChange]:
    _check("homes.csv", lines)
    registry_bringing.bring(conn, Registry([], [], list(lines), []), edit.now)
    old, new = record.lines[0], lines[0]
    if (old.building, old.unit) != (new.building, new.unit):
        place_index.bring_up(conn)
    return list(home_changes(record.lines, lines, edit.limited))


def _check(file: str, rows: Sequence[Registered]) -> None:
    found = rules.problems(file, [FileLine(0, row) for row in rows])
    if found:
        raise EditRefused([(problem.column, problem.fault) for problem in found])


def parsed(sheet: Sheet[Row], cells: Mapping[str, str], kept: Mapping[str, Value]) -> Row:
    """Parse the cells of a line, by column; a column without one has the value that is kept, or is empty.

    Raises:
        EditRefused: a column is unknown, or a cell is invalid.
    """
    faults = [(name, words.UNKNOWN_COLUMN) for name in sorted(cells.keys() - set(sheet.names))]
    values: list[Value] = []
    for column in sheet.columns:
        try:
            values.append(_value(column, cells, kept))
        except Fault as fault:
            faults.append((column.name, fault.told))
    if faults:
        raise EditRefused(faults)
    return sheet.make(*values)


def _value(column: SheetColumn, cells: Mapping[str, str], kept: Mapping[str, Value]) -> Value:
    if column.name not in cells and column.name in kept:
        return kept[column.name]
    cell = cells.get(column.name, "")
    cleaned = Cleaner().clean(column.kind, cell) if cell else ""
    if cleaned:
        return column.parse(cleaned)
    if column.empty is REQUIRED:
        raise Fault(words.EMPTY)
    return column.empty


class SensorPlacing(NamedTuple):
    """A sensor that goes to a room of a home at an instant.

    `cells`: by column of the sheet; of those that are left out the sensor keeps its own, or takes those of the sensor
    that it `replaces`. `moved_from`: the home or substation where it is so far; None: nowhere else.
    """

    sensor: str
    cells: Mapping[str, str]
    begins: datetime
    replaces: str | None = None
    moved_from: str | None = None


def place_sensor(conn: Connection, edit: Edit, placing: SensorPlacing) -> list[ValueChange]:
    """Put a sensor into a home: a new one, one that moves, one that takes another's place; the caller commits.

    Raises:
        EditRefused, RecordChanged, PlacedElsewhere: nothing was written.
    """
    _locked(conn, edit)
    sheet = sheets(edit.zone).sensors
    known = registry_lines.sensors(conn, [placing.sensor])
    left = next((place for place in known if _holds(place, placing.begins)), None)
    if left is not None and _where(left) not in (edit.home, placing.moved_from):
        raise PlacedElsewhere(_where(left))
    replaced = _replaced(conn, edit, placing)
    taken, last = max(replaced, key=_begins, default=None), max(known, key=_begins, default=None)
    room = taken or (left if left and left.home == edit.home else None)
    device = {**_columns(sheet, taken, *OF_DEVICE), **_columns(sheet, last, *OF_DEVICE, "offset")}
    kept = {**device, **_columns(sheet, room, *ROOM)}
    cells = {**placing.cells, "id": placing.sensor}
    made = parsed(sheet, cells, kept)._replace(
        home=edit.home, substation=None, valid_from=placing.begins, valid_to=None
    )
    after = [*_ended(known, placing.begins, "id"), made, *_ended(replaced, placing.begins, "replaces")]
    return _write_sensors(conn, edit, [*known, *replaced], after)


def take_sensor(conn: Connection, edit: Edit, sensor: str, ends: datetime) -> list[ValueChange]:
    """Take a sensor away from a home at an instant; the caller commits.

    Raises:
        EditRefused, RecordChanged: nothing was written.
    """
    _locked(conn, edit)
    known = _here(registry_lines.sensors(conn, [sensor]), edit.home, ends, "sensor")
    return _write_sensors(conn, edit, known, _ended(known, ends, "at"))


def _replaced(conn: Connection, edit: Edit, placing: SensorPlacing) -> list[RegisteredSensor]:
    if placing.replaces is None:
        return []
    if placing.replaces == placing.sensor:
        raise EditRefused([("replaces", words.SAME_SENSOR)])
    return _here(registry_lines.sensors(conn, [placing.replaces]), edit.home, placing.begins, "replaces")


def _here(places: list[RegisteredSensor], home: str, at: datetime, column: str) -> list[RegisteredSensor]:
    if not any(_holds(place, at) and place.home == home for place in places):
        raise EditRefused([(column, words.NOT_HERE_THEN)])
    return places


def _ended(places: Sequence[RegisteredSensor], at: datetime, column: str) -> list[RegisteredSensor]:
    """Return the places of a sensor up to an instant; one that begins then was wrong, and goes."""
    for place in places:
        if place.valid_from is not None and place.valid_from > at:
            raise EditRefused([(column, words.PLACE_LATER.fill(since=f"{place.valid_from:%Y-%m-%d %H:%MZ}"))])
    kept = [place for place in places if place.valid_from is None or place.valid_from < at]
    return [place._replace(valid_to=at) if _holds(place, at) else place for place in kept]


def _begins(place: RegisteredSensor) -> datetime:
    return place.valid_from or rules.FROM_EVER


def _holds(place: RegisteredSensor, at: datetime) -> bool:
    return _begins(place) <= at < (place.valid_to or rules.FOR_GOOD)


def _where(place: RegisteredSensor) -> str:
    return place.home or place.substation or ""


def _columns(sheet: Sheet[Row], row: Row | None, *names: str) -> dict[str, Value]:
    """Return values of a row by column: of some columns, or of all."""
    if row is None:
        return {}
    values: dict[str, Value] = dict(zip(sheet.names, row, strict=True))
    return {name: value for name, value in values.items() if not names or name in names}


def _write_sensors(
    conn: Connection, edit: Edit, before: Sequence[RegisteredSensor], after: Sequence[RegisteredSensor]
) -> list[ValueChange]:
    if missing := {place.code for place in before} - {place.code for place in after}:
        raise EditRefused([("at", words.NEVER_ANYWHERE.fill(sensors=", ".join(sorted(missing))))])
    _check("sensors.csv", after)
    try:
        registry_bringing.bring(conn, Registry([], [], [], list(after)), edit.now)
    except OutOfReach:
        raise PlacedElsewhere(None) from None
    return list(sensor_changes(before, after, edit.now))

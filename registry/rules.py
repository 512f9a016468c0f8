"""Rules between the columns of a line, and between the lines of a file."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from domain.measurement import PlanLine
from domain.registry import RegisteredBuilding, RegisteredHome, RegisteredSensor, RegisteredSubstation
from registry.csv_file import FileLine
from registry.problems import FileProblem

Registered = TypeVar("Registered", RegisteredSubstation, RegisteredBuilding, RegisteredHome, RegisteredSensor, PlanLine)

FROM_EVER = datetime.min.replace(tzinfo=UTC)
FOR_GOOD = datetime.max.replace(tzinfo=UTC)

Fault = tuple[int, str, str]  # line, column, what is wrong


def problems(file: str, lines: Sequence[FileLine[Registered]]) -> list[FileProblem]:
    """Find the problems of the lines of a file."""
    faults: list[Fault] = []
    for number, row in lines:
        faults += [(number, column, fault) for column, fault in _line_faults(row)]
    for same in _by_code(lines):
        faults += _faults_between(same)
    return [FileProblem(file, *fault) for fault in faults]


def _by_code(lines: Sequence[FileLine[Registered]]) -> Iterable[list[FileLine[Registered]]]:
    groups: dict[str, list[FileLine[Registered]]] = defaultdict(list)
    for line in lines:
        groups[line.row.code].append(line)
    return (group for group in groups.values() if len(group) > 1)


def _line_faults(
    row: RegisteredSubstation | RegisteredBuilding | RegisteredHome | RegisteredSensor | PlanLine,
) -> Iterator[tuple[str, str]]:
    match row:
        case RegisteredSubstation() | RegisteredBuilding():
            if (row.lat is None) != (row.lon is None):
                yield ("lat" if row.lat is None else "lon"), "is empty, its other half is not"
        case RegisteredHome():
            yield from _contract_faults(row)
        case RegisteredSensor():
            yield from _place_faults(row)
            if row.valid_from and row.valid_to and row.valid_from >= row.valid_to:
                yield "valid_to", "is not after valid_from"
        case PlanLine():
            if (row.home is None) == (row.building is None):
                yield "home", "name either a home or a building"
            if row.ends_at is not None and row.starts_at is not None and row.ends_at < row.starts_at:
                yield "to", "is before `from`"


def _contract_faults(home: RegisteredHome) -> Iterator[tuple[str, str]]:
    if (home.contract_from is None) != (home.contract_to is None):
        empty = "contract_from" if home.contract_from is None else "contract_to"
        yield empty, "is empty; a window needs both times; for all day leave both empty"
    elif home.contract_from is not None and home.contract_limit is None:
        yield "contract_limit", "is empty, but the contract has a window"
    elif home.contract_from is not None and home.contract_from == home.contract_to:
        yield "contract_to", "is equal to contract_from; leave both empty for all day"


def _place_faults(sensor: RegisteredSensor) -> Iterator[tuple[str, str]]:
    if (sensor.home is None) == (sensor.substation is None):
        yield "home", "name either a home or a substation"
        return
    for column, value in (("room", sensor.room), ("room_kind", sensor.room_kind)):
        if sensor.home is not None and value is None:
            yield column, "is empty; a sensor in a home needs it"
        if sensor.home is None and value is not None:
            yield column, "must be empty for a sensor at a substation"


def _faults_between(lines: list[FileLine[Registered]]) -> Iterator[Fault]:
    """Find faults between lines with the same code."""
    match lines[0].row:
        case RegisteredHome():
            yield from _history_faults([(number, row) for number, row in lines if isinstance(row, RegisteredHome)])
        case RegisteredSensor():
            yield from _span_faults([(number, row) for number, row in lines if isinstance(row, RegisteredSensor)])
        case _:
            yield from ((number, "code", f"is also on line {lines[0].number}") for number, _ in lines[1:])


def _history_faults(lines: list[tuple[int, RegisteredHome]]) -> Iterator[Fault]:
    first_number, first = lines[0]
    seen: dict[datetime | None, int] = {}
    for number, home in lines:
        if home.status_since in seen:
            yield number, "status_since", f"is the same as on line {seen[home.status_since]}"
        seen.setdefault(home.status_since, number)
        if home._replace(heat_status=first.heat_status, status_since=first.status_since) != first:
            yield number, "code", f"differs from line {first_number} in more than its heat status"


def _span_faults(lines: list[tuple[int, RegisteredSensor]]) -> Iterator[Fault]:
    """Find overlapping placements: each, in order of time, is compared with the one reaching furthest before it."""
    ordered = sorted(lines, key=lambda line: line[1].valid_from or FROM_EVER)
    furthest_number, furthest = ordered[0]
    for number, sensor in ordered[1:]:
        if (sensor.valid_from or FROM_EVER) < (furthest.valid_to or FOR_GOOD):
            yield number, "valid_from", f"overlaps the time on line {furthest_number}"
        if (sensor.valid_to or FOR_GOOD) > (furthest.valid_to or FOR_GOOD):
            furthest_number, furthest = number, sensor

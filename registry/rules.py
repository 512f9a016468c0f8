"""Rules between the columns of a line, and between the lines of a file."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from domain.measurement import PlanLine
from domain.registry import RegisteredBuilding, RegisteredHome, RegisteredSensor, RegisteredSubstation
from domain.words.text import Text
from registry import words
from registry.csv_file import FileLine
from registry.problems import FileProblem

Registered = TypeVar("Registered", RegisteredSubstation, RegisteredBuilding, RegisteredHome, RegisteredSensor, PlanLine)

FROM_EVER = datetime.min.replace(tzinfo=UTC)
FOR_GOOD = datetime.max.replace(tzinfo=UTC)

LineFault = tuple[int, str, Text]  # line, column, what is wrong


def problems(file: str, lines: Sequence[FileLine[Registered]]) -> list[FileProblem]:
    """Find the problems of the lines of a file."""
    faults: list[LineFault] = []
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
) -> Iterator[tuple[str, Text]]:
    match row:
        case RegisteredSubstation() | RegisteredBuilding():
            if (row.lat is None) != (row.lon is None):
                yield ("lat" if row.lat is None else "lon"), words.HALF_EMPTY
        case RegisteredHome():
            yield from _contract_faults(row)
        case RegisteredSensor():
            yield from _place_faults(row)
            if row.valid_from and row.valid_to and row.valid_from >= row.valid_to:
                yield "valid_to", words.NOT_AFTER.fill(other="valid_from")
        case PlanLine():
            if (row.home is None) == (row.building is None):
                yield "home", words.HOME_OR_BUILDING
            if row.ends_at is not None and row.starts_at is not None and row.ends_at < row.starts_at:
                yield "to", words.BEFORE_FROM


def _contract_faults(home: RegisteredHome) -> Iterator[tuple[str, Text]]:
    if (home.contract_from is None) != (home.contract_to is None):
        empty = "contract_from" if home.contract_from is None else "contract_to"
        yield empty, words.HALF_WINDOW
    elif home.contract_from is not None and home.contract_limit is None:
        yield "contract_limit", words.WINDOW_WITHOUT_LIMIT
    elif home.contract_from is not None and home.contract_from == home.contract_to:
        yield "contract_to", words.SAME_WINDOW


def _place_faults(sensor: RegisteredSensor) -> Iterator[tuple[str, Text]]:
    if (sensor.home is None) == (sensor.substation is None):
        yield "home", words.HOME_OR_SUBSTATION
        return
    for column, value in (("room", sensor.room), ("room_kind", sensor.room_kind)):
        if sensor.home is not None and value is None:
            yield column, words.NEEDED_IN_A_HOME
        if sensor.home is None and value is not None:
            yield column, words.NOT_AT_A_SUBSTATION


def _faults_between(lines: list[FileLine[Registered]]) -> Iterator[LineFault]:
    """Find faults between lines with the same code."""
    match lines[0].row:
        case RegisteredHome():
            yield from _history_faults([(number, row) for number, row in lines if isinstance(row, RegisteredHome)])
        case RegisteredSensor():
            yield from _span_faults([(number, row) for number, row in lines if isinstance(row, RegisteredSensor)])
        case _:
            yield from ((number, "code", words.ALSO_ON_LINE.fill(line=lines[0].number)) for number, _ in lines[1:])


def _history_faults(lines: list[tuple[int, RegisteredHome]]) -> Iterator[LineFault]:
    first_number, first = lines[0]
    seen: dict[datetime | None, int] = {}
    for number, home in lines:
        if home.status_since in seen:
            yield number, "status_since", words.SAME_AS_LINE.fill(line=seen[home.status_since])
        seen.setdefault(home.status_since, number)
        if home._replace(heat_status=first.heat_status, status_since=first.status_since) != first:
            yield number, "code", words.DIFFERS_FROM_LINE.fill(line=first_number)


def _span_faults(lines: list[tuple[int, RegisteredSensor]]) -> Iterator[LineFault]:
    """Find overlapping placements: each, in order of time, is compared with the one reaching furthest before it."""
    ordered = sorted(lines, key=lambda line: line[1].valid_from or FROM_EVER)
    furthest_number, furthest = ordered[0]
    for number, sensor in ordered[1:]:
        if (sensor.valid_from or FROM_EVER) < (furthest.valid_to or FOR_GOOD):
            yield number, "valid_from", words.OVERLAPS_TIME.fill(line=furthest_number)
        if (sensor.valid_to or FOR_GOOD) > (furthest.valid_to or FOR_GOOD):
            furthest_number, furthest = number, sensor

"""Merging of files without some columns: the registry's values are kept.

An empty cell, in contrast, clears the value.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple

from domain.registry import RegisteredHome, RegisteredSensor
from domain.words.text import Text
from registry import words
from registry.csv_file import Content, FileLine
from registry.problems import FileProblem
from registry.rules import FOR_GOOD, FROM_EVER, Registered
from registry.sheets import Sheet

DATES = frozenset({"valid_from", "valid_to"})
OF_SENSOR = frozenset({"gateway", "offset"})  # kept when the sensor moves


class KeptLine(NamedTuple, Generic[Registered]):
    """A line completed from the registry, or the (column, fault) that prevents it."""

    rows: Sequence[Registered]
    fault: tuple[str, Text] | None = None


def complete(
    sheet: Sheet[Registered], content: Content[Registered], known: Iterable[Registered], now: datetime
) -> None:
    """Fill in, in place, the columns that a file lacks.

    Args:
        known: the rows of the registry for the codes of the file.
    """
    of_code: dict[str, list[Registered]] = defaultdict(list)
    for row in known:
        of_code[row.code].append(row)
    keep = _KEEPERS[sheet.file]
    lines: list[FileLine[Registered]] = []
    for number, row in content.lines:
        kept = keep(sheet, content.absent, row, of_code[row.code], now) if of_code[row.code] else KeptLine([row])
        if kept.fault:
            content.problems.append(FileProblem(sheet.file, number, *kept.fault))
        lines += [FileLine(number, row) for row in kept.rows]
    content.lines = lines


def _merged(sheet: Sheet[Registered], absent: frozenset[str], row: Registered, base: Registered) -> Registered:
    """Merge a row with the absent columns of another; fields are in column order."""
    values = [old if name in absent else new for name, new, old in zip(sheet.names, row, base, strict=True)]
    return sheet.make(*values)


def _keep_plain(
    sheet: Sheet[Registered], absent: frozenset[str], row: Registered, known: list[Registered], now: datetime
) -> KeptLine[Registered]:
    return KeptLine([_merged(sheet, absent, row, known[0])])


def _keep_home(
    sheet: Sheet[RegisteredHome],
    absent: frozenset[str],
    row: RegisteredHome,
    known: list[RegisteredHome],
    now: datetime,
) -> KeptLine[RegisteredHome]:
    """Complete a home. Without a date, a line may only repeat the present heat status, not rewrite its history."""
    merged = _merged(sheet, absent - {"status_since"}, row, known[0])
    if "status_since" not in absent:
        return KeptLine([merged])
    holds = max((home for home in known if since(home) <= now), key=since, default=known[0])
    if holds.heat_status != row.heat_status:
        fault = words.HEAT_WITHOUT_DATE_SINCE if holds.status_since else words.HEAT_WITHOUT_DATE
        begun = f"{holds.status_since:%Y-%m-%d %H:%MZ}" if holds.status_since else ""
        held, wanted = words.HEAT_STATUSES[holds.heat_status], words.HEAT_STATUSES[row.heat_status]
        said = fault.fill(home=row.code, held=held, wanted=wanted, since=begun)
        return KeptLine([], ("status_since", said))
    return KeptLine([merged._replace(status_since=holds.status_since)])


def _keep_sensor(
    sheet: Sheet[RegisteredSensor],
    absent: frozenset[str],
    row: RegisteredSensor,
    known: list[RegisteredSensor],
    now: datetime,
) -> KeptLine[RegisteredSensor]:
    """Complete a sensor. Without dates, a line is about the present placement and cannot move the sensor."""
    if not absent >= DATES:
        base = max((place for place in known if _overlap(place, row)), key=_begins, default=None)
        if base is None:
            return KeptLine([row])
        kept = absent - DATES if _same_place(row, base, absent) else absent & OF_SENSOR
        return KeptLine([_merged(sheet, kept, row, base)])
    holds = held_place(known, now)
    merged = _merged(sheet, absent, row, holds)
    if not _same_place(row, holds, absent):
        said = words.MOVE_WITHOUT_DATE.fill(sensor=row.code, place=holds.home or holds.substation)
        return KeptLine([], ("valid_from", said))
    return KeptLine([merged, *(place for place in known if place is not holds)])


def _same_place(row: RegisteredSensor, place: RegisteredSensor, absent: frozenset[str]) -> bool:
    """Return whether a line names this place; without both columns it names none and agrees with any."""
    return {"home", "substation"} <= absent or (row.home, row.substation) == (place.home, place.substation)


def _overlap(place: RegisteredSensor, row: RegisteredSensor) -> bool:
    return _begins(place) < (row.valid_to or FOR_GOOD) and _begins(row) < (place.valid_to or FOR_GOOD)


def _begins(place: RegisteredSensor) -> datetime:
    return place.valid_from or FROM_EVER


def since(home: RegisteredHome) -> datetime:
    """Return since when the heat status of a line holds, as a sort key."""
    return home.status_since or FROM_EVER


def held_place(places: Sequence[RegisteredSensor], now: datetime) -> RegisteredSensor:
    """Return the present placement: the latest that has begun, or else the first."""
    return max((place for place in places if _begins(place) <= now), key=_begins, default=places[0])


_KEEPERS: dict[str, Callable[..., KeptLine[Any]]] = {
    "substations.csv": _keep_plain,
    "buildings.csv": _keep_plain,
    "homes.csv": _keep_home,
    "sensors.csv": _keep_sensor,
}

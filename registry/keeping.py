"""What a file does not speak of stays: a column that is absent keeps the values that the registry knows.

An empty cell is another matter: it empties the value.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Generic, NamedTuple

from domain.registry import RegisteredHome, RegisteredSensor
from registry.csv_file import Content, FileLine
from registry.problems import FileProblem
from registry.rules import FOR_GOOD, FROM_EVER, Registered
from registry.sheets import Sheet

DATES = frozenset({"valid_from", "valid_to"})
OF_SENSOR = frozenset({"gateway", "offset"})  # it takes them along when it moves


class KeptLine(NamedTuple, Generic[Registered]):
    """A line with the values it keeps, or why it cannot keep them, as (column, fault)."""

    rows: Sequence[Registered]
    fault: tuple[str, str] | None = None


def complete(
    sheet: Sheet[Registered], content: Content[Registered], known: Iterable[Registered], now: datetime
) -> None:
    """Give the lines of a file, in place, the values of the columns that it does not have.

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
    """A row with the values of another in the columns that are absent; fields are in the order of the columns."""
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
    """Without a date a line may only say again what holds: it cannot rewrite the history of the heat."""
    merged = _merged(sheet, absent - {"status_since"}, row, known[0])
    if "status_since" not in absent:
        return KeptLine([merged])
    holds = max((home for home in known if since(home) <= now), key=since, default=known[0])
    if holds.heat_status != row.heat_status:
        held = f" since {holds.status_since:%Y-%m-%d %H:%MZ}" if holds.status_since else ""
        say = f"add the column and say since when it is {row.heat_status}"
        return KeptLine([], ("status_since", f"{row.code} is {holds.heat_status}{held}: {say}"))
    return KeptLine([merged._replace(status_since=holds.status_since)])


def _keep_sensor(
    sheet: Sheet[RegisteredSensor],
    absent: frozenset[str],
    row: RegisteredSensor,
    known: list[RegisteredSensor],
    now: datetime,
) -> KeptLine[RegisteredSensor]:
    """Without dates a line speaks of the place that holds, and the others stay: it cannot move a sensor."""
    if not absent >= DATES:
        base = max((place for place in known if _overlap(place, row)), key=_begins, default=None)
        if base is None:
            return KeptLine([row])
        kept = absent - DATES if _same_place(row, base, absent) else absent & OF_SENSOR
        return KeptLine([_merged(sheet, kept, row, base)])
    holds = held_place(known, now)
    merged = _merged(sheet, absent, row, holds)
    if not _same_place(row, holds, absent):
        fault = f"{row.code} stands in {holds.home or holds.substation}: add the column and say from when it moves"
        return KeptLine([], ("valid_from", fault))
    return KeptLine([merged, *(place for place in known if place is not holds)])


def _same_place(row: RegisteredSensor, place: RegisteredSensor, absent: frozenset[str]) -> bool:
    """Whether a line that names a place names this one; without both columns it names none."""
    return {"home", "substation"} <= absent or (row.home, row.substation) == (place.home, place.substation)


def _overlap(place: RegisteredSensor, row: RegisteredSensor) -> bool:
    return _begins(place) < (row.valid_to or FOR_GOOD) and _begins(row) < (place.valid_to or FOR_GOOD)


def _begins(place: RegisteredSensor) -> datetime:
    return place.valid_from or FROM_EVER


def since(home: RegisteredHome) -> datetime:
    """Since when the heat status of a line holds, for putting lines in order."""
    return home.status_since or FROM_EVER


def held_place(places: Sequence[RegisteredSensor], now: datetime) -> RegisteredSensor:
    """Choose the place that holds: the latest that has begun, or else the first."""
    return max((place for place in places if _begins(place) <= now), key=_begins, default=places[0])


_KEEPERS: dict[str, Callable[..., KeptLine[Any]]] = {
    "substations.csv": _keep_plain,
    "buildings.csv": _keep_plain,
    "homes.csv": _keep_home,
    "sensors.csv": _keep_sensor,
}

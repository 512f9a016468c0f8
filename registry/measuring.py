"""The plan of measurements on site from a file, all or nothing."""

from collections.abc import Sequence
from datetime import datetime, time
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from psycopg import Connection

from domain.errors import UsageError
from domain.measurement import PlanLine
from registry import words
from registry.csv_file import Content, parse
from registry.importing import ImportCount
from registry.preview import ValueChange
from registry.problems import FileProblem, refuse
from registry.rules import problems
from registry.sheets import plan_sheet
from store.registry import registry_rows
from store.sensors import plan_rows
from store.sensors.plan_rows import PlannedPoint

FILE = "plan.csv"


class PlanChanges(NamedTuple):
    """The changes of a plan: their numbers, the points that are new, and each value of a known point that changes.

    `before`, `after`: the points of all homes that it names; without a beginning where that is the present.
    """

    counted: ImportCount
    added: list[str]
    changes: list[ValueChange]
    before: list[PlannedPoint]
    after: list[PlannedPoint]


def import_plan(conn: Connection, path: Path, zone: ZoneInfo, now: datetime) -> int:
    """Import a plan and return its number of measuring points. The caller commits.

    Points missing from the file stay unchanged; a line with `to` ends a point.

    Raises:
        UsageError: one line per problem, with file, line and column; nothing was written.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    content = parse(plan_sheet(path.name, zone), data)
    registry_rows.lock(conn)
    _check(conn, content)
    return plan_rows.put(conn, content.rows, now)


def take(conn: Connection, content: Content[PlanLine], zone: ZoneInfo, now: datetime) -> PlanChanges:
    """Take a plan that was read, as `import_plan` does, and return what it changes.

    Raises:
        ImportRefused: nothing was written.
    """
    _check(conn, content)
    before = plan_rows.named(conn, content.rows)
    points = plan_rows.put(conn, content.rows, now)
    after = plan_rows.named(conn, content.rows)
    known = {point.code: point for point in before}
    added = [point.code for point in after if point.code not in known]
    changed = [(known[point.code], point) for point in after if known.get(point.code, point) != point]
    return PlanChanges(
        ImportCount(len(content.lines), len(added), len(changed), points - len(added) - len(changed)),
        added,
        [change for old, new in changed for change in _differences(old, new, zone)],
        before,
        [point._replace(starts_at=None) if point.starts_at == now else point for point in after],
    )


def _check(conn: Connection, content: Content[PlanLine]) -> None:
    faults = [*content.problems, *problems(FILE, content.lines), *_unknown(conn, content.rows, content)]
    refuse([content.placed(problem) for problem in sorted(faults, key=lambda problem: problem.line)])


def _unknown(conn: Connection, rows: Sequence[PlanLine], content: Content[PlanLine]) -> list[FileProblem]:
    return [
        FileProblem(
            FILE,
            content.lines[nth].number,
            "home" if rows[nth].home is not None else "building",
            words.UNKNOWN,
        )
        for nth in plan_rows.unknown_places(conn, rows)
    ]


def _differences(old: PlannedPoint, new: PlannedPoint, zone: ZoneInfo) -> list[ValueChange]:
    values = zip(("room_kind", "every_days", "from", "to"), old[2:], new[2:], strict=True)
    return [
        ValueChange(new.code, field, _text(before, zone), _text(after, zone))
        for field, before, after in values
        if before != after
    ]


def _text(value: object, zone: ZoneInfo) -> str | None:
    if not isinstance(value, datetime):
        return None if value is None else str(value)
    local = value.astimezone(zone)
    return f"{local:%Y-%m-%d}" if local.time() == time() else f"{local:%Y-%m-%d %H:%M}"

"""Import of the plan of measurements on site from a CSV file, all or nothing."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from psycopg import Connection

from domain.errors import UsageError
from registry.csv_file import parse
from registry.problems import FileProblem, refuse
from registry.rules import problems
from registry.sheets import plan_sheet
from store.sensors import measurement_rows


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
    rows = content.rows
    faults = [*content.problems, *problems(path.name, content.lines)]
    for nth in measurement_rows.unknown_places(conn, rows):
        column = "home" if rows[nth].home is not None else "building"
        faults.append(FileProblem(path.name, content.lines[nth].number, column, "is not in the registry"))
    refuse([content.placed(problem) for problem in faults])
    return measurement_rows.plan(conn, rows, now)

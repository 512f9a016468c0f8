"""residents.csv: tenancies of homes, by the company's own references. Not part of the registry."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from psycopg import Connection

from domain.registry import Resident
from domain.words.text import Text
from registry import words
from registry.csv_file import Content, FileLine, read, render
from registry.known_codes import of_registry
from registry.problems import FileProblem, refuse
from registry.rules import FOR_GOOD, FROM_EVER
from registry.sheets import residents_sheet
from registry.tables import PLAINLY, FileReading
from store.registry import registry_rows, resident_rows
from store.registry.resident_rows import Tenancy, TenancyChanges

FILE = "residents.csv"


def import_residents(
    conn: Connection,
    folder: Path,
    zone: ZoneInfo,
    reading: FileReading = PLAINLY,
) -> TenancyChanges | None:
    """Import the residents file of a folder, if there is one; the caller commits.

    The lines of a home replace all its tenancies. Homes must already be in the registry.

    Raises:
        UsageError: one line per problem; nothing was written.
    """
    content = read(residents_sheet(zone), folder, of_registry(conn, reading))
    return None if content is None else take(conn, content, zone)


def take(conn: Connection, content: Content[Resident], zone: ZoneInfo) -> TenancyChanges:
    """Take the tenancies of a file that was read, as `import_residents` does."""
    known = registry_rows.known(conn, registry_rows.Codes(set(), set(), content.codes)).homes
    # A line fully describes a tenancy: without one of the time columns it would say "since ever" or "until further".
    faults = [FileProblem(FILE, 1, name, words.COLUMN_MISSING) for name in sorted(content.absent) if content.readable]
    faults += [FileProblem(FILE, *fault) for fault in (*_faults(content.lines, known), *_between(content.lines))]
    refuse([content.placed(problem) for problem in sorted(content.problems + faults, key=lambda problem: problem.line)])
    return resident_rows.replace(conn, [Tenancy(*row, first_day(row.begins, zone)) for row in content.rows])


def first_day(begins: datetime | None, zone: ZoneInfo) -> date | None:
    """Return the first local day fully within a tenancy; None: since ever."""
    if begins is None:
        return None
    local = begins.astimezone(zone)
    return local.date() if local.time() == time() else local.date() + timedelta(days=1)


def _faults(lines: Sequence[FileLine[Resident]], known: set[str]) -> Iterator[tuple[int, str, Text]]:
    for number, row in lines:
        if row.home not in known:
            yield number, "home", words.UNKNOWN_CODE.fill(given=row.home)
        if row.resident is None and (row.begins or row.ends):
            yield number, "resident", words.TIME_WITHOUT_RESIDENT
        if row.begins and row.ends and row.begins >= row.ends:
            yield number, "to", words.NOT_AFTER.fill(other="from")


def _between(lines: Sequence[FileLine[Resident]]) -> Iterator[tuple[int, str, Text]]:
    """Find homes with several residents at a time."""
    in_order = sorted(lines, key=lambda line: (line.row.home, line.row.begins or FROM_EVER))
    for one, other in pairwise(in_order):
        if one.row.home != other.row.home:
            continue
        if one.row.resident is None or other.row.resident is None:
            yield (
                other.number,
                "resident",
                words.RESIDENT_OR_NONE.fill(line=one.number),
            )
        elif (other.row.begins or FROM_EVER) < (one.row.ends or FOR_GOOD):
            yield other.number, "from", words.OVERLAPS_LINE.fill(line=one.number)


def text(conn: Connection) -> tuple[str, int]:
    """Return the file with all tenancies, and their number; importing it changes nothing."""
    rows = resident_rows.whole(conn)
    return render(residents_sheet(ZoneInfo("UTC")), rows), len(rows)

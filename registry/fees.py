"""fees.csv: what homes pay for a season, by area and price. Not part of the registry."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from psycopg import Connection

from domain.errors import Fault
from domain.refunds.sheet import season_fee
from domain.registry import HomeFee
from domain.words.text import Text
from registry import words
from registry.csv_file import FileLine, read, render
from registry.known_codes import of_registry
from registry.problems import FileProblem, refuse
from registry.sheets import fees_sheet
from registry.tables import PLAINLY, FileReading
from store.registry import fee_rows, registry_rows

FILE = "fees.csv"


def import_fees(conn: Connection, folder: Path, zone: ZoneInfo, reading: FileReading = PLAINLY) -> int | None:
    """Import the fees file of a folder, if there is one; returns how many are new or changed. The caller commits.

    Fees that no line names stay. Homes must already be in the registry.

    Raises:
        UsageError: one line per problem; nothing was written.
    """
    content = read(fees_sheet(zone), folder, of_registry(conn, reading))
    if content is None:
        return None
    known = registry_rows.known(conn, registry_rows.Codes(set(), set(), content.codes)).homes
    faults = [FileProblem(FILE, *fault) for fault in _faults(content.lines, known)]
    refuse([content.placed(problem) for problem in sorted(content.problems + faults, key=lambda problem: problem.line)])
    return fee_rows.bring(conn, content.rows)


def _faults(lines: Sequence[FileLine[HomeFee]], known: set[str]) -> Iterator[tuple[int, str, Text]]:
    seen: dict[tuple[str, object], int] = {}
    for number, row in lines:
        if row.home not in known:
            yield number, "home", words.UNKNOWN_CODE.fill(given=row.home)
        try:
            season_fee(row.area_m2, row.per_m2)
        except Fault as fault:
            yield number, "per_m2", fault.told
        if (first := seen.setdefault((row.home, row.season), number)) != number:
            yield number, "season", words.SAME_AS_LINE.fill(line=first)


def text(conn: Connection) -> tuple[str, int]:
    """Return the file with all fees, and their number; importing it changes nothing."""
    rows = fee_rows.whole(conn)
    return render(fees_sheet(ZoneInfo("UTC")), rows), len(rows)

"""Import: files → values → rules → comparison with the registry → one write, or none at all."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from psycopg import Connection

from domain.errors import UsageError
from domain.registry import RegisteredBuilding, RegisteredHome, RegisteredSensor, RegisteredSubstation, Registry
from domain.words.text import Text
from registry import csv_file, place_index, rules, words
from registry.csv_file import Content
from registry.keeping import complete, since
from registry.known_codes import of_registry
from registry.preview import ValueChange, home_changes, sensor_changes
from registry.problems import FileProblem, refuse
from registry.rules import Registered
from registry.sheets import Sheet, Sheets, contacts_sheet, fees_sheet, residents_sheet, sheets
from registry.tables import PLAINLY, FileReading
from store.registry import registry_bringing, registry_lines, registry_rows
from store.registry.registry_rows import Codes, Differences, KindDifference

UTC = ZoneInfo("UTC")


class RegistryFiles(NamedTuple):
    """Content of the four files."""

    substations: Content[RegisteredSubstation]
    buildings: Content[RegisteredBuilding]
    homes: Content[RegisteredHome]
    sensors: Content[RegisteredSensor]

    def registry(self) -> Registry:
        """Return the part of the registry that the files name."""
        return Registry(self.substations.rows, self.buildings.rows, self.homes.rows, self.sensors.rows)

    def of(self, kind: str) -> Content[Any]:
        """Return the content of the file of a kind."""
        content: Content[Any] = getattr(self, kind)
        return content

    def problems(self, kind: str) -> list[FileProblem]:
        """Return the problems of the file of a kind, named as the user has named things."""
        content = self.of(kind)
        return [content.placed(problem) for problem in content.problems]

    def placed(self, reference: "Reference", fault: Text) -> FileProblem:
        """Return the problem of a reference, named as the user has named things."""
        problem = FileProblem(reference.file, reference.line, reference.column, fault)
        return self.of(reference.file.removesuffix(".csv")).placed(problem)

    def file(self, kind: str) -> str:
        """Return the name of the file of a kind, or the usual one."""
        return self.of(kind).file or f"{kind}.csv"


class ImportCount(NamedTuple):
    """Result of a file: its lines, and the objects they name (a home may take several lines)."""

    rows: int
    added: int
    changed: int
    unchanged: int


class ImportReport(NamedTuple):
    """Result of an import, by kind."""

    substations: ImportCount
    buildings: ImportCount
    homes: ImportCount
    sensors: ImportCount


class Reference(NamedTuple):
    """A reference from a line to an object of another kind."""

    file: str
    line: int
    column: str
    kind: str  # a field of RegistryFiles
    code: str


def import_folder(
    conn: Connection, folder: Path, zone: ZoneInfo, now: datetime, reading: FileReading = PLAINLY
) -> ImportReport:
    """Import the files of a folder, or a workbook, into the registry; the caller commits.

    Homes without a line and columns missing from a file stay unchanged. The placements of a named sensor are replaced
    as a whole. Days begin at midnight in `zone`. Homes whose past may now be judged differently are queued for
    re-judging.

    Raises:
        UsageError: one line per problem, with file, line and column; nothing was written.
    """
    return bring(conn, checked(conn, read(folder, sheets(zone), of_registry(conn, reading)), zone, now), now)


def preview_folder(
    conn: Connection,
    folder: Path,
    zone: ZoneInfo,
    now: datetime,
    limited: Collection[str],
    reading: FileReading = PLAINLY,
) -> tuple[ImportReport, list[ValueChange]]:
    """Import, and return the changes to known homes and sensors; the caller rolls back.

    Args:
        limited: the home classes that have a limit without a contract.
    """
    contents = checked(conn, read(folder, sheets(zone), of_registry(conn, reading)), zone, now)
    homes, sensors = contents.homes, contents.sensors
    changes = [
        *home_changes(registry_lines.homes(conn, homes.codes), homes.rows, limited),
        *sensor_changes(registry_lines.sensors(conn, sensors.codes), sensors.rows, now),
    ]
    return bring(conn, contents, now), changes


def checked(conn: Connection, contents: RegistryFiles, zone: ZoneInfo, now: datetime) -> RegistryFiles:
    """Check the files against each other and the registry, locked against other imports.

    Raises:
        ImportRefused: nothing was written.
    """
    registry_rows.lock(conn)
    for kind, sheet in sheets(zone)._asdict().items():
        _complete(conn, kind, sheet, contents.of(kind), now)
    told = [p for kind in contents._fields for p in contents.problems(kind)]
    refuse([*told, *_dangling(conn, contents), *_without_notice(conn, contents)])
    return contents


def bring(conn: Connection, contents: RegistryFiles, now: datetime) -> ImportReport:
    """Bring the registry up to files that were checked; the caller commits."""
    differences = registry_bringing.bring(conn, contents.registry(), now)
    if any(difference.added or difference.changed for difference in differences):
        place_index.bring_up(conn)
    return counted(contents, differences)


def counted(contents: RegistryFiles, differences: Differences) -> ImportReport:
    """Return what files differ in, by kind."""
    return ImportReport(*(_count(contents.of(kind), found) for kind, found in differences._asdict().items()))


def _complete(
    conn: Connection, kind: str, sheet: Sheet[Registered], content: Content[Registered], now: datetime
) -> None:
    """Fill in the columns a file lacks from the registry, then check its lines against each other."""
    if content.absent and content.lines:
        known: Callable[[Connection, Collection[str]], list[Registered]] = getattr(registry_lines, kind)
        complete(sheet, content, known(conn, content.codes), now)
    content.problems = sorted(content.problems + rules.problems(sheet.file, content.lines), key=lambda p: p.line)


def _count(content: Content[Any], found: KindDifference) -> ImportCount:
    rows = len({line.number for line in content.lines})  # placements that stay carry the number of their sensor's line
    return ImportCount(rows, found.added, found.changed, found.named - found.added - found.changed)


def read(source: Path, files: Sheets, reading: FileReading) -> RegistryFiles:
    """Read a folder or workbook with all problems visible without the registry; a missing file changes nothing.

    Raises:
        UsageError: there is none of the files or worksheets, or one cannot be opened.
    """
    every: tuple[Sheet[Any], ...] = tuple(files)
    found: list[Content[Any] | None] = [csv_file.read(sheet, source, reading) for sheet in every]
    people: tuple[Sheet[Any], ...] = (residents_sheet(UTC), contacts_sheet(UTC), fees_sheet(UTC))
    if not any(found) and not any(csv_file.holds(sheet, source) for sheet in people):
        names = [sheet.stem if source.is_file() else sheet.file for sheet in (*every, *people)]
        raise UsageError(f"{source}: {words.HOLDS_NONE_OF.fill(names=', '.join(names)).en}")
    return RegistryFiles(*(content or Content() for content in found))


def _dangling(conn: Connection, contents: RegistryFiles) -> list[FileProblem]:
    """Find references to objects that are in neither the files nor the registry."""
    # An unreadable file may contain the object: its own problem is enough.
    unsure = {kind for kind in contents._fields if not contents.of(kind).readable}
    asked = [r for r in references(contents) if r.kind not in unsure and r.code not in contents.of(r.kind).codes]
    wanted: dict[str, set[str]] = {kind: set() for kind in Codes._fields}
    for reference in asked:
        wanted[reference.kind].add(reference.code)
    known = registry_rows.known(conn, Codes(**wanted))._asdict()
    return [
        contents.placed(r, words.UNKNOWN_REFERENCE.fill(given=r.code, file=contents.file(r.kind)))
        for r in asked
        if r.code not in known[r.kind]
    ]


def _without_notice(conn: Connection, contents: RegistryFiles) -> list[FileProblem]:
    """Find lines by which heat that is stopped would begin again: that takes an application and its notice."""
    lines = [line for line in contents.homes.lines if line.row.heat_status == "on"]
    known: dict[str, dict[datetime, str]] = {}
    for code, begun, status in registry_lines.stops(conn, {line.row.code for line in lines}):
        known.setdefault(code, {})[begun or rules.FROM_EVER] = status
    return [
        contents.placed(
            Reference("homes.csv", line.number, "heat_status", "homes", line.row.code), words.HEAT_NEEDS_NOTICE
        )
        for line in lines
        if _standing(known.get(line.row.code, {}), since(line.row)) == "stopped"
    ]


def _standing(known: Mapping[datetime, str], at: datetime) -> str | None:
    """Return the heat status on record at an instant; None: nothing is on record yet."""
    before = [begun for begun in known if begun <= at]
    return known[max(before)] if before else None


def references(contents: RegistryFiles) -> Iterator[Reference]:
    """Yield the references of all lines, in the order of the files."""
    for number, building in contents.buildings.lines:
        yield Reference("buildings.csv", number, "substation", "substations", building.substation)
    for number, home in contents.homes.lines:
        yield Reference("homes.csv", number, "building", "buildings", home.building)
    for number, sensor in contents.sensors.lines:
        if sensor.home is not None:
            yield Reference("sensors.csv", number, "home", "homes", sensor.home)
        if sensor.substation is not None:
            yield Reference("sensors.csv", number, "substation", "substations", sensor.substation)

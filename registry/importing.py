"""Import: files → values → rules → one comparison with the registry → one write, or nothing at all."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from psycopg import Connection

from domain.errors import UsageError
from domain.registry import RegisteredBuilding, RegisteredHome, RegisteredSensor, RegisteredSubstation, Registry
from registry import contacts, residents, rules
from registry.csv_file import Content, parse
from registry.keeping import complete
from registry.preview import ValueChange, home_changes, sensor_changes
from registry.problems import FileProblem, refuse
from registry.rules import Registered
from registry.sheets import Sheet, Sheets, sheets
from store.registry import registry_lines, registry_rows
from store.registry.registry_rows import Codes, KindDifference


class RegistryFiles(NamedTuple):
    """What the four files say."""

    substations: Content[RegisteredSubstation]
    buildings: Content[RegisteredBuilding]
    homes: Content[RegisteredHome]
    sensors: Content[RegisteredSensor]

    def registry(self) -> Registry:
        """The part of the registry that the files name."""
        return Registry(self.substations.rows, self.buildings.rows, self.homes.rows, self.sensors.rows)

    def of(self, kind: str) -> Content[Any]:
        """What the file of a kind says."""
        content: Content[Any] = getattr(self, kind)
        return content


class ImportCount(NamedTuple):
    """What an import did with a file: its lines, and the things they name (one home may take several lines)."""

    rows: int
    added: int
    changed: int
    unchanged: int


class ImportReport(NamedTuple):
    """What an import did, by kind."""

    substations: ImportCount
    buildings: ImportCount
    homes: ImportCount
    sensors: ImportCount


class Reference(NamedTuple):
    """A line that names something of another kind."""

    file: str
    line: int
    column: str
    kind: str  # a field of Contents
    code: str


def import_folder(conn: Connection, folder: Path, zone: ZoneInfo, now: datetime) -> ImportReport:
    """Bring the registry up to the files of a folder; the caller commits.

    What the files do not name stays as it is: homes without a line, and columns that a file does not have. The places
    of a named sensor are replaced as a whole. Days in the files begin at midnight in `zone`. Homes whose past may be
    judged differently now are queued for re-judging.

    Raises:
        UsageError: one line per problem, with file, line and column; nothing was written.
    """
    return _bring(conn, _checked(conn, folder, zone, now), now)


def preview_folder(
    conn: Connection, folder: Path, zone: ZoneInfo, now: datetime, limited: Collection[str]
) -> tuple[ImportReport, list[ValueChange]]:
    """Import, and tell what that changes of homes and sensors that were known; the caller rolls back.

    Args:
        limited: the classes of homes that have a limit without a contract.
    """
    contents = _checked(conn, folder, zone, now)
    homes, sensors = contents.homes, contents.sensors
    changes = [
        *home_changes(registry_lines.homes(conn, homes.codes), homes.rows, limited),
        *sensor_changes(registry_lines.sensors(conn, sensors.codes), sensors.rows, now),
    ]
    return _bring(conn, contents, now), changes


def _checked(conn: Connection, folder: Path, zone: ZoneInfo, now: datetime) -> RegistryFiles:
    """Read the files and hold them against each other and the registry, which no other import changes from here on."""
    files = sheets(zone)
    contents = read(folder, files)
    registry_rows.lock(conn)
    for kind, sheet in files._asdict().items():
        _complete(conn, kind, sheet, contents.of(kind), now)
    refuse([*(p for kind in contents._fields for p in contents.of(kind).problems), *_dangling(conn, contents)])
    return contents


def _bring(conn: Connection, contents: RegistryFiles, now: datetime) -> ImportReport:
    registry_rows.stage(conn, contents.registry())
    differences = registry_rows.differences(conn, now)
    if any(difference.added or difference.changed for difference in differences):
        registry_rows.write(conn, now)
    return ImportReport(*(_count(contents.of(kind), found) for kind, found in differences._asdict().items()))


def _complete(
    conn: Connection, kind: str, sheet: Sheet[Registered], content: Content[Registered], now: datetime
) -> None:
    """Let lines keep what their file does not speak of, then hold them against each other."""
    if content.absent and content.lines:
        known: Callable[[Connection, Collection[str]], list[Registered]] = getattr(registry_lines, kind)
        complete(sheet, content, known(conn, content.codes), now)
    content.problems = sorted(content.problems + rules.problems(sheet.file, content.lines), key=lambda p: p.line)


def _count(content: Content[Any], found: KindDifference) -> ImportCount:
    rows = len({line.number for line in content.lines})  # a sensor's places that stay have the number of its line
    return ImportCount(rows, found.added, found.changed, found.named - found.added - found.changed)


def read(folder: Path, files: Sheets) -> RegistryFiles:
    """Read the files of a folder, with all the problems that show without the registry; a missing file says nothing.

    Raises:
        UsageError: the folder holds none of the files, or one cannot be opened.
    """
    names = [*(sheet.file for sheet in files), residents.FILE, contacts.FILE]
    if not any((folder / name).exists() for name in names):
        raise UsageError(f"{folder}: holds none of {', '.join(names)}")
    return RegistryFiles(
        _read(folder, files.substations),
        _read(folder, files.buildings),
        _read(folder, files.homes),
        _read(folder, files.sensors),
    )


def _read(folder: Path, sheet: Sheet[Registered]) -> Content[Registered]:
    path = folder / sheet.file
    try:
        return parse(sheet, path.read_bytes())
    except FileNotFoundError:
        return Content()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


def _dangling(conn: Connection, contents: RegistryFiles) -> list[FileProblem]:
    """Problems of lines that name what neither the files nor the registry know."""
    # A file whose lines could not be read may well hold what is named: its own problem is enough.
    unsure = {kind for kind in contents._fields if not contents.of(kind).readable}
    asked = [r for r in references(contents) if r.kind not in unsure and r.code not in contents.of(r.kind).codes]
    wanted: dict[str, set[str]] = {kind: set() for kind in Codes._fields}
    for reference in asked:
        wanted[reference.kind].add(reference.code)
    known = registry_rows.known(conn, Codes(**wanted))._asdict()
    return [
        FileProblem(r.file, r.line, r.column, f"{r.code!r} is neither in {r.kind}.csv nor in the registry")
        for r in asked
        if r.code not in known[r.kind]
    ]


def references(contents: RegistryFiles) -> Iterator[Reference]:
    """What the lines name, in the order of the files."""
    for number, building in contents.buildings.lines:
        yield Reference("buildings.csv", number, "substation", "substations", building.substation)
    for number, home in contents.homes.lines:
        yield Reference("homes.csv", number, "building", "buildings", home.building)
    for number, sensor in contents.sensors.lines:
        if sensor.home is not None:
            yield Reference("sensors.csv", number, "home", "homes", sensor.home)
        if sensor.substation is not None:
            yield Reference("sensors.csv", number, "substation", "substations", sensor.substation)

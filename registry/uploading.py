"""An uploaded file: read in a process of its own, compared with the registry, and applied as an import is."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import structlog
from psycopg import Connection

from domain.registry import Contact, Registry, Resident
from registry import contacts, importing, measuring, residents, words
from registry.csv_file import Content
from registry.importing import ImportCount, ImportReport, RegistryFiles
from registry.measuring import PlanChanges
from registry.preview import Losses, ValueChange, home_changes, home_lines, losses, plain_changes, sensor_changes
from registry.problems import FileProblem, refuse
from registry.reading import SentTables, TableFile
from store.registry import contact_rows, registry_bringing, registry_lines, resident_rows
from store.registry.contact_rows import ContactChanges
from store.registry.resident_rows import TenancyChanges

READ_S = 40.0
READER = (sys.executable, "-I", "-m", "registry.reading")
log = structlog.get_logger()
Lines = Iterable[tuple[object, ...]]


class DiffersNow(Exception):
    """The registry has changed since: the file would change something else than what was shown."""


@dataclass(frozen=True)
class UploadTerms:
    """The zone in which days begin, the present, and the home classes that have a limit without a contract."""

    zone: ZoneInfo
    now: datetime
    limited: Collection[str]


class NamedObject(NamedTuple):
    """An object of the registry: its kind, as the files are called, and its code."""

    kind: str
    code: str


class ObjectChange(NamedTuple):
    """A value of a known object, before and after; None: none."""

    kind: str
    code: str
    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class RegistryComparison:
    """The changes of a file. `version` is a digest of all, personal data included, which is in no other field."""

    report: ImportReport
    residents: TenancyChanges | None
    contacts: ContactChanges | None
    plan: ImportCount | None
    added: Sequence[NamedObject]
    changes: Sequence[ObjectChange]
    losses: Losses
    version: str


def read_apart(sent: TableFile) -> SentTables:
    """Read a file in a process of its own.

    Raises:
        ImportRefused: it cannot be read.
    """
    try:
        done = subprocess.run(READER, input=msgspec.msgpack.encode(sent), capture_output=True, timeout=READ_S, env={})
        code = done.returncode
    except subprocess.TimeoutExpired:
        code = -1
    if code:
        log.warning("registry_reader_died", code=code, size=len(sent.content))
        refuse([FileProblem(sent.name, 1, "", words.TOO_LARGE)])
    tables = msgspec.msgpack.decode(done.stdout, type=SentTables)
    refuse(tables.problems)
    return tables


def preview(conn: Connection, tables: SentTables, terms: UploadTerms) -> RegistryComparison:
    """Compare a file with the registry, and change nothing.

    Raises:
        ImportRefused: an import would be refused.
    """
    with conn.transaction(force_rollback=True):
        # Residents, contacts and measuring points may be of homes that the same file brings.
        return _bring(conn, tables, terms, write=bool(tables.residents or tables.contacts or tables.plan))


def apply(conn: Connection, tables: SentTables, terms: UploadTerms, version: str) -> RegistryComparison:
    """Import a file, if it changes what `version` is a digest of; the caller commits.

    Raises:
        ImportRefused, DiffersNow: nothing was written.
    """
    with conn.transaction():
        done = _bring(conn, tables, terms, write=True)
        if done.version != version:
            raise DiffersNow
    return done


def _bring(conn: Connection, tables: SentTables, terms: UploadTerms, *, write: bool) -> RegistryComparison:
    contents = RegistryFiles(
        tables.substations or Content(),
        tables.buildings or Content(),
        tables.homes or Content(),
        tables.sensors or Content(),
    )
    importing.checked(conn, contents, terms.zone, terms.now)
    known = registry_lines.named(conn, [contents.of(kind).codes for kind in contents._fields])
    before = _people(conn, tables)
    changes = _changes(contents, known, terms)
    if write:
        report = importing.bring(conn, contents, terms.now)
    else:
        report = importing.counted(contents, registry_bringing.compared(conn, contents.registry(), terms.now))
    lived = residents.take(conn, tables.residents, terms.zone) if tables.residents else None
    people = contacts.take(conn, tables.contacts, terms.now) if tables.contacts else None
    planned = measuring.take(conn, tables.plan, terms.zone, terms.now) if tables.plan else None
    if planned:
        changes += [ObjectChange("plan", *change) for change in planned.changes]
    pairs: list[tuple[Lines, Lines]] = list(zip(known, _after(contents, known), strict=True))
    pairs += zip(before, _people(conn, tables), strict=True)
    pairs += [(planned.before, planned.after)] if planned else []
    return RegistryComparison(
        report,
        lived,
        people,
        planned.counted if planned else None,
        _added(contents, known, planned),
        changes,
        losses([ValueChange(*change[1:]) for change in changes]),
        _digest(pairs),
    )


def _after(contents: RegistryFiles, known: Registry) -> tuple[Lines, ...]:
    homes = home_lines(known.homes, contents.homes.rows)
    return contents.substations.rows, contents.buildings.rows, homes, contents.sensors.rows


def _people(conn: Connection, tables: SentTables) -> tuple[list[Resident], list[Contact]]:
    """Return who lives in the homes of a file, and how they are told, as the registry has it."""
    lived = resident_rows.whole(conn, tables.residents.codes) if tables.residents else []
    return lived, contact_rows.whole(conn, tables.contacts.codes) if tables.contacts else []


def _added(contents: RegistryFiles, known: Registry, planned: PlanChanges | None) -> list[NamedObject]:
    found = [NamedObject("plan", code) for code in planned.added] if planned else []
    for kind, rows in known._asdict().items():
        new = {row.code for row in contents.of(kind).rows} - {row.code for row in rows}
        found += [NamedObject(kind, code) for code in sorted(new)]
    return found


def _changes(contents: RegistryFiles, known: Registry, terms: UploadTerms) -> list[ObjectChange]:
    found = {
        "substations": plain_changes(known.substations, contents.substations.rows),
        "buildings": plain_changes(known.buildings, contents.buildings.rows),
        "homes": home_changes(known.homes, contents.homes.rows, terms.limited),
        "sensors": sensor_changes(known.sensors, contents.sensors.rows, terms.now),
    }
    return [ObjectChange(kind, *change) for kind, changes in found.items() for change in changes]


def _digest(pairs: Iterable[tuple[Lines, Lines]]) -> str:
    """Return a digest of the lines that are there before and not after, and the other way round."""
    told = []
    for before, after in pairs:
        old, new = set(before), set(after)
        told.append([sorted(map(_plain, old - new)), sorted(map(_plain, new - old))])
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _plain(line: tuple[object, ...]) -> list[str]:
    """Return a line as texts that do not depend on who reads them."""
    return [repr(v.astimezone(UTC).isoformat() if isinstance(v, datetime) else v) for v in line]

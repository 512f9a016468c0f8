"""Named checks that all evidence is as it was written; each goes through its part piece by piece.

Each piece is read in one short snapshot transaction, so a check may take hours without blocking anything.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.evidence import chain
from archives.history import TABLE_ALONE, OneHistory
from store.evidence import chain_rows, invariants, journal, reading_digests
from store.evidence.journal import JournalledRow, Relation
from store.evidence.reading_digests import LateReadings, Piece, ReadingTable
from store.tickets import file_rows
from store.tickets.file_contents import DATABASE, FileMissing, FileStore

MOST_TOLD = 1_000  # faults, and amendments, that are listed; all are counted
LEAST_KEPT = timedelta(days=200)  # no setting deletes readings that are younger
DAY = timedelta(days=1)
FILES_AT_ONCE = 1_000

Progress = Callable[[str, int, int], None]  # what, so much of it, of so much


@dataclass
class Findings:
    """Findings of a check."""

    now: datetime
    noted: str | None = None  # a seal, "number:hash"
    since: date | None = None  # days of readings before are left out
    progress: Progress = lambda _what, _done, _of: None
    files: FileStore = DATABASE
    history: OneHistory = TABLE_ALONE
    counts: dict[str, int] = field(default_factory=dict)
    last_seal: str | None = None
    faults: int = 0
    told: list[dict[str, str]] = field(default_factory=list)  # check, what
    amended: int = 0  # closed days of the ledger that were counted again
    amendments: list[dict[str, str]] = field(default_factory=list)

    def fault(self, check: str, what: str) -> None:
        """Count a fault, and list it if there are not too many."""
        self.faults += 1
        if len(self.told) < MOST_TOLD:
            self.told.append({"check": check, "what": what})

    def count(self, what: str, more: int) -> None:
        """Add to what was looked at."""
        self.counts[what] = self.counts.get(what, 0) + more


Check = Callable[[Connection, Findings], None]


@contextmanager
def _moment(conn: Connection) -> Iterator[None]:
    """Open a read transaction on one snapshot."""
    with conn.transaction():
        chain_rows.freeze(conn)
        yield


def check_tickets(conn: Connection, found: Findings) -> None:
    """Check the events of tickets and their chains, the states and breaches derived from them, and all seals."""
    found.progress("events and seals", 0, 1)
    report = chain.verify(conn, found.noted)
    for what in report.told:
        found.fault("tickets", what)
    found.faults += report.faults - len(report.told)
    for name in ("events", "tickets", "seals", "signed", "entries", "unsealed"):
        found.count(name, getattr(report, name))
    found.last_seal = report.last_seal
    found.progress("events and seals", 1, 1)


def check_records(conn: Connection, found: Findings) -> None:
    """Check each row of evidence against its last entry in the journal."""
    found.count("records", 0)
    for relation in journal.RELATIONS:
        highest = journal.highest(conn, relation)
        if highest is None:  # neither a row nor an entry
            continue
        for low, high in journal.stretches(highest, relation.step):
            with _moment(conn):
                rows = journal.beside(conn, relation, low, high)
                for row in rows:
                    _row(conn, found, relation, row)
            found.count("records", len(rows))
            found.progress(f"records: {relation.name}", min(high, highest), highest)


def _row(conn: Connection, found: Findings, relation: Relation, row: JournalledRow) -> None:
    if row.hash is None:
        if row.holds:
            found.fault("records", f"{_name(conn, relation, row)}: was put in past the journal")
        return
    if not row.there:
        found.fault("records", f"{_name(conn, relation, row)}: has vanished; it was {_last(row)}")
    elif row.holds != (row.form != 0):
        found.fault("records", f"{_name(conn, relation, row)}: is {'' if row.holds else 'not '}evidence now, which no "
                    f"entry tells; it was {_last(row)}")  # fmt: skip
    elif sha256(bytes(row.previous or b"") + row.told.encode()).digest() != bytes(row.hash):
        found.fault("records", f"{_name(conn, relation, row)}: is not as it was {_last(row)}")
    elif relation.final and row.entries != 1:
        found.fault("records", f"{_name(conn, relation, row)}: is never changed, and was {_last(row)}")
    elif relation.name == "ledger" and row.entries and row.entries > 1 and row.form:
        found.amended += 1
        if len(found.amendments) < MOST_TOLD:
            found.amendments.append({"what": _name(conn, relation, row), "last": _last(row)})


def _last(row: JournalledRow) -> str:
    assert row.at is not None  # the journal has an entry
    return f"last written at {row.at.isoformat(timespec='seconds')} by {row.writer}"


def _name(conn: Connection, relation: Relation, row: JournalledRow) -> str:
    """Name a row for people: `ledger H1 2026-01-03`."""
    first, *rest = row.key.strip("[]").split(", ")
    return " ".join(
        [relation.name, journal.whose(conn, relation, int(first)) or first, *(part.strip('"') for part in rest)]
    )


def check_readings(conn: Connection, found: Findings) -> None:
    """Check days of readings against their digests, taken when they settled, and against late readings."""
    kept = found.history.kept_since(conn)
    if kept is not None and kept > found.now - LEAST_KEPT:
        found.fault("readings", f"readings are said to be deleted up to {kept.date()}, which no setting does")
        kept = None
    for kind in reading_digests.KINDS:
        reached = reading_digests.frontier(conn, kind)
        if reached.begins is None or reached.day is None:
            continue
        for day in reading_digests.stray_days(conn, kind, reached):
            found.fault("readings", f"{kind.name} {day}: has digests and should have none")
        first = max(filter(None, (reached.begins, kept.date() + DAY if kept else None, found.since)))
        # The last one may be sealed in part.
        days = [first + n * DAY for n in range((reached.day - first).days + 1)]
        for nth, day in enumerate(days, 1):
            _day(conn, found, kind, day, reading_digests.LAST_SENSOR if day < reached.day else reached.after)
            found.progress(f"readings: {kind.name}", nth, len(days))


def _day(conn: Connection, found: Findings, kind: ReadingTable, day: date, last: int) -> None:
    """Check all pieces of a day up to a sensor, and that nothing is between them."""
    low = 0
    nothing, digest = reading_digests.digests(kind, np.empty(0, kind.packed))
    for piece in reading_digests.pieces(conn, kind, day):
        if piece.low > low:
            _piece(conn, found, kind, day, Piece(low, piece.low - 1, 0, nothing.tobytes(), digest))
        _piece(conn, found, kind, day, piece)
        low = piece.high + 1
    if low <= last:
        _piece(conn, found, kind, day, Piece(low, last, 0, nothing.tobytes(), digest))
    found.count("days of readings", int(last == reading_digests.LAST_SENSOR))


def _piece(conn: Connection, found: Findings, kind: ReadingTable, day: date, piece: Piece) -> None:
    sealed = np.frombuffer(piece.sensors, reading_digests.SENSOR)
    with _moment(conn):
        came = reading_digests.late(conn, kind, day, piece.low, piece.high)
        codes = reading_digests.sensors_between(conn, piece.low, piece.high)
        rows = found.history.of_day(conn, kind, day, sorted({*codes, *sealed["sensor_id"].tolist()}))
        there, digest = reading_digests.digests(kind, reading_digests.as_settled(rows, came))
        found.count("readings", len(rows))
        faults = list[tuple[int, str]]()
        if digest != bytes(piece.digest):
            faults += _differing(sealed, there)
        faults += [(sensor, "what came late is not as it was noted") for sensor in _late_faults(kind, rows, came)]
    for sensor, what in faults:
        found.fault("readings", f"{kind.name} {codes.get(sensor, sensor)} {day} (UTC): {what}")
    if digest != bytes(piece.digest) and not faults:
        found.fault("readings", f"{kind.name} {day}: sensors {piece.low} to {piece.high}: are not as they were sealed")


def _differing(sealed: NDArray[np.void], there: NDArray[np.void]) -> Iterator[tuple[int, str]]:
    """List the sensors whose readings have changed, with their numbers before and now."""
    then, now = ({int(row["sensor_id"]): row for row in rows} for rows in (sealed, there))
    for sensor in sorted(then.keys() | now.keys()):
        before, after = then.get(sensor), now.get(sensor)
        if before is None or after is None or before.tobytes() != after.tobytes():
            counts = [int(row["count"]) if row is not None else 0 for row in (before, after)]
            yield sensor, f"is not as it was sealed ({counts[0]} readings then, {counts[1]} now)"


def _late_faults(kind: ReadingTable, rows: NDArray[Any], came: LateReadings) -> list[int]:
    """List the sensors of which a late reading is missing or changed."""
    if not len(came.told):
        return []
    noted = reading_digests.last_told(came)
    there = {row.tobytes() for row in np.frombuffer(reading_digests.pack(kind, rows), kind.packed)}
    return sorted({int(row["sensor_id"]) for row in noted if row.tobytes() not in there})


def check_invariants(conn: Connection, found: Findings) -> None:
    """Look for rows that no state of the service explains; each invariant sees a moment of its own."""
    for nth, (name, statement) in enumerate(invariants.HOUSE.items(), 1):
        with conn.transaction():
            rows = invariants.violations(conn, {name: statement})[name]
        for row in rows:
            found.fault("invariants", f"{name}: {chain.told(row)}")
        found.progress("invariants", nth, len(invariants.HOUSE))
    found.count("invariants", len(invariants.HOUSE))


def check_files(conn: Connection, found: Findings) -> None:
    """Check the bytes of each file of a ticket against the hash that its event tells."""
    after = 0
    while rows := file_rows.stored(conn, after, FILES_AT_ONCE):
        for row in rows:
            for content in filter(None, (row.digest, row.thumbnail)):
                if wrong := _unread(conn, found.files, content):
                    found.fault("files", f"{row.number} file {row.file_id}: {wrong}")
        found.count("files", len(rows))
        after = rows[-1].file_id
        found.progress("files", after, after)


def _unread(conn: Connection, files: FileStore, content: bytes) -> str | None:
    try:
        deque(files.blocks(conn, content), maxlen=0)
    except FileMissing:
        return f"the bytes with the SHA-256 {content.hex()} are not there, or others are"
    except OSError as error:
        return f"cannot be read: {type(error).__name__}"
    return None


CHECKS: dict[str, Check] = {
    "tickets": check_tickets,
    "records": check_records,
    "invariants": check_invariants,
    "readings": check_readings,
    "files": check_files,
}

"""Entries of the archive's manifest as the database knows them, and what of the readings is to be archived."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import class_row

from domain.instants import to_datetime
from store.base import locks, wire
from store.base.locks import LockKey
from store.evidence import reading_digests
from store.evidence.reading_digests import ReadingTable
from store.readings import reading_rows

INSERT_ENTRY = """
INSERT INTO archive_entry (number, kind, root, upto, late, noted_at)
VALUES (%(number)s, %(kind)s, %(root)s, %(upto)s, %(late)s, %(noted_at)s)
"""
LAST = 2**62  # beyond all numbers of late readings
SELECT_ENTRIES = """
SELECT a.number, a.kind, a.root, a.upto, a.late, a.noted_at FROM archive_entry AS a ORDER BY a.number
"""
SELECT_LAST_LATE = "SELECT coalesce(max(l.reading_late_id), 0) FROM reading_late AS l"
SELECT_LATE = """
SELECT l.told FROM reading_late AS l
WHERE l.kind = %(kind)s AND l.reading_late_id > %(after)s AND l.reading_late_id <= %(upto)s AND l.day < %(before)s
ORDER BY l.reading_late_id
"""
SELECT_IS_LATE = """
SELECT EXISTS (
  SELECT FROM reading_late AS l WHERE l.kind = %(kind)s AND l.reading_late_id > %(after)s AND l.day < %(before)s
)
"""
# Sensors by the place where they stood first: those of a home, of a building, follow each other.
SELECT_SENSORS = """
SELECT s.sensor_id, coalesce(h.building_id, 0) AS building_id
FROM sensor AS s
LEFT JOIN LATERAL (
  SELECT p.home_id FROM point AS p WHERE p.sensor_id = s.sensor_id
  ORDER BY p.home_id IS NULL, p.valid_from NULLS FIRST, p.point_id LIMIT 1
) AS f ON true
LEFT JOIN home AS h USING (home_id)
ORDER BY coalesce(h.building_id, 0), h.home_id, s.sensor_id
"""


DELETE_READINGS = """
DELETE FROM reading AS r USING unnest(%(sensors)s::integer[], %(at)s::timestamptz[]) AS k (sensor_id, measured_at)
WHERE r.sensor_id = k.sensor_id AND r.measured_at = k.measured_at
  AND r.measured_at >= %(first)s AND r.measured_at <= %(last)s
"""
DELETE_SUBSTATION_READINGS = """
DELETE FROM substation_reading AS r
USING unnest(%(sensors)s::integer[], %(at)s::timestamptz[]) AS k (sensor_id, measured_at)
WHERE r.sensor_id = k.sensor_id AND r.measured_at = k.measured_at
  AND r.measured_at >= %(first)s AND r.measured_at <= %(last)s
"""
COPY_SUBSTATION_READINGS = """
COPY substation_reading (
  sensor_id, measured_at, received_at, supply_temperature, return_temperature, supply_pressure, return_pressure,
  flow, heat_power, outdoor_temperature, implausible, self_timed
) FROM STDIN (FORMAT BINARY)
"""


class ArchiveEntryRow(NamedTuple):
    """An entry of the manifest as it was noted."""

    number: int
    kind: str
    root: bytes
    upto: date
    late: int
    noted_at: datetime


def insert_entry(conn: Connection, entry: ArchiveEntryRow) -> None:
    """Note an entry.

    Raises:
        UniqueViolation: one of its number is noted.
    """
    conn.execute(INSERT_ENTRY, entry._asdict())


def entries(conn: Connection) -> list[ArchiveEntryRow]:
    """Return all entries in order."""
    with conn.cursor(row_factory=class_row(ArchiveEntryRow)) as cur:
        return cur.execute(SELECT_ENTRIES).fetchall()


def last_late(conn: Connection) -> int | None:
    """Return the number up to which all that came late is there; None: some of it is just being stored."""
    with conn.transaction():
        if not locks.try_lock(conn, LockKey.SETTLED_DAYS):
            return None
        row = conn.execute(SELECT_LAST_LATE).fetchone()
    return int(row[0]) if row else 0


def late(conn: Connection, kind: ReadingTable, span: tuple[int, int], before: date) -> list[NDArray[np.void]]:
    """Return what came late for days before one, of the numbers in (after, upto], in their order."""
    params = {"kind": kind.name, "after": span[0], "upto": span[1], "before": before}
    return [np.frombuffer(row[0], kind.packed) for row in conn.execute(SELECT_LATE, params).fetchall()]


def put_back(conn: Connection, kind: ReadingTable, rows: NDArray[np.void]) -> None:
    """Store readings as the archive has them, in place of what the table has of their instants; in a transaction."""
    if not len(rows):
        return
    sensors, at = rows["sensor_id"], [to_datetime(us) for us in rows["measured_at"].tolist()]
    params = {"sensors": wire.ids(sensors), "at": at, "first": min(at), "last": max(at)}
    home = kind is reading_digests.HOMES
    conn.execute(DELETE_READINGS if home else DELETE_SUBSTATION_READINGS, params)
    with conn.cursor() as cur:
        wire.write(cur, reading_rows.COPY_READING if home else COPY_SUBSTATION_READINGS, kind.layout, rows)


def is_late(conn: Connection, kind: ReadingTable, after: int, before: date) -> bool:
    """Return whether anything came late for days before one that is not in the archive."""
    row = conn.execute(SELECT_IS_LATE, {"kind": kind.name, "after": after, "before": before}).fetchone()
    return bool(row and row[0])


def sensors(conn: Connection) -> Sequence[tuple[int, int]]:
    """Return (sensor, building) of all sensors, with the building where each stood first; 0: none."""
    return conn.execute(SELECT_SENSORS).fetchall()

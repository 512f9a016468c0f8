"""Days of readings under seals: digests of what was there when a day was settled, and what came or changed later.

A digest is SHA-256 over the readings of a sensor on a UTC day as packed little-endian rows in order of time, absent
values as NaN. So it can be computed wherever the readings are, without the database's help.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, LiteralString, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import class_row

from domain import groups
from domain.instants import to_datetime, to_us
from store.base import locks, wire
from store.base.locks import LockKey
from store.readings import reading_rows

DAY_US = 86_400_000_000
# A day is settled that long after its end; what is not older than half of that cannot be late (ingest has a clock of
# its own, and a batch takes its time).
SETTLED_AFTER = timedelta(hours=12)
SURELY_IN_TIME_US = DAY_US // 4
SHORT = 8  # bytes of a sensor's digest that are kept, to tell which one it is
SENSOR = np.dtype([("sensor_id", "<i4"), ("count", "<i4"), ("short", f"V{SHORT}")])
KEY = np.dtype([("sensor_id", "i4"), ("measured_at", "i8")])
LAST_SENSOR = 2**31 - 1


def _copy_arrays(table: LiteralString, layout: wire.Layout) -> LiteralString:
    """Return the statement that reads each sensor's readings in its spans as one row of arrays; NaN for NULL."""
    columns = [name for name in layout if name != "sensor_id"]
    values = {name: f"coalesce(o.{name}, 'NaN')" if layout[name] == "float4" else f"o.{name}" for name in columns}
    return f"""
COPY (
  SELECT s.sensor_id, {", ".join(f"a.{name}" for name in columns)}
  FROM unnest(%(sensors)s::integer[], %(lows)s::timestamptz[], %(highs)s::timestamptz[]) AS s (sensor_id, low, high)
  CROSS JOIN LATERAL (
    SELECT {", ".join(f"array_agg({value}) AS {name}" for name, value in values.items())}
    FROM (
      SELECT r.* FROM {table} AS r
      WHERE r.sensor_id = s.sensor_id AND r.measured_at >= s.low AND r.measured_at < s.high
        AND r.measured_at >= %(start)s AND r.measured_at < %(end)s
      ORDER BY r.measured_at
    ) AS o
  ) AS a
  WHERE a.measured_at IS NOT NULL
) TO STDOUT (FORMAT BINARY)
"""


COPY_READINGS = _copy_arrays("reading", reading_rows.READING)
COPY_SUBSTATION_READINGS = _copy_arrays("substation_reading", reading_rows.SUBSTATION_READING)

# How many readings a sensor has in a day, more or less.
SELECT_SENSORS = """
SELECT s.sensor_id, 1 + coalesce((SELECT 86400 / min(p.interval_s) FROM point AS p WHERE p.sensor_id = s.sensor_id), 0)
FROM sensor AS s
WHERE s.sensor_id > %(after)s
ORDER BY s.sensor_id
LIMIT %(most)s
"""
SELECT_BETWEEN = """
SELECT s.sensor_id, s.code FROM sensor AS s WHERE s.sensor_id >= %(low)s AND s.sensor_id <= %(high)s
"""
SELECT_UPTO = "SELECT f.upto FROM reading_frontier AS f WHERE f.kind = %(kind)s"
SELECT_FRONTIER = """
SELECT
  f.begins, f.upto, f.day, f.after,
  coalesce(pg_snapshot_xmin(pg_current_snapshot()) >= f.settled_from, false) AS settled,
  coalesce(f.settled_from > pg_snapshot_xmax(pg_current_snapshot()), true) AS stale
FROM reading_frontier AS f WHERE f.kind = %(kind)s
"""
# The ledger tells on which day readings began, without looking through them all.
SELECT_FIRST_DAY = "SELECT min(l.day) - 1 FROM ledger AS l WHERE l.day >= %(since)s"
UPDATE_UPTO = """
UPDATE reading_frontier SET
  begins = coalesce(begins, %(begins)s), day = coalesce(day, %(begins)s), upto = %(upto)s, settled_from = NULL
WHERE kind = %(kind)s
"""
# In a transaction after the one that told `upto`: a transaction that may not know it has a lower number, as readings
# are stored before it is asked for.
UPDATE_SETTLED = "UPDATE reading_frontier SET settled_from = pg_current_xact_id() WHERE kind = %(kind)s"
UPDATE_REACHED = "UPDATE reading_frontier SET day = %(day)s, after = %(after)s WHERE kind = %(kind)s"
INSERT_DAY = """
INSERT INTO reading_day (kind, day, low, high, readings, sensors, digest)
VALUES (%(kind)s, %(day)s, %(low)s, %(high)s, %(readings)s, %(sensors)s, %(digest)s)
"""
INSERT_LATE = """
INSERT INTO reading_late (kind, day, readings, told, was)
VALUES (%(kind)s, %(day)s, %(readings)s, %(told)s, %(was)s)
"""
SELECT_DAY = """
SELECT d.low, d.high, d.readings, d.sensors, d.digest FROM reading_day AS d
WHERE d.kind = %(kind)s AND d.day = %(day)s ORDER BY d.low
"""
SELECT_LATE = """
SELECT l.told, l.was FROM reading_late AS l WHERE l.kind = %(kind)s AND l.day = %(day)s ORDER BY l.reading_late_id
"""
SELECT_STRAY_DAYS = """
SELECT DISTINCT d.day FROM reading_day AS d
WHERE d.kind = %(kind)s AND (d.day < %(begins)s OR d.day > %(day)s OR (d.day = %(day)s AND d.high > %(after)s))
ORDER BY d.day LIMIT 100
"""


@dataclass(frozen=True)
class ReadingTable:
    """A table of readings."""

    name: str
    layout: wire.Layout
    said: LiteralString

    @property
    def packed(self) -> np.dtype[np.void]:
        """A reading as its digest sees it."""
        return np.dtype([(name, wire.KINDS[kind].replace(">", "<")) for name, kind in self.layout.items()])


HOMES = ReadingTable("reading", reading_rows.READING, COPY_READINGS)
SUBSTATIONS = ReadingTable("substation_reading", reading_rows.SUBSTATION_READING, COPY_SUBSTATION_READINGS)
KINDS = (HOMES, SUBSTATIONS)


class Frontier(NamedTuple):
    """The frontier of the sealed days of a kind; `settled`: everybody who writes knows `upto`."""

    begins: date | None
    upto: date | None
    day: date | None
    after: int
    settled: bool
    stale: bool  # it is not noted yet which transactions have to be over for that, or in another server's numbers


class Piece(NamedTuple):
    """The digest of some sensors' readings of a day."""

    low: int
    high: int
    readings: int
    sensors: bytes
    digest: bytes


class LateReadings(NamedTuple):
    """Late readings, in their order: packed rows as stored, and those of them that had been there, as they were."""

    told: NDArray[np.void]
    told_batch: NDArray[np.intp]
    was: NDArray[np.void]
    was_batch: NDArray[np.intp]


def digests(kind: ReadingTable, rows: NDArray[np.void]) -> tuple[NDArray[np.void], bytes]:
    """Return SENSOR rows and the digest of a piece (rows of the kind's layout by sensor and time, each once)."""
    packed = _packed(kind, rows)
    for name in (name for name, of in kind.layout.items() if of.startswith("float")):
        packed[name][np.isnan(packed[name])] = np.nan  # one of the many
    starts, ends = groups.bounds(packed["sensor_id"])
    data, width = memoryview(packed.tobytes()), packed.itemsize
    told, whole = np.empty(len(starts), SENSOR), sha256()
    for nth, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        digest = sha256(data[start * width : end * width]).digest()
        whole.update(digest)
        told[nth] = (packed["sensor_id"][start], end - start, digest[:SHORT])
    return told, whole.digest()


@dataclass(frozen=True)
class Late:
    """Readings that a transaction stores or completes for days that are settled; opened before it does so."""

    kind: ReadingTable
    upto_us: int | None = None  # what is older is late; None: nothing is
    before: NDArray[np.void] | None = None

    @classmethod
    def open(cls, conn: Connection, kind: ReadingTable, rows: NDArray[np.void], now: datetime) -> Self:
        """Look what there is of the readings that are late (rows with sensor_id and measured_at)."""
        old = rows["measured_at"] < to_us(now) - SURELY_IN_TIME_US
        if not old.any():
            return cls(kind)
        locks.lock_shared(conn, LockKey.SETTLED_DAYS)
        row = conn.execute(SELECT_UPTO, {"kind": kind.name}).fetchone()
        if row is None or row[0] is None:
            return cls(kind)
        upto_us = midnight_us(row[0])
        return cls(kind, upto_us, _by_key(conn, kind, rows[rows["measured_at"] < upto_us]))

    def note(self, conn: Connection, rows: NDArray[np.void]) -> None:
        """Note those of the rows that are late, as they are now and as they were."""
        if self.upto_us is None or self.before is None:
            return
        told = _by_key(conn, self.kind, rows[rows["measured_at"] < self.upto_us])
        was = self.before[np.isin(_keys(self.before), _keys(told))]
        for day in np.unique(told["measured_at"] // DAY_US).tolist():
            mine, before = (some[some["measured_at"] // DAY_US == day] for some in (told, was))
            params = {"kind": self.kind.name, "day": to_datetime(day * DAY_US).date(), "readings": len(mine)}
            conn.execute(INSERT_LATE, {**params, "told": pack(self.kind, mine), "was": pack(self.kind, before)})


def pack(kind: ReadingTable, rows: NDArray[np.void]) -> bytes:
    """Return rows as they are kept in reading_late."""
    return _packed(kind, rows).tobytes()


def _packed(kind: ReadingTable, rows: NDArray[np.void]) -> NDArray[np.void]:
    packed = np.empty(len(rows), kind.packed)
    for name in kind.layout:
        packed[name] = rows[name]
    return packed


def midnight_us(day: date) -> int:
    """Return when a UTC day begins."""
    return to_us(datetime(day.year, day.month, day.day, tzinfo=UTC))


def said(
    conn: Connection, kind: ReadingTable, day: date, sensors: Sequence[int], upto: date | None = None
) -> NDArray[np.void]:
    """Return the readings of sensors on a UTC day, or on all before another, by sensor and time."""
    ids, span = np.array(sensors, np.int32), (midnight_us(day), midnight_us(upto or day + timedelta(days=1)))
    return _said(conn, kind, span, ids, (np.full(len(ids), span[0]), np.full(len(ids), span[1])))


def _by_key(conn: Connection, kind: ReadingTable, rows: NDArray[np.void]) -> NDArray[np.void]:
    """Return what is stored of readings, by sensor and time. A day at a time: no other chunk is opened."""
    found = [np.empty(0, wire.native(kind.layout))]
    for day in np.unique(rows["measured_at"] // DAY_US).tolist():
        mine = rows[rows["measured_at"] // DAY_US == day]
        at = mine["measured_at"]
        found.append(_said(conn, kind, (day * DAY_US, (day + 1) * DAY_US), mine["sensor_id"], (at, at + 1)))
    return _sorted(np.concatenate(found))


def _said(
    conn: Connection,
    kind: ReadingTable,
    span: tuple[int, int],
    sensors: NDArray[np.integer[Any]],
    edges: tuple[NDArray[Any], NDArray[Any]],
) -> NDArray[np.void]:
    start, end = (to_datetime(us) for us in span)
    spans = {
        name: [to_datetime(us) for us in some.tolist()] for name, some in zip(("lows", "highs"), edges, strict=True)
    }
    with conn.cursor() as cur:
        params = {"sensors": wire.ids(sensors), **spans, "start": start, "end": end}
        return _sorted(wire.read_arrays(cur, kind.said, kind.layout, params))


def _sorted(rows: NDArray[np.void]) -> NDArray[np.void]:
    return rows[np.lexsort((rows["measured_at"], rows["sensor_id"]))]


def sensors(conn: Connection, after: int, most: int) -> list[tuple[int, int]]:
    """Return the next sensors, and how many readings each has in a day, more or less."""
    return conn.execute(SELECT_SENSORS, {"after": after, "most": most}).fetchall()


def sensors_between(conn: Connection, low: int, high: int) -> dict[int, str]:
    """Return the sensors of a piece that the registry knows, and their codes."""
    return dict(conn.execute(SELECT_BETWEEN, {"low": low, "high": high}).fetchall())


def frontier(conn: Connection, kind: ReadingTable) -> Frontier:
    """Return how far the days of a kind are sealed."""
    with conn.cursor(row_factory=class_row(Frontier)) as cur:
        row = cur.execute(SELECT_FRONTIER, {"kind": kind.name}).fetchone()
    assert row is not None  # the migration put it there
    return row


def first_day(conn: Connection, since: date) -> date | None:
    """Return the day before the ledger begins; None: it is empty."""
    row = conn.execute(SELECT_FIRST_DAY, {"since": since}).fetchone()
    return row[0] if row else None


def set_upto(conn: Connection, kind: ReadingTable, begins: date, upto: date) -> None:
    """Note that readings for days before `upto` are late from now on; `begins` counts the first time.

    Not while something old is being stored: then it has to be tried again.
    """
    if not locks.try_lock(conn, LockKey.SETTLED_DAYS):
        return
    conn.execute(UPDATE_UPTO, {"kind": kind.name, "begins": begins, "upto": upto})


def ask_settled(conn: Connection, kind: ReadingTable) -> None:
    """Note which transactions have to be over until everybody knows `upto`; it was committed before."""
    conn.execute(UPDATE_SETTLED, {"kind": kind.name})


def set_reached(conn: Connection, kind: ReadingTable, day: date, after: int) -> None:
    """Note that sensors of a day up to `after` are sealed, and all days before."""
    conn.execute(UPDATE_REACHED, {"kind": kind.name, "day": day, "after": after})


def insert_day(conn: Connection, kind: ReadingTable, day: date, piece: Piece) -> None:
    """Store the digest of some sensors' readings of a day."""
    conn.execute(INSERT_DAY, {"kind": kind.name, "day": day, **piece._asdict()})


def pieces(conn: Connection, kind: ReadingTable, day: date) -> list[Piece]:
    """Return the digests of a day by sensors."""
    with conn.cursor(row_factory=class_row(Piece)) as cur:
        return cur.execute(SELECT_DAY, {"kind": kind.name, "day": day}).fetchall()


def late(conn: Connection, kind: ReadingTable, day: date, low: int, high: int) -> LateReadings:
    """Return what came late for the sensors of a piece."""
    found = conn.execute(SELECT_LATE, {"kind": kind.name, "day": day}).fetchall()
    parts = []
    for nth in (0, 1):
        rows = [np.frombuffer(row[nth], kind.packed) for row in found]
        whole = np.concatenate([np.empty(0, kind.packed), *rows])
        batch = np.repeat(np.arange(len(rows)), [len(some) for some in rows])
        mine = (whole["sensor_id"] >= low) & (whole["sensor_id"] <= high)
        parts += [whole[mine], batch[mine]]
    return LateReadings(*parts)


def as_settled(rows: NDArray[np.void], came: LateReadings) -> NDArray[np.void]:
    """Return rows (by sensor and time) as they were when their day was settled: without what came late.

    What was completed late is as it was before that.
    """
    if not len(came.told):
        return rows
    first, told = _first(came.told)
    before, was = _first(came.was)
    # A reading was there if the first that is noted of it says so; else it was stored late, and completed later still.
    place = np.searchsorted(before, first)
    there = np.isin(first, before)
    there[there] = came.was_batch[was[place[there]]] == came.told_batch[told[there]]
    kept = rows[~np.isin(_keys(rows), first)]
    restored = np.empty(int(there.sum()), rows.dtype)
    for name in rows.dtype.names or ():
        restored[name] = came.was[name][was[place[there]]]
    settled = np.concatenate((kept, restored))
    return _sorted(settled)


def last_told(came: LateReadings) -> NDArray[np.void]:
    """Return what came late as it was noted last, each reading once."""
    _, last = np.unique(_keys(came.told)[::-1], return_index=True)
    return came.told[::-1][last]


def _keys(rows: NDArray[np.void]) -> NDArray[np.void]:
    """Sensor and instant as one value that sorts."""
    keys = np.empty(len(rows), KEY)
    for name in KEY.names or ():
        keys[name] = rows[name]
    return keys


def _first(rows: NDArray[np.void]) -> tuple[NDArray[np.void], NDArray[np.intp]]:
    """Return the keys of rows, each once and sorted, and where each is first."""
    return np.unique(_keys(rows), return_index=True)


def stray_days(conn: Connection, kind: ReadingTable, reached: Frontier) -> list[date]:
    """Return days with digests that should have none yet, or not at all; some of them."""
    params = {"kind": kind.name, "begins": reached.begins, "day": reached.day, "after": reached.after}
    return [row[0] for row in conn.execute(SELECT_STRAY_DAYS, params).fetchall()]

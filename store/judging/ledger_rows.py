"""Ledger days: updated when they differ, closed when they are over."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, LiteralString, NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.errors import UniqueViolation

from store.base import wire

SHARD_HOMES = 4096
DAY_ROW: wire.Layout = {
    "home_id": "int4",
    "day": "int4",
    "compliant": "int8",
    "cold": "int8",
    "severe": "int8",
    "unknown": "int8",
    "not_judged": "int8",
    "shortfall": "int8",
    "heat": "int8",
    "deficit": "int8",
    "lowest": "milli",
    "version": "int2",
    "closed": "bool",
}
CREATE_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS stage_ledger (
  home_id integer, day integer, compliant bigint, cold bigint, severe bigint, unknown bigint, not_judged bigint,
  shortfall bigint, heat bigint, deficit bigint, lowest real, version smallint, closed boolean
) ON COMMIT DELETE ROWS
"""
COPY_STAGE = "COPY stage_ledger FROM STDIN (FORMAT BINARY)"
CLEAR_STAGE = "DELETE FROM stage_ledger"  # a transaction may write more than once
# Rows that travel in the statement: it is planned once, and leaves no temporary table to be emptied at the commit. More
# of them would be held by the server as a whole.
MOST_AS_ARRAYS = 2_000
# Local days travel as ordinals: 1 is 0001-01-01.
_INSERT: LiteralString = """
INSERT INTO ledger AS l (
  home_id, day, compliant_us, cold_us, severe_us, unknown_us, not_judged_us, shortfall_us, heat, deficit, lowest,
  policy, closed
)
SELECT
  home_id, date '0001-01-01' + (day - 1), compliant, cold, severe, unknown, not_judged, shortfall, heat, deficit,
  nullif(lowest, 'infinity'), (%(labels)s::text[])[version + 1], closed
"""
# A changed month becomes stale and is summed again (store/figures/kpi_rows.py). Days are few, and homes are many.
_STALE: LiteralString = """
INSERT INTO kpi_stale (shard, month)
SELECT DISTINCT d.shard, date_trunc('month', d.day)::date
"""


def _upsert(given: LiteralString) -> LiteralString:
    return f"""
WITH changed AS (
{_INSERT}
FROM {given}
ORDER BY home_id, day
ON CONFLICT (home_id, day) DO UPDATE SET
  compliant_us = excluded.compliant_us, cold_us = excluded.cold_us, severe_us = excluded.severe_us,
  unknown_us = excluded.unknown_us, not_judged_us = excluded.not_judged_us, shortfall_us = excluded.shortfall_us,
  heat = excluded.heat, deficit = excluded.deficit, lowest = excluded.lowest, policy = excluded.policy,
  closed = excluded.closed
WHERE (l.compliant_us, l.cold_us, l.severe_us, l.unknown_us, l.not_judged_us, l.shortfall_us, l.heat, l.deficit,
       l.lowest, l.policy, l.closed)
  IS DISTINCT FROM
  (excluded.compliant_us, excluded.cold_us, excluded.severe_us, excluded.unknown_us, excluded.not_judged_us,
   excluded.shortfall_us, excluded.heat, excluded.deficit, excluded.lowest, excluded.policy, excluded.closed)
RETURNING l.home_id, l.day
), stale AS (
{_STALE} FROM (SELECT DISTINCT c.home_id / %(shard_homes)s AS shard, c.day FROM changed AS c) AS d
)
SELECT count(*) FROM changed
"""


def _add(given: LiteralString) -> LiteralString:
    """Leave out the look for what is there, which a row pays for in an index, a lock and an entry of the WAL."""
    return f"""
WITH stale AS (
{_STALE} FROM (
  SELECT DISTINCT home_id / %(shard_homes)s AS shard, date '0001-01-01' + (day - 1) AS day FROM {given}
) AS d
)
{_INSERT}
FROM {given}
ORDER BY home_id, day
"""


FEW, MANY = wire.unnest(DAY_ROW), "stage_ledger"
UPSERT, ADD = {FEW: _upsert(FEW), MANY: _upsert(MANY)}, {FEW: _add(FEW), MANY: _add(MANY)}
# Home by home, by the key, whatever estimates say: along the index of days, those of all homes would be read for a few.
_DAYS: LiteralString = """
FROM unnest(%(homes)s::integer[]) AS h (home_id)
CROSS JOIN LATERAL (
  SELECT x.* FROM ledger AS x
  WHERE x.home_id = h.home_id AND x.day >= %(first)s AND x.day < %(end)s
  ORDER BY x.day OFFSET 0
) AS l
"""
# A column comes as one array: as rows, each of the millions of days of a season is a message of its own.
SELECT_DAYS = f"""
SELECT
  array_agg(l.home_id), array_agg(l.day - date '0001-01-01' + 1), array_agg(l.compliant_us), array_agg(l.cold_us),
  array_agg(l.severe_us), array_agg(l.unknown_us), array_agg(l.not_judged_us), array_agg(l.shortfall_us),
  array_agg(l.heat), array_agg(l.deficit), array_agg(coalesce(l.lowest, 'infinity')),
  array_agg(coalesce(array_position(%(labels)s::text[], l.policy), 0)::smallint - 1::smallint), array_agg(l.closed)
{_DAYS}
HAVING count(*) > 0
"""
# What refunds are computed from: half of a row is half of the way. A page is read once for all homes: a day's lie
# together.
SPENT_ROW: wire.Layout = {
    name: DAY_ROW[name] for name in ("home_id", "day", "compliant", "cold", "severe", "unknown", "heat", "lowest")
}
# Making the arrays is most of what they cost, so home and day are one number, and only days with a breach, which the
# number's last bit marks, tell how long it was.
SPENT_COLUMNS: wire.Layout = {
    "key": "int8",
    **{name: SPENT_ROW[name] for name in ("compliant", "unknown", "heat", "lowest", "cold", "severe")},
}
DAY_BITS = 22  # 3,652,059 is the last day of a date
SELECT_SPENT = f"""
SELECT
  array_agg(
    (l.home_id::bigint << {DAY_BITS} | (l.day - date '0001-01-01' + 1)) << 1
    | (l.cold_us + l.severe_us > 0)::integer::bigint
  ),
  array_agg(l.compliant_us), array_agg(l.unknown_us), array_agg(l.heat), array_agg(coalesce(l.lowest, 'infinity')),
  array_agg(l.cold_us) FILTER (WHERE l.cold_us + l.severe_us > 0),
  array_agg(l.severe_us) FILTER (WHERE l.cold_us + l.severe_us > 0)
FROM ledger AS l
WHERE l.home_id = ANY (%(homes)s::integer[]) AND l.day >= %(first)s AND l.day < %(end)s
"""
SELECT_MACHINES = f"""
SELECT l.home_id, l.day - date '0001-01-01' + 1, l.machine {_DAYS} WHERE l.machine IS NOT NULL
"""
UPDATE_MACHINES = """
UPDATE ledger AS l SET machine = x.machine
FROM unnest(%(homes)s::integer[], %(days)s::integer[], %(machines)s::bytea[]) AS x (home_id, day, machine)
WHERE l.home_id = x.home_id AND l.day = date '0001-01-01' + (x.day - 1)
"""
FORGET_MACHINES = """
UPDATE ledger SET machine = NULL
WHERE home_id = ANY(%(homes)s) AND day >= %(from)s AND machine IS NOT NULL
"""
SELECT_START = """
SELECT h.home_id, l.day, l.machine
FROM unnest(%(homes)s::integer[]) AS h (home_id)
JOIN LATERAL (
  SELECT x.day, x.machine FROM ledger AS x
  WHERE x.home_id = h.home_id AND x.day < %(before)s AND x.closed
  ORDER BY x.day DESC LIMIT 1
) AS l ON true
"""
SELECT_SUMS = """
SELECT
  count(DISTINCT home_id), coalesce(sum(compliant_us), 0)::bigint, coalesce(sum(cold_us), 0)::bigint,
  coalesce(sum(severe_us), 0)::bigint, coalesce(sum(unknown_us), 0)::bigint, coalesce(sum(not_judged_us), 0)::bigint,
  count(DISTINCT home_id) FILTER (WHERE cold_us + severe_us > 0)
FROM ledger
WHERE home_id = ANY(%(homes)s) AND day >= %(first)s AND day < %(end)s
"""
SELECT_CODES = """
SELECT home_id, code FROM home WHERE %(codes)s::text[] IS NULL OR code = ANY(%(codes)s) ORDER BY home_id
"""
SELECT_SHARD = "SELECT open_from FROM ledger_shard WHERE shard = %(shard)s"
SELECT_OPENS = "SELECT shard, open_from FROM ledger_shard WHERE shard = ANY(%(shards)s)"
UPSERT_SHARD = """
INSERT INTO ledger_shard (shard, open_from, counted_to) VALUES (%(shard)s, %(open_from)s, %(to)s)
ON CONFLICT (shard) DO UPDATE SET open_from = excluded.open_from, counted_to = excluded.counted_to
"""
SELECT_SHARD_HOMES = """
SELECT home_id FROM home WHERE home_id >= %(low)s AND home_id < %(high)s ORDER BY home_id
"""
SELECT_LAST_SHARD = "SELECT coalesce(max(home_id), -1) / %(size)s FROM home"


def put(conn: Connection, rows: NDArray[np.void], labels: Sequence[str]) -> int:
    """Write the DAY_ROW rows that differ; returns the count. `labels` are the labels of policy versions."""
    given, values = _given(conn, rows, labels)
    row = conn.execute(UPSERT[given], values).fetchone()
    return int(row[0]) if row else 0


def add(conn: Connection, rows: NDArray[np.void], labels: Sequence[str]) -> int:
    """Write DAY_ROW rows of homes that have none on record, as far as is known, as `put` does, at less cost."""
    given, values = _given(conn, rows, labels)
    try:
        with conn.transaction():
            conn.execute(ADD[given], values)
    except UniqueViolation:  # the ledger of a shard is brought up to now without a lock on its homes
        return put(conn, rows, labels)
    return len(rows)


def _given(conn: Connection, rows: NDArray[np.void], labels: Sequence[str]) -> tuple[LiteralString, dict[str, Any]]:
    """Bring rows to the server, or make them values of a statement; return where it finds them, and its values."""
    values = {"labels": list(labels), "shard_homes": SHARD_HOMES}
    if len(rows) <= MOST_AS_ARRAYS:
        return FEW, {**values, **wire.arrays(DAY_ROW, rows)}
    conn.execute(CREATE_STAGE)
    conn.execute(CLEAR_STAGE)
    with conn.cursor() as cur:
        wire.write(cur, COPY_STAGE, DAY_ROW, rows)
    return MANY, values


def days(conn: Connection, homes: list[int], span: tuple[date, date], labels: Sequence[str]) -> NDArray[np.void]:
    """Return the DAY_ROW rows on record in a span, by home and day; `version` is -1 where `labels` do not have it."""
    values = {"homes": wire.ids(homes), "first": span[0], "end": span[1], "labels": list(labels)}
    with conn.cursor() as cur:
        rows = wire.select_arrays(cur, SELECT_DAYS, DAY_ROW, values)
    return np.asarray(rows[np.lexsort((rows["day"], rows["home_id"]))])


def spent(conn: Connection, homes: Sequence[int], span: tuple[date, date]) -> NDArray[np.void]:
    """Return the SPENT_ROW rows on record in a span, in no order."""
    values = {"homes": wire.ids(homes), "first": span[0], "end": span[1]}
    with conn.cursor() as cur:
        columns = wire.select_columns(cur, SELECT_SPENT, SPENT_COLUMNS, values)
    key = columns.pop("key")
    rows = np.zeros(len(key), wire.native(SPENT_ROW))
    rows["home_id"], rows["day"], breached = key >> 1 + DAY_BITS, key >> 1 & (1 << DAY_BITS) - 1, key & 1 == 1
    for name, column in columns.items():
        rows[name][breached if name in ("cold", "severe") else ...] = column
    return rows


def differ(rows: NDArray[np.void], record: NDArray[np.void]) -> NDArray[np.bool_]:
    """Return a mask of the DAY_ROW rows that the record, sorted by home and day, has otherwise or not at all."""
    if not len(record):
        return np.ones(len(rows), bool)
    key, known = (some["home_id"].astype(np.int64) << 32 | some["day"] for some in (rows, record))
    at = np.minimum(np.searchsorted(known, key), len(record) - 1)
    return np.asarray(record[at] != rows)


def machines(conn: Connection, homes: list[int], span: tuple[date, date]) -> dict[tuple[int, int], bytes]:
    """Return the serialised state machines at the end of days in a span: (home, ordinal) → machine."""
    found = conn.execute(
        SELECT_MACHINES, {"homes": wire.ids(homes), "first": span[0], "end": span[1]}, binary=True
    ).fetchall()
    return {(home, day): machine for home, day, machine in found}


def put_machines(conn: Connection, homes: list[int], days: list[int], machines: Sequence[bytes | None]) -> None:
    """Store the serialised state machines at the end of days (ordinals); None: it is idle."""
    raw = wire.array(None if machine is None else f"\\x{machine.hex()}" for machine in machines)
    conn.execute(UPDATE_MACHINES, {"homes": wire.ids(homes), "days": wire.ids(days), "machines": raw})


def forget_machines(conn: Connection, homes: list[int], start: date) -> None:
    """Delete the stored state machines of homes from a day on."""
    conn.execute(FORGET_MACHINES, {"homes": wire.ids(homes), "from": start})


def starts(conn: Connection, homes: list[int], before: date) -> dict[int, tuple[date, bytes | None]]:
    """Return the last closed day of each home before a day, and its state machine at the end of it (None: idle)."""
    rows = conn.execute(SELECT_START, {"homes": wire.ids(homes), "before": before}).fetchall()
    return {home: (day, machine) for home, day, machine in rows}


def open_from(conn: Connection, shard: int) -> date | None:
    """Return the first open day of a shard; None: no day was ever closed."""
    row = conn.execute(SELECT_SHARD, {"shard": shard}).fetchone()
    return row[0] if row else None


def opens(conn: Connection, shards: NDArray[np.int32]) -> dict[int, date]:
    """Return the first open day of shards; of those without one no day was ever closed."""
    return dict(conn.execute(SELECT_OPENS, {"shards": shards.tolist()}).fetchall())


def set_open_from(conn: Connection, shard: int, day: date, counted_to: datetime) -> None:
    """Close the days of a shard before `day`, and record up to which instant its ledger is counted."""
    conn.execute(UPSERT_SHARD, {"shard": shard, "open_from": day, "to": counted_to})


def shard_homes(conn: Connection, shard: int) -> list[int]:
    """Return the homes of a shard, ascending."""
    params: dict[str, Any] = {"low": shard * SHARD_HOMES, "high": (shard + 1) * SHARD_HOMES}
    return [row[0] for row in conn.execute(SELECT_SHARD_HOMES, params).fetchall()]


def shards(conn: Connection) -> range:
    """Return the numbers of all shards."""
    row = conn.execute(SELECT_LAST_SHARD, {"size": SHARD_HOMES}).fetchone()
    return range(int(row[0]) + 1 if row else 0)


class Sums(NamedTuple):
    """Time spent in each state, in µs."""

    homes: int
    compliant: int
    cold: int
    severe: int
    unknown: int
    not_judged: int
    homes_cold: int


def sums(conn: Connection, homes: list[int], first: date, end: date) -> Sums:
    """Return the sums of homes over [first, end)."""
    row = conn.execute(SELECT_SUMS, {"homes": homes, "first": first, "end": end}).fetchone()
    return Sums(*(row or (0,) * 7))


def homes(conn: Connection, codes: list[str] | None) -> dict[int, str]:
    """Find homes by codes, or all of them; home_id → code."""
    return dict(conn.execute(SELECT_CODES, {"codes": codes}).fetchall())

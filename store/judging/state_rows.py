"""The state that judging carries from batch to batch: the latest reading of each sensor, the state of each home."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from domain.instants import EVER_US, NONE_US
from domain.milli import NONE_MILLI
from store.base import wire

HOME_STATE: wire.Layout = {
    "home_id": "int4",
    "state": "int2",
    "state_since": "timestamptz",
    "judged_to": "timestamptz",
    "breach_since": "timestamptz",
    "severe_since": "timestamptz",
    "warm_since": "timestamptz",
    "lowest": "milli",
    "flag_id": "int8",
    "check_at": "timestamptz",
}
OPEN_FLAG: wire.Layout = {
    "severity": "int2",
    "cold_since": "timestamptz",
    "confirmed_at": "timestamptz",
    "severe_at": "timestamptz",
    "suspended_at": "timestamptz",
    "flag_lowest": "milli",
    "limit": "milli",
}
FLAG: wire.Layout = {"flag_id": "int8", **OPEN_FLAG}
NO_FLAG = {
    "severity": 0,
    "cold_since": NONE_US,
    "confirmed_at": NONE_US,
    "severe_at": NONE_US,
    "suspended_at": NONE_US,
    "flag_lowest": NONE_MILLI,
    "limit": NONE_MILLI,
}
LOCKED: wire.Layout = {**HOME_STATE, **OPEN_FLAG}
SENSOR_NOW: wire.Layout = {
    "sensor_id": "int4",
    "measured_at": "timestamptz",
    "received_at": "timestamptz",
    "battery": "float4",
    "battery_at": "timestamptz",
    "home_id": "int4",
    "milli": "milli",
    "judged_at": "timestamptz",
    "expires_at": "timestamptz",
}
JUDGED: wire.Layout = {name: SENSOR_NOW[name] for name in ("sensor_id", "home_id", "milli", "judged_at", "expires_at")}
HELD: wire.Layout = {
    "home_id": "int4",
    "sensor_id": "int4",
    "milli": "milli",
    "judged_at": "timestamptz",
    "expires_at": "timestamptz",
    "received_at": "timestamptz",
    "measured_at": "timestamptz",
}
HELD_AND_VERSION: wire.Layout = {**HELD, "version": "int8"}

# Rows are locked in the order of their key, so that two workers with the same homes never wait in a ring. Who had to
# wait for a lock is given the row as it is after the wait; a flag joined to it would be the one of before, so flags
# are read in a statement of their own. One row of arrays: a row for each home would cost us more than the server.
LOCK = """
SELECT
  array_agg(s.home_id), array_agg(s.state), array_agg(coalesce(s.state_since, '-infinity')),
  array_agg(coalesce(s.judged_to, '-infinity')), array_agg(coalesce(s.breach_since, '-infinity')),
  array_agg(coalesce(s.severe_since, '-infinity')), array_agg(coalesce(s.warm_since, '-infinity')),
  array_agg(coalesce(s.lowest, 'infinity')), array_agg(coalesce(s.flag_id, 0)),
  array_agg(coalesce(s.check_at, '-infinity'))
FROM (
  SELECT * FROM home_state WHERE home_id = ANY(%(homes)s) ORDER BY home_id FOR NO KEY UPDATE
) AS s
HAVING count(*) > 0
"""
SELECT_OPEN_FLAGS = """
SELECT
  array_agg(f.flag_id), array_agg(f.severity), array_agg(f.cold_since), array_agg(f.confirmed_at),
  array_agg(coalesce(f.severe_at, '-infinity')), array_agg(coalesce(f.suspended_at, '-infinity')),
  array_agg(f.lowest), array_agg(f.limit_celsius)
FROM (SELECT * FROM flag WHERE flag_id = ANY(%(flags)s) ORDER BY flag_id) AS f
HAVING count(*) > 0
"""
SELECT_HELD = """
SELECT
  array_agg(n.home_id), array_agg(n.sensor_id), array_agg(n.celsius), array_agg(n.judged_at),
  array_agg(n.expires_at), array_agg(n.received_at), array_agg(coalesce(n.measured_at, 'infinity')),
  (SELECT v.version FROM registry_version AS v)
FROM sensor_now AS n
WHERE n.home_id = ANY(%(homes)s) AND n.judged_at IS NOT NULL
"""
SELECT_LATEST = """
SELECT n.sensor_id, (extract(epoch FROM n.measured_at) * 1000000)::bigint
FROM sensor_now AS n
WHERE n.sensor_id = ANY(%(sensors)s) AND n.measured_at IS NOT NULL
"""
# In the order of their key; nobody else moves a sensor on until this transaction ends.
LOCK_SENSORS = """
SELECT n.sensor_id, n.home_id, (extract(epoch FROM n.judged_at) * 1000000)::bigint
FROM sensor_now AS n
WHERE n.sensor_id = ANY(%(sensors)s) AND n.home_id IS NOT NULL AND n.judged_at IS NOT NULL
ORDER BY n.sensor_id
FOR NO KEY UPDATE
"""
# What was said last, the last battery and what was judged last move on separately: a sentinel is newer, and not judged.
# The conditions are repeated because an UPDATE cannot name them without looking each row up twice.
UPDATE_SENSOR_NOW = """
UPDATE sensor_now AS n
SET
  measured_at = greatest(n.measured_at, s.measured_at),
  received_at = CASE WHEN coalesce(n.measured_at < s.measured_at, true) THEN s.received_at ELSE n.received_at END,
  battery = CASE WHEN s.battery_at > coalesce(n.battery_at, '-infinity') THEN s.battery ELSE n.battery END,
  battery_at = greatest(n.battery_at, nullif(s.battery_at, '-infinity')),
  home_id = CASE WHEN s.judged_at > coalesce(n.judged_at, '-infinity') THEN s.home_id ELSE n.home_id END,
  celsius = CASE WHEN s.judged_at > coalesce(n.judged_at, '-infinity') THEN s.celsius ELSE n.celsius END,
  judged_at = greatest(n.judged_at, nullif(s.judged_at, '-infinity')),
  expires_at = CASE WHEN s.judged_at > coalesce(n.judged_at, '-infinity') THEN s.expires_at ELSE n.expires_at END
FROM unnest(
  %(sensor_id)s::integer[], %(measured_at)s::timestamptz[], %(received_at)s::timestamptz[], %(battery)s::real[],
  %(battery_at)s::timestamptz[], %(home_id)s::integer[], %(milli)s::real[], %(judged_at)s::timestamptz[],
  %(expires_at)s::timestamptz[]
) AS s (sensor_id, measured_at, received_at, battery, battery_at, home_id, celsius, judged_at, expires_at)
WHERE n.sensor_id = s.sensor_id
  AND (
    coalesce(n.measured_at < s.measured_at, true) OR s.judged_at > coalesce(n.judged_at, '-infinity')
    OR s.battery_at > coalesce(n.battery_at, '-infinity')
  )
"""
UPDATE_HOME_STATE = """
UPDATE home_state AS h
SET
  state = s.state, state_since = nullif(s.state_since, '-infinity'), judged_to = nullif(s.judged_to, '-infinity'),
  breach_since = nullif(s.breach_since, '-infinity'), severe_since = nullif(s.severe_since, '-infinity'),
  warm_since = nullif(s.warm_since, '-infinity'), lowest = nullif(s.lowest, 'infinity'),
  flag_id = nullif(s.flag_id, 0), check_at = nullif(s.check_at, '-infinity')
FROM unnest(
  %(home_id)s::integer[], %(state)s::smallint[], %(state_since)s::timestamptz[], %(judged_to)s::timestamptz[],
  %(breach_since)s::timestamptz[], %(severe_since)s::timestamptz[], %(warm_since)s::timestamptz[], %(lowest)s::real[],
  %(flag_id)s::bigint[], %(check_at)s::timestamptz[]
) AS s (
  home_id, state, state_since, judged_to, breach_since, severe_since, warm_since, lowest, flag_id, check_at
)
WHERE h.home_id = s.home_id
"""
SELECT_DUE = """
SELECT home_id FROM home_state WHERE check_at <= %(now)s ORDER BY check_at LIMIT %(most)s
"""
UPDATE_CHECK = "UPDATE home_state SET check_at = %(at)s WHERE home_id = %(home)s"
SELECT_NEXT = "SELECT min(check_at) FROM home_state WHERE check_at IS NOT NULL"
SELECT_NOTHING = "SELECT"
SELECT_QUEUE = """
SELECT home_id, from_at FROM rejudge WHERE queued_at <= %(before)s ORDER BY queued_at, home_id LIMIT %(most)s
"""
POSTPONE_REJUDGE = "UPDATE rejudge SET queued_at = %(at)s WHERE home_id = %(home)s"
DELETE_QUEUE = """
DELETE FROM rejudge WHERE home_id = ANY(%(homes)s) AND from_at >= coalesce(%(since)s, '-infinity'::timestamptz)
"""
FORGET_HELD = """
UPDATE sensor_now SET home_id = NULL, celsius = NULL, judged_at = NULL, expires_at = NULL
WHERE home_id = ANY(%(homes)s)
"""
SET_HELD = """
UPDATE sensor_now AS n
SET home_id = s.home_id, celsius = s.celsius, judged_at = s.judged_at, expires_at = s.expires_at
FROM unnest(
  %(sensor_id)s::integer[], %(home_id)s::integer[], %(milli)s::real[], %(judged_at)s::timestamptz[],
  %(expires_at)s::timestamptz[]
) AS s (sensor_id, home_id, celsius, judged_at, expires_at)
WHERE n.sensor_id = s.sensor_id AND coalesce(n.judged_at <= s.judged_at, true)
"""
UPSERT_REJUDGE = """
INSERT INTO rejudge (home_id, from_at, queued_at)
SELECT x.home_id, to_timestamp(x.from_us / 1e6), %(now)s
FROM unnest(%(homes)s::integer[], %(from)s::bigint[]) AS x (home_id, from_us)
ORDER BY x.home_id
ON CONFLICT (home_id) DO UPDATE SET from_at = least(rejudge.from_at, excluded.from_at)
"""


def lock(conn: Connection, home_ids: NDArray[np.int32]) -> NDArray[np.void]:
    """Lock the homes for this transaction; LOCKED rows sorted by home. Homes that do not exist are left out."""
    with conn.cursor() as cur:
        states = wire.select_arrays(cur, LOCK, HOME_STATE, {"homes": wire.ids(home_ids)})
        flagged = np.flatnonzero(states["flag_id"])
        rows = np.empty(len(states), wire.native(LOCKED))
        for name in HOME_STATE:
            rows[name] = states[name]
        for name, none in NO_FLAG.items():
            rows[name] = none
        if len(flagged):
            flag_ids = states["flag_id"][flagged]
            flags = wire.select_arrays(cur, SELECT_OPEN_FLAGS, FLAG, {"flags": wire.ids(flag_ids)})
            at = np.searchsorted(flags["flag_id"], flag_ids)
            for name in OPEN_FLAG:
                rows[name][flagged] = flags[name][at]
    return rows


def held(conn: Connection, home_ids: NDArray[np.int32]) -> tuple[NDArray[np.void], int]:
    """Return HELD rows: the last judged value of every sensor of the homes, and when it last said anything at all.

    With them comes the version of the registry, for who looks up the terms of the homes.
    """
    with conn.cursor() as cur:
        columns = wire.select_columns(cur, SELECT_HELD, HELD_AND_VERSION, {"homes": wire.ids(home_ids)})
    rows = np.empty(len(columns["home_id"]), wire.native(HELD))
    for name in HELD:
        rows[name] = columns[name]
    return rows, int(columns["version"][0])


def of_sensors(held: NDArray[np.void], sensor_ids: NDArray[np.int32]) -> NDArray[np.intp]:
    """Return the index of the HELD row of each sensor, which has one at most; -1: none."""
    if not len(held):
        return np.full(len(sensor_ids), -1)
    order = np.argsort(held["sensor_id"])
    place = np.searchsorted(held["sensor_id"], sensor_ids, sorter=order)
    row = order[np.minimum(place, len(held) - 1)]
    return np.where(held["sensor_id"][row] == sensor_ids, row, -1)


def latest(conn: Connection, sensor_ids: NDArray[np.int32]) -> dict[int, int]:
    """Return when each of the sensors spoke last, in µs; those that never did are left out."""
    return dict(conn.execute(SELECT_LATEST, {"sensors": sensor_ids.tolist()}).fetchall())


def lock_held(conn: Connection, sensor_ids: NDArray[np.int32]) -> list[tuple[int, int, int]]:
    """Lock what sensors hold; return (sensor, home, µs of the value) of those that hold any."""
    return conn.execute(LOCK_SENSORS, {"sensors": sensor_ids.tolist()}).fetchall()


def put_sensors(conn: Connection, rows: NDArray[np.void]) -> None:
    """Write SENSOR_NOW rows (one per sensor) where they are newer; `judged_at`, `battery_at` none: none among them."""
    conn.execute(UPDATE_SENSOR_NOW, wire.arrays(SENSOR_NOW, rows))


@contextmanager
def putting_sensors(conn: Connection, rows: NDArray[np.void]) -> Iterator[None]:
    """Write SENSOR_NOW rows as `put_sensors` does, the server while the block works, which asks it nothing."""
    with conn.pipeline():
        conn.execute(UPDATE_SENSOR_NOW, wire.arrays(SENSOR_NOW, rows))
        yield


def put_homes(conn: Connection, rows: NDArray[np.void]) -> None:
    """Write HOME_STATE rows of homes that this transaction has locked."""
    conn.execute(UPDATE_HOME_STATE, wire.arrays(HOME_STATE, rows))


def due(conn: Connection, now: datetime, most: int) -> list[int]:
    """Return homes whose time has come, the longest waiting first."""
    return [row[0] for row in conn.execute(SELECT_DUE, {"now": now, "most": most}).fetchall()]


def next_due(conn: Connection) -> datetime | None:
    """Return when the next home is due; None if none ever is."""
    row = conn.execute(SELECT_NEXT).fetchone()
    return row[0] if row else None


def postpone(conn: Connection, home_id: int, at: datetime) -> None:
    """Look at a home again at another time."""
    conn.execute(UPDATE_CHECK, {"home": home_id, "at": at})


def confirm(conn: Connection) -> None:
    """Make sure that the connection, and with it the lead, is still there.

    Raises:
        psycopg.OperationalError: it is not.
    """
    conn.execute(SELECT_NOTHING)


def queue_rejudge(conn: Connection, home_ids: NDArray[np.int32], from_us: NDArray[np.int64], now: datetime) -> None:
    """Note that the history of homes changed from an instant on; the earliest instant of a home wins."""
    homes, place = np.unique(home_ids, return_inverse=True)
    earliest = np.full(len(homes), EVER_US)
    np.minimum.at(earliest, place, from_us)
    params = {"homes": homes.tolist(), "from": earliest.tolist(), "now": now}
    conn.execute(UPSERT_REJUDGE, params)


def queue(conn: Connection, before: datetime, most: int) -> list[tuple[int, datetime]]:
    """Return (home, from) of homes that wait for re-judging since before an instant, the longest waiting first."""
    return conn.execute(SELECT_QUEUE, {"before": before, "most": most}).fetchall()


def postpone_rejudge(conn: Connection, home_id: int, at: datetime) -> None:
    """Let a home that waits for re-judging wait on, as if it had come at another time."""
    conn.execute(POSTPONE_REJUDGE, {"home": home_id, "at": at})


def unqueue(conn: Connection, home_ids: list[int], since: datetime | None) -> None:
    """Take homes out of the queue that are judged again from an instant on (None: from as early as there is anything).

    The caller has them locked. What changed before the instant, maybe while it waited for them, stays in the queue.
    """
    conn.execute(DELETE_QUEUE, {"homes": home_ids, "since": since})


def replace_held(conn: Connection, home_ids: list[int], rows: NDArray[np.void]) -> None:
    """Set what the sensors of the homes say, to SENSOR_NOW rows made from their history."""
    conn.execute(FORGET_HELD, {"homes": home_ids})
    conn.execute(SET_HELD, wire.arrays(JUDGED, rows))

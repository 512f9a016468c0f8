"""Readings of homes and substations: stored once, the first value stays."""

from dataclasses import dataclass
from typing import LiteralString

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection, Rollback

from store import wire

READING: wire.Layout = {
    "sensor_id": "int4",
    "measured_at": "timestamptz",
    "received_at": "timestamptz",
    "temperature": "float4",
    "humidity": "float4",
    "battery": "float4",
    "quality": "int2",
    "self_timed": "bool",
    "nth": "int4",
}
SUBSTATION_READING: wire.Layout = {
    "sensor_id": "int4",
    "measured_at": "timestamptz",
    "received_at": "timestamptz",
    "supply_temperature": "float4",
    "return_temperature": "float4",
    "supply_pressure": "float4",
    "return_pressure": "float4",
    "flow": "float4",
    "heat_power": "float4",
    "outdoor_temperature": "float4",
    "quality": "int2",
    "self_timed": "bool",
    "nth": "int4",
}

COPY_READING = "COPY stage_reading FROM STDIN (FORMAT BINARY)"
INSERT_READING = """
INSERT INTO reading (sensor_id, measured_at, received_at, temperature, humidity, battery, quality, self_timed)
SELECT
  sensor_id, measured_at, received_at, nullif(temperature, 'NaN'), nullif(humidity, 'NaN'), nullif(battery, 'NaN'),
  quality, self_timed
FROM stage_reading
ON CONFLICT DO NOTHING
"""
# Staged rows whose key is stored, and whether what is stored says the same.
SELECT_KNOWN = """
SELECT
  s.nth,
  (r.temperature, r.humidity, r.battery)
  IS NOT DISTINCT FROM (nullif(s.temperature, 'NaN'), nullif(s.humidity, 'NaN'), nullif(s.battery, 'NaN'))
FROM stage_reading AS s
JOIN reading AS r ON r.sensor_id = s.sensor_id AND r.measured_at = s.measured_at
"""
INSERT_CONFLICT = """
INSERT INTO reading_conflict (sensor_id, measured_at, received_at, said)
SELECT sensor_id, measured_at, received_at, to_jsonb(s) - ARRAY['sensor_id', 'measured_at', 'received_at', 'nth']
FROM stage_reading AS s WHERE nth = ANY(%(nth)s)
"""

COPY_SUBSTATION = "COPY stage_substation_reading FROM STDIN (FORMAT BINARY)"
INSERT_SUBSTATION = """
INSERT INTO substation_reading (
  sensor_id, measured_at, received_at, supply_temperature, return_temperature, supply_pressure, return_pressure,
  flow, heat_power, outdoor_temperature, quality, self_timed
)
SELECT
  sensor_id, measured_at, received_at, nullif(supply_temperature, 'NaN'), nullif(return_temperature, 'NaN'),
  nullif(supply_pressure, 'NaN'), nullif(return_pressure, 'NaN'), nullif(flow, 'NaN'), nullif(heat_power, 'NaN'),
  nullif(outdoor_temperature, 'NaN'), quality, self_timed
FROM stage_substation_reading
ON CONFLICT DO NOTHING
"""
SELECT_KNOWN_SUBSTATION = """
SELECT
  s.nth,
  (r.supply_temperature, r.return_temperature, r.supply_pressure, r.return_pressure, r.flow, r.heat_power,
   r.outdoor_temperature)
  IS NOT DISTINCT FROM (
    nullif(s.supply_temperature, 'NaN'), nullif(s.return_temperature, 'NaN'), nullif(s.supply_pressure, 'NaN'),
    nullif(s.return_pressure, 'NaN'), nullif(s.flow, 'NaN'), nullif(s.heat_power, 'NaN'),
    nullif(s.outdoor_temperature, 'NaN'))
FROM stage_substation_reading AS s
JOIN substation_reading AS r ON r.sensor_id = s.sensor_id AND r.measured_at = s.measured_at
"""
INSERT_SUBSTATION_CONFLICT = """
INSERT INTO reading_conflict (sensor_id, measured_at, received_at, said)
SELECT sensor_id, measured_at, received_at, to_jsonb(s) - ARRAY['sensor_id', 'measured_at', 'received_at', 'nth']
FROM stage_substation_reading AS s WHERE nth = ANY(%(nth)s)
"""


@dataclass(frozen=True)
class Stored:
    """What became of a batch of readings."""

    fresh: NDArray[np.bool_]  # per row: stored now
    duplicates: int  # stored before with the same values
    conflicts: int  # stored before with other values: the first stays, this one is on record


def insert(conn: Connection, rows: NDArray[np.void]) -> Stored:
    """Store home readings (READING fields without nth; sorted by sensor and time, so that workers never deadlock)."""
    return _insert(conn, rows, READING, COPY_READING, INSERT_READING, SELECT_KNOWN, INSERT_CONFLICT)


def insert_substation(conn: Connection, rows: NDArray[np.void]) -> Stored:
    """Store substation readings (SUBSTATION_READING fields without nth; sorted by sensor and time)."""
    return _insert(
        conn,
        rows,
        SUBSTATION_READING,
        COPY_SUBSTATION,
        INSERT_SUBSTATION,
        SELECT_KNOWN_SUBSTATION,
        INSERT_SUBSTATION_CONFLICT,
    )


def _insert(
    conn: Connection,
    rows: NDArray[np.void],
    layout: wire.Layout,
    copy: LiteralString,
    insert: LiteralString,
    known: LiteralString,
    conflict: LiteralString,
) -> Stored:
    first, said_before = _once(rows)
    staged = np.empty(len(rows), wire.native(layout))
    for name in layout:
        staged[name] = np.arange(len(rows)) if name == "nth" else rows[name]
    fresh = first.copy()
    with conn.cursor() as cur:
        wire.write(cur, copy, layout, staged)
        for nth, same in _store(conn, insert, known, first):
            fresh[nth] = False
            said_before[nth] = same  # what is stored counts, not what this batch said first
        if clashing := [nth for nth, same in said_before.items() if not same]:
            cur.execute(conflict, {"nth": clashing})
    return Stored(fresh, len(said_before) - len(clashing), len(clashing))


def _store(
    conn: Connection, insert: LiteralString, known: LiteralString, first: NDArray[np.bool_]
) -> list[tuple[int, bool]]:
    """Insert what is staged; returns (nth, says the same) of rows whose key was stored before.

    Nearly always all of it is new. If not, the insert is undone to look what was there, and made again, until nobody
    has stored any of it in between.
    """
    before: list[tuple[int, bool]] = []
    while True:
        with conn.transaction() as attempt:
            new = int(first.sum()) - sum(bool(first[nth]) for nth, _ in before)
            if conn.execute(insert).rowcount == new:
                return before
            raise Rollback(attempt)
        before = conn.execute(known).fetchall()


def _once(rows: NDArray[np.void]) -> tuple[NDArray[np.bool_], dict[int, bool]]:
    """Mask of the first row of each key in the batch; the numbers of later rows, and whether they say the same."""
    first = np.ones(len(rows), bool)
    key = ("sensor_id", "measured_at")
    first[1:] = np.logical_or.reduce([rows[name][1:] != rows[name][:-1] for name in key])
    later = np.flatnonzero(~first)
    original = np.flatnonzero(first)[np.cumsum(first)[later] - 1]
    same = np.ones(len(later), bool)
    for name in (n for n in rows.dtype.names or () if rows.dtype[n] == np.float32):
        a, b = rows[name][later], rows[name][original]
        same &= (a == b) | (np.isnan(a) & np.isnan(b))
    return first, dict(zip(later.tolist(), same.tolist(), strict=True))


# A stored reading together with the place its sensor had: what judging is given.
PLACED = np.dtype(
    [
        ("sensor_id", np.int32),
        ("measured_at", np.int64),  # µs
        ("received_at", np.int64),
        ("temperature", np.float32),  # °C, raw; NaN: none
        ("humidity", np.float32),
        ("battery", np.float32),
        ("quality", np.int16),
        ("self_timed", np.bool_),
        ("home_id", np.int32),
        ("room_kind", np.int8),  # index into domain.policy.ROOM_KINDS
        ("interval_s", np.int32),
        ("offset_k", np.float32),
        ("stays_until", np.int64),  # µs; when the sensor leaves this room
    ]
)

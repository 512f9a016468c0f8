"""Readings of homes and substations: stored once, the first value stays."""

from dataclasses import dataclass
from typing import LiteralString

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection, Rollback
from psycopg.errors import UniqueViolation

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
}

COPY_READING = """
COPY reading (sensor_id, measured_at, received_at, temperature, humidity, battery, quality, self_timed)
FROM STDIN (FORMAT BINARY)
"""
STAGE_READING = "COPY stage_reading FROM STDIN (FORMAT BINARY)"
INSERT_READING = """
INSERT INTO reading (sensor_id, measured_at, received_at, temperature, humidity, battery, quality, self_timed)
SELECT sensor_id, measured_at, received_at, temperature, humidity, battery, quality, self_timed
FROM stage_reading
ON CONFLICT DO NOTHING
"""
# Staged rows whose key is stored, and whether what is stored says the same.
SELECT_KNOWN = """
SELECT
  s.nth,
  (r.temperature, r.humidity, r.battery) IS NOT DISTINCT FROM (s.temperature, s.humidity, s.battery)
FROM stage_reading AS s
JOIN reading AS r ON r.sensor_id = s.sensor_id AND r.measured_at = s.measured_at
"""
INSERT_CONFLICT = """
INSERT INTO reading_conflict (sensor_id, measured_at, received_at, said)
SELECT sensor_id, measured_at, received_at, to_jsonb(s) - ARRAY['sensor_id', 'measured_at', 'received_at', 'nth']
FROM stage_reading AS s WHERE nth = ANY(%(nth)s)
"""

STAGE_SUBSTATION = "COPY stage_substation_reading FROM STDIN (FORMAT BINARY)"
INSERT_SUBSTATION = """
INSERT INTO substation_reading (
  sensor_id, measured_at, received_at, supply_temperature, return_temperature, supply_pressure, return_pressure,
  flow, heat_power, outdoor_temperature, quality, self_timed
)
SELECT
  sensor_id, measured_at, received_at, supply_temperature, return_temperature, supply_pressure, return_pressure,
  flow, heat_power, outdoor_temperature, quality, self_timed
FROM stage_substation_reading
ON CONFLICT DO NOTHING
"""
SELECT_KNOWN_SUBSTATION = """
SELECT
  s.nth,
  (r.supply_temperature, r.return_temperature, r.supply_pressure, r.return_pressure, r.flow, r.heat_power,
   r.outdoor_temperature)
  IS NOT DISTINCT FROM (
    s.supply_temperature, s.return_temperature, s.supply_pressure, s.return_pressure, s.flow, s.heat_power,
    s.outdoor_temperature)
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


@dataclass(frozen=True)
class _Way:
    """How readings of a kind go through their stage."""

    layout: wire.Layout
    stage: LiteralString
    insert: LiteralString
    known: LiteralString
    conflict: LiteralString


_HOMES = _Way(READING, STAGE_READING, INSERT_READING, SELECT_KNOWN, INSERT_CONFLICT)
_SUBSTATIONS = _Way(
    SUBSTATION_READING, STAGE_SUBSTATION, INSERT_SUBSTATION, SELECT_KNOWN_SUBSTATION, INSERT_SUBSTATION_CONFLICT
)


def insert(conn: Connection, rows: NDArray[np.void], last_us: NDArray[np.int64]) -> Stored:
    """Store home readings.

    What is later than anything its sensor has said is new: it goes straight into the table, at half the cost. The key
    is the judge of that; if it objects, all of it goes through the stage like the rest.

    Args:
        rows: READING fields; sorted by sensor and time, so that workers never deadlock.
        last_us: per row, the time of the sensor's last stored reading; NONE_US: it has none, EVER_US: not known.
    """
    new = _first(rows) & (rows["measured_at"] > last_us)
    if new.any() and not _copy(conn, rows if new.all() else rows[new]):
        new[:] = False
    if new.all():
        return Stored(new, 0, 0)
    rest = _insert(conn, rows[~new], _HOMES)
    new[~new] = rest.fresh
    return Stored(new, rest.duplicates, rest.conflicts)


def insert_substation(conn: Connection, rows: NDArray[np.void]) -> Stored:
    """Store substation readings (SUBSTATION_READING fields; sorted by sensor and time)."""
    return _insert(conn, rows, _SUBSTATIONS)


def _copy(conn: Connection, rows: NDArray[np.void]) -> bool:
    """Copy rows into the table; False if one of them was there, and then none is copied."""
    try:
        with conn.transaction(), conn.cursor() as cur:
            wire.write(cur, COPY_READING, READING, rows)
    except UniqueViolation:
        return False
    return True


def _insert(conn: Connection, rows: NDArray[np.void], way: _Way) -> Stored:
    """Store rows of which any may be stored before, or said twice."""
    first, said_before = _once(rows)
    layout = {**way.layout, "nth": "int4"}
    staged = np.empty(len(rows), wire.native(layout))
    for name in layout:
        staged[name] = np.arange(len(rows)) if name == "nth" else rows[name]
    fresh = first.copy()
    with conn.cursor() as cur:
        wire.write(cur, way.stage, layout, staged)
        for nth, same in _store(conn, way, first):
            fresh[nth] = False
            said_before[nth] = same  # what is stored counts, not what this batch said first
        if clashing := [nth for nth, same in said_before.items() if not same]:
            cur.execute(way.conflict, {"nth": clashing})
    return Stored(fresh, len(said_before) - len(clashing), len(clashing))


def _store(conn: Connection, way: _Way, first: NDArray[np.bool_]) -> list[tuple[int, bool]]:
    """Insert what is staged; returns (nth, says the same) of rows whose key was stored before.

    Nearly always all of it is new. If not, the insert is undone to look what was there, and made again, until nobody
    has stored any of it in between.
    """
    before: list[tuple[int, bool]] = []
    while True:
        with conn.transaction() as attempt:
            new = int(first.sum()) - sum(bool(first[nth]) for nth, _ in before)
            if conn.execute(way.insert).rowcount == new:
                return before
            raise Rollback(attempt)
        before = conn.execute(way.known).fetchall()


def _once(rows: NDArray[np.void]) -> tuple[NDArray[np.bool_], dict[int, bool]]:
    """Mask of the first row of each key in the batch; the numbers of later rows, and whether they say the same."""
    first = _first(rows)
    later = np.flatnonzero(~first)
    original = np.flatnonzero(first)[np.cumsum(first)[later] - 1]
    same = np.ones(len(later), bool)
    for name in (n for n in rows.dtype.names or () if rows.dtype[n] == np.float32):
        a, b = rows[name][later], rows[name][original]
        same &= (a == b) | (np.isnan(a) & np.isnan(b))
    return first, dict(zip(later.tolist(), same.tolist(), strict=True))


def _first(rows: NDArray[np.void]) -> NDArray[np.bool_]:
    """Mask of the first row of each key."""
    first = np.ones(len(rows), bool)
    first[1:] = np.logical_or.reduce([rows[name][1:] != rows[name][:-1] for name in ("sensor_id", "measured_at")])
    return first


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

"""Readings of homes and substations: stored once, the first value of each quantity stays."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import LiteralString

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection, Rollback
from psycopg.errors import UniqueViolation

from domain.instants import to_datetime
from store import wire
from store.together import Outcome, Together

HOME_QUANTITIES = ("temperature", "humidity", "battery")
SUBSTATION_QUANTITIES = (
    "supply_temperature",
    "return_temperature",
    "supply_pressure",
    "return_pressure",
    "flow",
    "heat_power",
    "outdoor_temperature",
)
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
    **dict.fromkeys(SUBSTATION_QUANTITIES, "float4"),
    "implausible": "int2",  # a bit for each of SUBSTATION_QUANTITIES whose value no instrument says
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
FROM stage_reading WHERE NOT known
ON CONFLICT DO NOTHING
"""
# What is stored of staged rows. Like all that looks for single rows it is bound in time, or it would open every chunk.
SELECT_KNOWN = """
COPY (
  SELECT s.nth, coalesce(r.temperature, 'NaN'), coalesce(r.humidity, 'NaN'), coalesce(r.battery, 'NaN')
  FROM stage_reading AS s
  JOIN reading AS r ON r.sensor_id = s.sensor_id AND r.measured_at = s.measured_at
  WHERE r.measured_at >= %(first)s AND r.measured_at <= %(last)s
) TO STDOUT (FORMAT BINARY)
"""
# A value is added where there was none, and where another transaction has not put one meanwhile. The sensors are named
# because of a compressed chunk only what constants choose is unpacked. The time of receipt goes with the temperature.
COMPLETE_READING = """
UPDATE reading AS r SET
  temperature = coalesce(r.temperature, s.temperature), humidity = coalesce(r.humidity, s.humidity),
  battery = coalesce(r.battery, s.battery),
  quality = CASE WHEN s.temperature IS NULL THEN r.quality ELSE s.quality END,
  received_at = CASE WHEN s.temperature IS NULL THEN r.received_at ELSE s.received_at END,
  self_timed = CASE WHEN s.temperature IS NULL THEN r.self_timed ELSE s.self_timed END
FROM stage_reading AS s
WHERE s.known AND r.sensor_id = s.sensor_id AND r.measured_at = s.measured_at
  AND r.sensor_id = ANY(%(sensors)s::integer[]) AND r.measured_at >= %(first)s AND r.measured_at <= %(last)s
  AND (r.temperature IS NULL OR s.temperature IS NULL) AND (r.humidity IS NULL OR s.humidity IS NULL)
  AND (r.battery IS NULL OR s.battery IS NULL)
"""

STAGE_SUBSTATION = "COPY stage_substation_reading FROM STDIN (FORMAT BINARY)"
INSERT_SUBSTATION = """
INSERT INTO substation_reading (
  sensor_id, measured_at, received_at, supply_temperature, return_temperature, supply_pressure, return_pressure,
  flow, heat_power, outdoor_temperature, implausible, self_timed
)
SELECT
  sensor_id, measured_at, received_at, supply_temperature, return_temperature, supply_pressure, return_pressure,
  flow, heat_power, outdoor_temperature, implausible, self_timed
FROM stage_substation_reading WHERE NOT known
ON CONFLICT DO NOTHING
"""
SELECT_KNOWN_SUBSTATION = """
COPY (
  SELECT
    s.nth, coalesce(r.supply_temperature, 'NaN'), coalesce(r.return_temperature, 'NaN'),
    coalesce(r.supply_pressure, 'NaN'), coalesce(r.return_pressure, 'NaN'), coalesce(r.flow, 'NaN'),
    coalesce(r.heat_power, 'NaN'), coalesce(r.outdoor_temperature, 'NaN')
  FROM stage_substation_reading AS s
  JOIN substation_reading AS r ON r.sensor_id = s.sensor_id AND r.measured_at = s.measured_at
  WHERE r.measured_at >= %(first)s AND r.measured_at <= %(last)s
) TO STDOUT (FORMAT BINARY)
"""
COMPLETE_SUBSTATION = """
UPDATE substation_reading AS r SET
  supply_temperature = coalesce(r.supply_temperature, s.supply_temperature),
  return_temperature = coalesce(r.return_temperature, s.return_temperature),
  supply_pressure = coalesce(r.supply_pressure, s.supply_pressure),
  return_pressure = coalesce(r.return_pressure, s.return_pressure),
  flow = coalesce(r.flow, s.flow), heat_power = coalesce(r.heat_power, s.heat_power),
  outdoor_temperature = coalesce(r.outdoor_temperature, s.outdoor_temperature),
  implausible = r.implausible | s.implausible
FROM stage_substation_reading AS s
WHERE s.known AND r.sensor_id = s.sensor_id AND r.measured_at = s.measured_at
  AND r.sensor_id = ANY(%(sensors)s::integer[]) AND r.measured_at >= %(first)s AND r.measured_at <= %(last)s
  AND (r.supply_temperature IS NULL OR s.supply_temperature IS NULL)
  AND (r.return_temperature IS NULL OR s.return_temperature IS NULL)
  AND (r.supply_pressure IS NULL OR s.supply_pressure IS NULL)
  AND (r.return_pressure IS NULL OR s.return_pressure IS NULL)
  AND (r.flow IS NULL OR s.flow IS NULL) AND (r.heat_power IS NULL OR s.heat_power IS NULL)
  AND (r.outdoor_temperature IS NULL OR s.outdoor_temperature IS NULL)
"""
DAY_US = 86_400_000_000  # the length of a chunk, or less


@dataclass(frozen=True)
class _Way:
    """How readings of a kind go through their stage."""

    layout: wire.Layout
    quantities: tuple[str, ...]
    stage: LiteralString
    insert: LiteralString
    known: LiteralString
    complete: LiteralString


_HOMES = _Way(READING, HOME_QUANTITIES, STAGE_READING, INSERT_READING, SELECT_KNOWN, COMPLETE_READING)
_SUBSTATIONS = _Way(
    SUBSTATION_READING,
    SUBSTATION_QUANTITIES,
    STAGE_SUBSTATION,
    INSERT_SUBSTATION,
    SELECT_KNOWN_SUBSTATION,
    COMPLETE_SUBSTATION,
)


def insert(conn: Connection, readings: Together, last_us: NDArray[np.int64]) -> Outcome:
    """Store home readings (READING fields).

    What is later than anything its sensor has said is new: it goes straight into the table, at half the cost. The key
    is the judge of that; if it objects, all of it goes through the stage like the rest.

    Args:
        last_us: per row of `readings.alone`, the time of the sensor's last stored reading; NONE_US: it has none,
            EVER_US: not known.
    """
    rows = readings.alone.rows
    new = rows["measured_at"] > last_us
    if new.any() and not _copy(conn, rows if new.all() else rows[new]):
        new[:] = False
    return readings.alone if new.all() else _through_stage(conn, readings, ~new, _HOMES)


def insert_substation(conn: Connection, readings: Together) -> Outcome:
    """Store substation readings (SUBSTATION_READING fields)."""
    return _through_stage(conn, readings, np.ones(len(readings.alone.rows), bool), _SUBSTATIONS)


def _copy(conn: Connection, rows: NDArray[np.void]) -> bool:
    """Copy rows into the table; False if one of them was there, and then none is copied."""
    try:
        with conn.transaction(), conn.cursor() as cur:
            wire.write(cur, COPY_READING, READING, rows)
    except UniqueViolation:
        return False
    return True


def _through_stage(conn: Connection, readings: Together, staged: NDArray[np.bool_], way: _Way) -> Outcome:
    """Store those rows of which any may be stored before, or in part.

    Nearly always all of it is new. If not, the insert is undone to look what was there, and what is missing is stored,
    until nobody has stored any of it in between.
    """
    known = np.full((len(staged), len(way.quantities)), np.nan, np.float32)
    outcome = readings.alone
    while not _store(conn, way, outcome.rows, staged & outcome.brought, _any(known)):
        known[staged] = _known(conn, way, readings.alone.rows[staged])
        outcome = readings.outcome(known)
    return outcome


def _store(
    conn: Connection, way: _Way, rows: NDArray[np.void], wanted: NDArray[np.bool_], known: NDArray[np.bool_]
) -> bool:
    """Insert the rows that are not known, and complete those that are; False if that is not the case any more."""
    if not wanted.any():
        return True
    with conn.transaction() as attempt:
        _stage(conn, way, rows[wanted], known[wanted])
        new, partial = int((wanted & ~known).sum()), rows[wanted & known]
        if new and conn.execute(way.insert).rowcount != new:
            raise Rollback(attempt)
        for span in _spans(partial):
            params = {**_ends(span), "sensors": wire.ids(np.unique(span["sensor_id"]))}
            if conn.execute(way.complete, params, prepare=False).rowcount != len(span):
                raise Rollback(attempt)
        return True
    return False


def _known(conn: Connection, way: _Way, rows: NDArray[np.void]) -> NDArray[np.float32]:
    """(row, quantity): what is stored of the rows; NaN: nothing."""
    out = np.full((len(rows), len(way.quantities)), np.nan, np.float32)
    layout = {"nth": "int4", **dict.fromkeys(way.quantities, "float4")}
    with conn.transaction(force_rollback=True), conn.cursor() as cur:
        _stage(conn, way, rows, np.ones(len(rows), bool))
        for span in _spans(rows):
            found = wire.read(cur, way.known, layout, _ends(span))
            for column, name in enumerate(way.quantities):
                out[found["nth"], column] = found[name]
    return out


def _stage(conn: Connection, way: _Way, rows: NDArray[np.void], known: NDArray[np.bool_]) -> None:
    layout = {**way.layout, "known": "bool", "nth": "int4"}
    staged = np.empty(len(rows), wire.native(layout))
    for name in way.layout:
        staged[name] = rows[name]
    staged["known"], staged["nth"] = known, np.arange(len(rows))
    with conn.cursor() as cur:
        wire.write(cur, way.stage, layout, staged)


def _any(values: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Mask of the rows with a value."""
    return np.asarray(np.logical_or.reduce(~np.isnan(values), axis=1))


def _spans(rows: NDArray[np.void]) -> Iterator[NDArray[np.void]]:
    """The rows of days that follow each other: a bound on each span leaves out the chunks between them."""
    if not len(rows):
        return
    rows = rows[np.argsort(rows["measured_at"], kind="stable")]
    gaps = np.flatnonzero(np.diff(rows["measured_at"] // DAY_US) > 1) + 1
    yield from np.split(rows, gaps)


def _ends(span: NDArray[np.void]) -> dict[str, object]:
    return {"first": to_datetime(span["measured_at"][0]), "last": to_datetime(span["measured_at"][-1])}


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

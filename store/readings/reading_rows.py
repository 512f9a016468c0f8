"""Readings of homes and substations: stored once, the first value of each quantity stays."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import LiteralString

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection, Rollback
from psycopg.errors import UniqueViolation

from domain.instants import to_datetime
from store.base import wire
from store.readings.together import StoreOutcome, Together

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
# A value is added where there was none; a row with a value that is said again is left alone, and not counted. The time
# of receipt goes with the temperature. Not by UPDATE: that opens every chunk, and unpacks all that is compressed.
UPSERT_READING = f"""
INSERT INTO reading AS r (
  sensor_id, measured_at, received_at, temperature, humidity, battery, quality, self_timed
)
SELECT
  sensor_id, measured_at, received_at, nullif(temperature, 'NaN'), nullif(humidity, 'NaN'), nullif(battery, 'NaN'),
  quality, self_timed
FROM {wire.unnest(READING)}
ON CONFLICT (sensor_id, measured_at) DO UPDATE SET
  temperature = coalesce(r.temperature, excluded.temperature), humidity = coalesce(r.humidity, excluded.humidity),
  battery = coalesce(r.battery, excluded.battery),
  quality = CASE WHEN excluded.temperature IS NULL THEN r.quality ELSE excluded.quality END,
  received_at = CASE WHEN excluded.temperature IS NULL THEN r.received_at ELSE excluded.received_at END,
  self_timed = CASE WHEN excluded.temperature IS NULL THEN r.self_timed ELSE excluded.self_timed END
WHERE (r.temperature IS NULL OR excluded.temperature IS NULL) AND (r.humidity IS NULL OR excluded.humidity IS NULL)
  AND (r.battery IS NULL OR excluded.battery IS NULL)
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

STAGE_SUBSTATION = "COPY stage_substation_reading FROM STDIN (FORMAT BINARY)"
UPSERT_SUBSTATION = f"""
INSERT INTO substation_reading AS r (
  sensor_id, measured_at, received_at, supply_temperature, return_temperature, supply_pressure, return_pressure,
  flow, heat_power, outdoor_temperature, implausible, self_timed
)
SELECT
  sensor_id, measured_at, received_at, nullif(supply_temperature, 'NaN'), nullif(return_temperature, 'NaN'),
  nullif(supply_pressure, 'NaN'), nullif(return_pressure, 'NaN'), nullif(flow, 'NaN'), nullif(heat_power, 'NaN'),
  nullif(outdoor_temperature, 'NaN'), implausible, self_timed
FROM {wire.unnest(SUBSTATION_READING)}
ON CONFLICT (sensor_id, measured_at) DO UPDATE SET
  supply_temperature = coalesce(r.supply_temperature, excluded.supply_temperature),
  return_temperature = coalesce(r.return_temperature, excluded.return_temperature),
  supply_pressure = coalesce(r.supply_pressure, excluded.supply_pressure),
  return_pressure = coalesce(r.return_pressure, excluded.return_pressure),
  flow = coalesce(r.flow, excluded.flow), heat_power = coalesce(r.heat_power, excluded.heat_power),
  outdoor_temperature = coalesce(r.outdoor_temperature, excluded.outdoor_temperature),
  implausible = r.implausible | excluded.implausible
WHERE (r.supply_temperature IS NULL OR excluded.supply_temperature IS NULL)
  AND (r.return_temperature IS NULL OR excluded.return_temperature IS NULL)
  AND (r.supply_pressure IS NULL OR excluded.supply_pressure IS NULL)
  AND (r.return_pressure IS NULL OR excluded.return_pressure IS NULL)
  AND (r.flow IS NULL OR excluded.flow IS NULL) AND (r.heat_power IS NULL OR excluded.heat_power IS NULL)
  AND (r.outdoor_temperature IS NULL OR excluded.outdoor_temperature IS NULL)
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
MOST_TOGETHER = 100  # rows for which a COPY of their own costs more than it saves
DAY_US = 86_400_000_000  # the length of a chunk, or less


@dataclass(frozen=True)
class ReadingWay:
    """The statements by which readings of a kind go through their stage."""

    layout: wire.Layout
    quantities: tuple[str, ...]
    stage: LiteralString
    upsert: LiteralString
    known: LiteralString


HOMES = ReadingWay(READING, HOME_QUANTITIES, STAGE_READING, UPSERT_READING, SELECT_KNOWN)
SUBSTATIONS = ReadingWay(
    SUBSTATION_READING, SUBSTATION_QUANTITIES, STAGE_SUBSTATION, UPSERT_SUBSTATION, SELECT_KNOWN_SUBSTATION
)


def insert(conn: Connection, readings: Together, last_us: NDArray[np.int64], way: ReadingWay = HOMES) -> StoreOutcome:
    """Store readings of homes (READING fields) or of substations (SUBSTATION_READING fields).

    What is later than anything its sensor has said is new: of homes it is copied into the table, at half the cost. The
    key is the judge of that; if it objects, all of it is added like the rest. Of few rows it is added with the rest.

    Args:
        last_us: per row of `readings.alone`, the time of the sensor's last stored reading; NONE_US: it has none,
            EVER_US: not known.
    """
    rows = readings.alone.rows
    new = (rows["measured_at"] > last_us) & (way is HOMES)
    if len(rows) <= MOST_TOGETHER and not new.all():
        new[:] = False
    if new.any() and not _copy(conn, rows if new.all() else rows[new]):
        new[:] = False
    return readings.alone if new.all() else _added(conn, readings, ~new, way)


def _copy(conn: Connection, rows: NDArray[np.void]) -> bool:
    """Copy rows into the table; False if one of them was there, and then none is copied."""
    try:
        with conn.transaction(), conn.cursor() as cur:
            wire.write(cur, COPY_READING, READING, rows)
    except UniqueViolation:
        return False
    return True


def _added(conn: Connection, readings: Together, added: NDArray[np.bool_], way: ReadingWay) -> StoreOutcome:
    """Store those rows of which any may be stored before, or in part.

    Nearly always all that they say is new. If not, storing is undone to look what was there, and only what is missing
    is stored, until nobody has stored any of it in between.
    """
    outcome = readings.alone
    while not _store(conn, way, outcome.rows[added & outcome.brought]):
        known = np.full((len(added), len(way.quantities)), np.nan, np.float32)
        known[added] = _known(conn, way, readings.alone.rows[added])
        outcome = readings.outcome(known)
    return outcome


def _store(conn: Connection, way: ReadingWay, rows: NDArray[np.void]) -> bool:
    """Add all values of rows to the table; False if one of them has a value there already, and then none is added."""
    if not len(rows):
        return True
    with conn.transaction() as attempt:
        if conn.execute(way.upsert, wire.arrays(way.layout, rows)).rowcount != len(rows):
            raise Rollback(attempt)
        return True
    return False


def _known(conn: Connection, way: ReadingWay, rows: NDArray[np.void]) -> NDArray[np.float32]:
    """Return (row, quantity): what is stored of the rows; NaN: nothing."""
    out = np.full((len(rows), len(way.quantities)), np.nan, np.float32)
    layout = {"nth": "int4", **dict.fromkeys(way.quantities, "float4")}
    with conn.transaction(force_rollback=True), conn.cursor() as cur:
        _stage(conn, way, rows)
        for span in _spans(rows):
            found = wire.read(cur, way.known, layout, _ends(span))
            for column, name in enumerate(way.quantities):
                out[found["nth"], column] = found[name]
    return out


def _stage(conn: Connection, way: ReadingWay, rows: NDArray[np.void]) -> None:
    layout = {**way.layout, "nth": "int4"}
    staged = np.empty(len(rows), wire.native(layout))
    for name in layout:
        staged[name] = np.arange(len(rows)) if name == "nth" else rows[name]
    with conn.cursor() as cur:
        wire.write(cur, way.stage, layout, staged)


def _spans(rows: NDArray[np.void]) -> Iterator[NDArray[np.void]]:
    """Yield the rows of days that follow each other: a bound on each span leaves out the chunks between them."""
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
        ("offset", np.int32),  # thousandths of a kelvin
        ("stays_until", np.int64),  # µs; when the sensor leaves this room
    ]
)

"""History of homes: the stays of their sensors, and the readings of those sensors."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from store.base import wire

STAY: wire.Layout = {
    "sensor_id": "int4",
    "home_id": "int4",
    "room": "int4",
    "room_kind": "int2",
    "interval_s": "int4",
    "offset": "milli",
    "valid_from": "timestamptz",
    "valid_to": "timestamptz",
}
SAID: wire.Layout = {"sensor_id": "int4", "measured_at": "timestamptz", "temperature": "float4"}

SELECT_STAYS = """
COPY (
  SELECT
    p.sensor_id, p.home_id, coalesce(hashtext(p.room), 0),
    array_position(ARRAY['living', 'bedroom', 'other', 'out'], p.room_kind)::smallint - 1::smallint,
    p.interval_s, p.offset_k, coalesce(p.valid_from, '-infinity'), coalesce(p.valid_to, 'infinity')
  FROM point_judged AS p
  WHERE p.home_id = ANY(%(homes)s)
  ORDER BY p.sensor_id, coalesce(p.valid_from, '-infinity')
) TO STDOUT (FORMAT BINARY)
"""
PACE: wire.Layout = {"home_id": "int4", "first_sensor": "int4", "readings": "int4"}
SELECT_PACES = """
COPY (
  SELECT p.home_id, min(p.sensor_id), sum(86400 / greatest(p.interval_s, 1))::integer
  FROM point AS p
  WHERE p.home_id = ANY(%(homes)s)
  GROUP BY p.home_id
  ORDER BY p.home_id
) TO STDOUT (FORMAT BINARY)
"""
# A row per sensor: a protocol message per reading would cost more than all the rest of judging. Per sensor the primary
# key yields readings in order, chunk after chunk; for all sensors at once the chunks would have to be merged.
SELECT_SAID = """
COPY (
  SELECT s.sensor_id, a.measured_at, a.temperature
  FROM unnest(%(sensors)s::integer[]) AS s (sensor_id)
  CROSS JOIN LATERAL (
    SELECT array_agg(o.measured_at) AS measured_at, array_agg(o.temperature) AS temperature
    FROM (
      SELECT r.measured_at, r.temperature FROM reading AS r
      WHERE r.sensor_id = s.sensor_id AND r.measured_at >= %(from)s AND r.measured_at < %(to)s AND is_good(r.quality)
      ORDER BY r.measured_at
    ) AS o
  ) AS a
  WHERE a.measured_at IS NOT NULL
) TO STDOUT (FORMAT BINARY)
"""
# JIT compilation for many chunks costs more than it saves; the cores are busy with other homes.
PLAIN = "SELECT set_config('jit', 'off', true), set_config('max_parallel_workers_per_gather', '0', true)"
# The only query without a time bound. Chunks are opened from the oldest on, up to the first hit.
SELECT_FIRST = """
SELECT min(f.at) FROM (
  SELECT (
    SELECT r.measured_at FROM reading AS r
    WHERE r.sensor_id = s.sensor_id AND r.measured_at >= %(from)s
    ORDER BY r.measured_at LIMIT 1
  ) AS at
  FROM unnest(%(sensors)s::integer[]) AS s (sensor_id)
) AS f
"""


def stays(conn: Connection, homes: list[int]) -> NDArray[np.void]:
    """Return STAY rows: every stay of a sensor in the homes, by sensor and time; open ends are the extremes."""
    with conn.cursor() as cur:
        return wire.read(cur, SELECT_STAYS, STAY, {"homes": wire.ids(homes)})


def paces(conn: Connection, homes: Sequence[int]) -> NDArray[np.void]:
    """Return PACE rows: of each home with sensors the first one, and how many readings a day all of them make."""
    with conn.cursor() as cur:
        return wire.read(cur, SELECT_PACES, PACE, {"homes": wire.ids(homes)})


def said(conn: Connection, sensors: list[int], start: datetime, end: datetime) -> NDArray[np.void]:
    """Return SAID rows: good temperatures of sensors in [start, end), by sensor and time."""
    params: dict[str, Any] = {"sensors": wire.ids(sensors), "from": start, "to": end}
    conn.execute(PLAIN)
    with conn.cursor() as cur:
        return wire.read_arrays(cur, SELECT_SAID, SAID, params)


def first_said(conn: Connection, sensors: list[int], start: datetime) -> datetime | None:
    """Return the measured time of the first reading of any of the sensors from an instant on."""
    row = conn.execute(SELECT_FIRST, {"sensors": wire.ids(sensors), "from": start}).fetchone()
    return row[0] if row else None

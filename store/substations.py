"""Alarms of substations: what each said last, and the alarms made of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.types.json import Jsonb

from store import wire

SAID_LAST: wire.Layout = {
    "substation_id": "int4",
    "measured_at": "timestamptz",
    "interval_s": "int4",
    "supply_temperature": "float4",
    "supply_pressure": "float4",
    "return_pressure": "float4",
}
# A substation may have several sensors, each for some of its channels.
SELECT_LAST = """
COPY (
  SELECT
    p.substation_id, r.measured_at, p.interval_s, coalesce(r.supply_temperature, 'NaN'),
    coalesce(r.supply_pressure, 'NaN'), coalesce(r.return_pressure, 'NaN')
  FROM point AS p
  JOIN sensor_now AS n ON n.sensor_id = p.sensor_id
  JOIN substation_reading AS r ON r.sensor_id = n.sensor_id AND r.measured_at = n.measured_at
  WHERE p.substation_id IS NOT NULL
    AND coalesce(p.valid_from <= n.measured_at, true) AND coalesce(p.valid_to > n.measured_at, true)
  ORDER BY p.substation_id, r.measured_at
) TO STDOUT (FORMAT BINARY)
"""
# What is beyond a limit: an alarm that waits until it has lasted long enough, or is raised.
UPSERT = """
INSERT INTO substation_alarm AS a (substation_id, kind, since, raised_at, lowest, highest)
SELECT
  x.substation_id, x.kind, x.since, CASE WHEN x.since <= %(now)s::timestamptz - %(patience)s::interval THEN %(now)s END,
  x.value, x.value
FROM jsonb_to_recordset(%(found)s) AS x (substation_id integer, kind text, since timestamptz, value real)
ORDER BY x.substation_id, x.kind
ON CONFLICT (substation_id, kind) WHERE ended_at IS NULL DO UPDATE SET
  raised_at = coalesce(
    a.raised_at, CASE WHEN a.since <= %(now)s::timestamptz - %(patience)s::interval THEN %(now)s END
  ),
  lowest = least(a.lowest, excluded.lowest), highest = greatest(a.highest, excluded.highest)
"""
# Those that never lasted long enough leave no trace.
DELETE_FINE = """
DELETE FROM substation_alarm AS a
USING jsonb_to_recordset(%(fine)s) AS x (substation_id integer, kind text)
WHERE a.substation_id = x.substation_id AND a.kind = x.kind AND a.raised_at IS NULL
"""
END_FINE = """
UPDATE substation_alarm AS a SET ended_at = greatest(x.since, a.since)
FROM jsonb_to_recordset(%(fine)s) AS x (substation_id integer, kind text, since timestamptz)
WHERE a.substation_id = x.substation_id AND a.kind = x.kind AND a.raised_at IS NOT NULL AND a.ended_at IS NULL
"""
DELETE_WAITING = "DELETE FROM substation_alarm WHERE raised_at IS NULL"
END_ALL = "UPDATE substation_alarm SET ended_at = %(now)s WHERE ended_at IS NULL"


def said_last(conn: Connection) -> NDArray[np.void]:
    """SAID_LAST rows: the last reading of each sensor of each substation, sorted by substation and time."""
    with conn.cursor() as cur:
        return wire.read(cur, SELECT_LAST, SAID_LAST, {})


def beyond(conn: Connection, found: Sequence[dict[str, Any]], patience: Any, now: datetime) -> None:
    """Open, go on with, or raise alarms `{substation_id, kind, since, value}`; raised after `patience`."""
    conn.execute(UPSERT, {"found": Jsonb(list(found)), "patience": patience, "now": now})


def within(conn: Connection, fine: Sequence[dict[str, Any]]) -> int:
    """End alarms `{substation_id, kind, since}` whose values are in order since; returns how many were raised ones."""
    params = {"fine": Jsonb(list(fine))}
    conn.execute(DELETE_FINE, params)
    return conn.execute(END_FINE, params).rowcount


def end_all(conn: Connection, now: datetime) -> int:
    """End all alarms: there are no limits now. Returns how many were raised."""
    conn.execute(DELETE_WAITING)
    return conn.execute(END_ALL, {"now": now}).rowcount

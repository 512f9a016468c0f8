"""Substation alarms, and the last value of each channel that they are derived from."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.types.json import Jsonb

from domain import groups
from domain.instants import to_datetime
from store.base import wire
from store.readings.reading_rows import SUBSTATION_QUANTITIES

SAID_LAST: wire.Layout = {
    "substation_id": "int4",
    "measured_at": "timestamptz",
    "interval_s": "int4",
    "value": "float4",
}
# A substation may have several sensors, each covering some of the channels.
SELECT_LAST = """
COPY (
  SELECT substation_id, measured_at, interval_s, value
  FROM substation_channel
  WHERE channel = %(channel)s
  ORDER BY substation_id, measured_at
) TO STDOUT (FORMAT BINARY)
"""
UPSERT_CHANNELS = """
INSERT INTO channel_now AS n (sensor_id, channel, measured_at, value)
SELECT x.sensor_id, x.channel, x.measured_at, x.value
FROM unnest(
  %(sensors)s::integer[], %(channels)s::text[], %(instants)s::timestamptz[], %(values)s::real[]
) AS x (sensor_id, channel, measured_at, value)
ORDER BY x.sensor_id, x.channel
ON CONFLICT (sensor_id, channel) DO UPDATE SET measured_at = excluded.measured_at, value = excluded.value
WHERE n.measured_at < excluded.measured_at
"""
# Values beyond a limit open a pending alarm, which is raised once it has lasted long enough.
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
# Pending alarms that end before they are raised are deleted.
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


def said_last(conn: Connection, channel: str) -> NDArray[np.void]:
    """Return SAID_LAST rows: the last plausible value per sensor and substation, by substation and time."""
    with conn.cursor() as cur:
        return wire.read(cur, SELECT_LAST, SAID_LAST, {"channel": channel})


def hear(conn: Connection, rows: NDArray[np.void]) -> None:
    """Store the last plausible value of each channel (SUBSTATION_READING rows, sorted by sensor and time)."""
    said: list[tuple[int, str, datetime, float]] = []
    for nth, channel in enumerate(SUBSTATION_QUANTITIES):
        good = rows[~np.isnan(rows[channel]) & (rows["implausible"] >> nth & 1 == 0)]
        last = good[groups.lasts(good["sensor_id"])]
        for sensor_id, at_us, value in zip(
            *(last[n].tolist() for n in ("sensor_id", "measured_at", channel)), strict=True
        ):
            said.append((sensor_id, channel, to_datetime(at_us), value))
    if said:
        names = ("sensors", "channels", "instants", "values")
        conn.execute(UPSERT_CHANNELS, dict(zip(names, map(list, zip(*said, strict=True)), strict=True)))


def beyond(conn: Connection, found: Sequence[dict[str, Any]], patience: Any, now: datetime) -> None:
    """Open, update or raise alarms `{substation_id, kind, since, value}`; one is raised after `patience`."""
    conn.execute(UPSERT, {"found": Jsonb(list(found)), "patience": patience, "now": now})


def within(conn: Connection, fine: Sequence[dict[str, Any]]) -> int:
    """End alarms `{substation_id, kind, since}` whose values are back in range; returns how many had been raised."""
    params = {"fine": Jsonb(list(fine))}
    conn.execute(DELETE_FINE, params)
    return conn.execute(END_FINE, params).rowcount


def end_all(conn: Connection, now: datetime) -> int:
    """End all alarms, when a policy has no limits. Returns how many had been raised."""
    conn.execute(DELETE_WAITING)
    return conn.execute(END_ALL, {"now": now}).rowcount

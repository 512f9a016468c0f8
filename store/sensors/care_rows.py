"""Device health of sensors: last values, open jobs, and the progress of the health check."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from store.base import wire

SENSOR: wire.Layout = {
    "sensor_id": "int4",
    "home_id": "int4",  # 0: none
    "building_id": "int4",  # 0: none
    "interval_s": "int4",
    "heard_at": "timestamptz",  # the last reading, or the start of the stay; none if both are unknown
    "battery": "float4",  # %; NaN: never reported
    "milli": "milli",  # held value, for a judged home; NONE_MILLI: none
    "off_s": "float8",  # clock error; NaN: none
    "impossible": "bool",  # not explained by a transmission delay
    "off_readings": "int4",  # consecutive readings, received from
    "off_since": "timestamptz",
    "off_at": "timestamptz",  # to
}
# This query reads all sensors; unlike in a batch, hash joins pay off.
PLAN_WHOLE = "SET LOCAL enable_hashjoin = on"
SELECT_SENSORS = """
COPY (
  SELECT
    n.sensor_id, coalesce(p.home_id, 0), coalesce(h.building_id, 0), p.interval_s,
    coalesce(greatest(n.measured_at, p.valid_from, w.last_at), '-infinity'), coalesce(n.battery, 'NaN'),
    CASE WHEN n.expires_at > %(now)s AND n.home_id = p.home_id AND t.state <> 0 THEN n.celsius ELSE 'infinity' END,
    coalesce(w.off_s, 'NaN'), coalesce(w.impossible, false), coalesce(w.readings, 0),
    coalesce(w.since, '-infinity'), coalesce(w.last_at, '-infinity')
  FROM sensor_now AS n
  JOIN point AS p ON p.sensor_id = n.sensor_id
    AND coalesce(p.valid_from <= %(now)s, true) AND coalesce(p.valid_to > %(now)s, true)
  LEFT JOIN wrong_clock AS w ON w.sensor_id = n.sensor_id
  LEFT JOIN home AS h ON h.home_id = p.home_id
  LEFT JOIN home_state AS t ON t.home_id = p.home_id
  ORDER BY n.sensor_id
) TO STDOUT (FORMAT BINARY)
"""
# The run restarts after a reading with a correct time.
UPSERT_WRONG_CLOCK = """
INSERT INTO wrong_clock AS w (sensor_id, off_s, impossible, readings, since, last_at)
SELECT
  x.sensor_id, x.off_us / 1e6, x.impossible, x.readings, to_timestamp(x.first_us / 1e6), to_timestamp(x.last_us / 1e6)
FROM jsonb_to_recordset(%(wrong)s) AS x (
  sensor_id integer, off_us bigint, impossible boolean, readings integer, first_us bigint, last_us bigint
)
ORDER BY x.sensor_id
ON CONFLICT (sensor_id) DO UPDATE SET
  off_s = excluded.off_s, impossible = excluded.impossible, last_at = greatest(w.last_at, excluded.last_at),
  (readings, since) = (
    SELECT
      CASE WHEN t.again THEN excluded.readings ELSE w.readings + excluded.readings END,
      CASE WHEN t.again THEN excluded.since ELSE w.since END
    FROM (
      SELECT EXISTS (
        SELECT FROM sensor_now AS n
        WHERE n.sensor_id = w.sensor_id AND n.received_at >= w.last_at
          AND n.received_at - n.measured_at <= make_interval(secs => %(clock_s)s)
      ) AS again
    ) AS t
  )
"""
DELETE_RIGHT_CLOCK = """
DELETE FROM wrong_clock AS w USING sensor_now AS n
WHERE n.sensor_id = w.sensor_id AND n.received_at >= w.last_at
  AND n.received_at - n.measured_at <= make_interval(secs => %(clock_s)s)
"""
SELECT_HEARD = "SELECT max(last_batch_at) FROM ingest_worker"
SELECT_ROUND = "SELECT reached, looked_at, listening_since FROM care_round"
UPDATE_ROUND = """
UPDATE care_round SET reached = %(reached)s, looked_at = %(looked_at)s, listening_since = %(listening_since)s
"""
SELECT_OUT_OF_LINE = "SELECT sensor_id, since FROM out_of_line"
DELETE_IN_LINE = "DELETE FROM out_of_line WHERE sensor_id <> ALL(%(sensors)s)"
INSERT_OUT_OF_LINE = """
INSERT INTO out_of_line (sensor_id, since)
SELECT x.sensor_id, %(now)s FROM unnest(%(sensors)s::integer[]) AS x (sensor_id)
ON CONFLICT DO NOTHING
"""
SELECT_JOBS = """
SELECT device_job_id, sensor_id, reason, ticket_id, fine_since FROM device_job WHERE closed_at IS NULL
ORDER BY sensor_id
"""
SELECT_CODES = "SELECT sensor_id, code FROM sensor WHERE sensor_id = ANY(%(sensors)s)"
INSERT_JOBS = """
INSERT INTO device_job (sensor_id, reason, ticket_id, opened_at)
SELECT x.sensor_id, x.reason, x.ticket_id, %(now)s
FROM jsonb_to_recordset(%(jobs)s) AS x (sensor_id integer, reason text, ticket_id bigint)
"""
UPDATE_FINE = "UPDATE device_job SET fine_since = %(since)s WHERE device_job_id = ANY(%(jobs)s)"
JUDGE_AGAIN = """
UPDATE sensor_overruled SET until_at = greatest(from_at, %(now)s)
WHERE device_job_id = ANY(%(jobs)s) AND until_at IS NULL
"""
CLOSE_JOBS = """
UPDATE device_job SET closed_at = %(now)s, close_reason = %(reason)s WHERE device_job_id = ANY(%(jobs)s)
"""


class CareRound(NamedTuple):
    """Progress of the health check: last sensor reached, last run, and since when ingest has been listening."""

    reached: int
    looked_at: datetime | None
    listening_since: datetime | None


class WrongTimes(NamedTuple):
    """Consecutive readings of a sensor with a wrong time."""

    sensor_id: int
    off_us: int  # of the last one; positive: in the past
    impossible: bool
    readings: int
    first_us: int  # received
    last_us: int


class Job(NamedTuple):
    """An open device job."""

    device_job_id: int
    sensor_id: int
    reason: str
    ticket_id: int
    fine_since: datetime | None


def sensors(conn: Connection, now: datetime) -> NDArray[np.void]:
    """Return SENSOR rows of all sensors in place, by sensor."""
    conn.execute(PLAN_WHOLE)
    with conn.cursor() as cur:
        return wire.read(cur, SELECT_SENSORS, SENSOR, {"now": now})


def note_wrong_times(conn: Connection, wrong: Sequence[WrongTimes], clock_us: int) -> None:
    """Record runs of readings with a wrong time, ascending by sensor."""
    conn.execute(UPSERT_WRONG_CLOCK, {"wrong": Jsonb([one._asdict() for one in wrong]), "clock_s": clock_us / 1e6})


def forget_right_clocks(conn: Connection, clock_s: int) -> None:
    """Delete the records of sensors that have sent a reading with a correct time since."""
    conn.execute(DELETE_RIGHT_CLOCK, {"clock_s": clock_s})


def heard_at(conn: Connection) -> datetime | None:
    """Return the time of the last batch; None: never."""
    row = conn.execute(SELECT_HEARD).fetchone()
    return row[0] if row else None


def round_so_far(conn: Connection) -> CareRound:
    """Return the progress of the health check."""
    with conn.cursor(row_factory=class_row(CareRound)) as cur:
        found = cur.execute(SELECT_ROUND).fetchone()
    assert found is not None  # a migration inserts the row
    return found


def leave_round(conn: Connection, left: CareRound) -> None:
    """Store the progress of the health check."""
    conn.execute(UPDATE_ROUND, left._asdict())


def out_of_line(conn: Connection, sensor_ids: list[int], now: datetime) -> dict[int, datetime]:
    """Record the current outliers; returns since when each sensor has been one without a break."""
    conn.execute(DELETE_IN_LINE, {"sensors": sensor_ids})
    conn.execute(INSERT_OUT_OF_LINE, {"sensors": sensor_ids, "now": now})
    return dict(conn.execute(SELECT_OUT_OF_LINE).fetchall())


def jobs(conn: Connection) -> list[Job]:
    """Return the open jobs, by sensor."""
    with conn.cursor(row_factory=class_row(Job)) as cur:
        return cur.execute(SELECT_JOBS).fetchall()


def codes(conn: Connection, sensor_ids: list[int]) -> dict[int, str]:
    """Return the code of each sensor."""
    return dict(conn.execute(SELECT_CODES, {"sensors": sensor_ids}).fetchall())


def insert(conn: Connection, rows: Sequence[dict[str, Any]], now: datetime) -> None:
    """Open jobs `{sensor_id, reason, ticket_id}`."""
    conn.execute(INSERT_JOBS, {"jobs": Jsonb(list(rows)), "now": now})


def set_fine(conn: Connection, job_ids: list[int], since: datetime | None) -> None:
    """Record since when the reason of jobs is gone; None: it is back."""
    conn.execute(UPDATE_FINE, {"jobs": job_ids, "since": since})


def close(conn: Connection, job_ids: list[int], reason: str, now: datetime) -> None:
    """Close jobs; their sensors are judged again. The caller closes their tickets."""
    conn.execute(JUDGE_AGAIN, {"jobs": job_ids, "now": now})
    conn.execute(CLOSE_JOBS, {"jobs": job_ids, "reason": reason, "now": now})

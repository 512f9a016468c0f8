"""Agreement of sensors with measurements on site, and the effects of a contradiction."""

from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import class_row

from domain import milli
from domain.instants import to_datetime
from domain.measurement import FiledMeasurement, LivingReading
from store.base import wire
from store.sensors.care_rows import Job

SELECT_BESIDE = """
SELECT
  b.sensor_id, b.sensor, b.room, b.room_kind, b.offset_k, b.since, b.measured_at, b.temperature + b.offset_k AS celsius
FROM heard_beside(%(home)s, %(at)s, %(hold_intervals)s) AS b
ORDER BY b.sensor_id
"""
SELECT_JOB = """
SELECT device_job_id, sensor_id, reason, ticket_id, fine_since FROM device_job
WHERE sensor_id = %(sensor)s AND reason = 'disagrees' AND closed_at IS NULL
"""
# Only while the same job is open; a later cold measurement of the home cancels it.
SELECT_EARLIER = """
SELECT v.measurement_id AS measurement, v.measured_at, v.celsius, v.measurer, v.recorded_by
FROM measurement_valid AS v
JOIN device_job AS j ON j.sensor_id = v.beside AND j.reason = 'disagrees' AND j.closed_at IS NULL
WHERE v.home_id = %(home)s AND v.beside = %(sensor)s AND v.disagrees AND is_warm(v.state)
  AND v.recorded_at >= j.opened_at AND v.measurement_id <> %(measurement)s
  AND NOT EXISTS (
    SELECT FROM measurement_valid AS c
    WHERE c.home_id = v.home_id AND is_short(c.state) AND c.measured_at > v.measured_at
  )
ORDER BY v.measured_at, v.measurement_id
"""
INSERT_OVERRULED = """
INSERT INTO sensor_overruled (device_job_id, sensor_id, home_id, from_at, first_id, second_id)
VALUES (%(job)s, %(sensor)s, %(home)s, %(at)s, %(first)s, %(second)s)
ON CONFLICT (device_job_id) DO NOTHING
"""
INSERT_ENDED = """
INSERT INTO cold_ended (measurement_id, home_id, at, reason) VALUES (%(measurement)s, %(home)s, %(at)s, %(reason)s)
ON CONFLICT (measurement_id) DO NOTHING
"""
VOID_ENDED = """
UPDATE cold_ended SET void_at = %(now)s WHERE measurement_id = %(measurement)s AND void_at IS NULL RETURNING at
"""
VOID_OVERRULED = """
UPDATE sensor_overruled SET until_at = from_at
WHERE %(measurement)s IN (first_id, second_id) AND until_at IS DISTINCT FROM from_at
RETURNING from_at
"""
# Open sensor flags whose home has a later warm measurement, where the contradicting sensor has been removed.
SELECT_OUT = """
SELECT DISTINCT ON (f.home_id) f.home_id, v.measurement_id, greatest(v.measured_at, g.at) AS at
FROM flag AS f
JOIN measurement_valid AS v ON v.home_id = f.home_id AND v.measured_at >= f.cold_since AND v.disagrees
  AND is_warm(v.state)
CROSS JOIN LATERAL (
  SELECT max(coalesce(p.valid_to, 'infinity')) AS at FROM point AS p
  WHERE p.sensor_id = v.beside AND p.home_id = f.home_id
) AS g
WHERE f.cleared_at IS NULL AND f.source = 'sensor' AND g.at <= %(now)s
  AND NOT EXISTS (
    SELECT FROM measurement_valid AS c
    WHERE c.home_id = f.home_id AND is_short(c.state) AND c.measured_at > v.measured_at
  )
  AND NOT EXISTS (SELECT FROM cold_ended AS e WHERE e.measurement_id = v.measurement_id)
ORDER BY f.home_id, v.measured_at DESC
"""


class BesideReading(NamedTuple):
    """A sensor of a home at an instant, and the last good reading of it that the table has; None: it has none."""

    sensor_id: int
    sensor: str
    room: str
    room_kind: str
    offset_k: float
    since: datetime  # an older one is held no longer, or was of another place
    measured_at: datetime | None
    celsius: float | None  # as judged

    def after(self, said: NDArray[np.void]) -> "BesideReading":
        """Return it with the last one of SAID rows of the sensor, unless the table has a later one."""
        if not len(said):
            return self
        at, (raw,) = to_datetime(int(said["measured_at"][-1])), wire.milli(said["temperature"][-1:]).tolist()
        if self.measured_at is not None and self.measured_at > at:
            return self
        return self._replace(measured_at=at, celsius=milli.celsius(raw + milli.milli(self.offset_k)))

    def living(self) -> LivingReading:
        """Return it as what a measurement is held against; it has a reading."""
        assert self.celsius is not None
        return LivingReading(self.sensor_id, self.sensor, self.room, self.room_kind, self.celsius)


class GoneSensor(NamedTuple):
    """A sensor that contradicted a warm record of a home, and was removed at an instant."""

    home: int
    measurement: int
    at: datetime


def beside(conn: Connection, home: int, at: datetime, hold_intervals: float) -> list[BesideReading]:
    """Return the sensors of a home, in any room, at an instant, and what the table says that they held."""
    with conn.cursor(row_factory=class_row(BesideReading)) as cur:
        values = {"home": home, "at": at, "hold_intervals": hold_intervals}
        return cur.execute(SELECT_BESIDE, values).fetchall()


def job(conn: Connection, sensor: int) -> Job | None:
    """Return the open job of a sensor that a measurement contradicts."""
    with conn.cursor(row_factory=class_row(Job)) as cur:
        return cur.execute(SELECT_JOB, {"sensor": sensor}).fetchone()


def earlier(conn: Connection, home: int, sensor: int, measurement: int) -> list[FiledMeasurement]:
    """Return earlier warm records contradicted by the sensor during its open job, with no cold record since."""
    with conn.cursor(row_factory=class_row(FiledMeasurement)) as cur:
        values = {"home": home, "sensor": sensor, "measurement": measurement}
        return cur.execute(SELECT_EARLIER, values).fetchall()


def overrule(conn: Connection, job: Job, home: int, at: datetime, first: int, second: int) -> None:
    """Exclude a sensor from judging a home from an instant on, by two measurements, while its job is open."""
    values = {"job": job.device_job_id, "sensor": job.sensor_id, "home": home, "at": at}
    conn.execute(INSERT_OVERRULED, {**values, "first": first, "second": second})


def end_cold(conn: Connection, measurement: int, home: int, at: datetime, reason: str) -> None:
    """End the cold spell of a home's sensors by a measurement."""
    conn.execute(INSERT_ENDED, {"measurement": measurement, "home": home, "at": at, "reason": reason})


def void(conn: Connection, measurement: int, now: datetime) -> datetime | None:
    """Revoke the effects of a corrected measurement; returns the earliest instant affected, None: no effects."""
    values = {"measurement": measurement, "now": now}
    rows = conn.execute(VOID_ENDED, values).fetchall() + conn.execute(VOID_OVERRULED, values).fetchall()
    return min((at for (at,) in rows), default=None)


def out(conn: Connection, now: datetime) -> list[GoneSensor]:
    """Return where a sensor that contradicted a warm record was removed."""
    return [GoneSensor(*row) for row in conn.execute(SELECT_OUT, {"now": now}).fetchall()]

"""Sensors that are heard and not registered: their last values, for those who place them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from psycopg import Connection
from psycopg.types.json import Jsonb

from store.base.rows import Row, fetch

MOST = 20_000  # kept; of what is heard beyond, only the dead letters tell
KEPT = timedelta(days=14)
PAUSE = timedelta(minutes=1)  # values are renewed no more often: what is known of a sensor is not its curve
# Ordered by sensor, so that two workers that hear the same ones do not wait for each other in a circle.
UPSERT = """
INSERT INTO unknown_sensor AS u (sensor, topic, device, said, alike, first_heard_at, last_heard_at)
SELECT sensor, topic, device, said, alike, heard_at, heard_at
FROM (
  SELECT x.*, k.sensor IS NULL AS new, row_number() OVER (PARTITION BY k.sensor IS NULL ORDER BY x.sensor) AS nth
  FROM jsonb_to_recordset(%(heard)s)
    AS x (sensor text, topic text, device text, said jsonb, alike text, heard_at timestamptz)
  LEFT JOIN unknown_sensor AS k USING (sensor)
  WHERE k.sensor IS NULL OR k.last_heard_at < x.heard_at - %(pause)s::interval
) AS x
WHERE NOT new OR nth <= %(most)s::integer - (SELECT count(*) FROM unknown_sensor)
ORDER BY sensor
ON CONFLICT (sensor) DO UPDATE SET
  topic = excluded.topic, device = excluded.device, said = excluded.said, alike = excluded.alike,
  first_heard_at = least(u.first_heard_at, excluded.first_heard_at), last_heard_at = excluded.last_heard_at
WHERE u.last_heard_at < excluded.last_heard_at
"""
SELECT = """
SELECT u.unknown_sensor_id AS id, u.sensor, u.topic, u.device, u.said, u.alike, u.first_heard_at, u.last_heard_at
FROM unknown_sensor AS u
WHERE (%(at)s::timestamptz IS NULL OR (u.last_heard_at, u.unknown_sensor_id) < (%(at)s, %(id)s))
  AND NOT EXISTS (SELECT FROM sensor AS s WHERE s.code = u.sensor)
  AND (position(%(sought)s::text IN lower(u.sensor)) > 0 OR position(%(sought)s::text IN lower(u.device)) > 0)
ORDER BY u.last_heard_at DESC, u.unknown_sensor_id DESC
LIMIT %(limit)s
"""
DELETE = """
DELETE FROM unknown_sensor AS u
WHERE u.last_heard_at < %(before)s OR EXISTS (SELECT FROM sensor AS s WHERE s.code = u.sensor)
"""


@dataclass(frozen=True)
class HeardSensor:
    """A sensor that is not registered, as it was heard last; `said` by quantity, in its unit."""

    sensor: str
    topic: str
    device: str
    said: dict[str, float]
    alike: str | None
    heard_at: datetime


def note(conn: Connection, heard: Sequence[HeardSensor]) -> None:
    """Note sensors that are not registered, each once; new ones only as long as there are fewer than MOST."""
    rows = [{**asdict(one), "heard_at": one.heard_at.isoformat()} for one in heard]
    conn.execute(UPSERT, {"heard": Jsonb(rows), "pause": PAUSE, "most": MOST})


def latest(conn: Connection, after: tuple[datetime, int] | None, limit: int, sought: str = "") -> list[Row]:
    """Return up to `limit` sensors that are not registered, latest first, from behind a position.

    Args:
        sought: a part of the name of the sensor or of the device that spoke for it, small or capital; empty: all.
    """
    at, number = after or (None, None)
    return fetch(conn, SELECT, {"at": at, "id": number, "limit": limit, "sought": sought.lower()})


def forget(conn: Connection, now: datetime) -> None:
    """Delete what has been registered since, or was not heard for two weeks."""
    conn.execute(DELETE, {"before": now - KEPT})

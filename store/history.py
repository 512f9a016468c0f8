"""A home's readings over time, as they came or in buckets, of every sensor while it was in that home.

Temperatures are calibrated: raw + the offset that was in force. Pages follow each other by (time, point_id).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString, TypeAlias

from psycopg import Connection

from store.rows import Row, fetch

Position: TypeAlias = tuple[datetime, int]

# Each sensor gives at most one page from its index, however long the span: behind the position of the page before, of
# whose instant the points up to `shown` have been shown.
SELECT_READINGS = """
SELECT
  s.code AS sensor, p.room, r.measured_at, r.temperature + p.offset_k AS temperature, p.offset_k AS offset,
  r.humidity, r.battery, r.quality, p.point_id
FROM point AS p
JOIN sensor AS s USING (sensor_id)
CROSS JOIN LATERAL point_readings(
  p.point_id,
  %(start)s::timestamptz + CASE WHEN p.point_id <= %(shown)s THEN interval '1 microsecond' ELSE interval '0' END,
  %(end)s, %(limit)s
) AS r
WHERE p.home_id = %(home_id)s
ORDER BY r.measured_at, p.point_id
LIMIT %(limit)s
"""

# Between head and tail stands the beginning of the bucket. Only good readings count, as in reading_hour.
_BUCKETS_HEAD: LiteralString = """
SELECT
  s.code AS sensor, p.room, k.start,
  min(r.temperature + p.offset_k) AS min, avg(r.temperature + p.offset_k) AS mean,
  max(r.temperature + p.offset_k) AS max, count(r.temperature) AS count, p.point_id
FROM point AS p
JOIN sensor AS s USING (sensor_id)
CROSS JOIN LATERAL point_readings(p.point_id, %(start)s, %(end)s, NULL) AS r
CROSS JOIN LATERAL (SELECT """
_BUCKETS_TAIL: LiteralString = """ AS start) AS k
WHERE p.home_id = %(home_id)s AND r.quality = 0
  AND (%(after)s::timestamptz IS NULL OR (k.start, p.point_id) > (%(after)s, %(after_point)s))
GROUP BY k.start, p.point_id, s.code, p.room
ORDER BY k.start, p.point_id
LIMIT %(limit)s
"""
SELECT_BINS: LiteralString = (
    _BUCKETS_HEAD + "date_bin(%(width)s::interval, r.measured_at, TIMESTAMPTZ '2000-01-01 00:00:00Z')" + _BUCKETS_TAIL
)
# A local day has 23 or 25 hours when the clocks change: it is no bin of 24.
SELECT_DAYS: LiteralString = _BUCKETS_HEAD + "date_trunc('day', r.measured_at, %(zone)s)" + _BUCKETS_TAIL


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A page of a home's history: half-open span, last position of the page before, number of rows."""

    home_id: int
    start: datetime
    end: datetime
    after: Position | None
    limit: int

    def parameters(self) -> dict[str, Any]:
        """The values that all statements here share."""
        after, after_point = self.after or (None, None)
        return {
            "home_id": self.home_id,
            # Nothing before the position is asked for again; chunks before it need not be opened.
            "start": max(self.start, after) if after else self.start,
            "end": self.end,
            "after": after,
            "after_point": after_point,
            "shown": after_point if after and after >= self.start else None,
            "limit": self.limit,
        }


def readings(conn: Connection, stretch: Stretch) -> list[Row]:
    """Readings in order of time: °C calibrated, the offset in K, %, quality as in domain.quality."""
    return fetch(conn, SELECT_READINGS, stretch.parameters())


def bins(conn: Connection, stretch: Stretch, width: timedelta) -> list[Row]:
    """Lowest, mean, highest temperature (°C), number of good readings, per sensor and bin of a fixed width."""
    return fetch(conn, SELECT_BINS, {**stretch.parameters(), "width": width})


def days(conn: Connection, stretch: Stretch, zone: str) -> list[Row]:
    """The same per local day of an IANA time zone."""
    return fetch(conn, SELECT_DAYS, {**stretch.parameters(), "zone": zone})

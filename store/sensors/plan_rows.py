"""The plan of measurements on site: which rooms of homes are measured, and how often."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from domain.measurement import PlanLine
from store.base.access import IN_SCOPE, Scope
from store.base.rows import Row, fetch

SELECT_UNKNOWN_PLACES = """
SELECT x.nth::integer FROM unnest(%(homes)s::text[], %(buildings)s::text[]) WITH ORDINALITY AS x (home, building, nth)
WHERE NOT EXISTS (SELECT FROM home AS h WHERE h.code = x.home)
  AND NOT EXISTS (SELECT FROM building AS b WHERE b.code = x.building)
ORDER BY x.nth
"""
# Of two lines for one room the last one applies. A point that is in force keeps its beginning where a line names none:
# what is due is not put off when the same plan comes again.
UPSERT_POINTS = """
INSERT INTO measuring_point AS p (home_id, room, room_kind, every_days, starts_at, ends_at)
SELECT DISTINCT ON (h.home_id, x.room)
  h.home_id, x.room, x.room_kind, x.every_days,
  coalesce(x.starts_at, least(CASE
    WHEN old.ends_at <= %(at)s AND coalesce(x.ends_at > %(at)s, true) THEN %(at)s::timestamptz
    ELSE coalesce(old.starts_at, %(at)s::timestamptz)
  END, x.ends_at)), x.ends_at
FROM ROWS FROM (jsonb_to_recordset(%(lines)s) AS (
  room text, room_kind text, home text, building text, every_days integer, starts_at timestamptz, ends_at timestamptz
)) WITH ORDINALITY
  AS x (room, room_kind, home, building, every_days, starts_at, ends_at, nth)
LEFT JOIN building AS b ON b.code = x.building
JOIN home AS h ON h.code = x.home OR h.building_id = b.building_id
LEFT JOIN measuring_point AS old ON old.home_id = h.home_id AND old.room = x.room
ORDER BY h.home_id, x.room, x.nth DESC
ON CONFLICT (home_id, room) DO UPDATE SET
  room_kind = excluded.room_kind, every_days = excluded.every_days, starts_at = excluded.starts_at,
  ends_at = excluded.ends_at
"""
# All points of the homes that lines name, by themselves or by their building.
SELECT_NAMED = """
SELECT h.code AS home, p.room, p.room_kind, p.every_days, p.starts_at, p.ends_at
FROM measuring_point AS p
JOIN home AS h USING (home_id)
LEFT JOIN building AS b USING (building_id)
WHERE h.code = ANY(%(homes)s) OR b.code = ANY(%(buildings)s)
ORDER BY h.code, p.room
"""
SELECT_POINTS = (
    """
SELECT
  p.measuring_point_id AS id, h.code AS home, u.building, u.building_name, h.unit, u.station, p.room, p.room_kind,
  p.every_days, p.starts_at, p.ends_at
FROM measuring_point AS p
JOIN home AS h USING (home_id)
JOIN building_place AS u USING (building_id)
WHERE (%(station)s::text IS NULL OR u.station = %(station)s)
  AND (%(home)s::text IS NULL OR h.code = %(home)s)
  AND (%(before)s::bigint IS NULL OR p.measuring_point_id < %(before)s)
  AND """
    + IN_SCOPE
    + """
ORDER BY p.measuring_point_id DESC
LIMIT %(limit)s
"""
)


class PlannedPoint(NamedTuple):
    """A measuring point of the plan."""

    home: str
    room: str
    room_kind: str
    every_days: int
    starts_at: datetime | None
    ends_at: datetime | None

    @property
    def code(self) -> str:
        """The key that no two points share."""
        return f"{self.home} {self.room}"


def unknown_places(conn: Connection, lines: Sequence[PlanLine]) -> list[int]:
    """Return the positions of plan lines with an unknown home or building."""
    values = {"homes": [line.home for line in lines], "buildings": [line.building for line in lines]}
    return [nth - 1 for (nth,) in conn.execute(SELECT_UNKNOWN_PLACES, values).fetchall()]


def put(conn: Connection, lines: Sequence[PlanLine], at: datetime) -> int:
    """Apply lines of a plan, from `at` where they name no day and are new; returns the number of points."""
    rows = [
        {name: value.isoformat() if isinstance(value, datetime) else value for name, value in line._asdict().items()}
        for line in lines
    ]
    return conn.execute(UPSERT_POINTS, {"lines": Jsonb(rows), "at": at}).rowcount


def named(conn: Connection, lines: Sequence[PlanLine]) -> list[PlannedPoint]:
    """Return all points of the homes that lines are about."""
    values = {
        "homes": [line.home for line in lines if line.home is not None],
        "buildings": [line.building for line in lines if line.building is not None],
    }
    with conn.cursor(row_factory=class_row(PlannedPoint)) as cur:
        return cur.execute(SELECT_NAMED, values).fetchall()


def shown(
    conn: Connection,
    scope: Scope,
    *,
    station: str | None = None,
    home: str | None = None,
    before: int | None = None,
    limit: int,
) -> list[Row]:
    """Return points in scope, the newest first."""
    values = {"station": station, "home": home, "before": before, "limit": limit}
    return fetch(conn, SELECT_POINTS, {**scope.parameters(), **values})

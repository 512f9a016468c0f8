"""Homes of a substation as estimates take them: where they lie, and what is known of them now."""

from datetime import datetime
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

# Heated homes alone; the coldest judged value that still holds, as the home is judged.
SELECT_HOMES = """
SELECT
  h.home_id, h.code AS home, b.code AS building, h.unit, h.riser, h.floor, h.exposure, n.celsius
FROM substation AS u
JOIN building AS b USING (substation_id)
JOIN home AS h USING (building_id)
JOIN LATERAL (
  SELECT x.status FROM home_status AS x
  WHERE x.home_id = h.home_id AND x.since <= %(now)s
  ORDER BY x.since DESC LIMIT 1
) AS s ON s.status = 'on'
LEFT JOIN LATERAL (
  SELECT x.celsius FROM sensor_now AS x
  WHERE x.home_id = h.home_id AND x.expires_at > %(now)s AND x.celsius IS NOT NULL
  ORDER BY x.celsius LIMIT 1
) AS n ON true
WHERE u.code = %(substation)s
ORDER BY h.code
"""


SELECT_SUBSTATION = """
SELECT b.substation FROM home AS h JOIN building_place AS b USING (building_id) WHERE h.code = %(home)s
"""
# Substations with homes.
SELECT_SUBSTATIONS = """
SELECT u.code, u.name FROM substation AS u
WHERE EXISTS (SELECT FROM building AS b JOIN home AS h USING (building_id) WHERE b.substation_id = u.substation_id)
ORDER BY u.code
"""
SELECT_DUE = """
SELECT t.home, min(t.due_at) FROM measurement_task AS t WHERE t.substation = %(substation)s GROUP BY t.home
"""


class NamedSubstation(NamedTuple):
    """A substation with homes."""

    code: str
    name: str


class PlacedHome(NamedTuple):
    """A heated home: its place within the building as far as the registry knows, and °C now, None without a sensor."""

    home_id: int
    home: str
    building: str
    unit: str
    riser: str | None
    floor: int | None
    exposure: str | None
    celsius: float | None


def homes(conn: Connection, substation: str, now: datetime) -> list[PlacedHome]:
    """Return the heated homes of a substation that can be reached."""
    with conn.cursor(row_factory=class_row(PlacedHome)) as cur:
        return cur.execute(SELECT_HOMES, {"substation": substation, "now": now}).fetchall()


def substation_of(conn: Connection, home: str) -> str | None:
    """Return the code of the substation that heats a home."""
    row = conn.execute(SELECT_SUBSTATION, {"home": home}).fetchone()
    return row[0] if row else None


def substations(conn: Connection) -> list[NamedSubstation]:
    """Return the substations that have homes which can be reached, by code."""
    with conn.cursor(row_factory=class_row(NamedSubstation)) as cur:
        return cur.execute(SELECT_SUBSTATIONS).fetchall()


def due(conn: Connection, substation: str) -> dict[str, datetime]:
    """Return the homes of a substation for which a measurement on site is due some day, and until when."""
    return dict(conn.execute(SELECT_DUE, {"substation": substation}).fetchall())

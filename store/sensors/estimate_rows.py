"""Homes of a substation as estimates take them: where they lie, and what is known of them now."""

from collections.abc import Collection
from datetime import datetime
from typing import LiteralString, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

MOST_BUILDINGS = 20  # beside those of the homes
# The coldest judged value of a home that still holds, as the home is judged.
_MEASURED_NOW: LiteralString = """
LEFT JOIN LATERAL (
  SELECT x.celsius FROM sensor_now AS x
  WHERE x.home_id = h.home_id AND x.expires_at > %(now)s AND x.celsius IS NOT NULL
  ORDER BY x.celsius LIMIT 1
) AS n ON true
"""
# Heated homes alone.
SELECT_HOMES: LiteralString = (
    """
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
"""
    + _MEASURED_NOW
    + """WHERE u.code = %(substation)s
ORDER BY h.code
"""
)


# Homes that have had a sensor, and the heated ones around them that are measured: all of their buildings, and some of
# other buildings of the substation. It begins at the homes and looks into so many buildings, however large the network.
SELECT_AROUND: LiteralString = (
    """
WITH own AS MATERIALIZED (
  SELECT h.home_id, h.building_id, b.substation_id
  FROM home AS h JOIN building AS b USING (building_id)
  WHERE h.code = ANY(%(homes)s) AND EXISTS (SELECT FROM point AS p WHERE p.home_id = h.home_id)
), looked_into AS MATERIALIZED (
  SELECT DISTINCT building_id, NULL::bigint AS most FROM own
  UNION ALL
  SELECT x.building_id, (%(others)s::bigint - 1) / least(x.count, %(buildings)s::bigint) + 1
  FROM (
    SELECT b.building_id, row_number() OVER (ORDER BY b.code) AS nth, count(*) OVER () AS count
    FROM building AS b
    WHERE b.substation_id IN (SELECT substation_id FROM own)
      AND b.building_id NOT IN (SELECT building_id FROM own)
  ) AS x
  WHERE x.nth * %(buildings)s::bigint / x.count > (x.nth - 1) * %(buildings)s::bigint / x.count
)
SELECT q.* FROM looked_into AS o CROSS JOIN LATERAL (
  SELECT h.home_id, h.code AS home, b.code AS building, h.unit, h.riser, h.floor, h.exposure, n.celsius
  FROM building AS b
  JOIN home AS h USING (building_id)
"""
    + _MEASURED_NOW
    + """  WHERE b.building_id = o.building_id
    AND (n.celsius IS NOT NULL OR h.home_id IN (SELECT home_id FROM own))
    AND 'on' = (
      SELECT x.status FROM home_status AS x WHERE x.home_id = h.home_id AND x.since <= %(now)s
      ORDER BY x.since DESC LIMIT 1
    )
  ORDER BY h.code LIMIT o.most
) AS q
ORDER BY q.home
"""
)
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


def around(conn: Connection, homes: Collection[str], others: int, now: datetime) -> list[PlacedHome]:
    """Return homes, as far as they have had a sensor and can be reached, and heated ones around them that are measured.

    Args:
        others: about how many homes of other buildings of their substation; fewer where fewer are measured.
    """
    wanted = {"homes": list(homes), "others": others, "buildings": MOST_BUILDINGS, "now": now}
    with conn.cursor(row_factory=class_row(PlacedHome)) as cur:
        return cur.execute(SELECT_AROUND, wanted).fetchall() if homes else []


def substations(conn: Connection) -> list[NamedSubstation]:
    """Return the substations that have homes which can be reached, by code."""
    with conn.cursor(row_factory=class_row(NamedSubstation)) as cur:
        return cur.execute(SELECT_SUBSTATIONS).fetchall()


def due(conn: Connection, substation: str) -> dict[str, datetime]:
    """Return the homes of a substation for which a measurement on site is due some day, and until when."""
    return dict(conn.execute(SELECT_DUE, {"substation": substation}).fetchall())

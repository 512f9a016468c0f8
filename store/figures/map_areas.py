"""Layers of a map beside its buildings: areas of incidents and outages, and open tickets."""

from typing import Any, LiteralString

from psycopg import Connection

from store.base.access import Scope
from store.base.rows import Row, fetch

SELECT_AREAS: LiteralString = """
SELECT
  a.area, a.state, a.number, a.name, a.since, a.homes,
  ARRAY(SELECT p[0] FROM unnest(a.outline) AS p) AS lon, ARRAY(SELECT p[1] FROM unnest(a.outline) AS p) AS lat
FROM area_open AS a
WHERE (%(everywhere)s OR %(own_station)s = ANY (a.stations)) AND a.outline IS NOT NULL
ORDER BY a.area DESC, a.number
"""
SELECT_TICKETS: LiteralString = """
SELECT b.code AS building, count(*) AS tickets, min(t.number) AS first
FROM ticket AS t
LEFT JOIN home AS h USING (home_id)
JOIN building AS b ON b.building_id = coalesce(h.building_id, t.building_id)
WHERE t.state <> 'closed' AND (%(everywhere)s OR t.station = %(own_station)s)
GROUP BY b.code
"""


def areas(conn: Connection, scope: Scope) -> list[Row]:
    """Return the areas of open incidents and outages, as lists of longitudes and latitudes."""
    return fetch(conn, SELECT_AREAS, scope.parameters())


def tickets(conn: Connection, scope: Scope) -> dict[str, Row]:
    """Return by building how many tickets are open, and the number of the first."""
    rows: list[dict[str, Any]] = fetch(conn, SELECT_TICKETS, scope.parameters())
    return {row["building"]: row for row in rows}

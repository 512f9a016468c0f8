"""Layers of a map beside its buildings: areas of incidents and outages, and open tickets."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

from psycopg import Connection

from store.base.access import Scope
from store.base.place_joins import place_of
from store.base.rows import Row, fetch
from store.tickets.ticket_pages import TICKET_IN_SCOPE

SELECT_AREAS: LiteralString = """
SELECT
  a.area, a.state, a.number, a.name, a.since, a.homes,
  ARRAY(SELECT p[0] FROM unnest(a.outline) AS p) AS lon, ARRAY(SELECT p[1] FROM unnest(a.outline) AS p) AS lat
FROM area_open AS a
WHERE (%(everywhere)s OR %(own_station)s = ANY (a.stations)) AND a.outline IS NOT NULL
ORDER BY a.area DESC, a.number
"""
# By building; what is the matter at a substation itself stands there.
SELECT_JOBS: LiteralString = (
    """
SELECT
  b.code AS building, u.code AS substation, u.name, u.lon, u.lat, count(*) AS tickets,
  count(*) FILTER (WHERE t.state IN ('accepted', 'working')) AS underway, min(t.number) AS first
FROM ticket AS t
"""
    + place_of("t")
    + """
WHERE t.state <> 'closed' AND u.substation_id IS NOT NULL AND """
    + TICKET_IN_SCOPE
    + """
GROUP BY b.code, u.substation_id
"""
)
# The tickets that a crew may be sent for. A complaint is about somebody, and is answered by the desk.
SELECT_TICKETS_AT: LiteralString = (
    """
SELECT
  t.number, t.class, t.state, t.station, t.responsible, t.opened_at, b.code AS building, b.name AS building_name,
  h.unit, (SELECT max(e.seq) FROM ticket_event AS e WHERE e.ticket_id = t.ticket_id) AS version
FROM ticket AS t
"""
    + place_of("t")
    + """
WHERE t.state <> 'closed' AND t.class NOT IN ('complaint', 'report')
  AND b.code = ANY (%(buildings)s::text[]) AND """
    + TICKET_IN_SCOPE
    + """
ORDER BY t.priority, t.opened_at, t.ticket_id
LIMIT %(limit)s
"""
)
# From the tables: the view home_now has its owner's rights and would bypass row-level security.
SELECT_HOMES_AT: LiteralString = """
SELECT
  h.code, h.unit, b.code AS building, b.name AS building_name, state_name(st.state) AS state, n.celsius AS temperature,
  (SELECT min(t.number) FROM ticket AS t WHERE t.home_id = h.home_id AND t.state <> 'closed') AS ticket
FROM home AS h
JOIN building AS b USING (building_id)
JOIN home_state AS st USING (home_id)
LEFT JOIN LATERAL (
  SELECT x.celsius FROM sensor_now AS x WHERE x.home_id = h.home_id AND x.expires_at > %(now)s
  ORDER BY x.celsius LIMIT 1
) AS n ON true
WHERE b.code = ANY (%(buildings)s::text[])
ORDER BY array_position('{severe,cold,unknown}', state_name(st.state)) NULLS LAST, n.celsius NULLS LAST, h.home_id
LIMIT %(limit)s
"""


def areas(conn: Connection, scope: Scope) -> list[Row]:
    """Return the areas of open incidents and outages, as lists of longitudes and latitudes."""
    return fetch(conn, SELECT_AREAS, scope.parameters())


def jobs(conn: Connection, scope: Scope) -> list[Row]:
    """Return by place how many tickets are open, how many of them somebody works on, and the number of the first."""
    return fetch(conn, SELECT_JOBS, scope.parameters())


def tickets_at(conn: Connection, scope: Scope, buildings: Sequence[str], limit: int) -> list[Row]:
    """Return open tickets of buildings, the most urgent first, with the `seq` of their last events."""
    asked = {"buildings": list(buildings), "limit": limit}
    return fetch(conn, SELECT_TICKETS_AT, {**scope.parameters(), **asked})


def homes_at(conn: Connection, buildings: Sequence[str], now: datetime, limit: int) -> list[Row]:
    """Return the homes of buildings, the coldest first."""
    return fetch(conn, SELECT_HOMES_AT, {"buildings": list(buildings), "now": now, "limit": limit})

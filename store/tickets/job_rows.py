"""The jobs of a crew: the tickets on which work is to be done, those of one person first, by the time left."""

from typing import LiteralString

from psycopg import Connection

from store.base.access import Scope
from store.base.place_joins import place_of
from store.base.rows import Row, fetch
from store.tickets.ticket_pages import TICKET_IN_SCOPE

# The page first: the way up to the station is then gone for so many tickets as are shown, not for all of a station.
SELECT_JOBS: LiteralString = (
    """
WITH page AS MATERIALIZED (
  SELECT t.ticket_id, coalesce(t.responsible = %(me)s, false) AS mine, n.clock, n.due_at
  FROM ticket AS t
  LEFT JOIN ticket_next AS n USING (ticket_id)
  WHERE t.state IN ('open', 'accepted', 'working') AND """
    + TICKET_IN_SCOPE
    + """
  ORDER BY mine DESC, n.due_at NULLS LAST, t.priority, t.ticket_id
  LIMIT %(limit)s
)
SELECT
  t.number, t.class, t.state, t.priority, t.responsible, t.appointment_at, p.mine, h.code AS home, h.unit,
  b.name AS building_name, b.address, u.name AS substation_name, p.clock, p.due_at
FROM page AS p
JOIN ticket AS t USING (ticket_id)
"""
    + place_of("t")
    + "ORDER BY p.mine DESC, p.due_at NULLS LAST, t.priority, t.ticket_id"
)

SELECT_COORDINATES: LiteralString = (
    """
SELECT
  CASE WHEN b.building_id IS NULL THEN u.lat ELSE b.lat END AS lat,
  CASE WHEN b.building_id IS NULL THEN u.lon ELSE b.lon END AS lon
FROM ticket AS t
"""
    + place_of("t")
    + "WHERE t.ticket_id = %(ticket)s"
)


def jobs(conn: Connection, scope: Scope, me: str, limit: int) -> list[Row]:
    """Return the tickets in scope that are to be worked on; `mine`: the responsible person has the name `me`."""
    return fetch(conn, SELECT_JOBS, {**scope.parameters(), "me": me, "limit": limit})


def coordinates(conn: Connection, ticket: int) -> Row:
    """Return `lat` and `lon` of a ticket's building, or else of its substation; both may be None."""
    return fetch(conn, SELECT_COORDINATES, {"ticket": ticket})[0]

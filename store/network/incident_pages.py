"""Incident queries of the API, for dispatchers, crews and supervisors: newest first, paged."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import LiteralString

from psycopg import Connection

from store.base.access import Scope
from store.base.rows import Row, fetch

_INCIDENTS: LiteralString = """
SELECT
  i.incident_id, i.number, i.kind, k.state, coalesce(b.name, u.name) AS place, u.code AS substation,
  b.code AS building, i.riser, i.station, i.opened_at, i.recovering_since, i.closed_at, i.close_reason,
  into_one.number AS merged_into, t.number AS ticket, i.why, c.homes, c.still_cold
FROM incident AS i
JOIN substation AS u USING (substation_id)
LEFT JOIN building AS b ON b.building_id = i.building_id
LEFT JOIN incident AS into_one ON into_one.incident_id = i.merged_into
LEFT JOIN ticket AS t ON t.ticket_id = i.ticket_id
CROSS JOIN LATERAL (SELECT CASE WHEN i.closed_at IS NULL THEN 'open' ELSE 'closed' END AS state) AS k
CROSS JOIN LATERAL (
  SELECT count(*) AS homes, count(f.flag_id) AS still_cold
  FROM incident_ticket AS p
  LEFT JOIN flag AS f ON f.ticket_id = p.ticket_id AND f.cleared_at IS NULL AND p.left_at IS NULL
  WHERE p.incident_id = i.incident_id
) AS c
WHERE (%(everywhere)s OR i.station = %(own_station)s)
"""
SELECT_INCIDENTS: LiteralString = (
    _INCIDENTS
    + """
  AND k.state = ANY (%(states)s::text[])
  -- says nothing new, but lets the few that are open be found by their index
  AND ('closed' = ANY (%(states)s::text[]) OR i.closed_at IS NULL)
  AND (%(number)s::text IS NULL OR i.number = %(number)s)
  AND (%(station)s::text IS NULL OR i.station = %(station)s)
  AND (%(before)s::bigint IS NULL OR i.incident_id < %(before)s)
ORDER BY i.incident_id DESC
LIMIT %(limit)s
"""
)
SELECT_INCIDENTS_OF: LiteralString = (
    _INCIDENTS
    + """
  AND i.incident_id = ANY (%(incidents)s::bigint[])
"""
)
# Those that may explain what is wrong in a home: of its riser, its building or its substation.
SELECT_INCIDENTS_AT: LiteralString = (
    _INCIDENTS
    + """
  AND i.closed_at IS NULL AND EXISTS (
    SELECT FROM home AS h JOIN building AS hb USING (building_id)
    WHERE h.home_id = %(home_id)s AND hb.substation_id = i.substation_id
      AND (i.building_id IS NULL OR i.building_id = h.building_id) AND (i.riser IS NULL OR i.riser = h.riser)
  )
ORDER BY i.incident_id DESC
"""
)
SELECT_PARTS = """
SELECT
  t.ticket_id, t.number AS ticket, t.state, h.code AS home, p.joined_at, p.left_at, p.left_reason, p.dispatched_at,
  f.flag_id IS NOT NULL AS cold
FROM incident AS i
JOIN incident_ticket AS p USING (incident_id)
JOIN ticket AS t ON t.ticket_id = p.ticket_id
JOIN home AS h USING (home_id)
LEFT JOIN flag AS f ON f.ticket_id = t.ticket_id AND f.cleared_at IS NULL
WHERE i.number = %(number)s AND (%(everywhere)s OR i.station = %(own_station)s)
  AND (%(before)s::bigint IS NULL OR t.ticket_id < %(before)s)
ORDER BY t.ticket_id DESC
LIMIT %(limit)s
"""
# Its homes that are cold now, some of them from all over it, and the same ones at each look.
SELECT_SOME_COLD = """
SELECT h.code
FROM incident AS i
JOIN incident_ticket AS p USING (incident_id)
JOIN ticket AS t ON t.ticket_id = p.ticket_id
JOIN home AS h USING (home_id)
WHERE i.number = %(number)s AND (%(everywhere)s OR i.station = %(own_station)s) AND p.left_at IS NULL
  AND EXISTS (SELECT FROM flag AS f WHERE f.ticket_id = t.ticket_id AND f.cleared_at IS NULL)
ORDER BY md5(h.code)
LIMIT %(limit)s
"""
STATES = ("open", "closed")


@dataclass(frozen=True, kw_only=True)
class IncidentFilter:
    """Filter for incidents; None: any."""

    states: Sequence[str] = STATES
    number: str | None = None
    station: str | None = None


def incidents(
    conn: Connection, scope: Scope, wanted: IncidentFilter, *, before: int | None = None, limit: int
) -> list[Row]:
    """Return incidents in scope with an incident_id below `before`, newest first."""
    values = {**scope.parameters(), **asdict(wanted), "states": list(wanted.states)}
    return fetch(conn, SELECT_INCIDENTS, {**values, "before": before, "limit": limit})


def incidents_of(conn: Connection, scope: Scope, wanted: Sequence[int]) -> list[Row]:
    """Return those of the incidents that are in scope."""
    return fetch(conn, SELECT_INCIDENTS_OF, {**scope.parameters(), "incidents": list(wanted)})


def open_at(conn: Connection, scope: Scope, home_id: int) -> list[Row]:
    """Return the open incidents in scope that a home lies in."""
    return fetch(conn, SELECT_INCIDENTS_AT, {**scope.parameters(), "home_id": home_id})


def incident(conn: Connection, scope: Scope, number: str) -> Row | None:
    """Return an incident by its number; None: none in scope."""
    found = incidents(conn, scope, IncidentFilter(number=number), limit=1)
    return found[0] if found else None


def parts(conn: Connection, scope: Scope, number: str, *, before: int | None = None, limit: int) -> list[Row]:
    """Return the present and past child homes of an incident, with tickets; with a ticket_id below `before`."""
    return fetch(conn, SELECT_PARTS, {**scope.parameters(), "number": number, "before": before, "limit": limit})


def some_cold(conn: Connection, scope: Scope, number: str, most: int) -> list[str]:
    """Return codes of homes of an incident that are cold now, spread over all of them."""
    rows = conn.execute(SELECT_SOME_COLD, {**scope.parameters(), "number": number, "limit": most}).fetchall()
    return [row[0] for row in rows]

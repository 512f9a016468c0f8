"""A home's current state."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import dict_row

from store.base import access
from store.base.access import IN_SCOPE, Scope
from store.base.rows import Row, fetch

# Like home_now, but from the tables: the view has its owner's rights and would bypass row-level security.
_HOMES: LiteralString = """
SELECT
  h.home_id, h.code, u.building, u.station, h.class, coalesce(s.status, 'stopped') AS heat_status,
  n.celsius AS temperature, n.judged_at AS measured_at, state_name(st.state) AS state,
  (SELECT f.flag_id FROM flag AS f WHERE f.home_id = h.home_id AND f.cleared_at IS NULL) AS flag_id
FROM home AS h
JOIN building_place AS u USING (building_id)
JOIN home_state AS st USING (home_id)
LEFT JOIN LATERAL (
  SELECT x.status FROM home_status AS x
  WHERE x.home_id = h.home_id AND x.since <= now()
  ORDER BY x.since DESC LIMIT 1
) AS s ON true
LEFT JOIN LATERAL (
  SELECT x.celsius, x.judged_at FROM sensor_now AS x
  WHERE x.home_id = h.home_id AND x.expires_at > now()
  ORDER BY x.celsius LIMIT 1
) AS n ON true
"""
SELECT_HOME: LiteralString = _HOMES + "WHERE h.code = %(code)s AND " + IN_SCOPE
SELECT_HOMES: LiteralString = _HOMES + "WHERE h.home_id = ANY (%(homes)s::integer[]) AND " + IN_SCOPE
SELECT_HOME_ID: LiteralString = (
    """
SELECT h.home_id
FROM home AS h
JOIN building_place AS u USING (building_id)
WHERE h.code = %(code)s AND """
    + IN_SCOPE
)
SELECT_REACHED: LiteralString = (
    """
SELECT h.home_id, h.code, h.unit, u.building_name AS building, u.address, u.station
FROM home AS h
JOIN building_place AS u USING (building_id)
WHERE """
    + IN_SCOPE
    + """
ORDER BY h.code
LIMIT %(limit)s
"""
)
# The last value of each judged room, even if it is no longer held.
SELECT_ROOMS = """
SELECT p.room, p.room_kind, n.celsius, n.judged_at, n.expires_at > %(now)s AS holds
FROM sensor_now AS n
JOIN point AS p USING (sensor_id)
WHERE n.home_id = %(home_id)s AND p.home_id = n.home_id AND n.judged_at IS NOT NULL
  AND (p.valid_from IS NULL OR p.valid_from <= %(now)s) AND (p.valid_to IS NULL OR p.valid_to > %(now)s)
ORDER BY n.celsius, p.room
"""


def find(conn: Connection, scope: Scope, code: str) -> Row | None:
    """Return a home with its temperature (°C, of its coldest judged room), state and open flag; None: none in scope."""
    found = fetch(conn, SELECT_HOME, {**scope.parameters(), "code": code})
    return found[0] if found else None


def find_each(conn: Connection, asked: Sequence[tuple[Scope, str]]) -> list[Row | None]:
    """Return homes, each as one caller reaches it, with one round trip; afterwards the last scope is entered."""
    cursors = []
    with conn.pipeline():
        for scope, code in asked:
            access.enter(conn, scope)
            cursor = conn.cursor(row_factory=dict_row)
            cursors.append(cursor.execute(SELECT_HOME, {**scope.parameters(), "code": code}))
    return [cursor.fetchone() for cursor in cursors]


def now(conn: Connection, scope: Scope, home_ids: Sequence[int]) -> list[Row]:
    """Return those of the homes that are in scope, in the form of `find`."""
    return fetch(conn, SELECT_HOMES, {**scope.parameters(), "homes": list(home_ids)})


def id_of(conn: Connection, scope: Scope, code: str) -> int | None:
    """Return the key of a home; None: none in scope."""
    found = fetch(conn, SELECT_HOME_ID, {**scope.parameters(), "code": code})
    return found[0]["home_id"] if found else None


def reached(conn: Connection, scope: Scope, limit: int) -> list[Row]:
    """Return the homes in scope with their location, by code."""
    return fetch(conn, SELECT_REACHED, {**scope.parameters(), "limit": limit})


def rooms(conn: Connection, home_id: int, now: datetime) -> list[Row]:
    """Return the last values (°C) of the judged rooms of a home, coldest first, and whether each is still held."""
    return fetch(conn, SELECT_ROOMS, {"home_id": home_id, "now": now})

"""A home as it is now."""

from typing import LiteralString

from psycopg import Connection

from store.access import IN_SCOPE, Scope
from store.rows import Row, fetch

# As home_now, from the tables themselves: the view has its owner's rights, and would go around row-level security.
SELECT_HOME: LiteralString = (
    """
SELECT
  h.home_id, h.code, b.code AS building, h.class, coalesce(s.status, 'stopped') AS heat_status,
  n.celsius AS temperature, n.judged_at AS measured_at, state_name(st.state) AS state
FROM home AS h
JOIN building AS b USING (building_id)
JOIN substation AS u USING (substation_id)
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
WHERE h.code = %(code)s AND """
    + IN_SCOPE
)
SELECT_HOME_ID: LiteralString = (
    """
SELECT h.home_id
FROM home AS h
JOIN building AS b USING (building_id)
JOIN substation AS u USING (substation_id)
WHERE h.code = %(code)s AND """
    + IN_SCOPE
)


def find(conn: Connection, scope: Scope, code: str) -> Row | None:
    """A home with its temperature (°C, of its coldest judged room) and state; None if none is in scope."""
    found = fetch(conn, SELECT_HOME, {**scope.parameters(), "code": code})
    return found[0] if found else None


def id_of(conn: Connection, scope: Scope, code: str) -> int | None:
    """The key of a home; None if there is none in scope."""
    found = fetch(conn, SELECT_HOME_ID, {**scope.parameters(), "code": code})
    return found[0]["home_id"] if found else None

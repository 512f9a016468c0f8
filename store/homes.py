"""A home as it is now."""

from typing import LiteralString

from psycopg import Connection

from store.access import IN_SCOPE, Scope
from store.rows import Row, fetch

SELECT_HOME: LiteralString = (
    """
SELECT h.home_id, h.code, h.building, h.class, h.heat_status, h.temperature, h.measured_at, h.state
FROM home_now AS h
JOIN substation AS u USING (substation_id)
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

"""A home's current state."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

from psycopg import Connection

from store.base import many_callers, wire
from store.base.access import IN_SCOPE, Scope
from store.base.rows import Row, fetch

_HOMES: LiteralString = """
SELECT
  h.home_id, h.code, h.building, h.building_name, h.address, h.unit, h.station, h.class, h.heat_status, h.temperature,
  h.measured_at, h.state, h.flag_id
FROM home_told AS h
"""
_TOLD_IN_SCOPE: LiteralString = (
    "(%(everywhere)s OR h.station = %(own_station)s OR h.home_id = ANY (%(own_homes)s::integer[]))"
)
SELECT_HOME: LiteralString = _HOMES + "WHERE h.code = %(code)s AND " + _TOLD_IN_SCOPE
SELECT_HOMES: LiteralString = _HOMES + "WHERE h.home_id = ANY (%(homes)s::integer[]) AND " + _TOLD_IN_SCOPE
SELECT_EACH = """
SELECT t.nth, (t.home).*
FROM tell_homes(
  %(asked)s::text[], %(everywhere)s::text[], %(station)s::text[], %(homes)s::text[], %(since)s::text[], %(days)s::text[]
) AS t
"""
SELECT_HOME_ID: LiteralString = (
    """
SELECT h.home_id
FROM home AS h
JOIN building_place AS u USING (building_id)
WHERE h.code = %(code)s AND """
    + IN_SCOPE
)
SELECT_OF_BUILDING: LiteralString = (
    """
SELECT h.home_id
FROM home AS h
JOIN building AS b USING (building_id)
JOIN building_place AS u USING (building_id)
WHERE b.code = %(code)s AND """
    + IN_SCOPE
    + " ORDER BY h.home_id"
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
    """Return a home with its place, temperature (°C, of its coldest judged room), state and open flag.

    None: none in scope.
    """
    found = fetch(conn, SELECT_HOME, {**scope.parameters(), "code": code})
    return found[0] if found else None


def find_each(conn: Connection, asked: Sequence[tuple[Scope, str]]) -> list[Row | None]:
    """Return homes, each as one caller reaches it, with one statement; afterwards the last scope is entered.

    The transaction is in the API's role already.
    """
    if not asked:
        return []
    scopes = many_callers.columns([scope for scope, _ in asked])
    rows = fetch(conn, SELECT_EACH, {**scopes, "asked": wire.array(code for _, code in asked)})
    found = {row.pop("nth"): row for row in rows}
    return [found.get(nth) for nth, _ in enumerate(asked, 1)]


def now(conn: Connection, scope: Scope, home_ids: Sequence[int]) -> list[Row]:
    """Return those of the homes that are in scope, in the form of `find`."""
    return fetch(conn, SELECT_HOMES, {**scope.parameters(), "homes": list(home_ids)})


def id_of(conn: Connection, scope: Scope, code: str) -> int | None:
    """Return the key of a home; None: none in scope."""
    found = fetch(conn, SELECT_HOME_ID, {**scope.parameters(), "code": code})
    return found[0]["home_id"] if found else None


def of_building(conn: Connection, scope: Scope, code: str) -> list[int]:
    """Return the keys of the homes of a building that are in scope."""
    return [row["home_id"] for row in fetch(conn, SELECT_OF_BUILDING, {**scope.parameters(), "code": code})]


def reached(conn: Connection, scope: Scope, limit: int) -> list[Row]:
    """Return the homes in scope with their location, by code."""
    return fetch(conn, SELECT_REACHED, {**scope.parameters(), "limit": limit})


def rooms(conn: Connection, home_id: int, now: datetime) -> list[Row]:
    """Return the last values (°C) of the judged rooms of a home, coldest first, and whether each is still held."""
    return fetch(conn, SELECT_ROOMS, {"home_id": home_id, "now": now})

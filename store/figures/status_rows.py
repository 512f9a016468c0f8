"""What everybody may know: where there is no heat, and how many homes are warm in each part of the network."""

from psycopg import Connection

from store.base.rows import Row, fetch

SELECT_OUTAGES = """
SELECT o.number, o.kind, o.stops_heating, o.begins_at, o.expected_end, o.place, o.name, o.place_kind
FROM outage_public AS o
ORDER BY o.begins_at, o.number, o.place_kind, o.place
"""
SELECT_AREAS = """
SELECT
  u.code, u.name, sum(b.compliant)::bigint AS warm, sum(b.cold + b.severe)::bigint AS cold,
  sum(b.unknown)::bigint AS unknown
FROM building_now AS b
JOIN substation AS u ON u.code = b.substation
GROUP BY u.code, u.name
ORDER BY u.code
"""


def outages(conn: Connection) -> list[Row]:
    """Places of the outages that everybody may know of, one for each row, in the order in which they begin."""
    return fetch(conn, SELECT_OUTAGES, {})


def areas(conn: Connection) -> list[Row]:
    """The judged homes behind each substation, counted by how they are: not to be shown one by one (domain.crowd)."""
    return fetch(conn, SELECT_AREAS, {})

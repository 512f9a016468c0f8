"""Public status: current outages, and counts of warm homes per part of the network."""

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
    """Return the places of public outages, one per row, by their begin."""
    return fetch(conn, SELECT_OUTAGES, {})


def areas(conn: Connection) -> list[Row]:
    """Count the judged homes of each substation by state. Raw counts, not to be published as is (domain.crowd)."""
    return fetch(conn, SELECT_AREAS, {})

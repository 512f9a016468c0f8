"""Ledger days as people read them."""

from datetime import date

from psycopg import Connection

from store.rows import Row, fetch

# float8 holds seconds of a day to the microsecond, and is written with no more digits than they have.
SELECT_DAYS = """
SELECT
  l.day, l.compliant_s::float8, l.cold_s::float8, l.severe_s::float8, l.unknown_s::float8, l.not_judged_s::float8,
  l.shortfall_s::float8, l.min, l.mean::float8, l.kelvin_hours::float8, l.policy, l.closed
FROM ledger_day AS l
WHERE l.home_id = %(home_id)s AND l.day >= %(start)s AND l.day < %(end)s
  AND (%(after)s::date IS NULL OR l.day > %(after)s)
ORDER BY l.day
LIMIT %(limit)s
"""


def days(conn: Connection, home_id: int, start: date, end: date, *, after: date | None, limit: int) -> list[Row]:
    """The ledger days of a home in [start, end), in order, from behind the day `after` on: s, °C, K·h."""
    values = {"home_id": home_id, "start": start, "end": end, "after": after, "limit": limit}
    return fetch(conn, SELECT_DAYS, values)

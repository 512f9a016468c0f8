"""Ledger days for API answers."""

from datetime import date

from psycopg import Connection

from store.base.rows import Row, fetch

# Like ledger_day, but from the table: the view has its owner's rights and would bypass row-level security.
# float8 represents the seconds of a day to the microsecond, and prints no excess digits.
SELECT_DAYS = """
SELECT
  l.day, (l.compliant_us / 1e6)::float8 AS compliant_s, (l.cold_us / 1e6)::float8 AS cold_s,
  (l.severe_us / 1e6)::float8 AS severe_s, (l.unknown_us / 1e6)::float8 AS unknown_s,
  (l.not_judged_us / 1e6)::float8 AS not_judged_s, (l.shortfall_us / 1e6)::float8 AS shortfall_s, l.lowest AS min,
  (l.heat / 1e3 / nullif(l.compliant_us + l.cold_us + l.severe_us, 0))::float8 AS mean,
  (l.deficit / 3.6e12)::float8 AS kelvin_hours, l.policy, l.closed
FROM ledger AS l
WHERE l.home_id = %(home_id)s AND l.day >= %(start)s AND l.day < %(end)s
  AND (%(after)s::date IS NULL OR l.day > %(after)s)
ORDER BY l.day
LIMIT %(limit)s
"""
SELECT_FIRST = "SELECT min(day) FROM ledger"


def first_day(conn: Connection) -> date | None:
    """Return the first day of the ledger; None: no home was judged on any."""
    row = conn.execute(SELECT_FIRST).fetchone()
    return row[0] if row else None


def days(conn: Connection, home_id: int, start: date, end: date, *, after: date | None, limit: int) -> list[Row]:
    """Return the ledger days of a home in [start, end), in order, from behind the day `after` on: s, °C, K·h."""
    values = {"home_id": home_id, "start": start, "end": end, "after": after, "limit": limit}
    return fetch(conn, SELECT_DAYS, values)

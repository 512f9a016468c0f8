"""The record that judging leaves, as one digest: two engines that judge alike leave the same."""

from collections.abc import Iterator
from datetime import date
from hashlib import sha256

from psycopg import Connection

# Numbers of flags and tickets, and when a row was written, tell who judged first, not how.
LEDGER = """
SELECT (
  l.home_id, l.day, l.compliant_us, l.cold_us, l.severe_us, l.unknown_us, l.not_judged_us, l.shortfall_us, l.heat,
  l.deficit, l.lowest, l.policy, l.closed, l.machine
)::text
FROM ledger AS l WHERE l.day < %(before)s ORDER BY l.home_id, l.day
"""
FLAGS = """
SELECT (
  f.home_id, f.severity, f.cold_since, f.confirmed_at, f.severe_at, f.suspended_at, f.cleared_at, f.clear_reason,
  f.lowest
)::text
FROM flag AS f
WHERE f.cold_since < %(before)s AND f.clear_reason IS DISTINCT FROM 'withdrawn'
ORDER BY f.home_id, f.cold_since, f.confirmed_at
"""


def digest(conn: Connection, before: date) -> str:
    """Return the SHA-256 of the sorted rows of the ledger and of the flags that began before a day."""
    hashed = sha256()
    for row in _rows(conn, before):
        hashed.update(row.encode() + b"\n")
    return hashed.hexdigest()


def _rows(conn: Connection, before: date) -> Iterator[str]:
    for statement in (LEDGER, FLAGS):
        with conn.transaction(), conn.cursor("records") as cur:
            cur.execute(statement, {"before": before})
            yield from (row[0] for row in cur)

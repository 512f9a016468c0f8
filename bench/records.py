"""The record that judging leaves, as one digest: two engines that judge alike leave the same."""

from datetime import date
from hashlib import sha256

from psycopg import Connection

# Numbers of flags and tickets, and when a row was written, tell who judged first, not how.
LEDGER = """
COPY (
  SELECT home_id, day, compliant_us, cold_us, severe_us, unknown_us, not_judged_us, shortfall_us, heat, deficit, lowest,
    policy, closed, machine
  FROM ledger WHERE day < %s ORDER BY home_id, day
) TO STDOUT
"""
FLAGS = """
COPY (
  SELECT home_id, severity, cold_since, confirmed_at, severe_at, suspended_at, cleared_at, clear_reason, lowest,
    limit_celsius, policy, source
  FROM flag WHERE cold_since < %s AND clear_reason IS DISTINCT FROM 'withdrawn'
  ORDER BY home_id, cold_since
) TO STDOUT
"""


def digest(conn: Connection, before: date) -> str:
    """Return the SHA-256 of the sorted rows of the ledger and of the flags that began before a day."""
    hashed = sha256()
    with conn.cursor() as cur:
        for statement in (LEDGER, FLAGS):
            with cur.copy(statement, [before]) as copy:
                for block in copy:
                    hashed.update(block)
    return hashed.hexdigest()

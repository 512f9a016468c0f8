"""Flags: one open at most for a home, each with its ticket."""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

RESERVE = "SELECT nextval(pg_get_serial_sequence('flag', 'flag_id')) FROM generate_series(1, %(count)s)"
INSERT = """
INSERT INTO flag (
  flag_id, home_id, severity, cold_since, confirmed_at, raised_at, severe_at, suspended_at, cleared_at, clear_reason,
  lowest, limit_celsius, policy, why, ticket_id
)
OVERRIDING SYSTEM VALUE
SELECT
  flag_id, home_id, severity, cold_since, confirmed_at, raised_at, severe_at, suspended_at, cleared_at, clear_reason,
  lowest, limit_celsius, policy, why, ticket_id
FROM jsonb_to_recordset(%(flags)s) AS x (
  flag_id bigint, home_id integer, severity smallint, cold_since timestamptz, confirmed_at timestamptz,
  raised_at timestamptz, severe_at timestamptz, suspended_at timestamptz, cleared_at timestamptz, clear_reason text,
  lowest real, limit_celsius real, policy text, why jsonb, ticket_id bigint
)
ORDER BY home_id, cold_since
"""
UPDATE = """
UPDATE flag AS f
SET
  severity = x.severity, severe_at = x.severe_at, suspended_at = x.suspended_at, cleared_at = x.cleared_at,
  clear_reason = x.clear_reason, lowest = x.lowest, limit_celsius = x.limit_celsius
FROM jsonb_to_recordset(%(flags)s) AS x (
  flag_id bigint, severity smallint, severe_at timestamptz, suspended_at timestamptz, cleared_at timestamptz,
  clear_reason text, lowest real, limit_celsius real
)
WHERE f.flag_id = x.flag_id
RETURNING f.flag_id, f.ticket_id
"""


def reserve(conn: Connection, count: int) -> list[int]:
    """Numbers for new flags."""
    return [row[0] for row in conn.execute(RESERVE, {"count": count}).fetchall()]


def insert(conn: Connection, flags: Sequence[dict[str, Any]]) -> None:
    """Store new flags: mappings of the table's columns, instants as RFC 3339 text."""
    conn.execute(INSERT, {"flags": Jsonb(list(flags))})


def update(conn: Connection, flags: Sequence[dict[str, Any]]) -> dict[int, int]:
    """Bring open flags up to date; returns the ticket of each flag."""
    return dict(conn.execute(UPDATE, {"flags": Jsonb(list(flags))}).fetchall())

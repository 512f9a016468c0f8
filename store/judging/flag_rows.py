"""Flags: one open at most for a home, each with its ticket."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from store.base import wire

INSERT = """
INSERT INTO flag (
  flag_id, home_id, severity, cold_since, confirmed_at, raised_at, severe_at, suspended_at, cleared_at, clear_reason,
  lowest, limit_celsius, policy, why, ticket_id, source
)
SELECT
  flag_id, home_id, severity, cold_since, confirmed_at, raised_at, severe_at, suspended_at, cleared_at, clear_reason,
  lowest, limit_celsius, policy, why, ticket_id, source
FROM jsonb_to_recordset(%(flags)s) AS x (
  flag_id bigint, home_id integer, severity smallint, cold_since timestamptz, confirmed_at timestamptz,
  raised_at timestamptz, severe_at timestamptz, suspended_at timestamptz, cleared_at timestamptz, clear_reason text,
  lowest real, limit_celsius real, policy text, why jsonb, ticket_id bigint, source text
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


def insert(conn: Connection, flags: Sequence[dict[str, Any]]) -> None:
    """Store new flags: mappings of the table's columns, instants as RFC 3339 text."""
    # Why a flag was raised is long, and there may be thousands.
    conn.execute(INSERT, {"flags": Jsonb(list(flags), dumps=msgspec.json.encode)})


def update(conn: Connection, flags: Sequence[dict[str, Any]]) -> dict[int, int]:
    """Bring open flags up to date; returns the ticket of each flag."""
    return dict(conn.execute(UPDATE, {"flags": Jsonb(list(flags))}).fetchall())


SELECT_SINCE = """
SELECT
  flag_id, home_id, severity, cold_since, confirmed_at, severe_at, suspended_at, cleared_at, clear_reason, lowest,
  limit_celsius, ticket_id
FROM flag
WHERE home_id = ANY(%(homes)s) AND source = 'sensor' AND clear_reason IS DISTINCT FROM 'withdrawn'
  AND (cleared_at IS NULL OR cleared_at >= %(since)s)
ORDER BY home_id, cold_since
"""
WITHDRAW = """
UPDATE flag SET cleared_at = coalesce(cleared_at, %(now)s), clear_reason = 'withdrawn', suspended_at = NULL
WHERE flag_id = ANY(%(flags)s)
"""
MOVE = """
UPDATE flag AS f SET cold_since = x.cold_since, confirmed_at = x.confirmed_at, policy = x.policy, why = x.why
FROM jsonb_to_recordset(%(flags)s) AS x (
  flag_id bigint, cold_since timestamptz, confirmed_at timestamptz, policy text, why jsonb
)
WHERE f.flag_id = x.flag_id
"""

GIVE_TICKETS = """
UPDATE flag AS f SET ticket_id = x.ticket_id
FROM unnest(%(flags)s::bigint[], %(tickets)s::bigint[]) AS x (flag_id, ticket_id)
WHERE f.flag_id = x.flag_id
"""
# What a measurement said goes on as what the sensors say; the flag of the measurement had its time until then.
TAKE_OVER = """
UPDATE flag SET cleared_at = %(now)s, clear_reason = 'taken_over'
WHERE home_id = ANY(%(homes)s) AND source = 'measurement' AND cleared_at IS NULL
RETURNING flag_id, ticket_id
"""


class FlagRow(NamedTuple):
    """A flag as it is stored."""

    flag_id: int
    home_id: int
    severity: int
    cold_since: datetime
    confirmed_at: datetime
    severe_at: datetime | None
    suspended_at: datetime | None
    cleared_at: datetime | None
    clear_reason: str | None
    lowest: float
    limit_celsius: float
    ticket_id: int


def since(conn: Connection, homes: list[int], start: datetime) -> list[FlagRow]:
    """Return flags of the sensors that had not ended before an instant, by home and time, without withdrawn ones."""
    with conn.cursor(row_factory=class_row(FlagRow)) as cur:
        return cur.execute(SELECT_SINCE, {"homes": wire.ids(homes), "since": start}).fetchall()


def withdraw(conn: Connection, flags: list[int], now: datetime) -> None:
    """End flags whose cause has gone; they stay on record."""
    conn.execute(WITHDRAW, {"flags": flags, "now": now})


def move(conn: Connection, flags: Sequence[dict[str, Any]]) -> None:
    """Correct when flags began, and with it by which rules and why."""
    conn.execute(MOVE, {"flags": Jsonb(list(flags))})


def give_tickets(conn: Connection, tickets: Mapping[int, int]) -> None:
    """Give flags (flag → ticket) other tickets than they had."""
    if tickets:
        conn.execute(GIVE_TICKETS, {"flags": list(tickets), "tickets": list(tickets.values())})


def take_over(conn: Connection, homes: Sequence[int], now: datetime) -> list[tuple[int, int]]:
    """End open flags of measurements: the sensors tell of the cold now. Returns (flag, ticket)."""
    return conn.execute(TAKE_OVER, {"homes": list(homes), "now": now}).fetchall()

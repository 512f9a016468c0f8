"""Tickets, their clocks and their events. Events are only ever added."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

RESERVE = "SELECT nextval(pg_get_serial_sequence('ticket', 'ticket_id')) FROM generate_series(1, %(count)s)"
SELECT_OPEN_COLD = """
SELECT t.home_id, t.ticket_id, min(f.cold_since)
FROM ticket AS t
LEFT JOIN flag AS f USING (ticket_id)
WHERE t.class = 'cold' AND t.state = 'open' AND t.home_id = ANY(%(homes)s)
GROUP BY t.home_id, t.ticket_id
"""
INSERT = """
INSERT INTO ticket (ticket_id, class, state, priority, home_id, opened_at, closed_at, retrospective)
OVERRIDING SYSTEM VALUE
SELECT ticket_id, class, state, priority, home_id, opened_at, closed_at, retrospective
FROM jsonb_to_recordset(%(tickets)s) AS x (
  ticket_id bigint, class text, state text, priority smallint, home_id integer, opened_at timestamptz,
  closed_at timestamptz, retrospective boolean
)
ORDER BY home_id, ticket_id
"""
INSERT_CLOCKS = """
INSERT INTO clock (ticket_id, name, due_at)
SELECT ticket_id, name, due_at
FROM jsonb_to_recordset(%(clocks)s) AS x (ticket_id bigint, name text, due_at timestamptz)
"""
INSERT_EVENTS = """
INSERT INTO ticket_event (ticket_id, seq, at, kind, actor, data)
SELECT
  x.ticket_id,
  coalesce((SELECT max(e.seq) FROM ticket_event AS e WHERE e.ticket_id = x.ticket_id), 0)
  + row_number() OVER (PARTITION BY x.ticket_id ORDER BY x.nth),
  %(at)s, x.kind, %(actor)s, x.data
FROM ROWS FROM (jsonb_to_recordset(%(events)s) AS (ticket_id bigint, kind text, data jsonb)) WITH ORDINALITY
  AS x (ticket_id, kind, data, nth)
"""
UPDATE_PRIORITY = "UPDATE ticket SET priority = least(priority, %(priority)s) WHERE ticket_id = ANY(%(tickets)s)"

CLOSE = "UPDATE ticket SET state = 'closed', closed_at = %(at)s WHERE ticket_id = ANY(%(tickets)s) AND state = 'open'"


def reserve(conn: Connection, count: int) -> list[int]:
    """Numbers for new tickets."""
    return [row[0] for row in conn.execute(RESERVE, {"count": count}).fetchall()]


def open_cold(conn: Connection, homes: Sequence[int]) -> dict[int, tuple[int, datetime | None]]:
    """The open cold ticket of each home that has one, and when its first flag began. The homes are locked."""
    rows = conn.execute(SELECT_OPEN_COLD, {"homes": list(homes)}).fetchall()
    return {home: (ticket, first) for home, ticket, first in rows}


def insert(conn: Connection, tickets: Sequence[dict[str, Any]], clocks: Sequence[dict[str, Any]]) -> None:
    """Store new tickets and their clocks: mappings of the tables' columns, instants as RFC 3339 text."""
    conn.execute(INSERT, {"tickets": Jsonb(list(tickets))})
    conn.execute(INSERT_CLOCKS, {"clocks": Jsonb(list(clocks))})


def append_events(conn: Connection, events: Sequence[dict[str, Any]], at: Any, actor: str) -> None:
    """Add events `{ticket_id, kind, data}` in order."""
    conn.execute(INSERT_EVENTS, {"events": Jsonb(list(events)), "at": at, "actor": actor})


def raise_priority(conn: Connection, tickets: Sequence[int], priority: int) -> None:
    """Make tickets at least as urgent as `priority`."""
    conn.execute(UPDATE_PRIORITY, {"tickets": list(tickets), "priority": priority})


def close(conn: Connection, tickets: Sequence[int], at: datetime) -> None:
    """Close tickets that are open."""
    conn.execute(CLOSE, {"tickets": list(tickets), "at": at})

"""The exchange as pages and the API tell of it: peers, their messages, cases and rates."""

from datetime import datetime
from typing import NamedTuple

from psycopg import Connection

from store.base.rows import Row, fetch

SELECT_PEERS = """
SELECT
  p.name, p.classes, p.tells, p.ended_at,
  (SELECT count(*) FROM peer_case AS c WHERE c.peer_id = p.peer_id) AS cases,
  (
    SELECT count(*) FROM peer_case AS c
    WHERE c.peer_id = p.peer_id AND c.resolved_at IS NULL AND c.ended_at IS NULL
  ) AS open,
  (SELECT max(r.received_at) FROM peer_received AS r WHERE r.peer_id = p.peer_id) AS received_at,
  (
    SELECT count(*) FROM peer_received AS r
    WHERE r.peer_id = p.peer_id AND r.outcome = 'refused' AND r.received_at > %(now)s::timestamptz - interval '7 days'
  ) AS refused,
  s.waiting, s.failed, s.sent_at
FROM peer AS p
JOIN peer_standing AS s USING (peer_id)
ORDER BY p.name
"""
SELECT_MESSAGES = """
SELECT
  m.message_id AS number, m.key::text AS key, m.peer, m.ticket, m.their_number, m.event, m.created_at, m.state,
  m.attempts, m.due_at, m.finished_at, m.reason, m.detail
FROM peer_told AS m
WHERE (%(peer)s::text IS NULL OR m.peer = %(peer)s) AND (%(state)s::text IS NULL OR m.state = %(state)s)
  AND (%(ticket)s::text IS NULL OR m.ticket = %(ticket)s) AND (%(before)s::bigint IS NULL OR m.message_id < %(before)s)
ORDER BY m.message_id DESC
LIMIT %(limit)s
"""
SELECT_REFUSED = """
SELECT p.name AS peer, r.message, r.received_at, r.reason FROM peer_received AS r
JOIN peer AS p USING (peer_id)
WHERE r.outcome = 'refused'
ORDER BY r.received_at DESC
LIMIT %(limit)s
"""
SELECT_CASES = """
SELECT
  p.name AS peer, c.number AS their_number, c.is_theirs, c.linked_at, c.respond_by, c.responded_at, c.resolve_by,
  c.resolved_at, c.satisfied, c.rated_at, c.ended_at
FROM peer_case AS c
JOIN peer AS p USING (peer_id)
JOIN ticket AS t USING (ticket_id)
WHERE t.number = %(ticket)s
ORDER BY c.peer_case_id
"""
# A clock counts in the month in which it ran out. What was met later, or not yet, is late.
SELECT_RATES = """
SELECT
  p.name AS peer,
  count(*) FILTER (WHERE r.due) AS response_due,
  count(*) FILTER (WHERE r.due AND c.responded_at <= c.respond_by) AS response_met,
  count(*) FILTER (WHERE s.due) AS solution_due,
  count(*) FILTER (WHERE s.due AND c.resolved_at <= c.resolve_by) AS solution_met,
  count(*) FILTER (WHERE c.rated_at >= %(start)s AND c.rated_at < %(end)s) AS rated,
  count(*) FILTER (WHERE c.rated_at >= %(start)s AND c.rated_at < %(end)s AND c.satisfied) AS satisfied
FROM peer_case AS c
JOIN peer AS p USING (peer_id)
CROSS JOIN LATERAL (
  SELECT coalesce(c.respond_by >= %(start)s AND c.respond_by < least(%(end)s, %(now)s::timestamptz), false) AS due
) AS r
CROSS JOIN LATERAL (
  SELECT coalesce(c.resolve_by >= %(start)s AND c.resolve_by < least(%(end)s, %(now)s::timestamptz), false) AS due
) AS s
GROUP BY p.name
ORDER BY p.name
"""
# The peer hears of the opening first.
PASS_ON = """
WITH
  asked AS (
    SELECT p.peer_id, t.ticket_id FROM peer AS p, ticket AS t
    WHERE p.name = %(peer)s AND p.ended_at IS NULL AND t.number = %(ticket)s
      AND t.class IN ('cold', 'leak', 'repair', 'device')
      AND NOT EXISTS (SELECT FROM peer_case AS c WHERE c.peer_id = p.peer_id AND c.ticket_id = t.ticket_id)
  ),
  made AS (
    INSERT INTO peer_case (peer_id, ticket_id, is_theirs, linked_at)
    SELECT peer_id, ticket_id, false, %(now)s FROM asked
    RETURNING peer_case_id, ticket_id
  )
INSERT INTO outbox (at, kind, audience, urgent, ticket_id, peer_case_id, data)
SELECT %(now)s, 'peer_told', 'peer', false, m.ticket_id, m.peer_case_id, jsonb_build_object('seq', 1) FROM made AS m
"""


class MessageFilter(NamedTuple):
    """Filter for messages to peers; None: any."""

    peer: str | None = None
    state: str | None = None
    ticket: str | None = None


def peers(conn: Connection, now: datetime) -> list[Row]:
    """Return all peers with what waits and what failed."""
    return fetch(conn, SELECT_PEERS, {"now": now})


def messages(conn: Connection, wanted: MessageFilter, *, before: int | None = None, limit: int) -> list[Row]:
    """Return messages to peers, newest first."""
    return fetch(conn, SELECT_MESSAGES, {**wanted._asdict(), "before": before, "limit": limit})


def refused(conn: Connection, limit: int) -> list[Row]:
    """Return what peers sent and was refused, newest first."""
    return fetch(conn, SELECT_REFUSED, {"limit": limit})


def cases(conn: Connection, ticket: str) -> list[Row]:
    """Return the peers that have a ticket, their numbers and clocks."""
    return fetch(conn, SELECT_CASES, {"ticket": ticket})


def rates(conn: Connection, start: datetime, end: datetime, now: datetime) -> list[Row]:
    """Return the three rates of a span for each peer, as counts."""
    return fetch(conn, SELECT_RATES, {"start": start, "end": end, "now": now})


def pass_on(conn: Connection, peer: str, ticket: str, now: datetime) -> bool:
    """Send a ticket to a peer; False: there is no such, it is a case or an application, or the peer has it."""
    return conn.execute(PASS_ON, {"peer": peer, "ticket": ticket, "now": now}).rowcount == 1

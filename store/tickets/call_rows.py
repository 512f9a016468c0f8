"""Calls between a home and the desk: reports, further words, and attempts to reach somebody."""

from typing import LiteralString

from psycopg import Connection

from store.base.access import Scope
from store.base.rows import Row, fetch
from store.tickets.ticket_pages import TICKET_IN_SCOPE

SELECT_CALLS: LiteralString = (
    """
SELECT
  e.at, e.kind, e.actor, t.number AS ticket, t.class, t.state,
  CASE e.kind WHEN 'opened' THEN t.description ELSE e.data ->> 'text' END AS words, k.contact,
  (e.data ->> 'again_at')::timestamptz AS again_at
FROM ticket AS t
JOIN ticket_event AS e USING (ticket_id)
LEFT JOIN ticket_contact AS k ON k.ticket_id = e.ticket_id AND k.seq = e.seq
WHERE t.home_id = %(home_id)s AND (
    e.kind IN ('user_said', 'contacted', 'tried')
    OR (e.kind = 'opened' AND t.source NOT IN ('flag', 'device', 'incident', 'measurement'))
  ) AND """
    + TICKET_IN_SCOPE
    + """
ORDER BY e.at DESC, e.ticket_id DESC, e.seq DESC
LIMIT %(limit)s
"""
)


def calls(conn: Connection, scope: Scope, home_id: int, limit: int) -> list[Row]:
    """Return the last calls from and to a home in scope, newest first."""
    return fetch(conn, SELECT_CALLS, {**scope.parameters(), "home_id": home_id, "limit": limit})

"""Clocks that ran out in a month and the reasons given for it, and the load of work: by station and person."""

from datetime import datetime
from typing import LiteralString, NamedTuple

from psycopg import Connection

from store.base.rows import Row, fetch

# The clocks are those that the monthly figures call late or unmet (store/figures/kpi_rows.py).
# Gathered once: the planner expects next to nothing of a station behind the policies, and would gather them per ticket.
_LATE: LiteralString = """
WITH late AS MATERIALIZED (
  SELECT
    c.ticket_id, count(*) AS clocks, count(*) FILTER (WHERE c.met_at IS NULL) AS unmet, min(c.due_at) AS due_at,
    max(extract(epoch FROM coalesce(c.met_at, c.void_at, %(now)s) - c.due_at))::float8 AS longest_s,
    array_agg(DISTINCT c.name ORDER BY c.name) AS names
  FROM clock AS c
  WHERE c.due_at >= %(start)s AND c.due_at < least(%(stop)s::timestamptz, %(now)s::timestamptz)
    AND (c.met_at IS NULL OR c.met_at > c.due_at) AND (c.void_at IS NULL OR c.breached_at IS NOT NULL)
  GROUP BY c.ticket_id
), late_ticket AS (
  SELECT
    l.*, t.number, t.class, t.state, coalesce(t.station, '') AS station, t.responsible AS person,
    coalesce(d.reason, '') AS reason
  FROM late AS l
  JOIN ticket AS t USING (ticket_id)
  LEFT JOIN LATERAL (
    SELECT e.data ->> 'reason' AS reason FROM ticket_event AS e
    WHERE e.ticket_id = t.ticket_id AND e.kind = 'delayed'
    ORDER BY e.seq DESC LIMIT 1
  ) AS d ON true
  WHERE t.ending IS NULL
)
"""
SELECT_LATE: LiteralString = f"""{_LATE}, told AS (
  SELECT
    station, person, reason, count(*) AS tickets, sum(clocks)::bigint AS clocks, sum(unmet)::bigint AS unmet,
    max(longest_s) AS longest_s
  FROM late_ticket
  GROUP BY 1, 2, 3
)
SELECT
  station, person, sum(tickets)::bigint AS tickets, sum(clocks)::bigint AS clocks, sum(unmet)::bigint AS unmet,
  max(longest_s) AS longest_s, jsonb_object_agg(reason, tickets) AS reasons
FROM told
GROUP BY station, person
ORDER BY sum(clocks) DESC, station, person NULLS FIRST
"""
# The person '': of nobody.
SELECT_LATE_TICKETS: LiteralString = f"""{_LATE}
SELECT
  ticket_id, number, class AS ticket_class, state, station, person, names AS clocks, unmet, due_at, longest_s, reason
FROM late_ticket
WHERE (%(station)s::text IS NULL OR station = %(station)s)
  AND (%(person)s::text IS NULL OR coalesce(person, '') = %(person)s)
  AND (%(after)s::timestamptz IS NULL OR (due_at, ticket_id) > (%(after)s, %(after_ticket)s::bigint))
ORDER BY due_at, ticket_id LIMIT %(limit)s
"""
SELECT_LOAD = """
SELECT
  coalesce(t.station, '') AS station, t.responsible AS person, count(*) AS open,
  count(*) FILTER (WHERE n.due_at <= %(now)s) AS late,
  count(*) FILTER (WHERE n.due_at > %(now)s AND n.due_at <= %(soon)s) AS due_soon,
  count(*) FILTER (WHERE t.state = 'verifying') AS still_cold
FROM ticket AS t
LEFT JOIN LATERAL (
  SELECT min(c.due_at) AS due_at FROM clock AS c
  WHERE c.ticket_id = t.ticket_id AND c.met_at IS NULL AND c.void_at IS NULL
) AS n ON true
WHERE t.state <> 'closed'
GROUP BY 1, 2
ORDER BY count(*) DESC, 1, 2 NULLS FIRST
"""


class LateFilter(NamedTuple):
    """A filter of late tickets. Empty: those without one; None: any."""

    station: str | None = None
    person: str | None = None


def late(conn: Connection, span: tuple[datetime, datetime], now: datetime) -> list[Row]:
    """Return the clocks that ran out in a span and were not met in time; reason '': none was given."""
    return fetch(conn, SELECT_LATE, {"start": span[0], "stop": span[1], "now": now})


def late_tickets(
    conn: Connection,
    span: tuple[datetime, datetime],
    now: datetime,
    wanted: LateFilter,
    *,
    after: tuple[datetime, int] | None,
    limit: int,
) -> list[Row]:
    """Return the tickets of those clocks, what was due first leading."""
    after_at, after_ticket = after or (None, None)
    page = {"after": after_at, "after_ticket": after_ticket, "limit": limit}
    values = {"start": span[0], "stop": span[1], "now": now, **wanted._asdict(), **page}
    return fetch(conn, SELECT_LATE_TICKETS, values)


def load(conn: Connection, now: datetime, soon: datetime) -> list[Row]:
    """Return how many tickets each person of each station has open, and how many of them are late or due by `soon`."""
    return fetch(conn, SELECT_LOAD, {"now": now, "soon": soon})

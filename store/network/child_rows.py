"""Child tickets of incidents: which homes join, what they have been told, and how they leave."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from store.network.incident_rows import STRAGGLER

# Cold homes in the place of an incident that have no incident yet.
SELECT_JOINING: LiteralString = (
    """
SELECT t.ticket_id
FROM incident AS i
JOIN building AS b ON b.substation_id = i.substation_id AND (i.building_id IS NULL OR b.building_id = i.building_id)
JOIN home AS h ON h.building_id = b.building_id AND (i.riser IS NULL OR h.riser = i.riser)
JOIN flag AS f ON f.home_id = h.home_id AND f.cleared_at IS NULL
JOIN ticket AS t ON t.ticket_id = f.ticket_id
WHERE i.incident_id = %(incident)s AND t.state <> 'closed'
  AND NOT EXISTS (SELECT FROM incident_ticket AS k WHERE k.ticket_id = t.ticket_id AND k.left_at IS NULL)
  AND NOT EXISTS (SELECT"""
    + STRAGGLER
    + """ AND (i.building_id IS NULL OR o.building_id IS NOT NULL) AND (i.riser IS NULL OR o.riser IS NOT NULL))
ORDER BY t.ticket_id
LIMIT %(most)s
"""
)
# A ticket that rejoins skips the events it missed.
INSERT_TICKETS = """
INSERT INTO incident_ticket (incident_id, ticket_id, joined_at)
SELECT %(incident)s, x.ticket_id, %(at)s FROM unnest(%(tickets)s::bigint[]) AS x (ticket_id)
ON CONFLICT (incident_id, ticket_id) DO UPDATE SET
  left_at = NULL, left_reason = NULL, dispatched_at = NULL, passed_seq = (
    SELECT max(e.seq) FROM incident AS i JOIN ticket_event AS e USING (ticket_id)
    WHERE i.incident_id = excluded.incident_id
  )
"""
# The crew's first event that some child tickets have not received.
SELECT_UNTOLD = """
SELECT i.number, e.seq, e.at, e.kind, e.actor, e.data
FROM incident AS i
JOIN ticket_event AS e USING (ticket_id)
WHERE i.incident_id = %(incident)s AND e.kind = ANY(%(kinds)s) AND e.seq > (
  SELECT min(k.passed_seq) FROM incident_ticket AS k WHERE k.incident_id = i.incident_id AND k.left_at IS NULL
)
ORDER BY e.seq
LIMIT 1
"""
SELECT_UNTOLD_TICKETS = """
SELECT k.ticket_id, k.joined_at FROM incident_ticket AS k
WHERE k.incident_id = %(incident)s AND k.left_at IS NULL AND k.passed_seq < %(seq)s
ORDER BY k.ticket_id
LIMIT %(most)s
"""
SET_TOLD = """
UPDATE incident_ticket SET passed_seq = %(seq)s
WHERE incident_id = %(incident)s AND ticket_id = ANY(%(tickets)s::bigint[]) AND left_at IS NULL
"""
LEAVE_ALL = """
UPDATE incident_ticket SET left_at = %(at)s, left_reason = %(reason)s
WHERE incident_id = ANY(%(incidents)s::bigint[]) AND left_at IS NULL
RETURNING ticket_id
"""
LEAVE_STRAGGLERS = """
UPDATE incident_ticket AS k SET left_at = %(at)s, left_reason = 'stayed_cold'
FROM incident AS i, flag AS f
WHERE i.incident_id = k.incident_id AND f.ticket_id = k.ticket_id AND f.cleared_at IS NULL
  AND k.incident_id = %(incident)s AND k.left_at IS NULL
  AND greatest(i.recovering_since, f.raised_at) <= %(before)s
RETURNING k.ticket_id
"""
# Cold homes that left an incident, have no other, and had no crew dispatched on their own ticket since.
SELECT_UNDISPATCHED = """
SELECT f.ticket_id, i.number
FROM flag AS f
JOIN ticket AS t ON t.ticket_id = f.ticket_id AND t.state <> 'closed'
CROSS JOIN LATERAL (
  SELECT i.number FROM incident_ticket AS k JOIN incident AS i USING (incident_id)
  WHERE k.ticket_id = f.ticket_id
  ORDER BY k.left_at DESC LIMIT 1
) AS i
WHERE f.cleared_at IS NULL
  AND NOT EXISTS (
    SELECT FROM incident_ticket AS other
    WHERE other.ticket_id = f.ticket_id AND (other.left_at IS NULL OR other.dispatched_at IS NOT NULL)
  )
ORDER BY f.ticket_id
"""
# The lock order of judging, and before the tickets are changed: prevents deadlocks.
LOCK_HOMES = """
SELECT FROM home_state
WHERE home_id IN (SELECT t.home_id FROM ticket AS t WHERE t.ticket_id = ANY(%(tickets)s::bigint[]))
ORDER BY home_id
FOR NO KEY UPDATE
"""
SET_DISPATCHED = """
UPDATE incident_ticket AS k SET dispatched_at = %(at)s
WHERE k.ticket_id = ANY(%(tickets)s::bigint[]) AND k.left_at = (
  SELECT max(other.left_at) FROM incident_ticket AS other WHERE other.ticket_id = k.ticket_id
)
"""


class UntoldStep(NamedTuple):
    """An event of the crew's ticket that some child tickets have not received."""

    number: str
    seq: int
    at: datetime
    kind: str
    actor: str
    data: dict[str, Any]


def joining(conn: Connection, incident: int, most: int) -> list[int]:
    """Return the tickets of cold homes in the place that have no incident yet."""
    return [row[0] for row in conn.execute(SELECT_JOINING, {"incident": incident, "most": most}).fetchall()]


def join(conn: Connection, incident: int, tickets: Sequence[int], at: datetime) -> None:
    """Add tickets to an incident."""
    conn.execute(INSERT_TICKETS, {"incident": incident, "tickets": list(tickets), "at": at})


def untold(conn: Connection, incident: int, kinds: Sequence[str]) -> UntoldStep | None:
    """Return the first event of these kinds on the crew's ticket that some child tickets have not received."""
    with conn.cursor(row_factory=class_row(UntoldStep)) as cur:
        return cur.execute(SELECT_UNTOLD, {"incident": incident, "kinds": list(kinds)}).fetchone()


def untold_tickets(conn: Connection, incident: int, seq: int, most: int) -> dict[int, datetime]:
    """Return the child tickets that have not received an event of the crew's, and when each joined."""
    return dict(conn.execute(SELECT_UNTOLD_TICKETS, {"incident": incident, "seq": seq, "most": most}).fetchall())


def set_told(conn: Connection, incident: int, tickets: Sequence[int], seq: int) -> None:
    """Record up to which of the crew's events child tickets are informed."""
    conn.execute(SET_TOLD, {"incident": incident, "tickets": list(tickets), "seq": seq})


def leave_all(conn: Connection, incidents: Sequence[int], reason: str, at: datetime) -> list[int]:
    """Remove all tickets from incidents; returns them in order."""
    params = {"incidents": list(incidents), "reason": reason, "at": at}
    return sorted(row[0] for row in conn.execute(LEAVE_ALL, params))


def leave_stragglers(conn: Connection, incident: int, before: datetime, at: datetime) -> list[int]:
    """Remove the tickets of homes that stayed cold while the rest recovered, since before an instant; returns them."""
    params = {"incident": incident, "before": before, "at": at}
    return sorted(row[0] for row in conn.execute(LEAVE_STRAGGLERS, params))


def undispatched(conn: Connection) -> list[tuple[int, str]]:
    """Return (ticket, incident number) of cold homes that left an incident and had no crew dispatched since."""
    return conn.execute(SELECT_UNDISPATCHED).fetchall()


def lock_homes(conn: Connection, tickets: Sequence[int]) -> None:
    """Lock the homes of tickets against judging until the transaction ends."""
    conn.execute(LOCK_HOMES, {"tickets": list(tickets)})


def set_dispatched(conn: Connection, tickets: Sequence[int], at: datetime) -> None:
    """Record that a crew was dispatched for homes that left an incident."""
    conn.execute(SET_DISPATCHED, {"tickets": list(tickets), "at": at})

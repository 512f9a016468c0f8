"""Recovery of cold homes: proof that they are warm again, and urgency."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

SELECT_VERIFYING = "SELECT t.ticket_id FROM ticket AS t WHERE t.class = 'cold' AND t.state = 'verifying'"
SELECT_EVIDENCE = """
SELECT
  t.ticket_id, t.home_id, t.done_at, f.flags, f.withdrawn, l.clear_reason AS last_reason, m.warm AS measured_warm,
  EXISTS (SELECT FROM flag AS o WHERE o.home_id = t.home_id AND o.cleared_at IS NULL) AS flagged,
  coalesce(is_warm(s.state), false) AS warm_now, s.state_since,
  EXISTS (
    SELECT FROM ticket_event AS e WHERE e.ticket_id = t.ticket_id AND e.kind = 'still_cold' AND e.at >= t.done_at
  ) AS told
FROM ticket AS t
LEFT JOIN home_state AS s ON s.home_id = t.home_id
CROSS JOIN LATERAL (
  SELECT count(*) AS flags, count(*) FILTER (WHERE x.clear_reason = 'withdrawn') AS withdrawn
  FROM flag AS x WHERE x.ticket_id = t.ticket_id
) AS f
LEFT JOIN LATERAL (
  SELECT x.clear_reason FROM flag AS x
  WHERE x.ticket_id = t.ticket_id AND coalesce(x.clear_reason NOT IN ('withdrawn', 'taken_over'), true)
  ORDER BY x.cold_since DESC LIMIT 1
) AS l ON true
LEFT JOIN LATERAL (
  SELECT (e.data ->> 'warm')::boolean AND NOT EXISTS (
    SELECT FROM measurement AS x
    CROSS JOIN LATERAL (
      SELECT j.* FROM point_judged AS j WHERE j.sensor_id = x.beside AND j.home_id = x.home_id OFFSET 0
    ) AS p
    WHERE x.number = e.data ->> 'measurement' AND x.disagrees AND p.room_kind <> 'out'
      AND coalesce(p.valid_from <= %(now)s, true) AND coalesce(p.valid_to > %(now)s, true)
  ) AS warm
  FROM ticket_event AS e
  WHERE e.ticket_id = t.ticket_id AND e.kind = 'measured' AND e.seq > coalesce((
    SELECT max(r.seq) FROM ticket_event AS r
    WHERE r.ticket_id = t.ticket_id AND r.kind IN ('relapsed', 'reopened', 'severe')
  ), 0)
  ORDER BY e.seq DESC LIMIT 1
) AS m ON true
WHERE t.ticket_id = ANY(%(tickets)s) AND t.class = 'cold' AND t.state = 'verifying'
ORDER BY t.ticket_id
"""
# Created before a constraint prevented it.
SELECT_CLOSED_OVER = """
SELECT
  f.flag_id, f.home_id, f.ticket_id, f.source, f.severity, f.cold_since, f.lowest, f.limit_celsius
FROM flag AS f JOIN ticket AS t USING (ticket_id)
WHERE f.cleared_at IS NULL AND t.state = 'closed'
ORDER BY f.home_id
LIMIT %(limit)s
"""
SELECT_URGENT = """
SELECT DISTINCT t.ticket_id
FROM flag AS f
JOIN ticket AS t USING (ticket_id)
WHERE f.cleared_at IS NULL AND t.class = 'cold' AND t.state <> 'closed' AND t.priority > 1
  AND (
    severity_name(f.severity) = 'severe' OR judged_milli(f.limit_celsius, -f.lowest) >= %(depth)s
    OR f.cold_since <= %(cold_since)s
  )
ORDER BY t.ticket_id
LIMIT %(limit)s
"""


class RecoveryStanding(NamedTuple):
    """State of the home of a ticket that was marked done."""

    ticket_id: int
    home_id: int | None
    done_at: datetime
    flags: int
    withdrawn: int
    last_reason: str | None
    measured_warm: bool | None
    flagged: bool
    warm_now: bool  # at or above the day limit, by held values
    state_since: datetime | None
    told: bool  # the desk was notified that the proof is overdue


class ClosedOver(NamedTuple):
    """An open flag with a closed ticket."""

    flag_id: int
    home_id: int
    ticket_id: int
    source: str
    severity: int
    cold_since: datetime
    lowest: float
    limit_celsius: float


def closed_over(conn: Connection, limit: int) -> list[ClosedOver]:
    """Return open flags whose tickets are closed."""
    with conn.cursor(row_factory=class_row(ClosedOver)) as cur:
        return cur.execute(SELECT_CLOSED_OVER, {"limit": limit}).fetchall()


def verifying(conn: Connection) -> list[int]:
    """Return cold tickets marked done without a proof of recovery."""
    return [row[0] for row in conn.execute(SELECT_VERIFYING).fetchall()]


def standing(conn: Connection, tickets: Sequence[int], now: datetime) -> list[RecoveryStanding]:
    """Return the state of those of the tickets that still wait for proof."""
    with conn.cursor(row_factory=class_row(RecoveryStanding)) as cur:
        return cur.execute(SELECT_EVIDENCE, {"tickets": list(tickets), "now": now}).fetchall()


def urgent(conn: Connection, depth_milli: int, cold_since: datetime, limit: int) -> list[int]:
    """Return cold tickets in work to raise to urgent: severe, colder than `depth_milli`, or cold for too long."""
    parameters = {"depth": depth_milli, "cold_since": cold_since, "limit": limit}
    return [row[0] for row in conn.execute(SELECT_URGENT, parameters).fetchall()]

"""Totals: homes by state, readings, flags, tickets. For display, not for decisions."""

from datetime import datetime
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

SELECT_STATES = """
SELECT state, count(*) AS homes FROM home_now GROUP BY state
"""
SELECT_INTAKE = """
SELECT
  coalesce(sum(messages), 0)::bigint AS messages,
  coalesce(sum(stored), 0)::bigint AS readings,
  coalesce(sum(duplicates), 0)::bigint AS duplicates,
  coalesce(sum(late), 0)::bigint AS late,
  coalesce(sum(dead), 0)::bigint AS dead_letters,
  max(last_measured_at) AS reached
FROM ingest_health
"""
# Cold spells are counted from the flags alone, in order per home. A flag that had already ended when it was found (by
# the journal) is a spell of its own, unless work on an earlier spell was under way. Otherwise the first flag begins a
# spell, and later flags continue it until its ticket is closed.
SELECT_JUDGED = """
WITH found AS (
  SELECT f.home_id, f.flag_id, f.cold_since, NOT EXISTS (
    SELECT FROM ticket_event AS e
    WHERE e.kind = 'retrospective' AND e.ticket_id = f.ticket_id AND (e.data ->> 'flag')::bigint = f.flag_id
  ) AS alive
  FROM flag AS f
),
spells AS (
  SELECT f.flag_id FROM found AS f
  WHERE NOT EXISTS (
    SELECT FROM found AS g
    WHERE g.home_id = f.home_id AND g.alive AND g.flag_id < f.flag_id AND (f.alive OR g.cold_since <= f.cold_since)
  )
)
SELECT
  (SELECT count(*) FROM found) AS flags,
  (SELECT count(*) FROM flag WHERE cleared_at IS NULL) AS open_flags,
  (SELECT count(*) FROM spells) AS cold_spells,
  (SELECT count(*) FROM ticket WHERE class = 'cold') AS tickets,
  (SELECT count(*) FROM ticket WHERE class = 'cold' AND state <> 'closed') AS open_tickets
"""


class IntakeCounts(NamedTuple):
    """Totals of ingest; `reached` is the newest measured time, None before the first."""

    messages: int
    readings: int
    duplicates: int
    late: int
    dead_letters: int
    reached: datetime | None


class FlagTotals(NamedTuple):
    """Totals of flags and cold tickets; `cold_spells` is counted from the flags alone.

    As long as no ticket is closed, each spell has one ticket.
    """

    flags: int
    open_flags: int
    cold_spells: int
    tickets: int
    open_tickets: int


def states(conn: Connection) -> dict[str, int]:
    """Count homes by state (`home_now.state`); states without homes are left out."""
    return dict(conn.execute(SELECT_STATES).fetchall())


def intake(conn: Connection) -> IntakeCounts:
    """Return messages and readings of all workers."""
    with conn.cursor(row_factory=class_row(IntakeCounts)) as cur:
        return cur.execute(SELECT_INTAKE).fetchall()[0]


def judged(conn: Connection) -> FlagTotals:
    """Return the totals of flags, cold spells and tickets."""
    with conn.cursor(row_factory=class_row(FlagTotals)) as cur:
        return cur.execute(SELECT_JUDGED).fetchall()[0]

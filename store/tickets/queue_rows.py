"""The queue of the desk: open tickets by the time left on their next clock, with the number of tickets in each view."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import LiteralString, NamedTuple

from psycopg import Connection

from store.base.access import Scope
from store.base.place_joins import place_of
from store.base.rows import Row, fetch
from store.tickets.ticket_pages import TICKET_IN_SCOPE

FAR = datetime(2199, 12, 31, tzinfo=UTC)  # the place of a ticket on which no clock runs: behind all others

# One pass over the open tickets and their clocks gives both the numbers beside the views and the page.
SELECT_QUEUE: LiteralString = (
    """
WITH due AS (
  SELECT c.ticket_id, min(c.due_at) AS due_at FROM clock AS c
  WHERE c.met_at IS NULL AND c.void_at IS NULL AND c.due_at IS NOT NULL
  GROUP BY c.ticket_id
), work AS MATERIALIZED (
  SELECT
    t.ticket_id, t.class, t.state, t.priority, d.due_at, coalesce(d.due_at, %(far)s::timestamptz) AS place_at,
    coalesce(d.due_at <= %(now)s, false) AS late,
    t.state = 'open' OR (t.class IN ('complaint', 'report') AND t.replied_at IS NULL) AS unanswered,
    coalesce(t.responsible = %(me)s::text, false) AS mine,
    t.state = 'verifying' AS still_cold, t.priority = 1 AS urgent, t.class = 'leak' AS leaks,
    t.class IN ('complaint', 'report') AS cases
  FROM ticket AS t
  LEFT JOIN due AS d USING (ticket_id)
  WHERE t.state <> 'closed' AND (%(station)s::text IS NULL OR t.station = %(station)s) AND """
    + TICKET_IN_SCOPE
    + """
), chosen AS (
  SELECT w.* FROM work AS w
  WHERE (%(ticket_class)s::text IS NULL OR w.class = %(ticket_class)s)
    AND (%(state)s::text IS NULL OR w.state = %(state)s)
    AND (%(priority)s::smallint IS NULL OR w.priority = %(priority)s)
    AND CASE %(view)s::text
      WHEN 'late' THEN w.late WHEN 'unanswered' THEN w.unanswered WHEN 'mine' THEN w.mine
      WHEN 'still_cold' THEN w.still_cold WHEN 'urgent' THEN w.urgent WHEN 'leaks' THEN w.leaks
      WHEN 'cases' THEN w.cases ELSE true
    END
), counts AS (
  SELECT
    count(*) AS "all", count(*) FILTER (WHERE w.late) AS late, count(*) FILTER (WHERE w.unanswered) AS unanswered,
    count(*) FILTER (WHERE w.mine) AS mine, count(*) FILTER (WHERE w.still_cold) AS still_cold,
    count(*) FILTER (WHERE w.urgent) AS urgent, count(*) FILTER (WHERE w.leaks) AS leaks,
    count(*) FILTER (WHERE w.cases) AS cases, (SELECT count(*) FROM chosen) AS chosen
  FROM work AS w
), page AS (
  SELECT c.* FROM chosen AS c
  WHERE %(after_at)s::timestamptz IS NULL
    OR (c.place_at, c.ticket_id) > (%(after_at)s::timestamptz, %(after_id)s::bigint)
  ORDER BY c.place_at, c.ticket_id
  LIMIT %(limit)s
)
SELECT
  to_jsonb(k) AS counts, p.ticket_id, p.place_at, p.due_at, t.number, t.class, t.state, t.priority, t.station,
  t.responsible, t.opened_at, t.appointment_at, h.code AS home, h.unit, b.code AS building, b.name AS building_name,
  b.address, u.code AS substation, u.name AS substation_name, n.name AS clock
FROM counts AS k
LEFT JOIN page AS p ON true
LEFT JOIN ticket AS t ON t.ticket_id = p.ticket_id
"""
    + place_of("t")
    + """
LEFT JOIN LATERAL (
  SELECT c.name FROM clock AS c
  WHERE c.ticket_id = p.ticket_id AND c.due_at = p.due_at AND c.met_at IS NULL AND c.void_at IS NULL
  ORDER BY c.name LIMIT 1
) AS n ON true
ORDER BY p.place_at, p.ticket_id
"""
)
SELECT_PLACE: LiteralString = (
    """
SELECT
  h.home_id, h.code AS home, h.unit, b.code AS building, b.name AS building_name, b.address, u.code AS substation,
  u.name AS substation_name
FROM ticket AS t
"""
    + place_of("t")
    + "WHERE t.ticket_id = %(ticket)s"
)
SELECT_CONTACTS = """
SELECT k.contact, e.at FROM ticket_contact AS k
JOIN ticket_event AS e USING (ticket_id, seq)
WHERE k.ticket_id = %(ticket)s
ORDER BY k.seq DESC
"""
SELECT_STATIONS = "SELECT DISTINCT u.station FROM substation AS u WHERE u.station IS NOT NULL ORDER BY u.station"


class QueueView(StrEnum):
    """Views of the queue; each is a condition on its tickets."""

    ALL = "all"
    LATE = "late"  # a clock has run out
    UNANSWERED = "unanswered"  # no station has accepted it, or a case has no answer
    MINE = "mine"
    STILL_COLD = "still_cold"  # marked done, recovery not proven
    URGENT = "urgent"
    LEAKS = "leaks"
    CASES = "cases"


@dataclass(frozen=True, kw_only=True)
class QueueFilter:
    """Filter of the queue; None: any. `me` is the name that `responsible` has on the caller's own tickets."""

    view: QueueView = QueueView.ALL
    station: str | None = None
    ticket_class: str | None = None
    state: str | None = None
    priority: int | None = None
    me: str | None = None


class QueuePage(NamedTuple):
    """A page of the queue, and the number of tickets in each view and in the chosen filter (`chosen`)."""

    tickets: list[Row]
    counts: dict[str, int]


def queue(
    conn: Connection,
    scope: Scope,
    wanted: QueueFilter,
    now: datetime,
    *,
    after: tuple[datetime, int] | None = None,
    limit: int,
) -> QueuePage:
    """Return open tickets in scope by the time left, from behind `after` (`place_at`, `ticket_id`)."""
    after_at, after_id = after or (None, None)
    values = {**scope.parameters(), **asdict(wanted), "now": now, "far": FAR}
    rows = fetch(conn, SELECT_QUEUE, {**values, "after_at": after_at, "after_id": after_id, "limit": limit})
    return QueuePage([row for row in rows if row["ticket_id"] is not None], rows[0]["counts"])


def place(conn: Connection, ticket: int) -> Row:
    """Return where a ticket is, by codes and by the names that people use."""
    return fetch(conn, SELECT_PLACE, {"ticket": ticket})[0]


def contacts(conn: Connection, ticket: int) -> list[Row]:
    """Return how to reach the people who have said something on a ticket, the newest first. It is personal."""
    return fetch(conn, SELECT_CONTACTS, {"ticket": ticket})


def stations(conn: Connection) -> list[str]:
    """Return the heat stations by name."""
    return [row[0] for row in conn.execute(SELECT_STATIONS).fetchall()]

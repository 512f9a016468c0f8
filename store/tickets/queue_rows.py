"""The queue of the desk: open tickets by the time left on their next clock, and the number of tickets in each view."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from typing import LiteralString, NamedTuple

from psycopg import Connection

from domain.statements import ANSWERS, WORDS, unanswered_since
from store.base.access import Scope
from store.base.place_joins import place_of
from store.base.rows import Row, fetch
from store.tickets.ticket_pages import TICKET_IN_SCOPE

FAR = datetime(2199, 12, 31, tzinfo=UTC)  # the place of a ticket on which no clock runs: behind all others
FRONT = (datetime(1970, 1, 1, tzinfo=UTC), 0)  # a place before all tickets

# Which tickets are in the queue, and in a view of it. The next clock (n) may be missing.
_OPEN: LiteralString = (
    """
t.state <> 'closed' AND (%(station)s::text IS NULL OR t.station = %(station)s) AND """
    + TICKET_IN_SCOPE
)
_LATE: LiteralString = "n.due_at <= %(now)s"
_CHOSEN: LiteralString = (
    """
(%(ticket_class)s::text IS NULL OR t.class = %(ticket_class)s) AND (%(state)s::text IS NULL OR t.state = %(state)s)
AND (%(priority)s::smallint IS NULL OR t.priority = %(priority)s) AND CASE %(view)s::text
  WHEN 'late' THEN """
    + _LATE
    + """
  WHEN 'unanswered' THEN t.state = 'open' OR (t.class IN ('complaint', 'report') AND t.replied_at IS NULL)
  WHEN 'mine' THEN t.responsible = %(me)s::text WHEN 'still_cold' THEN t.state = 'verifying'
  WHEN 'urgent' THEN t.priority = 1 WHEN 'leaks' THEN t.class = 'leak'
  WHEN 'cases' THEN t.class IN ('complaint', 'report') ELSE true
END"""
)
# By station and person, so that all views of all people come of one look. Those that are late come from the index of
# the queue, in one piece: the planner, who does not know what the policies let through, would look them up one by one.
SELECT_COUNTS: LiteralString = (
    """
WITH late AS MATERIALIZED (SELECT n.ticket_id FROM ticket_next AS n WHERE """
    + _LATE
    + """)
SELECT
  t.station, t.responsible, count(*) AS "all", count(n.ticket_id) AS late,
  count(*) FILTER (WHERE t.state = 'open' OR (t.class IN ('complaint', 'report') AND t.replied_at IS NULL))
    AS unanswered,
  count(*) FILTER (WHERE t.state = 'verifying') AS still_cold, count(*) FILTER (WHERE t.priority = 1) AS urgent,
  count(*) FILTER (WHERE t.class = 'leak') AS leaks,
  count(*) FILTER (WHERE t.class IN ('complaint', 'report')) AS cases
FROM ticket AS t
LEFT JOIN late AS n USING (ticket_id)
WHERE t.state <> 'closed' AND """
    + TICKET_IN_SCOPE
    + """
GROUP BY t.station, t.responsible
"""
)
SELECT_CHOSEN: LiteralString = (
    """
SELECT count(*) FROM ticket AS t LEFT JOIN ticket_next AS n USING (ticket_id) WHERE """
    + _OPEN
    + " AND "
    + _CHOSEN
)
_LINE: LiteralString = (
    """
SELECT
  p.ticket_id, coalesce(p.due_at, %(far)s) AS place_at, p.due_at, p.clock, t.number, t.class, t.state, t.priority,
  t.station, t.responsible, t.opened_at, t.appointment_at, h.code AS home, h.unit, b.code AS building,
  b.name AS building_name, b.address, u.code AS substation, u.name AS substation_name
FROM page AS p
JOIN ticket AS t USING (ticket_id)
"""
    + place_of("t")
    + """
ORDER BY p.due_at, p.ticket_id
"""
)
# In the order of the index, until the page is full.
SELECT_RUNNING: LiteralString = (
    """
WITH page AS MATERIALIZED (
  SELECT n.ticket_id, n.due_at, n.clock
  FROM ticket_next AS n JOIN ticket AS t USING (ticket_id)
  WHERE (n.due_at, n.ticket_id) > (%(after_at)s::timestamptz, %(after_id)s::bigint) AND """
    + _OPEN
    + " AND "
    + _CHOSEN
    + """
  ORDER BY n.due_at, n.ticket_id
  LIMIT %(limit)s
)
"""
    + _LINE
)
# Where the view has few of the tickets, these are found first: the way along the index would pass all others.
SELECT_FEW: LiteralString = (
    """
WITH few AS MATERIALIZED (
  SELECT t.ticket_id FROM ticket AS t LEFT JOIN ticket_next AS n USING (ticket_id) WHERE """
    + _OPEN
    + " AND "
    + _CHOSEN
    + """
), page AS MATERIALIZED (
  SELECT n.ticket_id, n.due_at, n.clock
  FROM few AS t JOIN ticket_next AS n USING (ticket_id)
  WHERE (n.due_at, n.ticket_id) > (%(after_at)s::timestamptz, %(after_id)s::bigint)
  ORDER BY n.due_at, n.ticket_id
  LIMIT %(limit)s
)
"""
    + _LINE
)
# Tickets on which no clock runs come behind all others.
SELECT_RESTING: LiteralString = (
    """
WITH page AS MATERIALIZED (
  SELECT t.ticket_id, NULL::timestamptz AS due_at, NULL::text AS clock
  FROM ticket AS t LEFT JOIN ticket_next AS n USING (ticket_id)
  WHERE n.ticket_id IS NULL AND """
    + _OPEN
    + """
    AND (%(far)s::timestamptz, t.ticket_id) > (%(after_at)s::timestamptz, %(after_id)s::bigint) AND """
    + _CHOSEN
    + """
  ORDER BY t.ticket_id
  LIMIT %(limit)s
)
"""
    + _LINE
)
# What was said on the tickets of a page, and answered; `data` is what tells by which side.
SELECT_WORDS = """
SELECT e.ticket_id, e.kind, e.at, e.data FROM ticket_event AS e
WHERE e.ticket_id = ANY (%(tickets)s::bigint[]) AND e.kind = ANY (%(kinds)s)
ORDER BY e.ticket_id, e.seq
"""
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

    @property
    def is_whole_view(self) -> bool:
        """All tickets of the view at the station are chosen."""
        return self.ticket_class is None and self.state is None and self.priority is None


@dataclass(frozen=True)
class QueueCounts:
    """The numbers of open tickets: in each view but people's own, and of each person."""

    views: Mapping[str, int]
    own: Mapping[str, int]

    def of(self, view: QueueView, me: str | None) -> int:
        """Return the number in a view of a person."""
        return self.own.get(me or "", 0) if view is QueueView.MINE else self.views[view]


class QueuePage(NamedTuple):
    """A page of the queue: behind `after` (`place_at`, `ticket_id`), at most `limit` rows.

    `few`: the filter chooses a small part of the open tickets; it decides on the way to them, not on the answer.
    """

    after: tuple[datetime, int] | None
    limit: int
    few: bool = False


NO_TICKETS = QueueCounts(Counter(), {})


def counts(conn: Connection, scope: Scope, now: datetime) -> dict[str | None, QueueCounts]:
    """Count the open tickets in scope by station; None: of all. A station without any is left out."""
    views: defaultdict[str | None, Counter[str]] = defaultdict(Counter)
    own: defaultdict[str | None, Counter[str]] = defaultdict(Counter)
    for row in fetch(conn, SELECT_COUNTS, {**scope.parameters(), "now": now}):
        for station in {None, row["station"]}:
            views[station].update({view.value: row[view] for view in QueueView if view is not QueueView.MINE})
            own[station][row["responsible"] or ""] += row["all"]
    return {station: QueueCounts(views[station], own[station]) for station in {None, *views}}


def count(conn: Connection, scope: Scope, wanted: QueueFilter, now: datetime) -> int:
    """Count the open tickets in scope that a filter chooses."""
    values = {**scope.parameters(), **asdict(wanted), "now": now}
    return int(fetch(conn, SELECT_CHOSEN, values, prepare=False)[0]["count"])


def queue(
    conn: Connection,
    scope: Scope,
    wanted: QueueFilter,
    now: datetime,
    page: QueuePage,
) -> list[Row]:
    """Return open tickets in scope by the time left."""
    after_at, after_id = page.after or FRONT
    values = {
        **scope.parameters(),
        **asdict(wanted),
        "now": now,
        "far": FAR,
        "after_at": after_at,
        "after_id": after_id,
    }
    # A custom plan each time: a plan for any filter looks through all tickets.
    by_clock = SELECT_FEW if page.few else SELECT_RUNNING
    running = fetch(conn, by_clock, {**values, "limit": page.limit}, prepare=False) if after_at < FAR else []
    if len(running) == page.limit:
        return running
    return running + fetch(conn, SELECT_RESTING, {**values, "limit": page.limit - len(running)}, prepare=False)


def unanswered(conn: Connection, tickets: Sequence[int]) -> dict[int, datetime]:
    """Return those of the tickets on which the user has spoken since the last answer, and since when."""
    kinds = [kind.value for kind in WORDS | ANSWERS]
    rows = fetch(conn, SELECT_WORDS, {"tickets": list(tickets), "kinds": kinds})
    found = {ticket: unanswered_since(events) for ticket, events in groupby(rows, itemgetter("ticket_id"))}
    return {ticket: since for ticket, since in found.items() if since is not None}


def contacts(conn: Connection, ticket: int) -> list[Row]:
    """Return how to reach the people who have said something on a ticket, the newest first. It is personal."""
    return fetch(conn, SELECT_CONTACTS, {"ticket": ticket})


def stations(conn: Connection) -> list[str]:
    """Return the heat stations by name."""
    return [row[0] for row in conn.execute(SELECT_STATIONS).fetchall()]

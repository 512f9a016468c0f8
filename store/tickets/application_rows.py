"""Applications for heat: what was applied for, the notices of the company, and the heat of homes that follows them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import LiteralString, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from domain.applications import STEPS, ApplicationKind, Document, NewApplication
from store.base import numbers
from store.base.access import Scope
from store.base.place_joins import place_of
from store.base.rows import Row, fetch
from store.tickets.ticket_pages import TICKET_IN_SCOPE

INSERT = """
INSERT INTO application (ticket_id, kind, documents, area_m2) VALUES (%(ticket)s, %(kind)s, %(documents)s, %(area_m2)s)
"""
SELECT_ONE = """
SELECT
  a.ticket_id, a.kind, a.documents, a.area_m2, t.home_id, t.building_id,
  coalesce(h.class <> 'nonresidential', false) AS is_home
FROM application AS a
JOIN ticket AS t USING (ticket_id)
LEFT JOIN home AS h ON h.home_id = t.home_id
WHERE a.ticket_id = ANY (%(tickets)s::bigint[])
"""
SELECT_CLASS = "SELECT h.class <> 'nonresidential' FROM home AS h WHERE h.home_id = %(home)s"
SELECT_STEPS = """
SELECT e.seq, e.at, e.kind, e.data FROM ticket_event AS e
WHERE e.ticket_id = %(ticket)s AND e.kind = ANY (%(steps)s)
ORDER BY e.seq
"""
# Of one home, or of the one building; an application of another kind may be open beside it.
SELECT_OPEN = """
SELECT t.number FROM application AS a JOIN ticket AS t USING (ticket_id)
WHERE t.state <> 'closed' AND a.kind = %(kind)s
  AND (t.home_id, t.building_id) IS NOT DISTINCT FROM (%(home)s::integer, %(building)s::integer)
ORDER BY t.ticket_id LIMIT 1
"""
INSERT_NOTICE = """
INSERT INTO heat_notice (heat_notice_id, ticket_id, kind, home_id, building_id, area_m2, issued_at, issued_by)
SELECT %(key)s, t.ticket_id, %(kind)s, t.home_id, t.building_id, %(area_m2)s, %(at)s, %(actor)s
FROM ticket AS t WHERE t.ticket_id = %(ticket)s
RETURNING number
"""
SELECT_ISSUED = """
SELECT n.number FROM heat_notice AS n WHERE n.ticket_id = %(ticket)s AND n.kind = 'heat'
"""
PUT_HEAT = "SELECT put_heat(%(ticket)s, %(begins)s, %(now)s)"
LOCK_BUILDING = """
SELECT lock_building_homes(t.building_id) FROM ticket AS t WHERE t.ticket_id = %(ticket)s AND t.building_id IS NOT NULL
"""
# Other homes of the building that are stopped or too cold now: a stop between them makes them colder.
SELECT_NEIGHBOURS = """
SELECT h.code AS home, h.unit, coalesce(x.status, 'stopped') = 'stopped' AS stopped, is_breach(s.state) AS cold
FROM home AS h
JOIN home_state AS s USING (home_id)
LEFT JOIN LATERAL (
  SELECT y.status FROM home_status AS y
  WHERE y.home_id = h.home_id AND y.since <= %(now)s ORDER BY y.since DESC LIMIT 1
) AS x ON true
WHERE h.home_id <> %(home)s AND h.building_id = (SELECT o.building_id FROM home AS o WHERE o.home_id = %(home)s)
  AND (coalesce(x.status, 'stopped') = 'stopped' OR is_breach(s.state))
ORDER BY h.code
"""
_FROM: LiteralString = """
FROM application AS a
JOIN ticket AS t USING (ticket_id)
""" + place_of("t")
_APPLICATIONS: LiteralString = (
    """
SELECT
  t.ticket_id, t.number, a.kind, t.state, a.documents, a.area_m2, h.code AS home, h.unit, b.code AS building,
  b.name AS building_name, t.station, t.responsible, t.opened_at, t.closed_at, t.ending, c.due_at AS answer_due_at,
  c.met_at AS answered_at, n.due_at AS next_due_at, n.clock AS next_clock,
  (SELECT p.number FROM heat_notice AS p WHERE p.ticket_id = t.ticket_id AND p.kind = 'heat') AS heat_notice
"""
    + _FROM
    + """
LEFT JOIN clock AS c ON c.ticket_id = t.ticket_id AND c.round = 1 AND c.name = 'plan_answer'
LEFT JOIN ticket_next AS n ON n.ticket_id = t.ticket_id
WHERE (%(number)s::text IS NULL OR t.number = %(number)s)
  AND (%(kind)s::text IS NULL OR a.kind = %(kind)s) AND (%(station)s::text IS NULL OR t.station = %(station)s)
  AND (%(home_id)s::integer IS NULL OR t.home_id = %(home_id)s)
  AND CASE %(view)s::text
    WHEN 'open' THEN t.state <> 'closed' WHEN 'closed' THEN t.state = 'closed'
    WHEN 'unanswered' THEN t.state <> 'closed' AND c.met_at IS NULL
    WHEN 'late' THEN t.state <> 'closed' AND n.due_at <= %(now)s ELSE true
  END
  AND """
    + TICKET_IN_SCOPE
)
SELECT_NEWEST: LiteralString = (
    _APPLICATIONS
    + """
  AND (%(after)s::bigint IS NULL OR t.ticket_id < %(after)s)
ORDER BY t.ticket_id DESC
LIMIT %(limit)s
"""
)
COUNT_VIEWS: LiteralString = (
    """
SELECT
  count(*) AS "all", count(*) FILTER (WHERE t.state <> 'closed') AS open,
  count(*) FILTER (WHERE t.state = 'closed') AS closed,
  count(*) FILTER (WHERE t.state <> 'closed' AND c.met_at IS NULL) AS unanswered,
  count(*) FILTER (WHERE t.state <> 'closed' AND n.due_at <= %(now)s) AS late
"""
    + _FROM
    + """
LEFT JOIN clock AS c ON c.ticket_id = t.ticket_id AND c.round = 1 AND c.name = 'plan_answer'
LEFT JOIN ticket_next AS n ON n.ticket_id = t.ticket_id
WHERE """
    + TICKET_IN_SCOPE
)
# Received in a span of time, by kind. Explained: a delay was explained before the answer was due.
SELECT_FIGURES: LiteralString = (
    """
SELECT
  a.kind, count(*) AS received, count(*) FILTER (WHERE c.met_at <= c.due_at) AS answered_in_time,
  count(*) FILTER (WHERE c.met_at > c.due_at) AS answered_late,
  count(*) FILTER (WHERE c.met_at IS NULL AND c.void_at IS NULL AND c.due_at <= %(now)s) AS overdue,
  count(*) FILTER (WHERE c.met_at IS NULL AND c.void_at IS NULL AND coalesce(c.due_at > %(now)s, true)) AS waiting,
  count(*) FILTER (WHERE coalesce(c.met_at > c.due_at, c.due_at <= %(now)s, false) AND EXISTS (
    SELECT FROM ticket_event AS e
    WHERE e.ticket_id = t.ticket_id AND e.kind = 'delayed' AND e.at <= c.due_at
  )) AS late_explained,
  count(*) FILTER (WHERE w.met_at <= w.due_at) AS warm_in_time,
  count(*) FILTER (WHERE w.met_at > w.due_at OR (w.met_at IS NULL AND w.due_at <= %(now)s)) AS warm_late
"""
    + _FROM
    + """
LEFT JOIN clock AS c ON c.ticket_id = t.ticket_id AND c.round = 1 AND c.name = 'plan_answer'
LEFT JOIN clock AS w ON w.ticket_id = t.ticket_id AND w.round = 1 AND w.name IN ('heat_on', 'heat_at_once')
  AND w.void_at IS NULL
WHERE t.opened_at >= %(start)s AND t.opened_at < %(stop)s AND t.ending IS NULL
  AND (%(station)s::text IS NULL OR t.station = %(station)s) AND """
    + TICKET_IN_SCOPE
    + """
GROUP BY a.kind
ORDER BY a.kind
"""
)


class ApplicationRow(NamedTuple):
    """An application as it was received; `is_home`: somebody lives there, so heat is given at once (5(3))."""

    ticket_id: int
    kind: ApplicationKind
    documents: list[str]
    area_m2: Decimal | None
    home_id: int | None
    building_id: int | None
    is_home: bool


class Neighbour(NamedTuple):
    """Another home of the building that is stopped, or too cold now."""

    home: str
    unit: str
    stopped: bool
    cold: bool


class ApplicationView(StrEnum):
    """Views of the list of applications; each is a condition on them."""

    OPEN = "open"
    UNANSWERED = "unanswered"
    LATE = "late"  # a clock has run out
    CLOSED = "closed"
    ALL = "all"


@dataclass(frozen=True, kw_only=True)
class ApplicationFilter:
    """Filter of applications; None: any."""

    now: datetime
    view: ApplicationView = ApplicationView.ALL
    kind: str | None = None
    station: str | None = None
    home_id: int | None = None
    number: str | None = None


def insert(conn: Connection, ticket: int, new: NewApplication) -> None:
    """Store what a ticket applies for."""
    documents = [document.value for document in new.documents]
    conn.execute(INSERT, {"ticket": ticket, "kind": new.kind.value, "documents": documents, "area_m2": new.area_m2})


def of_tickets(conn: Connection, tickets: Sequence[int]) -> dict[int, ApplicationRow]:
    """Return the applications of tickets."""
    with conn.cursor(row_factory=class_row(ApplicationRow)) as cur:
        rows = cur.execute(SELECT_ONE, {"tickets": list(tickets)}).fetchall()
    return {row.ticket_id: row._replace(kind=ApplicationKind(row.kind)) for row in rows}


def is_lived_in(conn: Connection, home: int) -> bool:
    """Return whether a home is one that people live in."""
    return conn.execute(SELECT_CLASS, {"home": home}).fetchone() == (True,)


def steps(conn: Connection, ticket: int) -> list[Row]:
    """Return the steps of an application in order, with `seq`, `at`, `kind` and `data`."""
    return fetch(conn, SELECT_STEPS, {"ticket": ticket, "steps": [step.value for step in STEPS]})


def open_there(conn: Connection, new: NewApplication) -> str | None:
    """Return the number of an open application of the same kind and place."""
    wanted = {"kind": new.kind.value, "home": new.home_id, "building": new.building_id}
    row = conn.execute(SELECT_OPEN, wanted).fetchone()
    return row[0] if row else None


def issue(conn: Connection, ticket: int, kind: str, area_m2: Decimal | None, now: datetime, actor: str) -> str:
    """Issue a notice (`heat` or `area`) of an application in work, and return its number."""
    key = numbers.take(conn, numbers.NumberKind.HEAT_NOTICE, 1)[0]
    values = {"key": key, "ticket": ticket, "kind": kind, "area_m2": area_m2, "at": now, "actor": actor}
    row = conn.execute(INSERT_NOTICE, values).fetchone()
    assert row is not None  # the ticket is locked by the caller
    return str(row[0])


def heat_notice(conn: Connection, ticket: int) -> str:
    """Return the number of the notice under which an application gets its heat; it is on record."""
    row = conn.execute(SELECT_ISSUED, {"ticket": ticket}).fetchone()
    assert row is not None
    return str(row[0])


def lock_homes(conn: Connection, ticket: int) -> None:
    """Take the lock of judging for all homes of the building of a ticket."""
    conn.execute(LOCK_BUILDING, {"ticket": ticket})


def put_heat(conn: Connection, ticket: int, begins: datetime, now: datetime) -> int:
    """Let the heat of an application's homes begin or stop at an instant; returns how many homes that changes.

    Raises:
        CheckViolation: there is no notice or, of a stop, no approval; or it was given later.
    """
    row = conn.execute(PUT_HEAT, {"ticket": ticket, "begins": begins, "now": now}).fetchone()
    assert row is not None
    return int(row[0])


def neighbours(conn: Connection, home: int, now: datetime) -> list[Neighbour]:
    """Return the other homes of a home's building that are stopped or too cold."""
    with conn.cursor(row_factory=class_row(Neighbour)) as cur:
        return cur.execute(SELECT_NEIGHBOURS, {"home": home, "now": now}).fetchall()


def applications(
    conn: Connection, scope: Scope, wanted: ApplicationFilter, *, after: int | None = None, limit: int
) -> list[Row]:
    """Return applications in scope, newest first, from behind the ticket `after`."""
    values = {**scope.parameters(), **asdict(wanted), "after": after, "limit": limit}
    return [_read(row) for row in fetch(conn, SELECT_NEWEST, values, prepare=False)]


def application(conn: Connection, scope: Scope, number: str, now: datetime) -> Row | None:
    """Return the application of a ticket; None: none in scope."""
    found = applications(conn, scope, ApplicationFilter(now=now, number=number), limit=1)
    return found[0] if found else None


def counts(conn: Connection, scope: Scope, now: datetime) -> dict[ApplicationView, int]:
    """Count the applications in scope by view."""
    row = fetch(conn, COUNT_VIEWS, {**scope.parameters(), "now": now})[0]
    return {view: row[view.value] for view in ApplicationView}


def figures(
    conn: Connection, scope: Scope, span: tuple[datetime, datetime], now: datetime, station: str | None = None
) -> list[Row]:
    """Return how applications received in a span of time (half-open) were answered, by kind."""
    values = {**scope.parameters(), "start": span[0], "stop": span[1], "now": now, "station": station}
    return fetch(conn, SELECT_FIGURES, values)


def _read(row: Row) -> Row:
    return {
        **row,
        "kind": ApplicationKind(row["kind"]),
        "documents": [Document(document) for document in row["documents"]],
    }

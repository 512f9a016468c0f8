"""Complaints and reports. Who made them is behind two doors: one to leave it, one to be told, each try written down."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import LiteralString, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from domain.cases import FollowUp, NewCase, Reveal
from store.base.access import Scope
from store.base.identity_role import told_of_persons
from store.base.rows import Row, fetch

FAR = datetime(2199, 12, 31, tzinfo=UTC)  # the place of a case whose due time is not known: behind all others

INSERT = """
INSERT INTO case_file (ticket_id, subject, channel, about_station, text, anonymous, opened_at, opened_by)
VALUES (
  %(ticket)s, %(subject)s, %(channel)s, %(about_station)s, %(text)s, %(anonymous)s, %(at)s, %(actor)s
)
"""
KEEP = "SELECT identity.keep(%(ticket)s, %(name)s, %(phone)s, %(home_id)s, %(at)s)"
REVEAL = """
SELECT outcome, name, phone, home
FROM identity.reveal(%(ticket)s, %(actor)s, %(role)s, %(station)s, %(reason)s, %(at)s)
"""
LOCK = """
SELECT
  t.ticket_id, t.state = 'closed' AS closed, c.escalated_at, c.supervised_at, c.published_at, c.example_at
FROM case_file AS c
JOIN ticket AS t USING (ticket_id)
WHERE t.number = %(number)s
FOR NO KEY UPDATE OF c
"""
FOLLOW_UP = """
UPDATE case_file AS c
SET
  escalated_at = CASE WHEN %(what)s = 'escalated' THEN %(at)s ELSE c.escalated_at END,
  supervised_at = CASE WHEN %(what)s = 'supervised' THEN %(at)s ELSE c.supervised_at END,
  published_at = CASE WHEN %(what)s = 'published' THEN %(at)s ELSE c.published_at END,
  example_at = CASE WHEN %(what)s = 'example' THEN %(at)s ELSE c.example_at END
WHERE c.ticket_id = %(ticket)s
"""
# The clock that answering a case stops is that of its present round. `place_at` is its place in the list by due time.
_CASES: LiteralString = """
SELECT
  t.ticket_id, t.number, t.class, t.state, t.station, t.responsible, c.subject, c.channel, c.about_station, c.text,
  c.anonymous, c.opened_at, t.closed_at, c.escalated_at, c.supervised_at, c.published_at, c.example_at,
  a.due_at AS answer_due_at, t.replied_at AS answered_at, coalesce(a.due_at, %(far)s::timestamptz) AS place_at
FROM case_file AS c
JOIN ticket AS t USING (ticket_id)
LEFT JOIN LATERAL (
  SELECT x.due_at FROM clock AS x
  WHERE x.ticket_id = t.ticket_id AND x.name = 'answer'
  ORDER BY x.round DESC LIMIT 1
) AS a ON true
WHERE (%(everywhere)s OR t.ticket_id = ANY ((SELECT reach_cases())::bigint[]))
"""
_CHOSEN: LiteralString = """
  AND (%(number)s::text IS NULL OR t.number = %(number)s)
  AND (%(case_class)s::text IS NULL OR t.class = %(case_class)s)
  AND (%(station)s::text IS NULL OR c.about_station = %(station)s)
  AND (%(subject)s::text IS NULL OR c.subject = %(subject)s)
  AND (%(is_open)s::boolean IS NULL OR %(is_open)s = (t.state <> 'closed'))
"""
# Who has not been answered is what the queue calls so (store/tickets/queue_rows.py).
_VIEWS: LiteralString = """
SELECT
  w.*, true AS "all", w.state <> 'closed' AS open, w.state <> 'closed' AND w.answered_at IS NULL AS unanswered,
  w.state <> 'closed' AND w.answered_at IS NULL AND coalesce(w.answer_due_at <= %(now)s, false) AS late,
  w.state <> 'closed' AND (w.escalated_at IS NOT NULL OR w.supervised_at IS NOT NULL) AS serious,
  w.state = 'closed' AS closed, w.example_at IS NOT NULL AS example
FROM work AS w
"""
_VIEW: LiteralString = """
  CASE %(view)s::text
    WHEN 'open' THEN v.open WHEN 'unanswered' THEN v.unanswered WHEN 'late' THEN v.late WHEN 'serious' THEN v.serious
    WHEN 'closed' THEN v.closed WHEN 'examples' THEN v.example ELSE true
  END
"""
_SEEN: LiteralString = f"WITH work AS ({_CASES}{_CHOSEN}), seen AS ({_VIEWS}) SELECT v.* FROM seen AS v WHERE {_VIEW}"
SELECT_CASES: LiteralString = f"""{_SEEN}
  AND (%(after_id)s::bigint IS NULL OR v.ticket_id < %(after_id)s)
ORDER BY v.ticket_id DESC
LIMIT %(limit)s
"""
SELECT_CASES_BY_DUE: LiteralString = f"""{_SEEN}
  AND (%(after_at)s::timestamptz IS NULL OR (v.place_at, v.ticket_id) > (%(after_at)s, %(after_id)s::bigint))
ORDER BY v.place_at, v.ticket_id
LIMIT %(limit)s
"""
COUNT_CASES: LiteralString = f"""
WITH work AS ({_CASES}{_CHOSEN}), seen AS ({_VIEWS})
SELECT
  count(*) FILTER (WHERE v.open) AS open, count(*) FILTER (WHERE v.unanswered) AS unanswered,
  count(*) FILTER (WHERE v.late) AS late, count(*) FILTER (WHERE v.serious) AS serious,
  count(*) FILTER (WHERE v.closed) AS closed, count(*) FILTER (WHERE v.example) AS examples, count(*) AS "all",
  count(*) FILTER (WHERE {_VIEW}) AS chosen
FROM seen AS v
"""
SELECT_OPEN_OF_HOMES = """
SELECT count(*) FROM ticket AS t WHERE t.ticket_id = ANY ((SELECT reach_cases())::bigint[]) AND t.state <> 'closed'
"""


class CaseStanding(NamedTuple):
    """The progress of a case."""

    ticket_id: int
    closed: bool
    escalated_at: datetime | None
    supervised_at: datetime | None
    published_at: datetime | None
    example_at: datetime | None

    def done(self, what: FollowUp) -> bool:
        """Return whether a follow-up has been made."""
        return getattr(self, f"{what.value}_at") is not None


class RevealedIdentity(NamedTuple):
    """The identity of a complainant, as far as the asker may know: the outcome says why not."""

    outcome: Reveal
    name: str | None
    phone: str | None
    home: str | None


class CaseView(StrEnum):
    """Views of the list of cases; each is a condition on them."""

    OPEN = "open"
    UNANSWERED = "unanswered"
    LATE = "late"  # the answer is overdue
    SERIOUS = "serious"  # escalated, or under supervision
    CLOSED = "closed"
    EXAMPLES = "examples"
    ALL = "all"


@dataclass(frozen=True, kw_only=True)
class CaseFilter:
    """A filter of cases; None: any. `now`: the present, where some of them may be late."""

    view: CaseView = CaseView.ALL
    now: datetime | None = None
    number: str | None = None
    case_class: str | None = None
    station: str | None = None
    subject: str | None = None
    is_open: bool | None = None


def insert(conn: Connection, ticket: int, new: NewCase, actor: str, at: datetime) -> None:
    """Store a case of a ticket, and who made it behind its door."""
    values = {"ticket": ticket, "actor": actor, "at": at}
    conn.execute(INSERT, {**asdict(new), **values})
    if new.identified:
        conn.execute(KEEP, {**asdict(new), **values})


def lock(conn: Connection, number: str) -> CaseStanding | None:
    """Return how far a case has been followed up, locked; None if there is none of that number."""
    with conn.cursor(row_factory=class_row(CaseStanding)) as cur:
        return cur.execute(LOCK, {"number": number}).fetchone()


def follow_up(conn: Connection, ticket: int, what: FollowUp, at: datetime) -> None:
    """Note that a follow-up was made."""
    conn.execute(FOLLOW_UP, {"ticket": ticket, "what": what.value, "at": at})


def cases(conn: Connection, scope: Scope, wanted: CaseFilter, *, before: int | None = None, limit: int) -> list[Row]:
    """Return cases, newest first: all, or those of the homes in scope. A crew sees none: they may be about it."""
    return fetch(conn, SELECT_CASES, {**_values(scope, wanted), "after_id": before, "limit": limit})


def cases_by_due(
    conn: Connection, scope: Scope, wanted: CaseFilter, *, after: tuple[datetime, int] | None = None, limit: int
) -> list[Row]:
    """Return the same by the time by which they are to be answered, from behind `after` (`place_at`, `ticket_id`)."""
    after_at, after_id = after or (None, None)
    values = {**_values(scope, wanted), "after_at": after_at, "after_id": after_id, "limit": limit}
    return fetch(conn, SELECT_CASES_BY_DUE, values)


def count(conn: Connection, scope: Scope, wanted: CaseFilter) -> dict[str, int]:
    """Return the number of cases in each view, and in the one wanted (`chosen`)."""
    return fetch(conn, COUNT_CASES, _values(scope, wanted))[0]


def _values(scope: Scope, wanted: CaseFilter) -> Row:
    return {"everywhere": scope.everywhere, "far": FAR, **asdict(wanted)}


def case(conn: Connection, scope: Scope, number: str) -> Row | None:
    """Return one case by the number of its ticket; None if there is none in scope."""
    found = cases(conn, scope, CaseFilter(number=number), limit=1)
    return found[0] if found else None


def open_of_homes(conn: Connection) -> int:
    """Return how many cases of the homes that the transaction reaches are open."""
    row = conn.execute(SELECT_OPEN_OF_HOMES).fetchone()
    return row[0] if row else 0


@dataclass(frozen=True)
class IdentityRequest:
    """A caller's request for the identity behind a complaint."""

    actor: str
    role: str
    station: str | None
    reason: str


def reveal(conn: Connection, ticket: int, request: IdentityRequest, at: datetime) -> RevealedIdentity:
    """Return the identity behind a complaint, and record the request, whether it is granted or not."""
    with told_of_persons(conn):
        row = conn.execute(REVEAL, {"ticket": ticket, **asdict(request), "at": at}).fetchone()
    assert row is not None
    return RevealedIdentity(Reveal(row[0]), *row[1:])

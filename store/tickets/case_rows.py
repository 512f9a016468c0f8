"""Complaints and reports. Who made them is behind two doors: one to leave it, one to be told, each try written down."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from domain.cases import FollowUp, NewCase, Reveal
from store.base.access import Scope
from store.base.identity_role import told_of_persons
from store.base.rows import Row, fetch

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
SELECT_CASES = """
SELECT
  t.ticket_id, t.number, t.class, t.state, c.subject, c.channel, c.about_station, c.text, c.anonymous, c.opened_at,
  t.closed_at, c.escalated_at, c.supervised_at, c.published_at, c.example_at
FROM case_file AS c
JOIN ticket AS t USING (ticket_id)
WHERE (%(everywhere)s OR t.ticket_id = ANY ((SELECT reach_cases())::bigint[]))
  AND (%(number)s::text IS NULL OR t.number = %(number)s)
  AND (%(case_class)s::text IS NULL OR t.class = %(case_class)s)
  AND (%(station)s::text IS NULL OR c.about_station = %(station)s)
  AND (%(subject)s::text IS NULL OR c.subject = %(subject)s)
  AND (%(is_open)s::boolean IS NULL OR %(is_open)s = (t.state <> 'closed'))
  AND (%(before)s::bigint IS NULL OR t.ticket_id < %(before)s)
ORDER BY t.ticket_id DESC
LIMIT %(limit)s
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


@dataclass(frozen=True, kw_only=True)
class CaseFilter:
    """A filter of cases; None: any."""

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
    return fetch(
        conn, SELECT_CASES, {"everywhere": scope.everywhere, **asdict(wanted), "before": before, "limit": limit}
    )


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

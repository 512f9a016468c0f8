"""Notes of people who look at a ticket or write on it at this moment: one for each open stream that names a ticket.

Notes run out by the clock of the server, which the processes that serve streams share.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, LiteralString, NamedTuple

from psycopg import Connection

from store.base.access import Role, Scope
from store.tickets.ticket_pages import TICKET_IN_SCOPE

CHANNEL = "hearth_presence"
LISTEN = "LISTEN hearth_presence"
RENEWED_S = 15  # three times before a note runs out

PUT = """
INSERT INTO ticket_presence (stream_id, ticket_id, token_id, doing, until)
SELECT x.stream_id, x.ticket_id, x.token_id, x.doing, now() + interval '45 s'
FROM unnest(%(streams)s::bigint[], %(tickets)s::bigint[], %(tokens)s::integer[], %(doing)s::text[])
  AS x (stream_id, ticket_id, token_id, doing)
ORDER BY x.stream_id
ON CONFLICT (stream_id) DO UPDATE SET until = excluded.until
"""
# Others delete what has run out at the same time.
END = """
DELETE FROM ticket_presence WHERE stream_id IN (
  SELECT p.stream_id FROM ticket_presence AS p
  WHERE p.stream_id = ANY (%(streams)s::bigint[]) OR p.until < now()
  ORDER BY p.stream_id
  FOR UPDATE SKIP LOCKED
)
"""
TELL = "SELECT pg_notify('hearth_presence', '')"
# A person at two windows is there once, and writes if in one of them.
_PRESENT: LiteralString = """
SELECT
  t.ticket_id, t.number, t.class, t.station, s.staff_id, s.name, s.role, s.station AS own_station,
  CASE WHEN bool_or(p.doing = 'writing') THEN 'writing' ELSE 'looking' END AS doing
FROM ticket_presence AS p
JOIN ticket AS t USING (ticket_id)
JOIN token AS k USING (token_id)
JOIN staff AS s USING (staff_id)
WHERE p.until > now() AND k.revoked_at IS NULL
"""
_EACH: LiteralString = """
GROUP BY t.ticket_id, s.staff_id
ORDER BY t.ticket_id, doing DESC, s.name, s.staff_id
"""
SELECT_ALL: LiteralString = _PRESENT + _EACH
SELECT_AT: LiteralString = _PRESENT + "  AND p.ticket_id = ANY (%(tickets)s::bigint[]) AND " + TICKET_IN_SCOPE + _EACH


class Doing(StrEnum):
    """Ways to be at a ticket."""

    LOOKING = "looking"
    WRITING = "writing"


class PresenceNote(NamedTuple):
    """A stream of a session, and the ticket that its person looks at or writes on."""

    stream_id: int
    ticket_id: int
    session: int
    doing: Doing


class PresenceRow(NamedTuple):
    """A person who is at a ticket; `station`: of the ticket, `own_station`: of a crew."""

    ticket_id: int
    number: str
    ticket_class: str
    station: str | None
    staff_id: int
    name: str
    role: Role
    own_station: str | None
    doing: Doing


def put(conn: Connection, notes: Sequence[PresenceNote]) -> None:
    """Write notes, or let those that are there last longer."""
    values = {
        "streams": [note.stream_id for note in notes],
        "tickets": [note.ticket_id for note in notes],
        "tokens": [note.session for note in notes],
        "doing": [note.doing.value for note in notes],
    }
    conn.execute(PUT, values)


def end(conn: Connection, streams: Sequence[int]) -> None:
    """Take notes away, and those of any process that have run out."""
    conn.execute(END, {"streams": list(streams)})


def everybody(conn: Connection) -> list[PresenceRow]:
    """Return who is at any ticket, by ticket, those who write first."""
    return [_row(row) for row in conn.execute(SELECT_ALL)]


def at(conn: Connection, scope: Scope, tickets: Sequence[int]) -> list[PresenceRow]:
    """Return who is at those of some tickets that are in scope, in the order of `everybody`."""
    return [_row(row) for row in conn.execute(SELECT_AT, {**scope.parameters(), "tickets": list(tickets)})]


def _row(row: tuple[Any, ...]) -> PresenceRow:
    found = PresenceRow._make(row)
    return found._replace(role=Role(found.role), doing=Doing(found.doing))


def tell(conn: Connection) -> None:
    """Let all processes know, at the commit, that somebody has come or gone; renewing is no news."""
    conn.execute(TELL)


def listen(conn: Connection) -> None:
    """Subscribe a connection in autocommit mode to word of those who come and go."""
    conn.execute(LISTEN)

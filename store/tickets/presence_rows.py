"""Notes of people who look at a ticket or write on it at this moment: one for each open stream that names a ticket.

Notes run out by the clock of the server, which the processes that serve streams share.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, LiteralString, NamedTuple

from psycopg import Connection

from store.base.access import Role

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
_PERSON: LiteralString = """
  p.ticket_id, s.staff_id, s.name, s.role, s.station,
  CASE WHEN bool_or(p.doing = 'writing') THEN 'writing' ELSE 'looking' END AS doing
FROM ticket_presence AS p
JOIN token AS k USING (token_id)
JOIN staff AS s USING (staff_id)
"""
_THERE: LiteralString = "WHERE p.until > now() AND k.revoked_at IS NULL"
_ORDER: LiteralString = "ORDER BY p.ticket_id, doing DESC, s.name, s.staff_id"
SELECT_ALL: LiteralString = f"""
SELECT t.number, t.class, t.station, {_PERSON} JOIN ticket AS t ON t.ticket_id = p.ticket_id
{_THERE} GROUP BY p.ticket_id, s.staff_id, t.ticket_id {_ORDER}
"""
SELECT_AT: LiteralString = f"""
SELECT {_PERSON} {_THERE} AND p.ticket_id = ANY (%(tickets)s::bigint[]) GROUP BY p.ticket_id, s.staff_id {_ORDER}
"""


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
    """A person who is at a ticket; `station`: of a crew."""

    ticket_id: int
    staff_id: int
    name: str
    role: Role
    station: str | None
    doing: Doing


class PresenceTicket(NamedTuple):
    """A ticket that somebody is at."""

    number: str
    ticket_class: str
    station: str | None


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


def everybody(conn: Connection) -> list[tuple[PresenceTicket, PresenceRow]]:
    """Return who is at any ticket, by ticket, those who write first."""
    return [(PresenceTicket(*row[:3]), _person(row[3:])) for row in conn.execute(SELECT_ALL)]


def at(conn: Connection, tickets: Sequence[int]) -> list[PresenceRow]:
    """Return who is at some tickets, which the caller has found in reach, in the order of `everybody`."""
    return [_person(row) for row in conn.execute(SELECT_AT, {"tickets": list(tickets)})]


def _person(row: tuple[Any, ...]) -> PresenceRow:
    found = PresenceRow._make(row)
    return found._replace(role=Role(found.role), doing=Doing(found.doing))


def tell(conn: Connection) -> None:
    """Let all processes know, at the commit, that somebody has come or gone; renewing is no news."""
    conn.execute(TELL)


def listen(conn: Connection) -> None:
    """Subscribe a connection in autocommit mode to word of those who come and go."""
    conn.execute(LISTEN)

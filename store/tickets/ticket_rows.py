"""Tickets and their events. Events are only ever added, by a transaction that has the ticket locked."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

import msgspec
from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from domain.closing import TicketStanding
from store.base.locks import lock_text
from store.base.place_joins import place_of
from store.base.rows import Row, fetch

# The open cold ticket of each home, else its last one. Nobody opens another meanwhile: the homes are locked.
SELECT_LAST_COLD = """
SELECT l.ticket_id
FROM unnest(%(homes)s::integer[]) AS w (home_id)
CROSS JOIN LATERAL (
  SELECT t.ticket_id FROM ticket AS t
  WHERE t.home_id = w.home_id AND t.class = 'cold' AND NOT t.retrospective AND t.ending IS NULL
  ORDER BY (t.state = 'closed'), t.ticket_id DESC
  LIMIT 1
) AS l
"""
SELECT_FIRST_COLD = """
SELECT f.ticket_id, min(f.cold_since) FROM flag AS f WHERE f.ticket_id = ANY(%(tickets)s) GROUP BY f.ticket_id
"""
_TICKETS: LiteralString = """
SELECT
  t.ticket_id, t.number, t.class AS ticket_class, t.state, t.priority, t.home_id, t.station, t.responsible,
  t.appointment_at, t.responsibility, t.paid, t.confirmation, t.round, t.opened_at, t.closed_at, t.retrospective,
  t.done_at, t.proven_at, t.proof, t.replied_at, t.called_back_at, t.source, t.ending, t.merged_into
FROM ticket AS t
WHERE t.ticket_id = ANY(%(tickets)s::bigint[])
ORDER BY t.ticket_id
"""
# In the order of their key, as everywhere; after the wait the row is as it is then.
LOCK: LiteralString = _TICKETS + "FOR NO KEY UPDATE"
LOCK_FREE: LiteralString = LOCK + " SKIP LOCKED"
SELECT_EVENTS_SINCE = """
SELECT e.seq, e.at, e.kind, e.actor, e.data FROM ticket_event AS e
WHERE e.ticket_id = %(ticket)s AND e.seq > %(seq)s AND e.kind <> ALL (%(but)s)
ORDER BY e.seq
"""
SELECT_HAPPENED_SINCE = """
SELECT EXISTS (
  SELECT FROM ticket_event AS e WHERE e.ticket_id = %(ticket)s AND e.kind = ANY (%(kinds)s)
    AND coalesce((e.data ->> 'made_at')::timestamptz, e.at) > %(at)s
)
"""
SELECT_SUPERSEDED = """
SELECT EXISTS (
  SELECT FROM ticket AS o
  WHERE o.home_id = %(home)s AND o.class = 'cold' AND o.state <> 'closed' AND o.ticket_id <> %(ticket)s
)
"""
INSERT: LiteralString = (
    """
INSERT INTO ticket (
  ticket_id, class, state, priority, home_id, building_id, substation_id, station, source, description,
  follows, opened_at, closed_at, retrospective
)
SELECT
  x.ticket_id, x.class, x.state, x.priority, x.home_id, x.building_id, x.substation_id, coalesce(x.station, u.station),
  x.source, x.description, x.follows, %(at)s::timestamptz,
  CASE WHEN x.state = 'closed' THEN %(at)s::timestamptz END,
  x.state = 'closed'
FROM jsonb_to_recordset(%(tickets)s) AS x (
  ticket_id bigint, class text, state text, priority smallint, home_id integer, building_id integer,
  substation_id integer, station text, source text, description text, follows bigint
)
"""
    + place_of("x")
    + """
ORDER BY x.home_id, x.ticket_id
"""
)
# A process that waited for the ticket, or whose clock is behind, has read the clock before what is on record by now.
# Events do not go back in time.
INSERT_EVENTS = """
INSERT INTO ticket_event (ticket_id, seq, at, kind, actor, state, data, hash)
SELECT
  x.ticket_id, 0,
  greatest(
    %(at)s, (SELECT e.at FROM ticket_event AS e WHERE e.ticket_id = x.ticket_id ORDER BY e.seq DESC LIMIT 1)
  ),
  x.kind, %(actor)s, x.state, x.data, ''
FROM ROWS FROM (jsonb_to_recordset(%(events)s) AS (ticket_id bigint, kind text, state text, data jsonb))
  WITH ORDINALITY AS x (ticket_id, kind, state, data, nth)
ORDER BY x.nth
"""
# Of the event with what was said.
INSERT_CONTACTS = """
INSERT INTO ticket_contact (ticket_id, seq, contact)
SELECT
  x.ticket_id,
  (SELECT max(e.seq) FROM ticket_event AS e WHERE e.ticket_id = x.ticket_id AND e.kind IN ('opened', 'user_said')),
  x.contact
FROM unnest(%(tickets)s::bigint[], %(contacts)s::text[]) AS x (ticket_id, contact)
"""
UPDATE = """
UPDATE ticket AS t SET
  state = x.state, priority = x.priority, station = x.station, responsible = x.responsible,
  appointment_at = x.appointment_at, responsibility = x.responsibility, paid = x.paid, confirmation = x.confirmation,
  round = x.round, closed_at = x.closed_at, done_at = x.done_at, proven_at = x.proven_at, proof = x.proof,
  replied_at = x.replied_at, called_back_at = x.called_back_at, ending = x.ending, merged_into = x.merged_into
FROM jsonb_to_recordset(%(tickets)s) AS x (
  ticket_id bigint, state text, priority smallint, station text, responsible text, appointment_at timestamptz,
  responsibility text, paid boolean, confirmation text, round smallint, closed_at timestamptz, done_at timestamptz,
  proven_at timestamptz, proof text, replied_at timestamptz, called_back_at timestamptz, ending text,
  merged_into bigint
)
WHERE t.ticket_id = x.ticket_id
"""

# What a person may add to: what closes by itself, and what may be about the crew, is not for that.
SELECT_OPEN_AT = """
SELECT t.ticket_id, t.number, t.class AS ticket_class, t.state, t.opened_at
FROM ticket AS t
WHERE t.state <> 'closed' AND t.source NOT IN ('device', 'incident')
  AND t.class NOT IN ('complaint', 'report', 'application')
  AND (t.home_id = %(home)s OR t.building_id = %(building)s OR t.substation_id = %(substation)s)
ORDER BY t.ticket_id
"""
SELECT_STANDING = """
SELECT
  s.ticket_id, s.ticket_class, s.source, s.retrospective, s.flagged, s.done, s.proof, s.replied, s.call_back_asked,
  s.called_back, s.responsibility, s.paid, s.confirmed
FROM ticket_standing AS s
WHERE s.ticket_id = ANY(%(tickets)s::bigint[])
"""
LOCK_HOME = "SELECT lock_home(%(home)s)"
LOCK_HOME_OF = "SELECT lock_home(t.home_id) FROM ticket AS t WHERE t.ticket_id = %(ticket)s AND t.home_id IS NOT NULL"
SELECT_OPEN_OF_USER = """
SELECT count(*) FROM ticket AS t WHERE t.home_id = %(home)s AND t.source = 'user' AND t.state <> 'closed'
"""


class TicketRow(NamedTuple):
    """A ticket as it is stored, but for its places and texts, which stay."""

    ticket_id: int
    number: str
    ticket_class: str
    state: str
    priority: int
    home_id: int | None
    station: str | None
    responsible: str | None
    appointment_at: datetime | None
    responsibility: str | None
    paid: bool
    confirmation: str | None
    round: int
    opened_at: datetime
    closed_at: datetime | None
    retrospective: bool
    done_at: datetime | None
    proven_at: datetime | None
    proof: str | None
    replied_at: datetime | None
    called_back_at: datetime | None
    source: str
    ending: str | None
    merged_into: int | None


class OpenTicketRow(NamedTuple):
    """A ticket that is worked on, and since when."""

    ticket_id: int
    number: str
    ticket_class: str
    state: str
    opened_at: datetime


class TicketPlace(NamedTuple):
    """The place of a ticket: one of them, or nowhere."""

    home: int | None = None
    building: int | None = None
    substation: int | None = None

    def name(self) -> str:
        """Return by which it is locked."""
        return " ".join(f"{kind} {key}" for kind, key in self._asdict().items() if key is not None)


def last_cold(conn: Connection, homes: Sequence[int]) -> dict[int, tuple[TicketRow, datetime | None]]:
    """Return the open cold ticket of each home, or else the last one it had, and when its first flag began.

    Retrospective ones do not count. The homes are locked by the caller, the tickets by this.
    """
    ids = [row[0] for row in conn.execute(SELECT_LAST_COLD, {"homes": list(homes)}).fetchall()]
    rows = lock(conn, ids)
    first: dict[int, datetime] = dict(conn.execute(SELECT_FIRST_COLD, {"tickets": ids}).fetchall())
    return {row.home_id: (row, first.get(row.ticket_id)) for row in rows.values() if row.home_id is not None}


def lock(conn: Connection, tickets: Sequence[int]) -> dict[int, TicketRow]:
    """Return tickets as they are now, and as they stay until the transaction ends."""
    return _locked(conn, LOCK, tickets)


def lock_free(conn: Connection, tickets: Sequence[int]) -> dict[int, TicketRow]:
    """Return tickets as `lock`, but for those that are in work elsewhere.

    For rounds that have many tickets in hand, and none of their homes: judging has locked some tickets of a batch when
    it comes to others, so the two could wait for each other in a circle.
    """
    return _locked(conn, LOCK_FREE, tickets)


def _locked(conn: Connection, lock: LiteralString, tickets: Sequence[int]) -> dict[int, TicketRow]:
    with conn.cursor(row_factory=class_row(TicketRow)) as cur:
        return {row.ticket_id: row for row in cur.execute(lock, {"tickets": list(tickets)}).fetchall()}


def events_since(conn: Connection, ticket: int, seq: int, but: Collection[str]) -> list[Row]:
    """Return the events of a ticket after one of them, but for those of some kinds."""
    return fetch(conn, SELECT_EVENTS_SINCE, {"ticket": ticket, "seq": seq, "but": list(but)})


def happened_since(conn: Connection, ticket: int, kinds: Collection[str], at: datetime) -> bool:
    """Return whether a move of one of some kinds was made on a ticket after an instant."""
    asked = {"ticket": ticket, "kinds": list(kinds), "at": at}
    return conn.execute(SELECT_HAPPENED_SINCE, asked).fetchone() == (True,)


def lock_place(conn: Connection, place: TicketPlace) -> None:
    """Let nobody else open a ticket by hand there until the transaction ends, whether the place has any row or not."""
    lock_text(conn, place.name())


def open_at(conn: Connection, place: TicketPlace) -> list[OpenTicketRow]:
    """Return what is worked on at a place and a person may add to, oldest first."""
    with conn.cursor(row_factory=class_row(OpenTicketRow)) as cur:
        return cur.execute(SELECT_OPEN_AT, place._asdict()).fetchall()


def standing(conn: Connection, tickets: Sequence[int]) -> dict[int, TicketStanding]:
    """Return what there is of what closing tickets needs."""
    rows = fetch(conn, SELECT_STANDING, {"tickets": list(tickets)})
    return {row.pop("ticket_id"): TicketStanding(**row) for row in rows}


def lock_home(conn: Connection, home: int) -> None:
    """Take the lock of judging: until the transaction ends no flag of the home comes or goes."""
    conn.execute(LOCK_HOME, {"home": home})


def lock_home_of(conn: Connection, ticket: int) -> None:
    """Lock the home of a ticket."""
    conn.execute(LOCK_HOME_OF, {"ticket": ticket})


def open_of_user(conn: Connection, home: int) -> int:
    """Return how many tickets that users opened for a home are open."""
    row = conn.execute(SELECT_OPEN_OF_USER, {"home": home}).fetchone()
    assert row is not None
    return int(row[0])


def superseded(conn: Connection, row: TicketRow) -> bool:
    """Return whether another cold ticket of its home is open. For the few that are to be opened again, not for all."""
    if row.ticket_class != "cold" or row.home_id is None:
        return False
    return conn.execute(SELECT_SUPERSEDED, {"home": row.home_id, "ticket": row.ticket_id}).fetchone() == (True,)


def insert(conn: Connection, tickets: Sequence[Mapping[str, Any]], at: datetime) -> None:
    """Store new tickets. Without a station, that of their home, building or substation; born closed: retrospective."""
    conn.execute(INSERT, {"tickets": Jsonb(list(tickets), dumps=msgspec.json.encode), "at": at})


def append_events(conn: Connection, events: Sequence[Mapping[str, Any]], at: datetime, actor: str) -> None:
    """Add events `{ticket_id, kind, state, data}` in order; `state` is the ticket's after it."""
    said = Jsonb(list(events), dumps=msgspec.json.encode)
    conn.execute(INSERT_EVENTS, {"events": said, "at": at, "actor": actor})


def insert_contacts(conn: Connection, contacts: Sequence[tuple[int, str]]) -> None:
    """Keep how to reach those who have just said something: ticket and contact, after the event."""
    if contacts:
        tickets, said = zip(*contacts, strict=True)
        conn.execute(INSERT_CONTACTS, {"tickets": list(tickets), "contacts": list(said)})


def update(conn: Connection, tickets: Sequence[TicketRow]) -> None:
    """Store locked tickets that changed."""
    conn.execute(UPDATE, {"tickets": Jsonb([_plain(row) for row in tickets])})


def _plain(row: TicketRow) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in row._asdict().items()}

"""The chain of ticket events and the seals over it: read as they are, not as the database's own functions see them."""

from collections.abc import Iterator
from datetime import datetime
from typing import LiteralString, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

# What the hash of an event is made of, spelled out here once more: a changed function in the database changes nothing.
# What the hash of an event is made of, beside that of the one before it: as the trigger has it (0010_desk.sql).
TOLD: LiteralString = """jsonb_build_array(
    e.ticket_id, e.seq, (extract(epoch FROM e.at) * 1000000)::bigint, e.kind, e.actor, e.state, e.data
  )::text AS told"""
SELECT_EVENTS: LiteralString = (
    """
SELECT e.ticket_id, e.seq, e.state, e.hash, """
    + TOLD
    + """
FROM ticket_event AS e
ORDER BY e.ticket_id, e.seq
"""
)
SET_FROZEN = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
SELECT_TICKETS = "SELECT t.ticket_id, t.number, t.state FROM ticket AS t ORDER BY t.ticket_id"
SELECT_HASHES = """
SELECT e.hash FROM ticket_event AS e WHERE e.event_id > %(after)s AND e.event_id <= %(upto)s ORDER BY e.event_id
"""
SELECT_SEALS = "SELECT chain_seal_id, at, upto, events, digest, hash FROM chain_seal ORDER BY chain_seal_id"
SELECT_LAST_SEAL = """
SELECT chain_seal_id, at, upto, events, digest, hash FROM chain_seal ORDER BY chain_seal_id DESC LIMIT 1
"""
INSERT_SEAL = """
INSERT INTO chain_seal (chain_seal_id, at, upto, events, digest, hash)
VALUES (%(chain_seal_id)s, %(at)s, %(upto)s, %(events)s, %(digest)s, %(hash)s)
"""
LOCK_NEXT = "SELECT upto, settled_from FROM chain_next FOR UPDATE"
# Whoever may still add an event below `upto` is a transaction that has begun already.
SELECT_SETTLED = """
SELECT
  n.settled_from IS NOT NULL AND pg_snapshot_xmin(pg_current_snapshot()) >= n.settled_from,
  n.settled_from IS NULL OR n.settled_from > pg_snapshot_xmax(pg_current_snapshot()),
  n.upto
FROM chain_next AS n
"""
UPDATE_NEXT = """
UPDATE chain_next SET
  upto = greatest(upto, coalesce((SELECT max(e.event_id) FROM ticket_event AS e), 0)),
  settled_from = pg_snapshot_xmax(pg_current_snapshot())
"""
# Breaches that the chain tells of and the clocks do not, and the other way round.
SELECT_BREACHES = """
SELECT t.number, coalesce(c.name, e.clock) AS clock, c.name IS NULL AS lost
FROM (
  SELECT ticket_id, name, due_at FROM clock WHERE breached_at IS NOT NULL
) AS c
FULL JOIN (
  SELECT DISTINCT x.ticket_id, x.data ->> 'clock' AS clock, (x.data ->> 'due_at')::timestamptz AS due_at
  FROM ticket_event AS x WHERE x.kind = 'clock_breached'
) AS e ON e.ticket_id = c.ticket_id AND e.clock = c.name AND e.due_at = c.due_at
JOIN ticket AS t ON t.ticket_id = coalesce(c.ticket_id, e.ticket_id)
WHERE c.name IS NULL OR e.clock IS NULL
ORDER BY t.ticket_id, 2
"""


# What the events of a ticket and its row say of how it ended, where they differ.
SELECT_ENDINGS = """
SELECT t.number
FROM ticket AS t
LEFT JOIN (
  SELECT DISTINCT ON (e.ticket_id) e.ticket_id, e.kind, (e.data ->> 'into_id')::bigint AS into_id
  FROM ticket_event AS e
  WHERE e.kind IN ('merged', 'void', 'reopened')
  ORDER BY e.ticket_id, e.seq DESC
) AS l ON l.ticket_id = t.ticket_id AND l.kind <> 'reopened'
WHERE (t.ending, t.merged_into) IS DISTINCT FROM (l.kind, l.into_id)
ORDER BY t.ticket_id
"""


class EventRow(NamedTuple):
    """An event as its hash sees it."""

    ticket_id: int
    seq: int
    state: str
    hash: bytes
    told: str


class TicketHead(NamedTuple):
    """A ticket, and the state it says that it is in."""

    ticket_id: int
    number: str
    state: str


class Seal(NamedTuple):
    """A seal over the events after those of the seal before."""

    chain_seal_id: int
    at: datetime
    upto: int
    events: int
    digest: bytes
    hash: bytes


class Breach(NamedTuple):
    """A breach that stands in one place only; `lost`: the clock does not tell of it."""

    number: str
    clock: str
    lost: bool


class Settled(NamedTuple):
    """Whether all events up to `upto` are there; `stale`: nobody has noted yet from where on to ask."""

    settled: bool
    stale: bool
    upto: int


def events(conn: Connection) -> Iterator[EventRow]:
    """All events by ticket and number, a few at a time; in a transaction."""
    with conn.cursor("chain_events", row_factory=class_row(EventRow)) as cur:
        cur.itersize = 20_000
        yield from cur.execute(SELECT_EVENTS)


def tickets(conn: Connection) -> list[TicketHead]:
    """All tickets."""
    with conn.cursor(row_factory=class_row(TicketHead)) as cur:
        return cur.execute(SELECT_TICKETS).fetchall()


def hashes(conn: Connection, after: int, upto: int) -> Iterator[bytes]:
    """Hashes of the events in (after, upto], in the order of event_id; in a transaction."""
    with conn.cursor("chain_hashes") as cur:
        cur.itersize = 20_000
        for row in cur.execute(SELECT_HASHES, {"after": after, "upto": upto}):
            yield bytes(row[0])


def seals(conn: Connection) -> list[Seal]:
    """All seals in order."""
    with conn.cursor(row_factory=class_row(Seal)) as cur:
        return cur.execute(SELECT_SEALS).fetchall()


def last_seal(conn: Connection) -> Seal | None:
    """The newest seal."""
    with conn.cursor(row_factory=class_row(Seal)) as cur:
        return cur.execute(SELECT_LAST_SEAL).fetchone()


def insert_seal(conn: Connection, seal: Seal) -> None:
    """Store a seal."""
    conn.execute(INSERT_SEAL, seal._asdict())


def freeze(conn: Connection) -> None:
    """At the start of a transaction: all of it sees the database as it is now."""
    conn.execute(SET_FROZEN)


def settled(conn: Connection) -> Settled:
    """Whether what was to be sealed next is all there; the row is locked."""
    conn.execute(LOCK_NEXT)
    row = conn.execute(SELECT_SETTLED).fetchone()
    assert row is not None  # the migration put it there
    return Settled(*row)


def ask_next(conn: Connection) -> None:
    """Note up to where the next seal is to go, and which transactions have to be over before."""
    conn.execute(UPDATE_NEXT)


def stray_endings(conn: Connection) -> list[str]:
    """Numbers of tickets that ended in another way than their events tell of."""
    return [row[0] for row in conn.execute(SELECT_ENDINGS).fetchall()]


def stray_breaches(conn: Connection) -> list[Breach]:
    """Breaches that only the chain or only the clocks tell of."""
    with conn.cursor(row_factory=class_row(Breach)) as cur:
        return cur.execute(SELECT_BREACHES).fetchall()

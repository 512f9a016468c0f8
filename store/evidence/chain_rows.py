"""The chain of ticket events and the seals over it: read as they are, not as the database's own functions see them."""

from collections.abc import Iterator
from datetime import datetime
from typing import LiteralString, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from store.base.rows import Row, fetch

# What the hash of an event is made of, beside that of the one before it: as the trigger has it (0003_tickets.sql).
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
SELECT e.event_id, e.hash FROM ticket_event AS e
WHERE e.event_id > %(after)s AND e.event_id <= %(upto)s ORDER BY e.event_id
"""
SELECT_ENTRIES = """
SELECT j.journal_id, j.hash FROM journal AS j
WHERE j.journal_id > %(after)s AND j.journal_id <= %(upto)s ORDER BY j.journal_id
"""
_SEAL: LiteralString = """
SELECT
  chain_seal_id, at, upto, events, digest, hash, entries_upto, entries, entries_digest, key_id, signature
FROM chain_seal
"""
SELECT_SEALS = _SEAL + "ORDER BY chain_seal_id"
SELECT_LAST_SEAL = _SEAL + "ORDER BY chain_seal_id DESC LIMIT 1"
INSERT_SEAL = """
INSERT INTO chain_seal (
  chain_seal_id, at, upto, events, digest, hash, entries_upto, entries, entries_digest, key_id, signature
)
VALUES (
  %(chain_seal_id)s, %(at)s, %(upto)s, %(events)s, %(digest)s, %(hash)s, %(entries_upto)s, %(entries)s,
  %(entries_digest)s, %(key_id)s, %(signature)s
)
"""
LOCK_NEXT = "SELECT upto, entries_upto, settled_from FROM chain_next FOR UPDATE"
# Anything that may still add an event or an entry below is a transaction that has begun already.
SELECT_SETTLED = """
SELECT
  n.settled_from IS NOT NULL AND pg_snapshot_xmin(pg_current_snapshot()) >= n.settled_from,
  n.settled_from IS NULL OR n.settled_from > pg_snapshot_xmax(pg_current_snapshot()),
  n.upto, n.entries_upto
FROM chain_next AS n
"""
# A seal is over so many at most: what has piled up is sealed bit by bit.
SELECT_WAITING = """
SELECT
  greatest(n.upto, coalesce((
    SELECT max(x.event_id) FROM (
      SELECT e.event_id FROM ticket_event AS e WHERE e.event_id > n.upto ORDER BY e.event_id LIMIT %(most)s
    ) AS x
  ), 0)),
  greatest(n.entries_upto, coalesce((
    SELECT max(x.journal_id) FROM (
      SELECT j.journal_id FROM journal AS j WHERE j.journal_id > n.entries_upto ORDER BY j.journal_id LIMIT %(most)s
    ) AS x
  ), 0))
FROM chain_next AS n
"""
# The number of this transaction is given now, after the look: a transaction that has taken an event_id or a journal_id
# below has a lower one, as rows are locked or written before. (The end of a snapshot is not the next number: it leaves
# out those that are given and not over.)
UPDATE_NEXT = (
    "UPDATE chain_next SET upto = %(upto)s, entries_upto = %(entries_upto)s, settled_from = pg_current_xact_id()"
)
COUNT_UNSEALED = "SELECT count(*) FROM journal AS j WHERE j.journal_id > %(after)s"
INSERT_KEY = """
INSERT INTO seal_key (key_id, public_key, since)
SELECT %(key_id)s, %(public_key)s, %(at)s WHERE NOT EXISTS (SELECT FROM seal_key AS k WHERE k.key_id = %(key_id)s)
ON CONFLICT DO NOTHING
"""
SELECT_KEYS = "SELECT k.key_id, k.public_key FROM seal_key AS k ORDER BY k.seal_key_id"
SELECT_PUBLISHED = """
SELECT EXISTS (SELECT FROM outbox AS o WHERE o.kind = 'seal_published' AND o.at >= %(since)s)
"""
SELECT_PAGE = """
SELECT
  s.chain_seal_id AS number, s.at, s.upto, s.events, s.digest, s.entries_upto, s.entries, s.entries_digest,
  (SELECT p.hash FROM chain_seal AS p WHERE p.chain_seal_id = s.chain_seal_id - 1) AS previous, s.hash,
  s.key_id AS key, s.signature
FROM chain_seal AS s
WHERE %(before)s::bigint IS NULL OR s.chain_seal_id < %(before)s
ORDER BY s.chain_seal_id DESC
LIMIT %(limit)s
"""
SELECT_KEY_ROWS = "SELECT k.key_id AS key, k.public_key, k.since FROM seal_key AS k ORDER BY k.seal_key_id"
# Seals that were sent out are known to others, and have to be there as they were.
SELECT_MISSING_PUBLISHED = """
SELECT o.data ->> 'seal' FROM outbox AS o
WHERE o.kind = 'seal_published' AND NOT EXISTS (
  SELECT FROM chain_seal AS s
  WHERE s.chain_seal_id = split_part(o.data ->> 'seal', ':', 1)::bigint
    AND encode(s.hash, 'hex') = split_part(o.data ->> 'seal', ':', 2)
)
ORDER BY o.outbox_id
"""
SELECT_NEXT = "SELECT n.upto, n.entries_upto FROM chain_next AS n"
SELECT_ENDS = """
SELECT
  coalesce((SELECT max(e.event_id) FROM ticket_event AS e), 0),
  coalesce((SELECT max(j.journal_id) FROM journal AS j), 0)
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


class ChainHead(NamedTuple):
    """A ticket, and the state it says that it is in."""

    ticket_id: int
    number: str
    state: str


class SealRow(NamedTuple):
    """A seal over the events, and the entries of the journal, after those of the seal before."""

    chain_seal_id: int
    at: datetime
    upto: int
    events: int
    digest: bytes
    hash: bytes
    entries_upto: int | None  # None: from before there was a journal
    entries: int | None
    entries_digest: bytes | None
    key_id: str | None  # None: nobody signed
    signature: bytes | None


class Breach(NamedTuple):
    """A breach that stands in one place only; `lost`: the clock does not tell of it."""

    number: str
    clock: str
    lost: bool


class Settled(NamedTuple):
    """Completeness of the events up to `upto` and the entries up to `entries_upto`; `stale`: nobody has noted yet from
    where on to ask.
    """

    settled: bool
    stale: bool
    upto: int
    entries_upto: int


def events(conn: Connection) -> Iterator[EventRow]:
    """Yield all events by ticket and number, a few at a time; in a transaction."""
    with conn.cursor("chain_events", row_factory=class_row(EventRow)) as cur:
        cur.itersize = 20_000
        yield from cur.execute(SELECT_EVENTS)


def tickets(conn: Connection) -> list[ChainHead]:
    """Return all tickets."""
    with conn.cursor(row_factory=class_row(ChainHead)) as cur:
        return cur.execute(SELECT_TICKETS).fetchall()


def hashes(conn: Connection, after: int, upto: int) -> Iterator[tuple[int, bytes]]:
    """Yield event_id and hash of the events in (after, upto], in that order; in a transaction."""
    with conn.cursor("chain_hashes") as cur:
        cur.itersize = 20_000
        yield from cur.execute(SELECT_HASHES, {"after": after, "upto": upto})


def entries(conn: Connection, after: int, upto: int) -> Iterator[tuple[int, bytes]]:
    """Yield journal_id and hash of the entries of the journal in (after, upto], in that order; in a transaction."""
    with conn.cursor("chain_entries") as cur:
        cur.itersize = 20_000
        yield from cur.execute(SELECT_ENTRIES, {"after": after, "upto": upto})


def seals(conn: Connection) -> Iterator[SealRow]:
    """Yield all seals in order, a few at a time; in a transaction."""
    with conn.cursor("chain_seals", row_factory=class_row(SealRow)) as cur:
        cur.itersize = 2_000
        yield from cur.execute(SELECT_SEALS)


def ends(conn: Connection) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return (event_id, journal_id): the highest that were ever noted to be sealed, and the highest that are there."""
    noted, there = conn.execute(SELECT_NEXT).fetchone(), conn.execute(SELECT_ENDS).fetchone()
    assert noted is not None
    assert there is not None
    return (noted[0], noted[1]), (there[0], there[1])


def last_seal(conn: Connection) -> SealRow | None:
    """Return the newest seal."""
    with conn.cursor(row_factory=class_row(SealRow)) as cur:
        return cur.execute(SELECT_LAST_SEAL).fetchone()


def insert_seal(conn: Connection, seal: SealRow) -> None:
    """Store a seal."""
    conn.execute(INSERT_SEAL, seal._asdict())


def freeze(conn: Connection) -> None:
    """Let all of a transaction see the database as it is now; at its start."""
    conn.execute(SET_FROZEN)


def settled(conn: Connection) -> Settled:
    """Return whether what was to be sealed next is all there; the row is locked."""
    conn.execute(LOCK_NEXT)
    row = conn.execute(SELECT_SETTLED).fetchone()
    assert row is not None  # the migration put it there
    return Settled(*row)


def ask_next(conn: Connection, most: int) -> None:
    """Note up to where the next seal is to go, and which transactions have to be over before.

    Args:
        conn: in a transaction that has locked and written nothing.
        most: events, and entries, under it.
    """
    row = conn.execute(SELECT_WAITING, {"most": most}).fetchone()
    assert row is not None  # the migration put it there
    conn.execute(UPDATE_NEXT, {"upto": row[0], "entries_upto": row[1]})


def unsealed(conn: Connection, after: int) -> int:
    """Return how many entries of the journal come behind one."""
    row = conn.execute(COUNT_UNSEALED, {"after": after}).fetchone()
    return int(row[0]) if row else 0


def know_key(conn: Connection, key_id: str, public: bytes, at: datetime) -> None:
    """List a public key, if it is not listed."""
    conn.execute(INSERT_KEY, {"key_id": key_id, "public_key": public, "at": at})


def keys(conn: Connection) -> dict[str, bytes]:
    """Return all public keys by their names, in the order in which they came into use."""
    return {name: bytes(public) for name, public in conn.execute(SELECT_KEYS).fetchall()}


def is_published(conn: Connection, since: datetime) -> bool:
    """Return whether a seal was put into the outbox since an instant."""
    row = conn.execute(SELECT_PUBLISHED, {"since": since}).fetchone()
    return bool(row and row[0])


def page(conn: Connection, before: int | None, limit: int) -> list[Row]:
    """Return seals with numbers below one, the newest first, each with the hash of the one before."""
    return fetch(conn, SELECT_PAGE, {"before": before, "limit": limit})


def key_rows(conn: Connection) -> list[Row]:
    """Return all public keys in the order in which they came into use."""
    return fetch(conn, SELECT_KEY_ROWS, {})


def missing_published(conn: Connection) -> list[str]:
    """Return seals ("number:hash") that were published and are not there as they were."""
    return [row[0] for row in conn.execute(SELECT_MISSING_PUBLISHED).fetchall()]


def stray_endings(conn: Connection) -> list[str]:
    """Return numbers of tickets that ended in another way than their events tell of."""
    return [row[0] for row in conn.execute(SELECT_ENDINGS).fetchall()]


def stray_breaches(conn: Connection) -> list[Breach]:
    """Return breaches that only the chain or only the clocks tell of."""
    with conn.cursor(row_factory=class_row(Breach)) as cur:
        return cur.execute(SELECT_BREACHES).fetchall()

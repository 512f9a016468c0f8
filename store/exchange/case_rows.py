"""Cases that a peer has, too: two numbers, two sets of clocks, and what came from the peer."""

from datetime import datetime
from typing import Any, LiteralString, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row

from domain.exchange.incoming import IncomingCase
from store.base.place_joins import place_of

SELECT_PEER = "SELECT p.peer_id FROM peer AS p WHERE p.name = %(name)s AND p.ended_at IS NULL"
SELECT_RECEIVED = """
SELECT r.digest, r.outcome, t.number AS ticket FROM peer_received AS r
LEFT JOIN peer_case AS c USING (peer_case_id)
LEFT JOIN ticket AS t USING (ticket_id)
WHERE r.peer_id = %(peer)s AND r.message = %(message)s
"""
INSERT_RECEIVED = """
INSERT INTO peer_received AS r (peer_id, message, digest, received_at, outcome, reason, peer_case_id, is_timed)
VALUES (
  %(peer_id)s, %(message)s, %(digest)s, %(now)s, %(outcome)s, %(reason)s, %(peer_case_id)s, %(is_timed)s
)
ON CONFLICT (peer_id, message) DO UPDATE SET
  digest = excluded.digest, received_at = excluded.received_at, outcome = excluded.outcome, reason = excluded.reason,
  peer_case_id = excluded.peer_case_id
WHERE r.outcome = 'refused'
"""
FORGET = """
DELETE FROM peer_received AS r
WHERE (r.peer_id, r.message) IN (
  SELECT x.peer_id, x.message FROM peer_received AS x
  WHERE x.is_timed AND x.received_at < %(before)s ORDER BY x.received_at LIMIT %(most)s
)
"""
# By their number, or by ours where they have not said theirs yet.
FIND = """
SELECT c.peer_case_id, c.ticket_id, t.number AS ticket, t.state, c.heard_at FROM peer_case AS c
JOIN ticket AS t USING (ticket_id)
WHERE c.peer_id = %(peer)s AND (
  c.number = %(number)s OR (c.number IS NULL AND NOT c.is_theirs AND t.number = %(our_number)s)
)
ORDER BY c.number NULLS LAST
LIMIT 1
"""
INSERT = """
INSERT INTO peer_case (
  peer_id, ticket_id, is_theirs, number, handle, linked_at, respond_by, resolve_by, responded_at, heard_at
)
SELECT
  %(peer)s, t.ticket_id, true, %(number)s, %(handle)s, %(now)s, %(respond_by)s, %(resolve_by)s,
  CASE WHEN t.state <> 'open' THEN %(now)s::timestamptz END, %(at)s
FROM ticket AS t WHERE t.ticket_id = %(ticket)s
RETURNING peer_case_id, (SELECT t.number FROM ticket AS t WHERE t.ticket_id = %(ticket)s)
"""
HEAR = """
UPDATE peer_case AS c SET
  number = coalesce(c.number, %(number)s), handle = coalesce(%(handle)s, c.handle),
  respond_by = CASE WHEN %(is_late)s THEN c.respond_by ELSE coalesce(%(respond_by)s, c.respond_by) END,
  resolve_by = CASE WHEN %(is_late)s THEN c.resolve_by ELSE coalesce(%(resolve_by)s, c.resolve_by) END,
  satisfied = CASE WHEN %(is_late)s THEN c.satisfied ELSE coalesce(%(satisfied)s, c.satisfied) END,
  rated_at = CASE WHEN %(is_late)s OR %(satisfied)s::boolean IS NULL THEN c.rated_at ELSE %(at)s END,
  ended_at = CASE
    WHEN %(is_late)s THEN c.ended_at
    WHEN %(says)s::text IN ('closed', 'withdrawn') THEN %(now)s
    WHEN %(says)s::text = 'reopened' THEN NULL
    ELSE c.ended_at
  END,
  heard_at = greatest(c.heard_at, %(at)s)
WHERE c.peer_case_id = %(peer_case)s
"""
SELECT_TOLD = "SELECT e.kind, e.data FROM ticket_event AS e WHERE e.ticket_id = %(ticket)s ORDER BY e.seq"
SELECT_PLACE: LiteralString = f"""
SELECT concat_ws(' ', b.name, h.unit) FROM ticket AS t {place_of("t")} WHERE t.ticket_id = %(ticket)s
"""
SELECT_HOME = "SELECT h.home_id FROM home AS h WHERE h.code = %(code)s"


class ReceivedRow(NamedTuple):
    """A message that came before."""

    digest: bytes
    outcome: str
    ticket: str | None


class ReceivedMessage(NamedTuple):
    """Outcome of a message."""

    peer_id: int
    message: str
    digest: bytes
    outcome: str
    reason: str | None
    peer_case_id: int | None
    is_timed: bool


class PeerCaseRow(NamedTuple):
    """A case of a peer with its ticket."""

    peer_case_id: int
    ticket_id: int
    ticket: str
    state: str
    heard_at: datetime | None


def peer_id(conn: Connection, name: str) -> int | None:
    """Return the key of a peer; None: it is not known, or has ended."""
    row = conn.execute(SELECT_PEER, {"name": name}).fetchone()
    return row[0] if row else None


def received(conn: Connection, peer: int, message: str) -> ReceivedRow | None:
    """Return what became of a message that came before."""
    with conn.cursor(row_factory=class_row(ReceivedRow)) as cur:
        return cur.execute(SELECT_RECEIVED, {"peer": peer, "message": message}).fetchone()


def insert_received(conn: Connection, received: ReceivedMessage, now: datetime) -> None:
    """Note what became of a message; one that was refused before is noted again."""
    conn.execute(INSERT_RECEIVED, {**received._asdict(), "now": now})


def forget(conn: Connection, before: datetime, most: int) -> int:
    """Forget the numbers of messages that came before an instant and whose proofs had a time; returns how many."""
    return conn.execute(FORGET, {"before": before, "most": most}).rowcount


def find(conn: Connection, peer: int, number: str, our_number: str | None) -> PeerCaseRow | None:
    """Return the case that a peer means."""
    with conn.cursor(row_factory=class_row(PeerCaseRow)) as cur:
        return cur.execute(FIND, {"peer": peer, "number": number, "our_number": our_number}).fetchone()


def insert(conn: Connection, peer: int, ticket: int, case: IncomingCase, now: datetime) -> tuple[int, str]:
    """Store a case that began at a peer; returns its key and the number of its ticket."""
    row = conn.execute(INSERT, {"peer": peer, "ticket": ticket, "now": now, **_values(case)}).fetchone()
    assert row is not None
    return row[0], row[1]


def hear(conn: Connection, peer_case: int, case: IncomingCase, now: datetime, *, is_late: bool) -> None:
    """Note what a peer says of its clocks and ratings; what comes late changes none of them."""
    conn.execute(HEAR, {"peer_case": peer_case, "now": now, "is_late": is_late, **_values(case)})


def told(conn: Connection, ticket: int) -> tuple[list[tuple[str, dict[str, Any]]], str]:
    """Return the events of a ticket, kind and data, and its place as peers are told it."""
    events = conn.execute(SELECT_TOLD, {"ticket": ticket}).fetchall()
    row = conn.execute(SELECT_PLACE, {"ticket": ticket}).fetchone()
    return [(kind, data) for kind, data in events], row[0] if row else ""


def home_id(conn: Connection, code: str) -> int | None:
    """Return the key of a home; None: there is none of that code."""
    row = conn.execute(SELECT_HOME, {"code": code}).fetchone()
    return row[0] if row else None


def _values(case: IncomingCase) -> dict[str, object]:
    return {
        "number": case.theirs.number,
        "handle": case.theirs.handle,
        "respond_by": case.respond_by,
        "resolve_by": case.resolve_by,
        "satisfied": case.satisfied,
        "says": case.says.value if case.says else None,
        "at": case.at,
    }

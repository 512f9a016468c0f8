"""Peers, and what they are told: from the outbox to messages, in the order of each case."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from domain.exchange.bodies import TheirNumbers
from store.base.place_joins import place_of

END_PEERS = """
UPDATE peer SET ended_at = %(now)s, changed_at = %(now)s
WHERE ended_at IS NULL AND name <> ALL (%(names)s::text[])
"""
UPSERT_ADDRESSEES = """
INSERT INTO addressee (audience, name, channel, language)
SELECT 'peer', x.addressee, 'exchange', 'zh' FROM jsonb_to_recordset(%(peers)s) AS x (addressee text)
WHERE NOT EXISTS (SELECT FROM addressee AS a WHERE a.name = x.addressee AND a.channel = 'exchange')
ORDER BY x.addressee
ON CONFLICT (name, channel) DO NOTHING
"""
UPSERT_PEERS = """
INSERT INTO peer AS p (peer_id, name, classes, tells, responds, solves, changed_at)
SELECT a.addressee_id, x.name, x.classes, x.tells, x.responds, x.solves, %(now)s
FROM jsonb_to_recordset(%(peers)s) AS x (
  addressee text, name text, classes text[], tells text[], responds text[], solves text[]
)
JOIN addressee AS a ON a.name = x.addressee AND a.channel = 'exchange'
ORDER BY x.name
ON CONFLICT (name) DO UPDATE SET
  classes = excluded.classes, tells = excluded.tells, responds = excluded.responds, solves = excluded.solves,
  changed_at = excluded.changed_at, ended_at = NULL
WHERE (p.classes, p.tells, p.responds, p.solves, p.ended_at)
  IS DISTINCT FROM (excluded.classes, excluded.tells, excluded.responds, excluded.solves, NULL)
"""
SELECT_ENTRIES: LiteralString = (
    """
SELECT
  o.outbox_id, o.peer_case_id, p.peer_id, e.seq, e.kind, e.at, e.data, e.state, t.number, t.class AS ticket_class,
  t.priority,
  h.code AS home, concat_ws(' ', b.name, h.unit) AS place, coalesce(t.station, u.station) AS station,
  (
    SELECT min(k.due_at) FROM clock AS k
    WHERE k.ticket_id = t.ticket_id AND k.name IN ('done', 'finish') AND k.met_at IS NULL AND k.void_at IS NULL
  ) AS due_at
FROM outbox AS o
JOIN peer_case AS c USING (peer_case_id)
JOIN peer AS p USING (peer_id)
JOIN ticket AS t ON t.ticket_id = o.ticket_id
JOIN ticket_event AS e ON e.ticket_id = o.ticket_id AND e.seq = (o.data ->> 'seq')::integer
"""
    + place_of("t")
    + """
WHERE o.fate IS NULL AND o.audience = 'peer'
ORDER BY o.outbox_id
LIMIT %(limit)s
"""
)
INSERT_MESSAGES = """
WITH
  draft AS (
    SELECT x.*, row_number() OVER (ORDER BY x.outbox_id) AS nth FROM jsonb_to_recordset(%(messages)s) AS x (
      outbox_id bigint, peer_id integer, peer_case_id bigint, subject text, body text
    )
  ),
  made AS (
    INSERT INTO message (addressee_id, peer_case_id, notices, subject, body, created_at, give_up_at, due_at)
    SELECT peer_id, peer_case_id, 1, subject, body, %(now)s, %(give_up_at)s, %(now)s FROM draft ORDER BY nth
    RETURNING message_id
  ),
  numbered AS (SELECT message_id, row_number() OVER (ORDER BY message_id) AS nth FROM made),
  told AS (
    INSERT INTO notice (outbox_id, addressee_id, ready_at, urgent, message_id)
    SELECT d.outbox_id, d.peer_id, %(now)s, false, m.message_id FROM draft AS d JOIN numbered AS m USING (nth)
  )
UPDATE outbox AS o SET fate = 'told', settled_at = %(now)s FROM draft AS d WHERE o.outbox_id = d.outbox_id
"""
FAIL = """
UPDATE message AS m SET state = 'failed', due_at = NULL, finished_at = %(now)s, reason = %(reason)s, detail = %(detail)s
FROM notice AS n WHERE n.outbox_id = %(entry)s AND m.message_id = n.message_id
"""
LEARN = """
UPDATE peer_case AS c SET number = coalesce(c.number, %(number)s), handle = coalesce(%(handle)s, c.handle)
WHERE c.peer_case_id = %(peer_case)s AND NOT EXISTS (
  SELECT FROM peer_case AS k
  WHERE k.peer_id = c.peer_id AND k.number = %(number)s AND k.peer_case_id <> c.peer_case_id
)
"""
SEND_AGAIN = "SELECT peer_message_again(%(key)s, %(now)s, %(give_up_s)s)"
PASS_OVER = "SELECT peer_message_passed_over(%(key)s, %(now)s)"


class PeerEntryRow(NamedTuple):
    """An event that a peer is to hear of, with what is known of its ticket."""

    outbox_id: int
    peer_case_id: int
    peer_id: int
    seq: int
    kind: str
    at: datetime
    data: dict[str, Any]
    state: str
    number: str
    ticket_class: str
    priority: int
    home: str | None
    place: str
    station: str | None
    due_at: datetime | None


def set_peers(conn: Connection, peers: Sequence[dict[str, Any]], now: datetime) -> None:
    """Bring the peers up to the file: `{addressee, name, classes, tells, responds, solves}`; others have ended."""
    parameters = {"peers": Jsonb(list(peers)), "names": [one["name"] for one in peers], "now": now}
    conn.execute(END_PEERS, parameters)
    conn.execute(UPSERT_ADDRESSEES, parameters)
    conn.execute(UPSERT_PEERS, parameters)


def entries(conn: Connection, limit: int) -> list[PeerEntryRow]:
    """Return what peers are to hear, in order; one process at a time asks."""
    with conn.cursor(row_factory=class_row(PeerEntryRow)) as cur:
        return cur.execute(SELECT_ENTRIES, {"limit": limit}).fetchall()


def insert_messages(conn: Connection, messages: Sequence[dict[str, Any]], now: datetime, give_up_at: datetime) -> None:
    """Store messages `{outbox_id, peer_id, peer_case_id, subject, body}`, due now, and settle their entries."""
    conn.execute(INSERT_MESSAGES, {"messages": Jsonb(list(messages)), "now": now, "give_up_at": give_up_at})


def fail(conn: Connection, entry: int, fault: dict[str, str], now: datetime) -> None:
    """Mark the message of an entry as failed before it is sent; `fault` is `{reason, detail}`."""
    conn.execute(FAIL, {"entry": entry, "now": now, **fault})


def learn(conn: Connection, peer_case: int, theirs: TheirNumbers) -> None:
    """Note what a peer calls a case, unless another case of it has that number."""
    conn.execute(LEARN, {"peer_case": peer_case, "number": theirs.number, "handle": theirs.handle})


def send_again(conn: Connection, key: UUID, now: datetime, give_up_s: int) -> bool:
    """Have a failed message of a peer tried again; False: there is no such."""
    return conn.execute(SEND_AGAIN, {"key": key, "now": now, "give_up_s": give_up_s}).fetchone() == (True,)


def pass_over(conn: Connection, key: UUID, now: datetime) -> bool:
    """Give a failed message of a peer up, so that what waits behind it goes on; False: there is no such."""
    return conn.execute(PASS_OVER, {"key": key, "now": now}).fetchone() == (True,)

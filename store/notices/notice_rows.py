"""Notices and messages: addressees of outbox entries, bundling, and delivery state."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from store.base.place_joins import place_of
from store.base.rows import Row, fetch
from store.notices import outbox

# Cold homes and building incidents are held back for a while, since a (wider) incident may absorb them.
TAKE = """
SELECT o.outbox_id FROM outbox AS o
WHERE o.fate IS NULL AND o.audience <> 'peer' AND (
  o.at <= %(held_before)s OR o.audience IN ('user', 'person') OR o.kind <> ALL(%(held_kinds)s)
  OR NOT EXISTS (
    SELECT FROM ticket AS t WHERE t.ticket_id = o.ticket_id AND t.class = 'cold'
    UNION ALL
    SELECT FROM incident AS i WHERE i.incident_id = o.incident_id AND i.building_id IS NOT NULL
  )
)
ORDER BY o.outbox_id
LIMIT %(limit)s
FOR UPDATE OF o SKIP LOCKED
"""
TELL_STAFF: LiteralString = (
    """
INSERT INTO notice (outbox_id, addressee_id, ready_at, urgent)
SELECT o.outbox_id, a.addressee_id, o.at, o.urgent
FROM outbox AS o
LEFT JOIN ticket AS t USING (ticket_id)
"""
    + place_of("t", "coalesce(o.home_id, t.home_id)")
    + """
JOIN addressee AS a ON a.audience = o.audience AND a.ended_at IS NULL
  AND (o.audience <> 'crew' OR a.station = coalesce(o.station, t.station, u.station))
  AND (o.audience <> 'person' OR a.staff_id = o.staff_id)
WHERE o.outbox_id = ANY(%(entries)s) AND o.audience <> 'user' AND o.fate IS NULL
ON CONFLICT DO NOTHING
"""
)
TELL_USERS = """
INSERT INTO notice (outbox_id, addressee_id, ready_at, urgent)
SELECT o.outbox_id, a.addressee_id, CASE WHEN o.urgent THEN o.at ELSE greatest(o.at, %(quiet_until)s) END, o.urgent
FROM outbox AS o
LEFT JOIN ticket AS t USING (ticket_id)
CROSS JOIN LATERAL (
  SELECT coalesce(o.home_id, t.home_id) AS home_id
  UNION ALL
  SELECT x.home_id FROM outage_home AS x
  WHERE x.outage_id = o.outage_id AND o.home_id IS NULL AND o.ticket_id IS NULL
) AS w
JOIN addressee AS a ON a.home_id = w.home_id AND a.ended_at IS NULL
JOIN person.reached AS c ON c.addressee_id = a.addressee_id AND c.consent_at <= %(at)s
-- who lives there now, of what has happened since
CROSS JOIN LATERAL tenancy(a.home_id, c.resident, c.consent_at, %(at)s) AS y
WHERE o.outbox_id = ANY(%(entries)s) AND o.audience = 'user' AND o.fate IS NULL
  AND coalesce(t.opened_at, o.at) >= y.since
  AND (a.channel <> 'wechat' OR EXISTS (
    SELECT FROM person.wechat_consent AS k
    WHERE k.addressee_id = a.addressee_id AND coalesce(k.left_over > 0, true)
  ))
  -- an outage that was widened is new to some only
  AND NOT (o.kind = 'outage_announced' AND EXISTS (
    SELECT FROM outbox AS p
    JOIN notice AS n USING (outbox_id)
    WHERE p.outage_id = o.outage_id AND p.kind = o.kind AND n.addressee_id = a.addressee_id
  ))
ON CONFLICT DO NOTHING
"""
TURN_OFF = (
    "UPDATE outbox SET settled_at = %(at)s, fate = 'off' WHERE fate IS NULL AND audience <> 'peer' AND at <= %(at)s"
)

SELECT_ADDRESSEES = """
SELECT a.addressee_id, a.audience, a.language, h.code AS home FROM addressee AS a
LEFT JOIN home AS h USING (home_id)
WHERE a.addressee_id IN (SELECT n.addressee_id FROM notice AS n WHERE n.message_id IS NULL AND n.ready_at <= %(now)s)
  AND a.addressee_id > %(after)s
ORDER BY a.addressee_id
LIMIT %(limit)s
FOR UPDATE OF a SKIP LOCKED
"""
SELECT_ANY = "SELECT EXISTS (SELECT FROM notice WHERE message_id IS NULL AND ready_at <= %(now)s)"
SELECT_WAITING = """
SELECT n.addressee_id, count(*) AS notices, min(n.ready_at) AS oldest, bool_or(n.urgent) AS urgent
FROM notice AS n
WHERE n.addressee_id = ANY(%(addressees)s) AND n.message_id IS NULL AND n.ready_at <= %(now)s
GROUP BY n.addressee_id
"""
SELECT_NOTICES = """
SELECT n.addressee_id, n.notice_id, n.outbox_id, o.kind
FROM notice AS n
JOIN outbox AS o USING (outbox_id)
WHERE n.addressee_id = ANY(%(addressees)s) AND n.message_id IS NULL AND n.ready_at <= %(now)s
ORDER BY n.addressee_id, n.urgent DESC, n.outbox_id
"""
POSTPONE = """
UPDATE notice SET ready_at = %(at)s WHERE addressee_id = %(to)s AND message_id IS NULL AND ready_at <= %(now)s"""
SELECT_LATELY = """
SELECT m.addressee_id, m.created_at AS at, m.notices FROM message AS m
WHERE m.addressee_id = ANY(%(addressees)s) AND m.created_at > %(since)s
"""
SELECT_FACTS: LiteralString = (
    """
SELECT
  o.outbox_id, o.kind, o.data, t.number AS ticket, t.class, t.priority, h.code AS home,
  b.name AS building, u.code AS substation, coalesce(o.station, t.station, u.station) AS station
FROM outbox AS o
LEFT JOIN ticket AS t USING (ticket_id)
"""
    + place_of("t", "coalesce(o.home_id, t.home_id)")
    + """
WHERE o.outbox_id = ANY(%(entries)s)
"""
)
INSERT_MESSAGES = """
WITH
  draft AS (
    SELECT * FROM ROWS FROM (jsonb_to_recordset(%(messages)s) AS (
      addressee_id integer, subject text, body text, notices bigint[]
    )) WITH ORDINALITY AS x (addressee_id, subject, body, notices, nth)
  ),
  made AS (
    INSERT INTO message (addressee_id, notices, subject, body, created_at, give_up_at, due_at)
    SELECT addressee_id, cardinality(notices), subject, body, %(now)s, %(give_up_at)s, %(now)s FROM draft ORDER BY nth
    RETURNING message_id
  ),
  -- both in the order of the drafts
  numbered AS (SELECT message_id, row_number() OVER (ORDER BY message_id) AS nth FROM made)
UPDATE notice AS n SET message_id = m.message_id
FROM draft AS d
JOIN numbered AS m USING (nth)
CROSS JOIN LATERAL unnest(d.notices) AS k (notice_id)
WHERE n.notice_id = k.notice_id
"""

# They are chosen once: a plan that went through IN (SELECT .. LIMIT ..) for each message would claim all that are due.
CLAIM = """
WITH chosen AS MATERIALIZED (
  SELECT d.message_id FROM message AS d
  WHERE d.due_at <= %(now)s
    -- a peer hears of a case in order
    AND (d.peer_case_id IS NULL OR NOT EXISTS (
      SELECT FROM message AS e
      WHERE e.peer_case_id = d.peer_case_id AND e.message_id < d.message_id AND e.state <> 'sent'
        AND e.passed_over_at IS NULL
    ))
  ORDER BY d.due_at, d.message_id
  LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), claimed AS (
  UPDATE message AS m SET
    state = 'sending', attempts = m.attempts + 1, due_at = %(lost_at)s,
    unsure = m.unsure + (m.state = 'sending')::integer,
    reason = CASE WHEN m.state = 'sending' THEN 'broken_off' ELSE m.reason END
  FROM chosen AS d WHERE m.message_id = d.message_id
  RETURNING
    m.message_id, m.key, m.addressee_id, m.subject, m.body, m.attempts, m.created_at, m.give_up_at, m.peer_case_id
)
SELECT
  m.message_id, m.key, m.subject, m.body, m.attempts, m.created_at, m.give_up_at, a.name, a.channel,
  a.staff_id IS NOT NULL AS is_person,
  coalesce(CASE WHEN y.since IS NOT NULL THEN c.address END, s.telephone) AS address,
  m.peer_case_id, k.number AS their_number, k.handle AS their_handle,
  NOT coalesce(k.is_theirs, true) AND NOT EXISTS (
    SELECT FROM message AS e WHERE e.peer_case_id = m.peer_case_id AND e.state = 'sent'
  ) AS is_first
FROM claimed AS m
JOIN addressee AS a USING (addressee_id)
LEFT JOIN peer_case AS k USING (peer_case_id)
LEFT JOIN staff AS s ON s.staff_id = a.staff_id AND s.active_from <= %(now)s AND coalesce(s.active_to > %(now)s, true)
LEFT JOIN person.reached AS c USING (addressee_id)
-- NULL if the resident has moved out since
LEFT JOIN LATERAL tenancy(a.home_id, c.resident, c.consent_at, %(now)s) AS y ON c.address IS NOT NULL
ORDER BY m.message_id
"""
# Regardless of the lease: the message has been delivered.
MARK_SENT = """
UPDATE message SET state = 'sent', due_at = NULL, finished_at = %(now)s
WHERE message_id = %(message)s AND state <> 'sent'
"""
MARK_FAILED = """
UPDATE message SET
  state = 'failed', due_at = NULL, finished_at = %(now)s, reason = %(reason)s, detail = %(detail)s,
  unsure = unsure + %(unsure)s::integer
WHERE message_id = %(message)s AND state = 'sending' AND attempts = %(attempt)s
"""
PUT_OFF = """
UPDATE message SET
  state = 'waiting', due_at = %(again_at)s, reason = %(reason)s, detail = %(detail)s,
  unsure = unsure + %(unsure)s::integer
WHERE message_id = %(message)s AND state = 'sending' AND attempts = %(attempt)s
"""
TRY_AGAIN = """
UPDATE message SET
  state = 'waiting', due_at = %(now)s, finished_at = NULL,
  give_up_at = %(now)s::timestamptz + make_interval(secs => %(give_up_s)s)
WHERE state = 'failed' AND (%(key)s::uuid IS NULL OR key = %(key)s)
"""

END_STAFF = """
UPDATE addressee AS a SET ended_at = %(now)s
WHERE a.audience NOT IN ('user', 'person', 'peer') AND a.ended_at IS NULL AND NOT EXISTS (
  SELECT FROM jsonb_to_recordset(%(staff)s) AS x (name text, channel text)
  WHERE x.name = a.name AND x.channel = a.channel
)
"""
UPSERT_STAFF = """
INSERT INTO addressee AS a (audience, name, channel, station, language)
SELECT audience, name, channel, station, language
FROM jsonb_to_recordset(%(staff)s) AS x (audience text, name text, channel text, station text, language text)
ORDER BY name, channel
ON CONFLICT (name, channel) DO UPDATE SET
  audience = excluded.audience, station = excluded.station, language = excluded.language, ended_at = NULL
WHERE (a.audience, a.station, a.language, a.ended_at)
  IS DISTINCT FROM (excluded.audience, excluded.station, excluded.language, NULL)
"""
SELECT_HEALTH = "SELECT * FROM notice_health ORDER BY audience, channel"
SELECT_DEPTH = """
SELECT count(*) AS waiting, coalesce(extract(epoch FROM %(now)s - min(at)), 0)::double precision AS oldest_s
FROM outbox WHERE fate IS NULL
"""
SELECT_TOLD = """
SELECT
  t.notice_id AS notice, t.kind AS what, t.at, t.audience, t.recipient, t.home, t.channel, t.state, t.key::text,
  t.attempts, t.finished_at, t.reason, t.detail
FROM notice_told AS t
WHERE (%(outage)s::bigint IS NULL OR t.outage_id = %(outage)s)
  AND (%(ticket)s::text IS NULL OR t.ticket = %(ticket)s)
  AND (%(home)s::text IS NULL OR t.home = %(home)s)
  AND (%(state)s::text IS NULL OR t.state = %(state)s)
  AND (%(before)s::bigint IS NULL OR t.notice_id < %(before)s)
ORDER BY t.notice_id DESC
LIMIT %(limit)s
"""
SELECT_FAILED = "SELECT * FROM notice_failed ORDER BY message_id DESC LIMIT %(limit)s"


class ClaimedMessage(NamedTuple):
    """A message leased to this process for sending; `address` is set for users and people of the staff.

    `is_person`: it is for one of the latter, so their services reach it.
    """

    message_id: int
    key: UUID
    subject: str
    body: str
    attempts: int
    created_at: datetime
    give_up_at: datetime
    name: str | None
    channel: str
    is_person: bool
    address: str | None
    peer_case_id: int | None = None
    their_number: str | None = None
    their_handle: str | None = None
    is_first: bool = False


class NoticeFilter(NamedTuple):
    """Filter for notices; None: any."""

    outage: int | None = None
    ticket: str | None = None
    home: str | None = None
    state: str | None = None


class NoticeRow(NamedTuple):
    """A notice that has not become part of a message."""

    addressee_id: int
    notice_id: int
    outbox_id: int
    kind: str


def take(conn: Connection, held_kinds: Sequence[str], held_before: datetime, limit: int) -> list[int]:
    """Lock unsettled entries; those of `held_kinds` only if older than `held_before`."""
    parameters = {"held_kinds": list(held_kinds), "held_before": held_before, "limit": limit}
    return [row[0] for row in conn.execute(TAKE, parameters).fetchall()]


def tell(conn: Connection, entries: Sequence[int], quiet_until: datetime | None, at: datetime) -> int:
    """Create a notice per addressee of the entries and settle them; returns the number of notices.

    Args:
        quiet_until: the end of the users' quiet hours, if they apply now.
    """
    parameters = {"entries": list(entries), "quiet_until": quiet_until, "at": at}
    made = conn.execute(TELL_STAFF, parameters).rowcount + conn.execute(TELL_USERS, parameters).rowcount
    outbox.settle(conn, entries, at)
    return made


def turn_off(conn: Connection, at: datetime) -> int:
    """Settle all outbox entries while sending is turned off; returns the count."""
    return conn.execute(TURN_OFF, {"at": at}).rowcount


def any_ready(conn: Connection, now: datetime) -> bool:
    """Return whether a notice waits to become part of a message."""
    return conn.execute(SELECT_ANY, {"now": now}).fetchone() == (True,)


def addressees(conn: Connection, now: datetime, after: int, limit: int) -> list[Row]:
    """Lock addressees with waiting notices, skipping locked ones: addressee_id, audience, language, home."""
    return fetch(conn, SELECT_ADDRESSEES, {"now": now, "after": after, "limit": limit})


def waiting(conn: Connection, addressee_ids: Sequence[int], now: datetime) -> list[Row]:
    """Summarise the waiting notices per addressee: addressee_id, notices, oldest, urgent."""
    return fetch(conn, SELECT_WAITING, {"addressees": list(addressee_ids), "now": now})


def notices(conn: Connection, addressee_ids: Sequence[int], now: datetime) -> list[NoticeRow]:
    """Return the waiting notices of addressees, by addressee, urgent ones first, then as it happened."""
    with conn.cursor(row_factory=class_row(NoticeRow)) as cur:
        return cur.execute(SELECT_NOTICES, {"addressees": list(addressee_ids), "now": now}).fetchall()


def postpone(conn: Connection, addressee_id: int, now: datetime, at: datetime) -> None:
    """Let the notices of an addressee that wait now wait until another time."""
    conn.execute(POSTPONE, {"to": addressee_id, "now": now, "at": at})


def lately(conn: Connection, addressee_ids: Sequence[int], since: datetime) -> list[Row]:
    """Return the messages created for addressees since an instant: addressee_id, at, notices."""
    return fetch(conn, SELECT_LATELY, {"addressees": list(addressee_ids), "since": since})


def facts(conn: Connection, entries: Sequence[int]) -> dict[int, Row]:
    """Return the facts that the texts of entries are composed from."""
    return {row["outbox_id"]: row for row in fetch(conn, SELECT_FACTS, {"entries": list(entries)})}


def insert_messages(conn: Connection, messages: Sequence[dict[str, Any]], now: datetime, give_up_at: datetime) -> None:
    """Store messages `{addressee_id, subject, body, notices: notice_ids}`, due now."""
    conn.execute(INSERT_MESSAGES, {"messages": Jsonb(list(messages)), "now": now, "give_up_at": give_up_at})


def claim(conn: Connection, now: datetime, lease: timedelta, limit: int) -> list[ClaimedMessage]:
    """Lease messages that are due, or whose previous lease expired."""
    with conn.cursor(row_factory=class_row(ClaimedMessage)) as cur:
        return cur.execute(CLAIM, {"now": now, "lost_at": now + lease, "limit": limit}).fetchall()


def mark_sent(conn: Connection, message: int, now: datetime) -> None:
    """Mark a message as sent."""
    conn.execute(MARK_SENT, {"message": message, "now": now})


def mark_failed(conn: Connection, claimed: ClaimedMessage, fault: Row, now: datetime) -> None:
    """Mark a message as failed, unless another sender holds its lease; `fault` is `{reason, detail, unsure}`."""
    parameters = {"message": claimed.message_id, "attempt": claimed.attempts, "now": now, **fault}
    conn.execute(MARK_FAILED, parameters)


def put_off(conn: Connection, claimed: ClaimedMessage, fault: Row, again_at: datetime) -> None:
    """Schedule a retry, unless another sender holds the lease; `fault` as in `mark_failed`."""
    conn.execute(PUT_OFF, {"message": claimed.message_id, "attempt": claimed.attempts, "again_at": again_at, **fault})


def try_again(conn: Connection, key: UUID | None, now: datetime, give_up_s: int) -> int:
    """Schedule failed messages, one or all, for another attempt; returns the count."""
    return conn.execute(TRY_AGAIN, {"key": key, "now": now, "give_up_s": give_up_s}).rowcount


def set_staff(conn: Connection, staff: Sequence[dict[str, Any]], now: datetime) -> None:
    """Replace the staff by a list of `{audience, name, channel, station, language}`; others get no more notices."""
    parameters = {"staff": Jsonb(list(staff)), "now": now}
    conn.execute(END_STAFF, parameters)
    conn.execute(UPSERT_STAFF, parameters)


def health(conn: Connection) -> list[Row]:
    """Count messages by audience, channel and state."""
    return fetch(conn, SELECT_HEALTH, {})


def outbox_depth(conn: Connection, now: datetime) -> Row:
    """Return the count of unsettled entries, and the age of the oldest in seconds: waiting, oldest_s."""
    return fetch(conn, SELECT_DEPTH, {"now": now})[0]


def failed(conn: Connection, limit: int) -> list[Row]:
    """Return the failed messages, newest first."""
    return fetch(conn, SELECT_FAILED, {"limit": limit})


def told(conn: Connection, wanted: NoticeFilter, *, before: int | None = None, limit: int) -> list[Row]:
    """Return delivered and pending notices, newest first, with a number below `before`."""
    return fetch(conn, SELECT_TOLD, {**wanted._asdict(), "before": before, "limit": limit})

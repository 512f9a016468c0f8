"""The lists behind the figures of a span of months, case by case, and what seals say of them. No names, no homes.

Each list has the lines that its figures count (kpi_rows.py, application_rows.py, exchange_pages.py), in order.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

from psycopg import Connection

from store.base.rows import Row, fetch
from store.evidence.journal import PLAIN_TEXT

MOST_HASHES = 100_000  # in a package: of events and entries under the seals that it names

_OF_STATION: LiteralString = "(%(own)s::text IS NULL OR coalesce(t.station, '') = %(own)s)"
_DUE: LiteralString = "c.due_at >= %(start)s AND c.due_at < least(%(stop)s::timestamptz, %(now)s::timestamptz)"
SELECT_TICKETS: LiteralString = (
    """
SELECT
  t.number AS ticket, t.class AS ticket_class, coalesce(t.station, '') AS station, t.opened_at, t.closed_at, t.ending,
  t.retrospective, e.seq AS events, e.hash AS head, (
    SELECT s.chain_seal_id FROM chain_seal AS s WHERE s.upto >= e.event_id ORDER BY s.upto, s.chain_seal_id LIMIT 1
  ) AS seal
FROM ticket AS t
LEFT JOIN LATERAL (
  SELECT x.seq, x.hash, x.event_id FROM ticket_event AS x WHERE x.ticket_id = t.ticket_id ORDER BY x.seq DESC LIMIT 1
) AS e ON true
WHERE (
    (t.opened_at >= %(start)s AND t.opened_at < %(stop)s) OR (t.closed_at >= %(start)s AND t.closed_at < %(stop)s)
    OR EXISTS (SELECT FROM clock AS c WHERE c.ticket_id = t.ticket_id AND """
    + _DUE
    + """)
  )
  AND """
    + _OF_STATION
    + """
ORDER BY t.ticket_id
"""
)
# `key` and `said` are those of the journal's entry (store/evidence/journal.py).
SELECT_CLOCKS: LiteralString = (
    """
SELECT
  t.number AS ticket, t.class AS ticket_class, coalesce(t.station, '') AS station, c.name, c.round, c.started_at,
  c.due_at, c.met_at, c.breached_at, c.void_at, jsonb_build_array(c.ticket_id, c.round, c.name) AS key,
  jsonb_build_array(
    c.started_at, c.due_at, c.warn_at, c.warned_at, c.met_at, c.breached_at, c.void_at
  )::text AS said
FROM clock AS c
JOIN ticket AS t USING (ticket_id)
WHERE """
    + _DUE
    + " AND (c.void_at IS NULL OR c.breached_at IS NOT NULL) AND t.ending IS NULL AND "
    + _OF_STATION
    + """
ORDER BY c.ticket_id, c.round, c.name
"""
)
SELECT_CASES: LiteralString = (
    """
SELECT
  t.number AS ticket, t.class AS ticket_class, coalesce(t.station, '') AS station, t.opened_at, t.closed_at, c.due_at,
  c.met_at AS answered_at
FROM ticket AS t
LEFT JOIN LATERAL (
  SELECT x.due_at, x.met_at FROM clock AS x
  WHERE x.ticket_id = t.ticket_id AND x.name = 'answer' ORDER BY x.round LIMIT 1
) AS c ON true
WHERE t.class IN ('complaint', 'report') AND t.opened_at >= %(start)s AND t.opened_at < %(stop)s AND """
    + _OF_STATION
    + """
ORDER BY t.ticket_id
"""
)
SELECT_CALL_BACKS: LiteralString = (
    """
SELECT
  t.number AS ticket, coalesce(t.station, '') AS station, e.at, (e.data ->> 'satisfied')::boolean AS satisfied, e.hash
FROM ticket_event AS e
JOIN ticket AS t USING (ticket_id)
WHERE e.kind = 'called_back' AND e.at >= %(start)s AND e.at < %(stop)s AND t.ending IS NULL AND """
    + _OF_STATION
    + """
ORDER BY t.ticket_id, e.seq
"""
)
SELECT_FLAGS: LiteralString = (
    """
SELECT
  t.number AS ticket, coalesce(t.station, '') AS station, f.raised_at, f.cleared_at, f.clear_reason
FROM flag AS f
JOIN ticket AS t USING (ticket_id)
WHERE f.raised_at >= %(start)s AND f.raised_at < %(stop)s AND f.clear_reason IS DISTINCT FROM 'withdrawn'
  AND (f.cleared_at IS NULL OR f.cleared_at > f.raised_at) AND """
    + _OF_STATION
    + """
ORDER BY f.flag_id
"""
)
SELECT_APPLICATIONS: LiteralString = (
    """
SELECT
  t.number AS ticket, a.kind, coalesce(t.station, '') AS station, t.opened_at, c.due_at, c.met_at AS answered_at,
  c.void_at, EXISTS (
    SELECT FROM ticket_event AS e WHERE e.ticket_id = t.ticket_id AND e.kind = 'delayed' AND e.at <= c.due_at
  ) AS explained,
  w.due_at AS warm_due_at, w.met_at AS warm_at
FROM application AS a
JOIN ticket AS t USING (ticket_id)
LEFT JOIN clock AS c ON c.ticket_id = t.ticket_id AND c.round = 1 AND c.name = 'plan_answer'
LEFT JOIN clock AS w ON w.ticket_id = t.ticket_id AND w.round = 1 AND w.name IN ('heat_on', 'heat_at_once')
  AND w.void_at IS NULL
WHERE t.opened_at >= %(start)s AND t.opened_at < %(stop)s AND t.ending IS NULL AND """
    + _OF_STATION
    + """
ORDER BY t.ticket_id
"""
)
SELECT_PEERS: LiteralString = (
    """
SELECT
  p.name AS peer, t.number AS ticket, c.number AS their_number, coalesce(t.station, '') AS station, c.respond_by,
  c.responded_at, c.resolve_by, c.resolved_at, c.rated_at, c.satisfied
FROM peer_case AS c
JOIN peer AS p USING (peer_id)
JOIN ticket AS t USING (ticket_id)
WHERE (
    (c.respond_by >= %(start)s AND c.respond_by < least(%(stop)s::timestamptz, %(now)s::timestamptz))
    OR (c.resolve_by >= %(start)s AND c.resolve_by < least(%(stop)s::timestamptz, %(now)s::timestamptz))
    OR (c.rated_at >= %(start)s AND c.rated_at < %(stop)s)
  )
  AND """
    + _OF_STATION
    + """
ORDER BY p.name, c.peer_case_id
"""
)
# What was paid for one sheet by one payment.
SELECT_REFUNDS = """
SELECT
  p.refund_payment_id AS payment, p.at, s.number AS sheet, coalesce(u.station, '') AS station, s.season, s.currency,
  d.days, d.amount, p.digest AS payment_digest, s.digest AS sheet_digest, jsonb_build_array(s.refund_sheet_id) AS key
FROM refund_payment AS p
CROSS JOIN LATERAL (
  SELECT x.refund_sheet_id, count(*) AS days, sum(x.amount)::bigint AS amount FROM refund_paid AS x
  WHERE x.refund_payment_id = p.refund_payment_id GROUP BY x.refund_sheet_id
) AS d
JOIN refund_sheet AS s USING (refund_sheet_id)
JOIN home AS h USING (home_id)
JOIN building_place AS u USING (building_id)
WHERE p.at >= %(start)s AND p.at < %(stop)s AND (%(own)s::text IS NULL OR coalesce(u.station, '') = %(own)s)
ORDER BY p.refund_payment_id, s.refund_sheet_id
"""
# The text of an entry but for what the row says, which comes last in it.
SELECT_CLOCK_HEADS = """
SELECT
  e.key, e.seal, e.hash, e.previous, e.together, jsonb_build_array(
    'clock', e.key, e.form, (extract(epoch FROM e.at) * 1000000)::bigint, e.writer
  )::text AS head
FROM last_entries('clock', %(keys)s::jsonb) AS e
"""
SELECT_ENTRIES = "SELECT e.key, e.seal, e.hash FROM last_entries(%(relation)s, %(keys)s::jsonb) AS e"
# The hashes under a seal are there until so many have been given.
SELECT_SEALS = """
SELECT
  s.chain_seal_id AS number, s.at, s.upto, s.events, s.digest, s.entries_upto, s.entries, s.entries_digest,
  p.hash AS previous, s.hash, s.key_id AS key, s.signature,
  CASE WHEN n.hashes <= %(most)s THEN sealed_hashes(s.chain_seal_id) END AS event_hashes,
  CASE WHEN n.hashes <= %(most)s THEN sealed_entries(s.chain_seal_id) END AS entry_hashes
FROM chain_seal AS s
JOIN (
  SELECT x.chain_seal_id, sum(x.events + coalesce(x.entries, 0)) OVER (ORDER BY x.chain_seal_id) AS hashes
  FROM chain_seal AS x WHERE x.chain_seal_id = ANY (%(seals)s::bigint[])
) AS n USING (chain_seal_id)
LEFT JOIN chain_seal AS p ON p.chain_seal_id = s.chain_seal_id - 1
ORDER BY s.chain_seal_id
"""
CLOCK_ENTRY = ("previous", "hash", "together", "seal")
LISTS: dict[str, LiteralString] = {
    "tickets": SELECT_TICKETS,
    "clocks": SELECT_CLOCKS,
    "cases": SELECT_CASES,
    "call_backs": SELECT_CALL_BACKS,
    "flags": SELECT_FLAGS,
    "applications": SELECT_APPLICATIONS,
    "peers": SELECT_PEERS,
    "refunds": SELECT_REFUNDS,
}


class ListSpan(NamedTuple):
    """The span of a list, half-open; `now`: what is due later is not due yet. `own`: of this station alone."""

    start: datetime
    stop: datetime
    now: datetime
    own: str | None = None


def lines(conn: Connection, span: ListSpan) -> dict[str, list[Row]]:
    """Return the lines of each list; clocks and refunds with their entries in the journal, as far as they have any."""
    conn.execute(PLAIN_TEXT)
    found = {name: fetch(conn, query, span._asdict()) for name, query in LISTS.items()}
    _add_clock_entries(conn, found["clocks"])
    _add_sheet_entries(conn, found["refunds"])
    return found


def _add_clock_entries(conn: Connection, clocks: list[Row]) -> None:
    """Give each clock the text of its last entry, the hash before, its own, all of a joint entry, and its seal."""
    told = {json.dumps(row["key"]): row.pop("said") for row in clocks}
    asked = json.dumps([row["key"] for row in clocks])
    entries = {json.dumps(one["key"]): one for one in fetch(conn, SELECT_CLOCK_HEADS, {"keys": asked})}
    for row in clocks:
        key = json.dumps(row.pop("key"))
        entry = entries.get(key)
        text = None if entry is None else f"{entry['head'][:-1]}, {told[key]}]"
        row |= {"entry": text, **{name: entry[name] if entry else None for name in CLOCK_ENTRY}}


def _add_sheet_entries(conn: Connection, refunds: list[Row]) -> None:
    keys: list[Any] = [row["key"] for row in refunds]
    entries = {
        json.dumps(one["key"]): one
        for one in fetch(conn, SELECT_ENTRIES, {"relation": "refund_sheet", "keys": json.dumps(keys)})
    }
    for row in refunds:
        entry = entries.get(json.dumps(row.pop("key")))
        row |= {name: entry[name] if entry else None for name in ("hash", "seal")}


def seals(conn: Connection, numbers: Sequence[int]) -> list[Row]:
    """Return seals in order, each with the hash of the one before and, up to a limit, the hashes under it."""
    return fetch(conn, SELECT_SEALS, {"seals": list(numbers), "most": MOST_HASHES})

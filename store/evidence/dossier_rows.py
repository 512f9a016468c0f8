"""Contents of an evidence dossier of one home, read in the API's role under row-level security.

All parts are read in one frozen transaction (chain_rows.freeze), so that they are consistent.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString, NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.rows import class_row

from store.base import wire
from store.base.access import Scope
from store.base.rows import Row, fetch
from store.evidence.chain_rows import TOLD
from store.readings import stays
from store.tickets.ticket_pages import TICKET_IN_SCOPE

SELECT_HOME = """
SELECT
  h.code, h.class, b.code AS building, h.contract_limit, h.contract_from, h.contract_to,
  (SELECT k.since FROM readings_kept AS k) AS readings_kept_since
FROM home AS h JOIN building AS b USING (building_id)
WHERE h.home_id = %(home)s
"""
SELECT_HEAT_STATUS = """
SELECT CASE WHEN s.since > coalesce(reach_since(s.home_id), '-infinity') THEN s.since END AS since, s.status
FROM home_status AS s
WHERE s.home_id = %(home)s AND NOT EXISTS (
  SELECT FROM home_status AS x
  WHERE x.home_id = s.home_id AND x.since > s.since AND x.since <= reach_since(s.home_id)
)
ORDER BY s.since
"""
SELECT_POINTS = """
SELECT
  p.point_id, p.sensor_id, s.code AS sensor, p.room, p.room_kind, p.interval_s, p.offset_k, p.valid_from, p.valid_to
FROM point AS p
JOIN sensor AS s USING (sensor_id)
WHERE p.home_id = %(home)s
  AND (p.valid_from IS NULL OR p.valid_from < %(end)s) AND (p.valid_to IS NULL OR p.valid_to > %(start)s)
ORDER BY p.sensor_id, p.valid_from NULLS FIRST
"""
# Like stays.SELECT_SAID, through the function by which the API's role reads readings.
SELECT_SAID = """
COPY (
  SELECT p.sensor_id, array_agg(r.measured_at ORDER BY r.measured_at), array_agg(r.temperature ORDER BY r.measured_at)
  FROM point AS p
  CROSS JOIN LATERAL point_readings(p.point_id, %(start)s, %(end)s, NULL) AS r
  WHERE p.sensor_id = ANY(%(sensors)s) AND p.home_id IS NOT NULL AND is_good(r.quality)
  GROUP BY p.sensor_id
  ORDER BY p.sensor_id
) TO STDOUT (FORMAT BINARY)
"""
SELECT_FLAGS = """
SELECT
  f.flag_id AS id, severity_name(f.severity) AS severity, f.source, f.cold_since,
  f.confirmed_at, f.raised_at, f.severe_at, f.suspended_at, f.cleared_at, f.clear_reason, f.lowest,
  f.limit_celsius AS "limit", f.policy, t.number AS ticket, f.ticket_id,
  ARRAY(SELECT x.outage FROM flag_outage AS x WHERE x.flag_id = f.flag_id ORDER BY x.outage) AS outages, f.why
FROM flag AS f
LEFT JOIN ticket AS t USING (ticket_id)
WHERE f.home_id = %(home)s AND f.cold_since < %(end)s AND (f.cleared_at IS NULL OR f.cleared_at > %(start)s)
ORDER BY f.cold_since, f.flag_id
"""
# Complaints and reports of wrongdoing are left out (store/tickets/case_rows.py): they may concern other people.
SELECT_TICKETS: LiteralString = (
    """
SELECT
  t.ticket_id, t.number, t.class, t.state, t.priority, t.source, t.station, t.description, t.responsible,
  t.appointment_at, t.responsibility, t.paid, t.confirmation, t.round, t.opened_at, t.done_at, t.proof, t.replied_at,
  t.called_back_at, t.closed_at, t.retrospective,
  (SELECT o.number FROM ticket AS o WHERE o.ticket_id = t.follows) AS follows, t.ending,
  (SELECT o.number FROM ticket AS o WHERE o.ticket_id = t.merged_into) AS merged_into,
  ARRAY(SELECT f.flag_id FROM flag AS f WHERE f.ticket_id = t.ticket_id ORDER BY f.flag_id) AS flags
FROM ticket AS t
WHERE t.home_id = %(home)s AND t.class NOT IN ('complaint', 'report')
  AND (
    t.ticket_id = ANY(%(of_flags)s::bigint[])
    OR (t.opened_at < %(end)s AND (t.closed_at IS NULL OR t.closed_at > %(start)s))
  )
  -- of a ticket that is older than the tenancy there are not all events, and so no chain
  AND t.opened_at >= coalesce(reach_since(t.home_id), '-infinity')
  AND """
    + TICKET_IN_SCOPE
    + """
ORDER BY t.ticket_id
"""
)
SELECT_EVENTS: LiteralString = (
    """
SELECT
  e.event_id, e.ticket_id, e.seq, e.at, e.kind, e.actor, e.state, e.data, e.hash,
  """
    + TOLD
    + """,
  (
    SELECT s.chain_seal_id FROM chain_seal AS s WHERE s.upto >= e.event_id ORDER BY s.upto, s.chain_seal_id LIMIT 1
  ) AS seal
FROM ticket_event AS e
WHERE e.ticket_id = ANY(%(tickets)s::bigint[])
ORDER BY e.ticket_id, e.seq
"""
)
SELECT_SEALS = """
SELECT
  s.chain_seal_id AS number, s.at, coalesce(p.upto, 0) AS after, s.upto, s.events, s.digest,
  CASE WHEN sum(s.events) OVER (ORDER BY s.chain_seal_id) <= %(most)s THEN sealed_hashes(s.chain_seal_id) END AS hashes,
  s.entries_upto, s.entries, s.entries_digest, p.hash AS previous, s.hash, s.key_id AS key, s.signature
FROM chain_seal AS s
LEFT JOIN chain_seal AS p ON p.chain_seal_id = s.chain_seal_id - 1
WHERE s.chain_seal_id = ANY(%(seals)s::bigint[])
ORDER BY s.chain_seal_id
"""
SELECT_MEASUREMENTS = """
SELECT
  m.number, m.room, m.room_kind, m.measured_at, m.celsius, m.instrument, m.measurer, m.signature,
  old.number AS corrects, m.reason, m.recorded_at, m.recorded_by, m.filed_late, m.limit_celsius AS "limit", m.policy,
  state_name(m.state) AS state, new.number AS corrected_by, CASE
    WHEN m.signature IS NULL THEN 'unsigned' WHEN new.number IS NOT NULL THEN 'corrected' ELSE 'valid'
  END AS worth
FROM measurement AS m
LEFT JOIN measurement AS old ON old.measurement_id = m.corrects
LEFT JOIN measurement AS new ON new.corrects = m.measurement_id AND new.signature IS NOT NULL
WHERE m.home_id = %(home)s AND m.measured_at >= %(start)s AND m.measured_at < %(end)s
ORDER BY m.measured_at, m.measurement_id
"""
SELECT_OUTAGES = """
SELECT
  o.number, o.kind, o.stops_heating, o.reason, o.begins_at, o.expected_end, o.explanation, o.announced_at,
  o.restored_at, o.cancelled_at, ARRAY(
    SELECT x.flag_id FROM flag_outage AS x
    WHERE x.outage_id = o.outage_id AND x.home_id = %(home)s ORDER BY x.flag_id
  ) AS flags
FROM outage AS o
WHERE o.begins_at < %(end)s AND coalesce(least(o.restored_at, o.cancelled_at) > %(start)s, true)
  AND EXISTS (SELECT FROM outage_home AS x WHERE x.outage_id = o.outage_id AND x.home_id = %(home)s)
ORDER BY o.outage_id
"""


MOST_HASHES = 20_000  # per dossier


class DossierPoint(NamedTuple):
    """A sensor's stay in a room of the home; None: unbounded."""

    point_id: int
    sensor_id: int
    sensor: str
    room: str
    room_kind: str
    interval_s: int
    offset_k: float
    valid_from: datetime | None
    valid_to: datetime | None


class HomeSpan(NamedTuple):
    """A home in a half-open span of time."""

    home: int
    start: datetime
    end: datetime


def home(conn: Connection, home_id: int) -> Row:
    """Return the home's attributes and contract, and the start of the retention of readings."""
    (found,) = fetch(conn, SELECT_HOME, {"home": home_id})
    return found


def heat_status(conn: Connection, home_id: int) -> list[Row]:
    """Return the heat status history; None: unbounded."""
    return fetch(conn, SELECT_HEAT_STATUS, {"home": home_id})


def places(conn: Connection, span: HomeSpan) -> list[DossierPoint]:
    """Return the sensors' stays in the home during the span, by sensor and time."""
    with conn.cursor(row_factory=class_row(DossierPoint)) as cur:
        return cur.execute(SELECT_POINTS, span._asdict()).fetchall()


def said(conn: Connection, sensors: list[int], start: datetime, end: datetime) -> NDArray[np.void]:
    """Return the readings in reach, in the form of stays.said."""
    with conn.cursor() as cur:
        params = {"sensors": sensors, "start": start, "end": end}
        return wire.read_arrays(cur, SELECT_SAID, stays.SAID, params)


def flags(conn: Connection, span: HomeSpan) -> list[Row]:
    """Return the flags of the span with all their attributes, withdrawn ones included, by time."""
    return fetch(conn, SELECT_FLAGS, span._asdict())


def tickets(conn: Connection, scope: Scope, span: HomeSpan, of_flags: Sequence[int]) -> list[Row]:
    """Return the repair tickets of the span, and those with the keys `of_flags`, in order."""
    return fetch(conn, SELECT_TICKETS, {**scope.parameters(), **span._asdict(), "of_flags": list(of_flags)})


def events(conn: Connection, tickets: Sequence[int]) -> list[Row]:
    """Return all events of tickets (keys) as hashed, each with the number of its seal."""
    return fetch(conn, SELECT_EVENTS, {"tickets": list(tickets)})


def seals(conn: Connection, numbers: Sequence[int]) -> list[Row]:
    """Return seals, each with the hash of its predecessor and, up to a limit, the events it covers."""
    return fetch(conn, SELECT_SEALS, {"seals": list(numbers), "most": MOST_HASHES})


def measurements(conn: Connection, span: HomeSpan) -> list[Row]:
    """Return the records of the span, invalid ones included, by time."""
    return fetch(conn, SELECT_MEASUREMENTS, span._asdict())


def outages(conn: Connection, span: HomeSpan) -> list[Row]:
    """Return the outages of the span that affect the home, with its flags of that time."""
    return fetch(conn, SELECT_OUTAGES, span._asdict())

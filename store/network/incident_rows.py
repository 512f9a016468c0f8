"""Incidents and their child tickets.

Every change of incidents holds the INCIDENTS lock, so that no two processes handle the same homes at once; the tables'
constraints refuse inconsistent changes.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from domain.incidents import BuildingCount, IncidentFinding, IncidentKind, IncidentStanding, NetworkPlace
from store.base import locks
from store.base.locks import LockKey

# A straggler counts neither for an incident of the same scope as the one it left, nor as a child of one.
_STRAGGLER: LiteralString = """
  SELECT FROM incident_ticket AS k JOIN incident AS o USING (incident_id)
  WHERE k.ticket_id = f.ticket_id AND k.left_reason = 'stayed_cold'
"""
# Each home finds its flag by the index. A list of all that are cold beside it would be gone through for every home: the
# planner takes it for short, and in a storm it is not.
SELECT_COUNTS: LiteralString = (
    """
WITH near AS (
  SELECT b.substation_id
  FROM flag AS f JOIN home AS h USING (home_id) JOIN building AS b USING (building_id)
  WHERE f.cleared_at IS NULL
  GROUP BY b.substation_id
  HAVING count(*) >= %(fewest)s
  UNION
  SELECT unnest(%(alarmed)s::integer[])
)
SELECT
  b.substation_id, b.building_id,
  count(*) FILTER (WHERE is_known(s.state) OR f.home_id IS NOT NULL),
  count(f.home_id) FILTER (WHERE NOT EXISTS ("""
    + _STRAGGLER
    + """ AND o.building_id IS NOT NULL)),
  count(f.home_id) FILTER (WHERE NOT EXISTS ("""
    + _STRAGGLER
    + """))
FROM near
JOIN building AS b USING (substation_id)
JOIN home AS h USING (building_id)
JOIN home_state AS s USING (home_id)
LEFT JOIN flag AS f ON f.home_id = h.home_id AND f.cleared_at IS NULL
GROUP BY b.substation_id, b.building_id
"""
)
SELECT_ALARMS = """
SELECT substation_id, kind, since, lowest, highest FROM substation_alarm
WHERE raised_at IS NOT NULL AND ended_at IS NULL
ORDER BY substation_id, kind
"""
SELECT_PLACES = """
SELECT u.substation_id, b.building_id, coalesce(b.name, u.name) AS name, coalesce(b.code, u.code) AS code, u.station
FROM unnest(%(substations)s::integer[], %(buildings)s::integer[]) AS x (substation_id, building_id)
JOIN substation AS u USING (substation_id)
LEFT JOIN building AS b ON b.building_id = x.building_id
"""
SELECT_COVERED = "SELECT substation_id, building_id FROM incident WHERE closed_at IS NULL"
INSERT = """
INSERT INTO incident (incident_id, kind, substation_id, building_id, station, ticket_id, why, opened_at)
VALUES (
  %(incident_id)s, %(kind)s, %(substation)s, %(building)s, %(station)s, %(ticket_id)s, %(why)s, %(at)s
)
RETURNING number
"""
# Tickets affected when the building incidents of these substations are merged into a wider one.
SELECT_MERGING = """
SELECT k.ticket_id FROM incident AS i JOIN incident_ticket AS k USING (incident_id)
WHERE i.closed_at IS NULL AND i.building_id IS NOT NULL AND i.substation_id = ANY(%(substations)s::integer[])
  AND k.left_at IS NULL
"""
MERGE = """
UPDATE incident SET closed_at = %(at)s, close_reason = 'merged', merged_into = %(into)s
WHERE closed_at IS NULL AND substation_id = %(substation)s AND building_id IS NOT NULL
RETURNING incident_id, ticket_id
"""
SELECT_STANDING: LiteralString = (
    """
SELECT
  i.incident_id, i.number, i.kind, c.children, c.still_cold, p.cold_in_place, EXISTS (
    SELECT FROM substation_alarm AS a
    WHERE a.substation_id = i.substation_id AND i.building_id IS NULL AND a.raised_at IS NOT NULL AND a.ended_at IS NULL
  ) AS alarmed, i.recovering_since, i.calm_since
FROM incident AS i
CROSS JOIN LATERAL (
  SELECT
    count(*) AS children,
    count(*) FILTER (WHERE EXISTS (
      SELECT FROM flag AS f WHERE f.ticket_id = k.ticket_id AND f.cleared_at IS NULL
    )) AS still_cold
  FROM incident_ticket AS k
  WHERE k.incident_id = i.incident_id AND k.left_at IS NULL
) AS c
CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE NOT EXISTS ("""
    + _STRAGGLER
    + """ AND (i.building_id IS NULL OR o.building_id IS NOT NULL))) AS cold_in_place
  FROM building AS b
  JOIN home AS h USING (building_id)
  JOIN flag AS f ON f.home_id = h.home_id AND f.cleared_at IS NULL
  WHERE b.substation_id = i.substation_id AND (i.building_id IS NULL OR b.building_id = i.building_id)
) AS p
WHERE i.incident_id = %(incident)s AND i.closed_at IS NULL
"""
)
SELECT_OPEN = "SELECT incident_id FROM incident WHERE closed_at IS NULL ORDER BY incident_id"
UPDATE_COURSE = """
UPDATE incident SET recovering_since = %(recovering_since)s, calm_since = %(calm_since)s
WHERE incident_id = %(incident)s
"""
# Cold homes in the place of an incident that have no incident yet.
SELECT_JOINING: LiteralString = (
    """
SELECT t.ticket_id
FROM incident AS i
JOIN building AS b ON b.substation_id = i.substation_id AND (i.building_id IS NULL OR b.building_id = i.building_id)
JOIN home AS h ON h.building_id = b.building_id
JOIN flag AS f ON f.home_id = h.home_id AND f.cleared_at IS NULL
JOIN ticket AS t ON t.ticket_id = f.ticket_id
WHERE i.incident_id = %(incident)s AND t.state <> 'closed'
  AND NOT EXISTS (SELECT FROM incident_ticket AS k WHERE k.ticket_id = t.ticket_id AND k.left_at IS NULL)
  AND NOT EXISTS ("""
    + _STRAGGLER
    + """ AND (i.building_id IS NULL OR o.building_id IS NOT NULL))
ORDER BY t.ticket_id
LIMIT %(most)s
"""
)
# A ticket that rejoins skips the events it missed.
INSERT_TICKETS = """
INSERT INTO incident_ticket (incident_id, ticket_id, joined_at)
SELECT %(incident)s, x.ticket_id, %(at)s FROM unnest(%(tickets)s::bigint[]) AS x (ticket_id)
ON CONFLICT (incident_id, ticket_id) DO UPDATE SET
  left_at = NULL, left_reason = NULL, dispatched_at = NULL, passed_seq = (
    SELECT max(e.seq) FROM incident AS i JOIN ticket_event AS e USING (ticket_id)
    WHERE i.incident_id = excluded.incident_id
  )
"""
# The crew's first event that some child tickets have not received.
SELECT_UNTOLD = """
SELECT i.number, e.seq, e.at, e.kind, e.actor, e.data
FROM incident AS i
JOIN ticket_event AS e USING (ticket_id)
WHERE i.incident_id = %(incident)s AND e.kind = ANY(%(kinds)s) AND e.seq > (
  SELECT min(k.passed_seq) FROM incident_ticket AS k WHERE k.incident_id = i.incident_id AND k.left_at IS NULL
)
ORDER BY e.seq
LIMIT 1
"""
SELECT_UNTOLD_TICKETS = """
SELECT k.ticket_id, k.joined_at FROM incident_ticket AS k
WHERE k.incident_id = %(incident)s AND k.left_at IS NULL AND k.passed_seq < %(seq)s
ORDER BY k.ticket_id
LIMIT %(most)s
"""
SET_TOLD = """
UPDATE incident_ticket SET passed_seq = %(seq)s
WHERE incident_id = %(incident)s AND ticket_id = ANY(%(tickets)s::bigint[]) AND left_at IS NULL
"""
LEAVE_ALL = """
UPDATE incident_ticket SET left_at = %(at)s, left_reason = %(reason)s
WHERE incident_id = ANY(%(incidents)s::bigint[]) AND left_at IS NULL
RETURNING ticket_id
"""
LEAVE_STRAGGLERS = """
UPDATE incident_ticket AS k SET left_at = %(at)s, left_reason = 'stayed_cold'
FROM incident AS i, flag AS f
WHERE i.incident_id = k.incident_id AND f.ticket_id = k.ticket_id AND f.cleared_at IS NULL
  AND k.incident_id = %(incident)s AND k.left_at IS NULL
  AND greatest(i.recovering_since, f.raised_at) <= %(before)s
RETURNING k.ticket_id
"""
CLOSE = """
UPDATE incident SET closed_at = %(at)s, close_reason = %(reason)s
WHERE incident_id = ANY(%(incidents)s::bigint[]) AND closed_at IS NULL
RETURNING incident_id, number, ticket_id, why ->> 'place' AS place
"""
# Cold homes that left an incident, have no other, and had no crew dispatched on their own ticket since.
SELECT_UNDISPATCHED = """
SELECT f.ticket_id, i.number
FROM flag AS f
JOIN ticket AS t ON t.ticket_id = f.ticket_id AND t.state <> 'closed'
CROSS JOIN LATERAL (
  SELECT i.number FROM incident_ticket AS k JOIN incident AS i USING (incident_id)
  WHERE k.ticket_id = f.ticket_id
  ORDER BY k.left_at DESC LIMIT 1
) AS i
WHERE f.cleared_at IS NULL
  AND NOT EXISTS (
    SELECT FROM incident_ticket AS other
    WHERE other.ticket_id = f.ticket_id AND (other.left_at IS NULL OR other.dispatched_at IS NOT NULL)
  )
ORDER BY f.ticket_id
"""
# The lock order of judging, and before the tickets are changed: prevents deadlocks.
LOCK_HOMES = """
SELECT FROM home_state
WHERE home_id IN (SELECT t.home_id FROM ticket AS t WHERE t.ticket_id = ANY(%(tickets)s::bigint[]))
ORDER BY home_id
FOR NO KEY UPDATE
"""
SET_DISPATCHED = """
UPDATE incident_ticket AS k SET dispatched_at = %(at)s
WHERE k.ticket_id = ANY(%(tickets)s::bigint[]) AND k.left_at = (
  SELECT max(other.left_at) FROM incident_ticket AS other WHERE other.ticket_id = k.ticket_id
)
"""


class Alarm(NamedTuple):
    """A raised alarm of a substation."""

    substation_id: int
    kind: str
    since: datetime
    lowest: float
    highest: float


class IncidentPlaceRow(NamedTuple):
    """Name and code of a place, and its station."""

    substation_id: int
    building_id: int | None
    name: str
    code: str
    station: str


class NewIncident(NamedTuple):
    """An incident to store, with the ticket of its crew; `why` is the evidence, as JSON."""

    incident_id: int
    finding: IncidentFinding
    station: str
    ticket_id: int
    why: dict[str, Any]


class MergedIncident(NamedTuple):
    """An incident merged into a wider one, with the ticket of its crew."""

    incident_id: int
    ticket_id: int


class ClosedIncident(NamedTuple):
    """A closed incident, with the ticket of its crew and the name of its place."""

    incident_id: int
    number: str
    ticket_id: int
    place: str


class UntoldStep(NamedTuple):
    """An event of the crew's ticket that some child tickets have not received."""

    number: str
    seq: int
    at: datetime
    kind: str
    actor: str
    data: dict[str, Any]


class OpenIncident(NamedTuple):
    """State of an open incident."""

    incident_id: int
    number: str
    standing: IncidentStanding


def lock(conn: Connection) -> None:
    """Lock incidents against changes by others until the transaction ends."""
    locks.lock(conn, LockKey.INCIDENTS)


def alarms(conn: Connection) -> list[Alarm]:
    """Return the raised alarms of substations."""
    with conn.cursor(row_factory=class_row(Alarm)) as cur:
        return cur.execute(SELECT_ALARMS).fetchall()


def counts(conn: Connection, fewest: int, alarmed: Sequence[int]) -> list[BuildingCount]:
    """Count cold homes per building of the substations with at least `fewest` cold homes, or with an alarm."""
    rows = conn.execute(SELECT_COUNTS, {"fewest": fewest, "alarmed": list(alarmed)}).fetchall()
    return [BuildingCount(*row) for row in rows]


def covered(conn: Connection) -> set[NetworkPlace]:
    """Return the places of open incidents."""
    return {NetworkPlace(*row) for row in conn.execute(SELECT_COVERED).fetchall()}


def places(conn: Connection, wanted: Sequence[NetworkPlace]) -> dict[NetworkPlace, IncidentPlaceRow]:
    """Return names and stations of places."""
    params = {"substations": [p.substation for p in wanted], "buildings": [p.building for p in wanted]}
    with conn.cursor(row_factory=class_row(IncidentPlaceRow)) as cur:
        rows = cur.execute(SELECT_PLACES, params).fetchall()
    return {NetworkPlace(row.substation_id, row.building_id): row for row in rows}


def insert(conn: Connection, new: NewIncident, at: datetime) -> str:
    """Store an incident; returns its number.

    Raises:
        psycopg.errors.ExclusionViolation: its place, or a wider or narrower one, has an open incident.
    """
    row = conn.execute(
        INSERT,
        {
            "incident_id": new.incident_id,
            "kind": new.finding.kind.value,
            "substation": new.finding.place.substation,
            "building": new.finding.place.building,
            "station": new.station,
            "ticket_id": new.ticket_id,
            "why": Jsonb(new.why),
            "at": at,
        },
    ).fetchone()
    assert row is not None
    return str(row[0])


def merging(conn: Connection, substations: Sequence[int]) -> list[int]:
    """Return the child tickets of open incidents of these substations' buildings."""
    return [row[0] for row in conn.execute(SELECT_MERGING, {"substations": list(substations)}).fetchall()]


def merge(conn: Connection, substation: int, into: int, at: datetime) -> list[MergedIncident]:
    """Merge the open incidents of a substation's buildings into a wider one."""
    with conn.cursor(row_factory=class_row(MergedIncident)) as cur:
        return cur.execute(MERGE, {"substation": substation, "into": into, "at": at}).fetchall()


def open_ids(conn: Connection) -> list[int]:
    """Return the ids of open incidents, oldest first."""
    return [row[0] for row in conn.execute(SELECT_OPEN).fetchall()]


def standing(conn: Connection, incident: int) -> OpenIncident | None:
    """Return the state of an incident; None: not open."""
    row = conn.execute(SELECT_STANDING, {"incident": incident}).fetchone()
    return OpenIncident(row[0], row[1], IncidentStanding(IncidentKind(row[2]), *row[3:])) if row else None


def set_course(conn: Connection, incident: int, recovering_since: datetime | None, calm_since: datetime | None) -> None:
    """Record the start of an incident's recovery, and of its calm."""
    params = {"incident": incident, "recovering_since": recovering_since, "calm_since": calm_since}
    conn.execute(UPDATE_COURSE, params)


def joining(conn: Connection, incident: int, most: int) -> list[int]:
    """Return the tickets of cold homes in the place that have no incident yet."""
    return [row[0] for row in conn.execute(SELECT_JOINING, {"incident": incident, "most": most}).fetchall()]


def join(conn: Connection, incident: int, tickets: Sequence[int], at: datetime) -> None:
    """Add tickets to an incident."""
    conn.execute(INSERT_TICKETS, {"incident": incident, "tickets": list(tickets), "at": at})


def untold(conn: Connection, incident: int, kinds: Sequence[str]) -> UntoldStep | None:
    """Return the first event of these kinds on the crew's ticket that some child tickets have not received."""
    with conn.cursor(row_factory=class_row(UntoldStep)) as cur:
        return cur.execute(SELECT_UNTOLD, {"incident": incident, "kinds": list(kinds)}).fetchone()


def untold_tickets(conn: Connection, incident: int, seq: int, most: int) -> dict[int, datetime]:
    """Return the child tickets that have not received an event of the crew's, and when each joined."""
    return dict(conn.execute(SELECT_UNTOLD_TICKETS, {"incident": incident, "seq": seq, "most": most}).fetchall())


def set_told(conn: Connection, incident: int, tickets: Sequence[int], seq: int) -> None:
    """Record up to which of the crew's events child tickets are informed."""
    conn.execute(SET_TOLD, {"incident": incident, "tickets": list(tickets), "seq": seq})


def leave_all(conn: Connection, incidents: Sequence[int], reason: str, at: datetime) -> list[int]:
    """Remove all tickets from incidents; returns them."""
    params = {"incidents": list(incidents), "reason": reason, "at": at}
    return [row[0] for row in conn.execute(LEAVE_ALL, params).fetchall()]


def leave_stragglers(conn: Connection, incident: int, before: datetime, at: datetime) -> list[int]:
    """Remove the tickets of homes that stayed cold while the rest recovered, since before an instant; returns them."""
    params = {"incident": incident, "before": before, "at": at}
    return [row[0] for row in conn.execute(LEAVE_STRAGGLERS, params).fetchall()]


def close(conn: Connection, incidents: Sequence[int], reason: str, at: datetime) -> list[ClosedIncident]:
    """Close incidents; the caller closes their tickets."""
    params = {"incidents": list(incidents), "reason": reason, "at": at}
    with conn.cursor(row_factory=class_row(ClosedIncident)) as cur:
        return cur.execute(CLOSE, params).fetchall()


def undispatched(conn: Connection) -> list[tuple[int, str]]:
    """Return (ticket, incident number) of cold homes that left an incident and had no crew dispatched since."""
    return conn.execute(SELECT_UNDISPATCHED).fetchall()


def number(incident: int) -> str:
    """Return the public number of an incident, as the table generates it."""
    return f"I{incident:08}"


def lock_homes(conn: Connection, tickets: Sequence[int]) -> None:
    """Lock the homes of tickets against judging until the transaction ends."""
    conn.execute(LOCK_HOMES, {"tickets": list(tickets)})


def set_dispatched(conn: Connection, tickets: Sequence[int], at: datetime) -> None:
    """Record that a crew was dispatched for homes that left an incident."""
    conn.execute(SET_DISPATCHED, {"tickets": list(tickets), "at": at})

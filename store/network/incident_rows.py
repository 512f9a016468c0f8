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

from domain.incidents import IncidentFinding, IncidentKind, IncidentStanding, NetworkPlace, RiserCount
from store.base import locks
from store.base.locks import LockKey

# A straggler counts neither for an incident of the same scope as the one it left, nor as a child of one.
STRAGGLER: LiteralString = """
  FROM incident_ticket AS k JOIN incident AS o USING (incident_id)
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
  b.substation_id, b.building_id, h.riser,
  count(*) FILTER (WHERE is_known(s.state) OR f.home_id IS NOT NULL),
  count(f.home_id) FILTER (WHERE NOT EXISTS (SELECT"""
    + STRAGGLER
    + """ AND o.riser IS NOT NULL)),
  count(f.home_id) FILTER (WHERE NOT EXISTS (SELECT"""
    + STRAGGLER
    + """ AND o.building_id IS NOT NULL)),
  count(f.home_id) FILTER (WHERE NOT EXISTS (SELECT"""
    + STRAGGLER
    + """))
FROM near
JOIN building AS b USING (substation_id)
JOIN home AS h USING (building_id)
JOIN home_state AS s USING (home_id)
LEFT JOIN flag AS f ON f.home_id = h.home_id AND f.cleared_at IS NULL
GROUP BY b.substation_id, b.building_id, h.riser
"""
)
SELECT_ALARMS = """
SELECT substation_id, kind, since, lowest, highest FROM substation_alarm
WHERE raised_at IS NOT NULL AND ended_at IS NULL
ORDER BY substation_id, kind
"""
SELECT_PLACES = """
SELECT
  u.substation_id, b.building_id, x.riser, coalesce(b.name, u.name) AS name, coalesce(b.code, u.code) AS code, u.station
FROM unnest(%(substations)s::integer[], %(buildings)s::integer[], %(risers)s::text[])
  AS x (substation_id, building_id, riser)
JOIN substation AS u USING (substation_id)
LEFT JOIN building AS b ON b.building_id = x.building_id
"""
SELECT_COVERED = "SELECT substation_id, building_id, riser FROM incident WHERE closed_at IS NULL"
INSERT = """
INSERT INTO incident (incident_id, kind, substation_id, building_id, riser, station, ticket_id, why, opened_at)
VALUES (
  %(incident_id)s, %(kind)s, %(substation)s, %(building)s, %(riser)s, %(station)s, %(ticket_id)s, %(why)s, %(at)s
)
RETURNING number
"""
# Open incidents within a wider place `x`: of its buildings and risers, or of a building's risers.
_WITHIN: LiteralString = """
  i.closed_at IS NULL AND i.substation_id = x.substation_id AND i.building_id IS NOT NULL
  AND (x.building_id IS NULL OR (i.building_id = x.building_id AND i.riser IS NOT NULL))
"""
# Tickets affected when these are merged into the wider ones.
SELECT_MERGING: LiteralString = (
    """
SELECT k.ticket_id
FROM unnest(%(substations)s::integer[], %(buildings)s::integer[]) AS x (substation_id, building_id)
JOIN incident AS i ON"""
    + _WITHIN
    + """
JOIN incident_ticket AS k USING (incident_id)
WHERE k.left_at IS NULL
"""
)
MERGE: LiteralString = (
    """
UPDATE incident AS i SET closed_at = %(at)s, close_reason = 'merged', merged_into = %(into)s
FROM (VALUES (%(substation)s::integer, %(building)s::integer)) AS x (substation_id, building_id)
WHERE"""
    + _WITHIN
    + """
RETURNING i.incident_id, i.ticket_id
"""
)
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
  SELECT count(*) FILTER (WHERE NOT EXISTS (SELECT"""
    + STRAGGLER
    + """ AND (i.building_id IS NULL OR o.building_id IS NOT NULL)
    AND (i.riser IS NULL OR o.riser IS NOT NULL))) AS cold_in_place
  FROM building AS b
  JOIN home AS h USING (building_id)
  JOIN flag AS f ON f.home_id = h.home_id AND f.cleared_at IS NULL
  WHERE b.substation_id = i.substation_id AND (i.building_id IS NULL OR b.building_id = i.building_id)
    AND (i.riser IS NULL OR h.riser = i.riser)
) AS p
WHERE i.incident_id = %(incident)s AND i.closed_at IS NULL
"""
)
SELECT_OPEN = "SELECT incident_id FROM incident WHERE closed_at IS NULL ORDER BY incident_id"
UPDATE_COURSE = """
UPDATE incident SET recovering_since = %(recovering_since)s, calm_since = %(calm_since)s
WHERE incident_id = %(incident)s
"""
CLOSE = """
UPDATE incident SET closed_at = %(at)s, close_reason = %(reason)s
WHERE incident_id = ANY(%(incidents)s::bigint[]) AND closed_at IS NULL
RETURNING incident_id, number, ticket_id, why ->> 'place' AS place, riser
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
    riser: str | None
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
    """A closed incident, with the ticket of its crew, the name of its substation or building, and its riser."""

    incident_id: int
    number: str
    ticket_id: int
    place: str
    riser: str | None


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


def counts(conn: Connection, fewest: int, alarmed: Sequence[int]) -> list[RiserCount]:
    """Count cold homes per riser of the substations with at least `fewest` cold homes, or with an alarm."""
    rows = conn.execute(SELECT_COUNTS, {"fewest": fewest, "alarmed": list(alarmed)}).fetchall()
    return [RiserCount(*row) for row in rows]


def covered(conn: Connection) -> set[NetworkPlace]:
    """Return the places of open incidents."""
    return {NetworkPlace(*row) for row in conn.execute(SELECT_COVERED).fetchall()}


def places(conn: Connection, wanted: Sequence[NetworkPlace]) -> dict[NetworkPlace, IncidentPlaceRow]:
    """Return names and stations of places."""
    params = {
        "substations": [p.substation for p in wanted],
        "buildings": [p.building for p in wanted],
        "risers": [p.riser for p in wanted],
    }
    with conn.cursor(row_factory=class_row(IncidentPlaceRow)) as cur:
        rows = cur.execute(SELECT_PLACES, params).fetchall()
    return {NetworkPlace(row.substation_id, row.building_id, row.riser): row for row in rows}


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
            "riser": new.finding.place.riser,
            "station": new.station,
            "ticket_id": new.ticket_id,
            "why": Jsonb(new.why),
            "at": at,
        },
    ).fetchone()
    assert row is not None
    return str(row[0])


def merging(conn: Connection, wide: Sequence[NetworkPlace]) -> list[int]:
    """Return the child tickets of open incidents within these substations and buildings."""
    params = {"substations": [place.substation for place in wide], "buildings": [place.building for place in wide]}
    return [row[0] for row in conn.execute(SELECT_MERGING, params).fetchall()]


def merge(conn: Connection, wide: NetworkPlace, into: int, at: datetime) -> list[MergedIncident]:
    """Merge the open incidents within a substation or building into a wider one."""
    params = {"substation": wide.substation, "building": wide.building, "into": into, "at": at}
    with conn.cursor(row_factory=class_row(MergedIncident)) as cur:
        return sorted(cur.execute(MERGE, params), key=lambda one: one.incident_id)


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


def close(conn: Connection, incidents: Sequence[int], reason: str, at: datetime) -> list[ClosedIncident]:
    """Close incidents; the caller closes their tickets."""
    params = {"incidents": list(incidents), "reason": reason, "at": at}
    with conn.cursor(row_factory=class_row(ClosedIncident)) as cur:
        return cur.execute(CLOSE, params).fetchall()


def number(incident: int) -> str:
    """Return the public number of an incident, as the table generates it."""
    return f"I{incident:08}"

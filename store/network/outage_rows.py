"""Outages: current state, area, and an append-only history."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from domain.outages import KnownOutage, OutageEvent, OutageKind
from store.base.access import IN_SCOPE, Scope
from store.base.place_joins import place_of
from store.base.rows import Row, fetch

INSERT = """
INSERT INTO outage (kind, stops_heating, reason, begins_at, expected_end)
VALUES (%(kind)s, %(stops_heating)s, %(reason)s, %(begins_at)s, %(expected_end)s)
RETURNING outage_id, number
"""
INSERT_AREA = """
INSERT INTO outage_area (outage_id, substation_id, building_id, home_id)
SELECT %(outage)s::bigint, substation_id, NULL::integer, NULL::integer FROM substation WHERE code = ANY(%(substations)s)
UNION ALL SELECT %(outage)s::bigint, NULL, building_id, NULL FROM building WHERE code = ANY(%(buildings)s)
UNION ALL SELECT %(outage)s::bigint, NULL, NULL, home_id FROM home WHERE code = ANY(%(homes)s)
ON CONFLICT DO NOTHING
"""
SELECT_OUTAGE = """
SELECT
  outage_id, number, kind, stops_heating, reason, begins_at, expected_end, announced_at, late_at, restored_at,
  cancelled_at
FROM outage
WHERE number = %(number)s
FOR UPDATE
"""
SELECT_GOING_ON = "SELECT number FROM outage WHERE restored_at IS NULL AND cancelled_at IS NULL ORDER BY outage_id"
UPDATE = """
UPDATE outage SET
  stops_heating = %(stops_heating)s, reason = %(reason)s, begins_at = %(begins_at)s, expected_end = %(expected_end)s,
  announced_at = %(announced_at)s, late_at = %(late_at)s, restored_at = %(restored_at)s, cancelled_at = %(cancelled_at)s
WHERE outage_id = %(outage_id)s
"""
UPDATE_EXPLANATION = "UPDATE outage SET explanation = %(explanation)s WHERE outage_id = %(outage)s"
INSERT_EVENT = """
INSERT INTO outage_event (outage_id, seq, at, kind, actor, data)
SELECT %(outage)s, coalesce(max(e.seq), 0) + 1, %(at)s, %(kind)s, %(actor)s, %(data)s
FROM outage_event AS e
WHERE e.outage_id = %(outage)s
"""
SELECT_PLACES = """
SELECT coalesce(u.name, b.name, hb.name) AS name, coalesce(u.station, bu.station, hu.station) AS station
FROM outage_area AS a
LEFT JOIN substation AS u USING (substation_id)
LEFT JOIN building AS b ON b.building_id = a.building_id
LEFT JOIN substation AS bu ON bu.substation_id = b.substation_id
LEFT JOIN home AS h ON h.home_id = a.home_id
LEFT JOIN building AS hb ON hb.building_id = h.building_id
LEFT JOIN substation AS hu ON hu.substation_id = hb.substation_id
WHERE a.outage_id = %(outage)s
ORDER BY a.substation_id, a.building_id, a.home_id
"""

STATE: LiteralString = """CASE
    WHEN o.cancelled_at IS NOT NULL THEN 'cancelled' WHEN o.restored_at IS NOT NULL THEN 'restored'
    WHEN o.begins_at > %(now)s THEN 'planned' WHEN o.expected_end <= %(now)s THEN 'late' ELSE 'running'
  END"""
# `mine`: a customer's homes and their places; `asked`: the same for the requested home.
SELECT_OUTAGES: LiteralString = (
    """
WITH
  mine AS MATERIALIZED (
    SELECT
      coalesce(array_agg(h.building_id), '{}') AS buildings,
      coalesce(array_agg(b.substation_id), '{}') AS substations
    FROM home AS h
    JOIN building AS b USING (building_id)
    WHERE h.home_id = ANY (%(own_homes)s::integer[])
  ),
  asked AS MATERIALIZED (
    SELECT h.home_id, h.building_id, b.substation_id FROM home AS h JOIN building AS b USING (building_id)
    WHERE h.code = %(home)s
  )
SELECT
  o.outage_id, o.number, o.kind, k.state, o.stops_heating, o.reason, o.begins_at, o.expected_end, o.explanation,
  o.announced_at, o.restored_at, o.cancelled_at
FROM outage AS o
CROSS JOIN LATERAL (SELECT """
    + STATE
    + """ AS state) AS k
WHERE (%(number)s::text IS NULL OR o.number = %(number)s)
  AND k.state = ANY (%(states)s::text[])
  AND (%(before)s::bigint IS NULL OR o.outage_id < %(before)s)
  AND EXISTS (
    SELECT FROM outage_area AS a
    """
    + place_of("a")
    + """    WHERE a.outage_id = o.outage_id
      AND (%(station)s::text IS NULL OR u.station = %(station)s)
      AND (%(home)s::text IS NULL OR EXISTS (
        SELECT FROM asked AS q
        WHERE q.home_id = a.home_id OR q.building_id = a.building_id OR q.substation_id = a.substation_id
      ))
      AND (
        """
    + IN_SCOPE
    + """ OR a.building_id = ANY ((SELECT m.buildings FROM mine AS m)::integer[])
        OR a.substation_id = ANY ((SELECT m.substations FROM mine AS m)::integer[])
      )
  )
ORDER BY o.outage_id DESC
LIMIT %(limit)s
"""
)
SELECT_HOMES = """
SELECT x.outage_id, count(*) AS homes FROM outage_home AS x
WHERE x.outage_id = ANY (%(outages)s::bigint[])
GROUP BY x.outage_id
"""
SELECT_AREAS = """
SELECT
  a.outage_id, coalesce(array_agg(u.code ORDER BY u.code) FILTER (WHERE u.code IS NOT NULL), '{}') AS substations,
  coalesce(array_agg(b.code ORDER BY b.code) FILTER (WHERE b.code IS NOT NULL), '{}') AS buildings,
  coalesce(array_agg(h.code ORDER BY h.code) FILTER (WHERE h.code IS NOT NULL), '{}') AS homes
FROM outage_area AS a
LEFT JOIN substation AS u USING (substation_id)
LEFT JOIN building AS b ON b.building_id = a.building_id
LEFT JOIN home AS h ON h.home_id = a.home_id
WHERE a.outage_id = ANY (%(outages)s::bigint[])
GROUP BY a.outage_id
"""
SELECT_EVENTS = """
SELECT e.seq, e.at, e.kind, e.actor, e.data FROM outage_event AS e WHERE e.outage_id = %(outage)s ORDER BY e.seq
"""
SELECT_REACHED = """
SELECT
  count(*) AS homes,
  count(*) FILTER (WHERE s.arrived) AS told,
  count(*) FILTER (WHERE NOT s.arrived AND s.waits) AS waiting,
  count(*) FILTER (WHERE NOT s.arrived AND NOT s.waits AND s.tried) AS failed,
  count(*) FILTER (WHERE NOT s.tried) AS unreachable
FROM outage_home AS x
JOIN home AS h USING (home_id)
LEFT JOIN (
  SELECT
    t.home, bool_or(t.state = 'sent') AS arrived, bool_or(t.state IN ('waiting', 'sending')) AS waits, true AS tried
  FROM notice_told AS t
  WHERE t.outage_id = %(outage)s AND t.kind = 'outage_announced' AND t.home IS NOT NULL
  GROUP BY t.home
) AS k ON k.home = h.code
CROSS JOIN LATERAL (
  SELECT coalesce(k.arrived, false) AS arrived, coalesce(k.waits, false) AS waits, coalesce(k.tried, false) AS tried
) AS s
WHERE x.outage_id = %(outage)s
"""

STATES = ("planned", "running", "late", "restored", "cancelled")


class PlaceCodes(NamedTuple):
    """Places by code; each stands for all homes behind it."""

    substations: Sequence[str] = ()
    buildings: Sequence[str] = ()
    homes: Sequence[str] = ()


class OutageRow(NamedTuple):
    """A locked outage."""

    outage_id: int
    number: str
    kind: str
    stops_heating: bool
    reason: str
    begins_at: datetime
    expected_end: datetime | None
    announced_at: datetime | None
    late_at: datetime | None
    restored_at: datetime | None
    cancelled_at: datetime | None

    @property
    def outage(self) -> KnownOutage:
        """Return the attributes that the rules use."""
        return KnownOutage(
            kind=OutageKind(self.kind),
            stops_heating=self.stops_heating,
            begins_at=self.begins_at,
            expected_end=self.expected_end,
            announced_at=self.announced_at,
            late_at=self.late_at,
            restored_at=self.restored_at,
            cancelled_at=self.cancelled_at,
        )


class PlaceName(NamedTuple):
    """Display name of a place, and its station."""

    name: str
    station: str


class OutageFilter(NamedTuple):
    """Filter for outages; None: any."""

    now: datetime
    states: Sequence[str] = STATES
    number: str | None = None
    station: str | None = None
    home: str | None = None


def insert(conn: Connection, values: dict[str, Any]) -> tuple[int, str]:
    """Store an outage `{kind, stops_heating, reason, begins_at, expected_end}`; returns key and number."""
    row = conn.execute(INSERT, values).fetchone()
    assert row is not None
    return row[0], row[1]


def add_area(conn: Connection, outage: int, area: PlaceCodes) -> int:
    """Add places to an outage's area, skipping existing ones; returns the count added. Codes must be known."""
    values = {name: list(codes) for name, codes in area._asdict().items()}
    return conn.execute(INSERT_AREA, {"outage": outage, **values}).rowcount


def lock(conn: Connection, number: str) -> OutageRow | None:
    """Lock an outage until the transaction ends; None: unknown number."""
    with conn.cursor(row_factory=class_row(OutageRow)) as cur:
        return cur.execute(SELECT_OUTAGE, {"number": number}).fetchone()


def going_on(conn: Connection) -> list[str]:
    """Return the numbers of outages that have not ended."""
    return [number for (number,) in conn.execute(SELECT_GOING_ON).fetchall()]


def update(conn: Connection, row: OutageRow) -> None:
    """Store the current state of a locked outage."""
    conn.execute(UPDATE, row._asdict())


def set_explanation(conn: Connection, outage: int, explanation: str) -> None:
    """Set the explanation shown to users."""
    conn.execute(UPDATE_EXPLANATION, {"outage": outage, "explanation": explanation})


def append(conn: Connection, outage: int, kind: OutageEvent, data: dict[str, Any], actor: str, at: datetime) -> None:
    """Append to the history of a locked outage; instants in `data` are RFC 3339 text."""
    values = {"outage": outage, "at": at, "kind": kind.value, "actor": actor, "data": Jsonb(data)}
    conn.execute(INSERT_EVENT, values)


def places(conn: Connection, outage: int) -> list[PlaceName]:
    """Return the places of an outage, substations first; a home is named by its building."""
    with conn.cursor(row_factory=class_row(PlaceName)) as cur:
        return cur.execute(SELECT_PLACES, {"outage": outage}).fetchall()


def outages(
    conn: Connection, scope: Scope, wanted: OutageFilter, *, before: int | None = None, limit: int
) -> list[Row]:
    """Return outages that affect a home in scope, newest first, with the reachable part of their area."""
    page = {"states": list(wanted.states), "before": before, "limit": limit}
    found = fetch(conn, SELECT_OUTAGES, {**scope.parameters(), **wanted._asdict(), **page})
    if not found:
        return []
    keys = {"outages": [row["outage_id"] for row in found]}
    parts = {row["outage_id"]: {"area": PlaceCodes()._asdict(), "homes": 0} for row in found}
    for area in fetch(conn, SELECT_AREAS, keys):
        parts[area.pop("outage_id")]["area"] = area
    for row in fetch(conn, SELECT_HOMES, keys):
        parts[row["outage_id"]]["homes"] = row["homes"]
    return [{**row, **parts[row["outage_id"]]} for row in found]


def events(conn: Connection, outage: int) -> list[Row]:
    """Return the history of an outage."""
    return fetch(conn, SELECT_EVENTS, {"outage": outage})


def reached(conn: Connection, outage: int) -> Row:
    """Return the count of homes, and of those announced to, waiting, failed, or without a way to reach them."""
    return fetch(conn, SELECT_REACHED, {"outage": outage})[0]

"""Map layers: current state of buildings and substations with homes in scope."""

from datetime import datetime
from typing import Any, LiteralString, NamedTuple

from psycopg import Connection

from store.base.access import Scope
from store.base.rows import Row, fetch

MOST_COUNTED = 10_000  # homes that are counted at a look, in a tenth of a second
# The views count all homes; the EXISTS on `home` applies row-level security.
_IN_BOX: LiteralString = """
WHERE (%(everywhere)s OR b.station = %(own_station)s)
  AND (reach_everywhere() OR EXISTS (SELECT FROM home AS h WHERE h.building_id = b.building_id))
  AND (%(west)s::float8 IS NULL OR (b.lon BETWEEN %(west)s AND %(east)s AND b.lat BETWEEN %(south)s AND %(north)s))
"""
SELECT_BUILDINGS: LiteralString = (
    """
SELECT
  b.code, b.name, b.address, b.lat, b.lon, b.substation, b.station, b.homes, b.compliant, b.cold, b.severe, b.unknown,
  b.not_judged, b.coldest, b.mean, b.flags
FROM building_now AS b
"""
    + _IN_BOX
    + "ORDER BY b.code"
)
# As watch counted them last, however long ago; a building that was never counted has no homes here.
SELECT_BUILDINGS_LAST: LiteralString = (
    """
SELECT
  b.building AS code, b.building_name AS name, b.address, b.lat, b.lon, b.substation, b.station,
  coalesce(s.homes, 0) AS homes, coalesce(s.compliant, 0) AS compliant, coalesce(s.cold, 0) AS cold,
  coalesce(s.severe, 0) AS severe, coalesce(s.unknown, 0) AS unknown, coalesce(s.not_judged, 0) AS not_judged,
  s.coldest, s.mean, coalesce(s.flags, 0) AS flags
FROM building_place AS b
LEFT JOIN building_summary AS s USING (building_id)
"""
    + _IN_BOX
    + "ORDER BY b.building"
)
# The minute is that of the view building_now, which counts all homes where the last count is older.
SELECT_COUNT = """
SELECT
  r.counted_at,
  (r.counted_at > now() - interval '1 minute') IS NOT TRUE
    AND (SELECT count(*) FROM (SELECT FROM home AS h LIMIT %(most)s + 1) AS x) > %(most)s AS is_old
FROM building_round AS r
"""
SELECT_SUBSTATIONS: LiteralString = """
SELECT
  u.code, u.name, u.station, u.lat, u.lon, u.measured_at, u.supply_temperature, u.return_temperature,
  u.supply_pressure, u.return_pressure, u.flow, u.heat_power, u.outdoor_temperature
FROM substation_now AS u
WHERE (%(everywhere)s OR u.station = %(own_station)s)
  AND (reach_everywhere() OR EXISTS (
    SELECT FROM home AS h JOIN building AS b USING (building_id) WHERE b.substation_id = u.substation_id
  ))
  AND (%(west)s::float8 IS NULL OR (u.lon BETWEEN %(west)s AND %(east)s AND u.lat BETWEEN %(south)s AND %(north)s))
ORDER BY u.code
"""
# Around the middle one of all buildings: a place that was mistyped, far away, would show the world.
SELECT_EXTENT: LiteralString = """
SELECT min(b.lon), min(b.lat), max(b.lon), max(b.lat)
FROM building AS b
CROSS JOIN (
  SELECT
    percentile_disc(0.5) WITHIN GROUP (ORDER BY lon) AS lon, percentile_disc(0.5) WITHIN GROUP (ORDER BY lat) AS lat
  FROM building WHERE lat IS NOT NULL AND lon IS NOT NULL
) AS middle
WHERE abs(b.lon - middle.lon) < 1.5 AND abs(b.lat - middle.lat) < 1
"""


class MapExtent(NamedTuple):
    """A bounding box, in degrees."""

    west: float
    south: float
    east: float
    north: float


class CountAge(NamedTuple):
    """The time when `hearth watch` counted the homes of all buildings, and whether that is what a map shows now."""

    counted_at: datetime | None  # None: never
    is_old: bool  # too long ago, and there are too many homes to count at a look

    def told(self) -> Row:
        """Return the age of the figures; no time where they are of now, so that the same need not be sent again."""
        if not self.is_old:
            return {"figures": "now", "counted_at": None}
        return {"figures": "old" if self.counted_at else "none", "counted_at": self.counted_at}


NOWHERE = dict.fromkeys(MapExtent._fields)


def count_age(conn: Connection) -> CountAge:
    """Return when homes were counted last, and whether a map has to do with that."""
    row = conn.execute(SELECT_COUNT, {"most": MOST_COUNTED}).fetchone()
    return CountAge(*row) if row else CountAge(None, False)


def buildings(conn: Connection, scope: Scope, box: MapExtent | None, count: CountAge) -> list[Row]:
    """Return buildings with counts of homes by state, coldest and mean temperature (°C); within a box, if given."""
    return fetch(conn, SELECT_BUILDINGS_LAST if count.is_old else SELECT_BUILDINGS, _parameters(scope, box))


def substations(conn: Connection, scope: Scope, box: MapExtent | None) -> list[Row]:
    """Return substations with their last values: °C, MPa, m³/h, kW."""
    return fetch(conn, SELECT_SUBSTATIONS, _parameters(scope, box))


def extent(conn: Connection) -> MapExtent | None:
    """Return the box around the city's buildings; None if no building has a place."""
    row = conn.execute(SELECT_EXTENT).fetchone()
    return MapExtent(*row) if row and row[0] is not None else None


def _parameters(scope: Scope, box: MapExtent | None) -> dict[str, Any]:
    return {**scope.parameters(), **(box._asdict() if box else NOWHERE)}

"""Map layers: current state of buildings and substations with homes in scope."""

from typing import Any, LiteralString, NamedTuple

from psycopg import Connection

from store.base.access import Scope
from store.base.rows import Row, fetch

# The views count all homes; the EXISTS on `home` applies row-level security.
SELECT_BUILDINGS: LiteralString = """
SELECT
  b.code, b.name, b.address, b.lat, b.lon, b.substation, b.station, b.homes, b.compliant, b.cold, b.severe, b.unknown,
  b.not_judged, b.coldest, b.mean, b.flags
FROM building_now AS b
WHERE (%(everywhere)s OR b.station = %(own_station)s)
  AND (reach_everywhere() OR EXISTS (SELECT FROM home AS h WHERE h.building_id = b.building_id))
  AND (%(west)s::float8 IS NULL OR (b.lon BETWEEN %(west)s AND %(east)s AND b.lat BETWEEN %(south)s AND %(north)s))
ORDER BY b.code
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


NOWHERE = dict.fromkeys(MapExtent._fields)


def buildings(conn: Connection, scope: Scope, box: MapExtent | None) -> list[Row]:
    """Return buildings with counts of homes by state, coldest and mean temperature (°C); within a box, if given."""
    return fetch(conn, SELECT_BUILDINGS, _parameters(scope, box))


def substations(conn: Connection, scope: Scope, box: MapExtent | None) -> list[Row]:
    """Return substations with their last values: °C, MPa, m³/h, kW."""
    return fetch(conn, SELECT_SUBSTATIONS, _parameters(scope, box))


def extent(conn: Connection) -> MapExtent | None:
    """Return the box around the city's buildings; None if no building has a place."""
    row = conn.execute(SELECT_EXTENT).fetchone()
    return MapExtent(*row) if row and row[0] is not None else None


def _parameters(scope: Scope, box: MapExtent | None) -> dict[str, Any]:
    return {**scope.parameters(), **(box._asdict() if box else NOWHERE)}

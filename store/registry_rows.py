"""The registry read back as the lines of its files."""

from psycopg import Connection
from psycopg.rows import class_row

from domain.registry import Building, Home, Registry, Sensor, Substation

SELECT_SUBSTATIONS = "SELECT code, name, station, lat, lon FROM substation ORDER BY code"
SELECT_BUILDINGS = """
SELECT b.code, s.code AS substation, b.name, b.address, b.lat, b.lon
FROM building AS b
JOIN substation AS s USING (substation_id)
ORDER BY b.code
"""
# A home without any status is shown as stopped, as in the view home_now.
SELECT_HOMES = """
SELECT
  h.code, b.code AS building, h.unit, h.class AS home_class, coalesce(s.status, 'stopped') AS heat_status,
  nullif(s.since, '-infinity') AS status_since, h.contract_limit, h.contract_from, h.contract_to
FROM home AS h
JOIN building AS b USING (building_id)
LEFT JOIN home_status AS s USING (home_id)
ORDER BY h.code, s.since
"""
SELECT_SENSORS = """
SELECT
  s.code, h.code AS home, u.code AS substation, p.gateway, p.room, p.room_kind, p.interval_s, p.offset_k,
  p.valid_from, p.valid_to
FROM sensor AS s
JOIN point AS p USING (sensor_id)
LEFT JOIN home AS h USING (home_id)
LEFT JOIN substation AS u ON u.substation_id = p.substation_id
ORDER BY s.code, p.valid_from NULLS FIRST
"""


def whole(conn: Connection) -> Registry:
    """The whole registry, sorted by code and time."""
    with (
        conn.cursor(row_factory=class_row(Substation)) as substations,
        conn.cursor(row_factory=class_row(Building)) as buildings,
        conn.cursor(row_factory=class_row(Home)) as homes,
        conn.cursor(row_factory=class_row(Sensor)) as sensors,
    ):
        return Registry(
            substations.execute(SELECT_SUBSTATIONS).fetchall(),
            buildings.execute(SELECT_BUILDINGS).fetchall(),
            homes.execute(SELECT_HOMES).fetchall(),
            sensors.execute(SELECT_SENSORS).fetchall(),
        )

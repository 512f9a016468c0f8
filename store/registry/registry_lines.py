"""Registry rows in the form of its CSV files."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import LiteralString, TypeVar

from psycopg import Connection
from psycopg.rows import class_row

from domain.registry import RegisteredBuilding, RegisteredHome, RegisteredSensor, RegisteredSubstation, Registry

Row = TypeVar("Row", RegisteredSubstation, RegisteredBuilding, RegisteredHome, RegisteredSensor)

# Each takes a list of codes; NULL: all.
SELECT_SUBSTATIONS = """
SELECT code, name, station, lat, lon FROM substation
WHERE %(codes)s::text[] IS NULL OR code = ANY(%(codes)s)
ORDER BY code
"""
SELECT_BUILDINGS = """
SELECT b.code, s.code AS substation, b.name, b.address, b.lat, b.lon
FROM building AS b
JOIN substation AS s USING (substation_id)
WHERE %(codes)s::text[] IS NULL OR b.code = ANY(%(codes)s)
ORDER BY b.code
"""
# A home without a heat status counts as stopped, as in the view home_now.
SELECT_HOMES = """
SELECT
  h.code, b.code AS building, h.unit, h.class AS home_class, coalesce(s.status, 'stopped') AS heat_status,
  nullif(s.since, '-infinity') AS status_since, h.contract_limit, h.contract_from, h.contract_to,
  h.riser, h.floor, h.exposure
FROM home AS h
JOIN building AS b USING (building_id)
LEFT JOIN home_status AS s USING (home_id)
WHERE %(codes)s::text[] IS NULL OR h.code = ANY(%(codes)s)
ORDER BY h.code, s.since
"""
# Of homes that were ever stopped, as other transactions have recorded it: what the database looks at, too.
SELECT_STOPS = """
SELECT h.code, nullif(s.since, '-infinity'), s.status
FROM home AS h
JOIN home_status AS s USING (home_id)
WHERE h.code = ANY (%(codes)s) AND s.recorded_at < transaction_timestamp()
  AND EXISTS (SELECT FROM home_status AS x WHERE x.home_id = h.home_id AND x.status = 'stopped')
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
WHERE %(codes)s::text[] IS NULL OR s.code = ANY(%(codes)s)
ORDER BY s.code, p.valid_from NULLS FIRST
"""
# Those that are or were in a home.
SELECT_SENSORS_OF = """
SELECT DISTINCT s.code FROM sensor AS s JOIN point AS p USING (sensor_id) JOIN home AS h USING (home_id)
WHERE h.code = %(home)s
ORDER BY s.code
"""


def stops(conn: Connection, codes: Collection[str]) -> list[tuple[str, datetime | None, str]]:
    """Read the heat status, with dates, of those homes among the given codes whose heat was ever stopped."""
    return conn.execute(SELECT_STOPS, {"codes": list(codes)}).fetchall()


def whole(conn: Connection) -> Registry:
    """Read the whole registry, sorted by code and time."""
    return Registry(
        substations(conn, None),
        buildings(conn, None),
        homes(conn, None),
        sensors(conn, None),
    )


def named(conn: Connection, codes: Sequence[Collection[str]]) -> Registry:
    """Read the part of the registry with given codes: those of each kind, in the order of Registry."""
    readers = (substations, buildings, homes, sensors)
    return Registry(*(read(conn, of_kind) for read, of_kind in zip(readers, codes, strict=True)))  # type: ignore[arg-type]


def substations(conn: Connection, codes: Collection[str] | None) -> list[RegisteredSubstation]:
    """Read the substations with given codes; None: all."""
    return _rows(conn, SELECT_SUBSTATIONS, RegisteredSubstation, codes)


def buildings(conn: Connection, codes: Collection[str] | None) -> list[RegisteredBuilding]:
    """Read the buildings with given codes; None: all."""
    return _rows(conn, SELECT_BUILDINGS, RegisteredBuilding, codes)


def homes(conn: Connection, codes: Collection[str] | None) -> list[RegisteredHome]:
    """Read the homes with given codes, a row per heat status entry; None: all."""
    return _rows(conn, SELECT_HOMES, RegisteredHome, codes)


def sensors(conn: Connection, codes: Collection[str] | None) -> list[RegisteredSensor]:
    """Read the sensors with given codes, a row per place; None: all."""
    return _rows(conn, SELECT_SENSORS, RegisteredSensor, codes)


def sensors_of(conn: Connection, home: str) -> list[str]:
    """Return the codes of the sensors that are or were in a home."""
    return [code for (code,) in conn.execute(SELECT_SENSORS_OF, {"home": home})]


def _rows(conn: Connection, statement: LiteralString, row: type[Row], codes: Collection[str] | None) -> list[Row]:
    with conn.cursor(row_factory=class_row(row)) as cur:
        return cur.execute(statement, {"codes": None if codes is None else list(codes)}).fetchall()

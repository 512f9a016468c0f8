"""Registry import: compares staged files with the tables and applies the differences.

A fixed number of statements, whatever the size. Calls: `lock`, `stage`, `differences`, and if there are any, `write`.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import LiteralString, NamedTuple

from psycopg import Connection

from domain.registry import Registry
from store.base import locks
from store.base.locks import LockKey

SELECT_KNOWN = """
SELECT 'substation', code FROM substation WHERE code = ANY(%(substations)s)
UNION ALL SELECT 'building', code FROM building WHERE code = ANY(%(buildings)s)
UNION ALL SELECT 'home', code FROM home WHERE code = ANY(%(homes)s)
"""
# Codes that an import would read as others: full-width forms, or an apostrophe at the start.
SELECT_WRITTEN_OTHERWISE = """
SELECT code FROM substation WHERE code ~ %(otherwise)s
UNION SELECT code FROM building WHERE code ~ %(otherwise)s
UNION SELECT code FROM home WHERE code ~ %(otherwise)s
UNION SELECT code FROM sensor WHERE code ~ %(otherwise)s
UNION SELECT gateway FROM point WHERE gateway ~ %(otherwise)s
"""
OTHERWISE = "[\uff01-\uff5e\u2212]|^['\u2018\u2019]"

OPEN_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS import_substation (
  code text, name text, station text, lat double precision, lon double precision
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS import_building (
  code text, substation text, name text, address text, lat double precision, lon double precision
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS import_home (
  code text, building text, unit text, class text, status text, since timestamptz,
  contract_limit real, contract_from time, contract_to time, riser text, floor smallint, exposure text
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS import_sensor (
  code text, home text, substation text, gateway text, room text, room_kind text,
  interval_s integer, offset_k real, valid_from timestamptz, valid_to timestamptz
) ON COMMIT DELETE ROWS;
-- Sensors whose places are not those of the file, with the place in force now; sensor_id NULL: a new one.
CREATE TEMPORARY TABLE IF NOT EXISTS import_moved (
  code text, sensor_id integer, home_id integer, substation_id integer, room_kind text
) ON COMMIT DELETE ROWS;
-- Homes that were known before and may have to be judged again, and from when on.
CREATE TEMPORARY TABLE IF NOT EXISTS import_touched (home_id integer, from_at timestamptz) ON COMMIT DELETE ROWS;
TRUNCATE import_substation, import_building, import_home, import_sensor, import_moved, import_touched
"""
COPY_SUBSTATION = "COPY import_substation FROM STDIN"
COPY_BUILDING = "COPY import_building FROM STDIN"
COPY_HOME = "COPY import_home FROM STDIN"
COPY_SENSOR = "COPY import_sensor FROM STDIN"
# Autovacuum never analyses temporary tables, and the plans below depend on their size.
ANALYZE_STAGE = "ANALYZE import_substation, import_building, import_home, import_sensor"

COMPARE_SUBSTATION = """
SELECT
  count(*) FILTER (WHERE s.code IS NULL),
  count(*) FILTER (WHERE (i.name, i.station, i.lat, i.lon) IS DISTINCT FROM (s.name, s.station, s.lat, s.lon)
    AND s.code IS NOT NULL),
  count(*)
FROM import_substation AS i
LEFT JOIN substation AS s USING (code)
"""
COMPARE_BUILDING = """
SELECT
  count(*) FILTER (WHERE b.code IS NULL),
  count(*) FILTER (WHERE
    (i.substation, i.name, i.address, i.lat, i.lon) IS DISTINCT FROM (s.code, b.name, b.address, b.lat, b.lon)
    AND b.code IS NOT NULL),
  count(*)
FROM import_building AS i
LEFT JOIN building AS b USING (code)
LEFT JOIN substation AS s USING (substation_id)
"""
COMPARE_HOME = """
SELECT
  count(DISTINCT i.code) FILTER (WHERE h.code IS NULL),
  count(DISTINCT i.code) FILTER (WHERE
    (i.building, i.status, i.unit, i.class, i.contract_limit, i.contract_from, i.contract_to, i.riser, i.floor,
      i.exposure) IS DISTINCT FROM (b.code, s.status, h.unit, h.class, h.contract_limit, h.contract_from, h.contract_to,
      h.riser, h.floor, h.exposure)
    AND h.code IS NOT NULL),
  count(DISTINCT i.code)
FROM import_home AS i
LEFT JOIN home AS h USING (code)
LEFT JOIN building AS b USING (building_id)
LEFT JOIN home_status AS s ON s.home_id = h.home_id AND s.since = coalesce(i.since, '-infinity')
"""
FIND_MOVED = """
WITH
  known AS (
    SELECT
      s.code, h.code AS home, u.code AS substation, p.gateway, p.room, p.room_kind, p.interval_s, p.offset_k,
      p.valid_from, p.valid_to
    FROM sensor AS s
    JOIN point AS p USING (sensor_id)
    LEFT JOIN home AS h USING (home_id)
    LEFT JOIN substation AS u ON u.substation_id = p.substation_id
    WHERE s.code IN (SELECT i.code FROM import_sensor AS i)
  ),
  moved AS (
    SELECT a.code FROM (SELECT * FROM import_sensor EXCEPT SELECT * FROM known) AS a
    UNION
    SELECT b.code FROM (SELECT * FROM known EXCEPT SELECT * FROM import_sensor) AS b
  )
INSERT INTO import_moved (code, sensor_id, home_id, substation_id, room_kind)
SELECT m.code, s.sensor_id, p.home_id, p.substation_id, p.room_kind
FROM moved AS m
LEFT JOIN sensor AS s USING (code)
LEFT JOIN point AS p ON p.sensor_id = s.sensor_id AND tstzrange(p.valid_from, p.valid_to) @> %(now)s
"""
COMPARE_SENSOR = """
SELECT
  count(*) FILTER (WHERE sensor_id IS NULL),
  count(*) FILTER (WHERE sensor_id IS NOT NULL),
  (SELECT count(DISTINCT code) FROM import_sensor)
FROM import_moved
"""

TOUCH_BY_TERMS = """
INSERT INTO import_touched (home_id, from_at)
SELECT h.home_id, '-infinity'
FROM import_home AS i
JOIN home AS h USING (code)
WHERE (i.class, i.contract_limit, i.contract_from, i.contract_to)
  IS DISTINCT FROM (h.class, h.contract_limit, h.contract_from, h.contract_to)
"""
TOUCH_BY_STATUS = """
INSERT INTO import_touched (home_id, from_at)
SELECT h.home_id, coalesce(i.since, '-infinity')
FROM import_home AS i
JOIN home AS h USING (code)
LEFT JOIN home_status AS s ON s.home_id = h.home_id AND s.since = coalesce(i.since, '-infinity')
WHERE s.status IS DISTINCT FROM i.status
"""
# Only spans in which a sensor has another place matter. A new sensor has no readings and cannot change judged days.
TOUCH_BY_PLACE = """
INSERT INTO import_touched (home_id, from_at)
SELECT home_id, coalesce(lower(t.span), '-infinity')
FROM (
  SELECT m.sensor_id, p.home_id, p.room, p.room_kind, p.interval_s, p.offset_k,
    range_agg(tstzrange(p.valid_from, p.valid_to)) AS span
  FROM import_moved AS m
  JOIN point AS p USING (sensor_id)
  WHERE p.home_id IS NOT NULL
  GROUP BY 1, 2, 3, 4, 5, 6
) AS a
FULL JOIN (
  SELECT m.sensor_id, h.home_id, i.room, i.room_kind, i.interval_s, i.offset_k,
    range_agg(tstzrange(i.valid_from, i.valid_to)) AS span
  FROM import_moved AS m
  JOIN import_sensor AS i USING (code)
  JOIN home AS h ON h.code = i.home
  WHERE m.sensor_id IS NOT NULL
  GROUP BY 1, 2, 3, 4, 5, 6
) AS b USING (sensor_id, home_id, room, room_kind, interval_s, offset_k)
CROSS JOIN LATERAL (
  SELECT (coalesce(a.span, '{}') - coalesce(b.span, '{}')) + (coalesce(b.span, '{}') - coalesce(a.span, '{}')) AS span
) AS t
WHERE NOT isempty(t.span)
"""
# The same lock order as that of ingest workers, so judging and import cannot deadlock.
LOCK_TOUCHED = """
SELECT home_id FROM home_state
WHERE home_id IN (SELECT t.home_id FROM import_touched AS t)
ORDER BY home_id
FOR NO KEY UPDATE
"""
# A future change affects the present too: the home's next deadline may move forward.
QUEUE_REJUDGE = """
INSERT INTO rejudge (home_id, from_at, queued_at)
SELECT home_id, least(greatest(min(from_at), '2000-01-01T00:00:00Z'), %(now)s), %(now)s
FROM import_touched
GROUP BY home_id
ORDER BY home_id
ON CONFLICT (home_id) DO UPDATE SET from_at = least(rejudge.from_at, excluded.from_at)
"""

# Separate updates and inserts: ON CONFLICT would consume an identity value per line.
UPDATE_SUBSTATION = """
UPDATE substation AS s
SET name = i.name, station = i.station, lat = i.lat, lon = i.lon
FROM import_substation AS i
WHERE s.code = i.code AND (i.name, i.station, i.lat, i.lon) IS DISTINCT FROM (s.name, s.station, s.lat, s.lon)
"""
INSERT_SUBSTATION = """
INSERT INTO substation (code, name, station, lat, lon)
SELECT i.code, i.name, i.station, i.lat, i.lon
FROM import_substation AS i
WHERE NOT EXISTS (SELECT FROM substation AS s WHERE s.code = i.code)
ORDER BY i.code
"""
UPDATE_BUILDING = """
UPDATE building AS b
SET substation_id = s.substation_id, name = i.name, address = i.address, lat = i.lat, lon = i.lon
FROM import_building AS i
JOIN substation AS s ON s.code = i.substation
WHERE b.code = i.code
  AND (s.substation_id, i.name, i.address, i.lat, i.lon)
  IS DISTINCT FROM (b.substation_id, b.name, b.address, b.lat, b.lon)
"""
INSERT_BUILDING = """
INSERT INTO building (code, substation_id, name, address, lat, lon)
SELECT i.code, s.substation_id, i.name, i.address, i.lat, i.lon
FROM import_building AS i
JOIN substation AS s ON s.code = i.substation
WHERE NOT EXISTS (SELECT FROM building AS b WHERE b.code = i.code)
ORDER BY i.code
"""
UPDATE_HOME = """
UPDATE home AS h
SET
  building_id = b.building_id, unit = i.unit, class = i.class, contract_limit = i.contract_limit,
  contract_from = i.contract_from, contract_to = i.contract_to, riser = i.riser, floor = i.floor, exposure = i.exposure
FROM import_home AS i
JOIN building AS b ON b.code = i.building
WHERE h.code = i.code
  AND (b.building_id, i.unit, i.class, i.contract_limit, i.contract_from, i.contract_to, i.riser, i.floor, i.exposure)
  IS DISTINCT FROM (
    h.building_id, h.unit, h.class, h.contract_limit, h.contract_from, h.contract_to, h.riser, h.floor, h.exposure)
"""
INSERT_HOME = """
INSERT INTO home (code, building_id, unit, class, contract_limit, contract_from, contract_to, riser, floor, exposure)
SELECT DISTINCT
  i.code, b.building_id, i.unit, i.class, i.contract_limit, i.contract_from, i.contract_to, i.riser, i.floor, i.exposure
FROM import_home AS i
JOIN building AS b ON b.code = i.building
WHERE NOT EXISTS (SELECT FROM home AS h WHERE h.code = i.code)
ORDER BY i.code
"""
PUT_STATUS = """
INSERT INTO home_status (home_id, since, status)
SELECT h.home_id, coalesce(i.since, '-infinity'), i.status
FROM import_home AS i
JOIN home AS h USING (code)
ORDER BY 1, 2
ON CONFLICT (home_id, since) DO UPDATE SET status = excluded.status WHERE home_status.status <> excluded.status
"""
INSERT_STATE = """
INSERT INTO home_state (home_id)
SELECT DISTINCT h.home_id
FROM import_home AS i
JOIN home AS h USING (code)
WHERE NOT EXISTS (SELECT FROM home_state AS s WHERE s.home_id = h.home_id)
ORDER BY 1
"""
INSERT_SENSOR = "INSERT INTO sensor (code) SELECT code FROM import_moved WHERE sensor_id IS NULL ORDER BY code"
DELETE_PLACES = "DELETE FROM point WHERE sensor_id IN (SELECT m.sensor_id FROM import_moved AS m)"
INSERT_PLACES = """
INSERT INTO point (
  sensor_id, home_id, substation_id, gateway, room, room_kind, interval_s, offset_k, valid_from, valid_to
)
SELECT
  s.sensor_id, h.home_id, u.substation_id, i.gateway, i.room, i.room_kind, i.interval_s, i.offset_k,
  i.valid_from, i.valid_to
FROM import_moved AS m
JOIN sensor AS s USING (code)
JOIN import_sensor AS i USING (code)
LEFT JOIN home AS h ON h.code = i.home
LEFT JOIN substation AS u ON u.code = i.substation
ORDER BY s.sensor_id, i.valid_from NULLS FIRST
"""
INSERT_SENSOR_NOW = """
INSERT INTO sensor_now (sensor_id, home_id, substation_id)
SELECT s.sensor_id, p.home_id, p.substation_id
FROM import_moved AS m
JOIN sensor AS s USING (code)
LEFT JOIN point AS p ON p.sensor_id = s.sensor_id AND tstzrange(p.valid_from, p.valid_to) @> %(now)s
WHERE m.sensor_id IS NULL
ORDER BY s.sensor_id
"""
# A value measured in one place does not judge another: a move clears the held value.
MOVE_SENSOR_NOW = """
UPDATE sensor_now AS n
SET home_id = p.home_id, substation_id = p.substation_id, celsius = NULL, judged_at = NULL, expires_at = NULL
FROM import_moved AS m
LEFT JOIN point AS p ON p.sensor_id = m.sensor_id AND tstzrange(p.valid_from, p.valid_to) @> %(now)s
WHERE n.sensor_id = m.sensor_id
  AND (p.home_id, p.substation_id, p.room_kind) IS DISTINCT FROM (m.home_id, m.substation_id, m.room_kind)
"""
RAISE_VERSION = "UPDATE registry_version SET version = version + 1"


class Codes(NamedTuple):
    """Codes that lines refer to, by kind."""

    substations: set[str]
    buildings: set[str]
    homes: set[str]


class KindDifference(NamedTuple):
    """Counts of the `named` objects of a kind that are new or changed."""

    added: int
    changed: int
    named: int


class Differences(NamedTuple):
    """Changes that an import would make."""

    substations: KindDifference
    buildings: KindDifference
    homes: KindDifference
    sensors: KindDifference


def lock(conn: Connection) -> None:
    """Lock out other imports and exports until the end of the transaction."""
    locks.lock(conn, LockKey.REGISTRY)


def lock_shared(conn: Connection) -> None:
    """Lock out imports until the end of the transaction."""
    locks.lock_shared(conn, LockKey.REGISTRY)


def written_otherwise(conn: Connection) -> frozenset[str]:
    """Return the codes that an import would read as others, as earlier imports took them."""
    return frozenset(code for (code,) in conn.execute(SELECT_WRITTEN_OTHERWISE, {"otherwise": OTHERWISE}))


def known(conn: Connection, codes: Codes) -> Codes:
    """Return those of the codes that the registry has."""
    params = {kind: list(names) for kind, names in codes._asdict().items()}
    found: dict[str, set[str]] = {"substation": set(), "building": set(), "home": set()}
    for kind, code in conn.execute(SELECT_KNOWN, params):
        found[kind].add(code)
    return Codes(found["substation"], found["building"], found["home"])


def stage(conn: Connection, registry: Registry) -> None:
    """Copy the lines of an import into temporary tables, which are emptied at the end of the transaction."""
    conn.execute(OPEN_STAGE)
    _copy(conn, COPY_SUBSTATION, registry.substations)
    _copy(conn, COPY_BUILDING, registry.buildings)
    _copy(conn, COPY_HOME, registry.homes)
    _copy(conn, COPY_SENSOR, registry.sensors)
    conn.execute(ANALYZE_STAGE)


def _copy(conn: Connection, statement: LiteralString, rows: Iterable[tuple[object, ...]]) -> None:
    with conn.cursor() as cur, cur.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def differences(conn: Connection, now: datetime) -> Differences:
    """Compare the staged lines with the registry; also records which sensors moved."""
    conn.execute(FIND_MOVED, {"now": now})
    conn.execute("ANALYZE import_moved")
    return Differences(
        _difference(conn, COMPARE_SUBSTATION),
        _difference(conn, COMPARE_BUILDING),
        _difference(conn, COMPARE_HOME),
        _difference(conn, COMPARE_SENSOR),
    )


def _difference(conn: Connection, statement: LiteralString) -> KindDifference:
    row = conn.execute(statement).fetchone()
    assert row is not None  # an aggregate query always returns a row
    return KindDifference(*row)


def write(conn: Connection, now: datetime) -> None:
    """Apply the staged lines, queue re-judging where needed, raise the version."""
    _put_places_to_live(conn)
    _put_homes(conn)
    conn.execute(INSERT_SENSOR)
    conn.execute(TOUCH_BY_PLACE)
    conn.execute(LOCK_TOUCHED)
    _put_sensors(conn, now)
    conn.execute(QUEUE_REJUDGE, {"now": now})
    conn.execute(RAISE_VERSION)


def _put_places_to_live(conn: Connection) -> None:
    for statement in (UPDATE_SUBSTATION, INSERT_SUBSTATION, UPDATE_BUILDING, INSERT_BUILDING):
        conn.execute(statement)


def _put_homes(conn: Connection) -> None:
    """Apply the homes, after recording the affected spans, which takes both the old and the new rows."""
    for statement in (TOUCH_BY_TERMS, TOUCH_BY_STATUS, UPDATE_HOME, INSERT_HOME, PUT_STATUS, INSERT_STATE):
        conn.execute(statement)


def _put_sensors(conn: Connection, now: datetime) -> None:
    conn.execute(DELETE_PLACES)
    conn.execute(INSERT_PLACES)
    conn.execute(INSERT_SENSOR_NOW, {"now": now})
    conn.execute(MOVE_SENSOR_NOW, {"now": now})

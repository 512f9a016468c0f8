"""A registry of many homes with one sensor each, written by a few statements."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg

from bench.traffic import GATEWAY_SENSORS
from store.base.migrate import migrate

HOMES = f"""
INSERT INTO substation (code, name, station) VALUES ('S', 'S', 'East');
INSERT INTO building (code, substation_id, name, address) SELECT 'B', substation_id, 'B', '' FROM substation;
INSERT INTO home (code, building_id, unit, class)
SELECT 'h' || n, building_id, '1', 'multistorey' FROM building, generate_series(0, %(homes)s - 1) AS n ORDER BY n;
INSERT INTO home_status (home_id, since, status) SELECT home_id, '-infinity', 'on' FROM home;
INSERT INTO home_state (home_id) SELECT home_id FROM home ORDER BY home_id;
INSERT INTO sensor (code) SELECT 's' || n FROM generate_series(0, %(homes)s - 1) AS n ORDER BY n;
INSERT INTO point (sensor_id, home_id, gateway, room, room_kind, interval_s)
SELECT s.sensor_id, h.home_id, 'g' || substr(s.code, 2)::integer / {GATEWAY_SENSORS}, 'living', 'living', 300
FROM sensor AS s JOIN home AS h ON h.code = 'h' || substr(s.code, 2)
ORDER BY s.sensor_id;
INSERT INTO sensor_now (sensor_id) SELECT sensor_id FROM sensor ORDER BY sensor_id;
"""
SEASON = timedelta(days=30)  # before and after today


def found(url: str, homes: int) -> None:
    """Migrate an empty database and settle `homes` homes; home h<n> has sensor s<n>, which gateway g<n / 50> hears."""
    with psycopg.connect(url) as conn:
        migrate(conn)
    with psycopg.connect(url) as conn, psycopg.ClientCursor(conn) as cur:
        cur.execute(HOMES, {"homes": homes})
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE")


def noon_zone(now: datetime) -> str:
    """Return a time zone where it is about noon, so that every run falls into the hours with a limit."""
    hours = 12 - now.astimezone(UTC).hour
    return f"Etc/GMT{-hours:+d}"  # the signs of these names are turned round


def policy_text(seed: Path, first: date, end: date) -> str:
    """Return the built-in policy with a season from one day to another."""
    lines = seed.read_text(encoding="utf-8").splitlines()
    season = f"seasons = [{{from = {first}, to = {end}}}]"
    return "\n".join(season if line.startswith("seasons") else line for line in lines)


def policy_around(seed: Path, today: date) -> str:
    """Return the built-in policy with a season around today."""
    return policy_text(seed, today - SEASON, today + SEASON)

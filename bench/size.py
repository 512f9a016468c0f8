"""`python -m bench.size`: how many bytes a reading takes on each edition of the database, and a day of the ledger.

Simulated rooms: temperature in tenths of a degree that wanders, humidity in halves of a percent, a battery that
empties, a reading every five minutes. A device keeps its interval to some seconds and tells milliseconds; what it says
is received tenths of a second later, to the microsecond: time stamps that are no row of equal steps are two thirds of
what the columnstore keeps. Plain PostgreSQL and TimescaleDB's Apache edition are real servers; the Community
edition is the build that the tests use, whose columnstore writes the same bytes.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection

from local import community, trixie
from local.community import CommunityPostgres
from local.postgres import Postgres
from local.trixie import TimescalePostgres
from store.base.migrate import migrate

SAMPLE = {"sensors": 200, "interval": 300, "jitter": 3, "readings": 4 * 288}
# They lie as they come: of all sensors at one time, then of all at the next.
FILL = """
INSERT INTO reading (sensor_id, measured_at, received_at, temperature, humidity, battery, quality, self_timed)
SELECT s, at, at + (0.05 - ln(1 - random()) * 0.3) * interval '1 second', round(t::numeric, 1), round(h * 2) / 2,
  100 - floor(n / 2000.0), 0, true
FROM (
  SELECT s, n, date_trunc('milliseconds', '2026-01-01Z'::timestamptz
      + (n * %(interval)s + s * %(interval)s / %(sensors)s::float + random() * %(jitter)s) * interval '1 second') AS at,
    21 + 1.5 * sin(n / 46.0 + s) + sum(random() - 0.5) OVER walk * 0.1 AS t,
    40 + 8 * sin(n / 90.0 + s) + random() AS h
  FROM generate_series(1, %(sensors)s) AS s, generate_series(0, %(readings)s - 1) AS n
  WINDOW walk AS (PARTITION BY s ORDER BY n)
) AS room
ORDER BY n, s
"""
LEDGER = (
    "INSERT INTO substation (code, name, station) VALUES ('S', '', '')",
    "INSERT INTO building (code, substation_id, name, address) SELECT 'B', substation_id, '', '' FROM substation",
    "INSERT INTO home (code, building_id, unit, class) SELECT n, building_id, '', 'multistorey' "
    "FROM building, generate_series(1, 2000) AS n",
    "INSERT INTO ledger SELECT home_id, '2026-01-01'::date + d, 86400000000, 0, 0, 0, 0, 3600000000, 1814400000000000, "
    "0, 20.5, 'seed@2020-01-01', true, NULL FROM home, generate_series(0, 19) AS d",
)
READINGS = "SELECT count(*) FROM reading"
HYPERTABLE = "SELECT hypertable_size('reading')"
HOURS = """
SELECT hypertable_size(format('%I.%I', materialization_hypertable_schema, materialization_hypertable_name)::regclass)
FROM timescaledb_information.continuous_aggregates
"""


def main() -> None:
    """Fill each edition, and divide."""
    with tempfile.TemporaryDirectory(prefix="hearth-size-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        found = {"readings": SAMPLE["sensors"] * SAMPLE["readings"], **plain(folder)}
        if not trixie.why_not():
            with filled(TimescalePostgres(folder / "apache")) as conn:
                found["apache_bytes"] = one(conn, HYPERTABLE) / one(conn, READINGS)
        if not community.why_not():
            found |= columns(folder)
    print(json.dumps({name: round(value, 1) for name, value in found.items()}))


def plain(folder: Path) -> dict[str, float]:
    """Return bytes by reading, and by home and day of the ledger, on plain PostgreSQL."""
    with filled(Postgres(folder / "plain")) as conn:
        for statement in LEDGER:
            conn.execute(statement.encode())
        return {
            "plain_bytes": one(conn, "SELECT pg_total_relation_size('reading')") / one(conn, READINGS),
            "ledger_day_bytes": one(conn, "SELECT pg_total_relation_size('ledger')")
            / one(conn, "SELECT count(*) FROM ledger"),
        }


def columns(folder: Path) -> dict[str, float]:
    """Return bytes by reading before and after the columnstore, and what the counted hours add to each."""
    with filled(CommunityPostgres(folder / "community")) as conn:
        count = one(conn, READINGS)
        conn.execute("CALL refresh_continuous_aggregate('reading_hour_counted', NULL, NULL)")
        before = one(conn, HYPERTABLE), one(conn, HOURS)
        for relation in ("reading", "reading_hour_counted"):
            conn.execute(f"SELECT compress_chunk(c) FROM show_chunks('{relation}') AS c".encode())
        after = one(conn, HYPERTABLE), one(conn, HOURS)
    names = ("community_bytes", "community_hours_bytes", "columns_bytes", "columns_hours_bytes")
    return {name: size / count for name, size in zip(names, (*before, *after), strict=True)}


@contextmanager
def filled(server: Postgres | CommunityPostgres) -> Iterator[Connection]:
    """Yield a migrated database with readings in it, for the time being."""
    try:
        with server.start(), psycopg.connect(server.url(), autocommit=True) as conn:
            migrate(conn)
            conn.execute(FILL, SAMPLE)
            conn.execute("VACUUM ANALYZE reading")
            yield conn
    finally:
        server.remove()


def one(conn: Connection, statement: str) -> Any:
    """Return the only value that a statement answers with."""
    (row,) = conn.execute(statement.encode())
    return row[0]


if __name__ == "__main__":
    main()

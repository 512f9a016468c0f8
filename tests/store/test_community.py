"""TimescaleDB's Community edition: compressed chunks and counted hours, and all looks as it does without them."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from psycopg import Connection

from store.base import condition, migrate
from store.base.readiness import migrated_for, unapplied
from store.readings import retention
from tests import registry_rows as town
from tests.architecture.statements import refused
from tests.conftest import ACCOUNTS, Database, community_database
from tests.store.desk import Desk
from tests.store.granted import LINES, OF_COMMUNITY, RELATIONS
from tests.store.release_1_0 import apply_1_0, say_something

START = datetime(2026, 1, 10, tzinfo=UTC)
HOURS, SENSORS = 72, 5
COUNTED_ANEW = """
SELECT sensor_id, date_trunc('hour', measured_at, 'UTC'), count(temperature), min(temperature), max(temperature),
  avg(temperature)
FROM reading WHERE quality = 0 GROUP BY 1, 2 ORDER BY 1, 2
"""
COUNT_ALL = "CALL refresh_continuous_aggregate('reading_hour_counted', NULL, NULL)"
TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname IN ('public', 'person', 'identity', 'credential')
"""
HOUR = "SELECT sensor_id, hour, readings, lowest, highest, mean FROM reading_hour ORDER BY 1, 2"


@pytest.fixture(scope="module")
def started(server_folder: Path) -> Iterator[tuple[Database, list[str]]]:
    """A migrated database, which takes seconds to start, and the names of its tables that are empty then."""
    with community_database(server_folder) as database:
        with database.connect(autocommit=True) as conn:
            migrate.migrate(conn)
            names = [name for (name,) in conn.execute(TABLES)]
            empty = [name for name in names if not conn.execute(f"SELECT FROM {name} LIMIT 1".encode()).rowcount]
        yield database, empty


@pytest.fixture
def migrated(started: tuple[Database, list[str]]) -> Iterator[Database]:
    """The migrated database, which takes one connection at a time; emptied afterwards."""
    database, tables = started
    yield database
    with database.connect(autocommit=True) as conn:
        conn.execute("TRUNCATE reading")
        conn.execute("SET session_replication_role = replica")  # in any order
        for name in set(tables) - {"public.reading"}:
            if conn.execute(f"SELECT FROM {name} LIMIT 1".encode()).rowcount:
                conn.execute(f"DELETE FROM {name}".encode())
        conn.execute(COUNT_ALL)


def fill(conn: Connection, seed: int, count: int) -> None:
    """Random readings of random sensors, some of them bad; what is known already stays as it is."""
    chance = random.Random(seed)
    rows = [
        (
            1 + chance.randrange(SENSORS),
            chance.randrange(HOURS * 360) * 10,
            chance.uniform(10, 25),
            chance.random() < 0.1,
        )
        for _ in range(count)
    ]
    conn.cursor().executemany(
        "INSERT INTO reading SELECT %s, %s + %s * interval '1 second', now(), %s, NULL, NULL, %s::boolean::integer,"
        " true ON CONFLICT DO NOTHING",
        [(sensor, START, second, celsius, bad) for sensor, second, celsius, bad in rows],
    )


def convert(conn: Connection) -> int:
    """Do what the policies do in the background: every chunk into columns, every hour counted; how many chunks."""
    conn.execute(COUNT_ALL)
    converted = 0
    for relation in ("reading", "reading_hour_counted"):
        chunks = conn.execute(
            f"SELECT compress_chunk(c, if_not_compressed => true) FROM show_chunks('{relation}') AS c"
        )
        converted += chunks.rowcount
    return converted


def test_hours_are_the_same_counted_or_not_and_after_late_readings(migrated: Database) -> None:
    with migrated.connect(autocommit=True) as conn:
        fill(conn, 1, 2000)
        expected = conn.execute(COUNTED_ANEW).fetchall()
        assert len(expected) > HOURS
        assert conn.execute(HOUR).fetchall() == expected
        assert convert(conn) >= 4
        assert conn.execute(HOUR).fetchall() == expected
        fill(conn, 2, 500)  # into compressed chunks
        late = conn.execute(COUNTED_ANEW).fetchall()
        assert late != expected
        convert(conn)
        assert conn.execute(HOUR).fetchall() == late


def test_jobs_that_nobody_runs_are_found(migrated: Database) -> None:
    with migrated.connect(autocommit=True) as conn:
        made = datetime.now(UTC)
        assert condition.dead_jobs(conn, made - timedelta(hours=1)) == []
        dead = condition.dead_jobs(conn, made + timedelta(hours=1))
        assert {"reading", "substation_reading"} < {job.relation for job in dead}
        assert not any(job.failed for job in dead)


def test_late_duplicates_and_conflicts_in_a_compressed_chunk_have_their_fates(migrated: Database) -> None:
    with migrated.connect(autocommit=True) as conn:
        home = town.home(conn, "H1")
        town.sensor(conn, "s1", home)
        desk, minute = Desk(conn), timedelta(minutes=1)
        instants = [START + n * minute for n in range(0, 600, 5)]
        desk.say(*(("s1", at, 20.0) for at in instants))
        assert convert(conn)
        now = START + timedelta(days=20)
        fates = desk.say(
            ("s1", instants[0], 20.0),  # known
            ("s1", instants[1], 15.0),  # known otherwise
            ("s1", instants[1] + minute, 15.0),  # new
            now=now,
        )
        assert (fates.stored, fates.duplicates, fates.conflicts, fates.late) == (1, 1, 1, 1)
        for said, count in (({"humidity": 40.0}, 1), ({"humidity": 41.0, "battery": 90.0}, 0), ({"battery": 90.0}, 0)):
            fates = desk.send(("s1", {"ts": instants[2].isoformat(), **said}), now=now)
            assert (fates.stored, fates.stored + fates.conflicts + fates.duplicates) == (count, 1)
        completed = conn.execute(
            "SELECT temperature, humidity, battery, quality FROM reading WHERE humidity IS NOT NULL"
        ).fetchall()
        assert completed == [(20.0, 40.0, 90.0, 0)]
        stored = conn.execute("SELECT measured_at, temperature FROM reading ORDER BY measured_at").fetchall()
        assert stored == sorted([*((at, 20.0) for at in instants), (instants[1] + minute, 15.0)])


def test_readings_that_are_deleted_take_their_hours_with_them(migrated: Database) -> None:
    with migrated.connect(autocommit=True) as conn:
        fill(conn, 3, 1000)
        convert(conn)
        assert retention.drop(conn, START + timedelta(days=2), 1) == 2
        conn.execute(COUNT_ALL)
        left = conn.execute(COUNTED_ANEW).fetchall()
        assert left
        assert conn.execute(HOUR).fetchall() == left
        assert left[0][1] >= START + timedelta(days=2)


def test_what_is_done_in_the_background(migrated: Database) -> None:
    with migrated.connect(autocommit=True) as conn:
        jobs = conn.execute(
            "SELECT j.proc_name, coalesce(c.view_name, j.hypertable_name),"
            " coalesce(j.config ->> 'compress_after', j.config ->> 'end_offset')"
            " FROM timescaledb_information.jobs AS j LEFT JOIN timescaledb_information.continuous_aggregates AS c"
            " ON c.materialization_hypertable_name = j.hypertable_name WHERE j.job_id >= 1000 ORDER BY 1, 2"
        ).fetchall()
    assert jobs == [
        ("policy_compression", "reading", "7 days"),
        ("policy_compression", "reading_hour_counted", "30 days"),
        ("policy_compression", "substation_reading", "30 days"),
        ("policy_refresh_continuous_aggregate", "reading_hour_counted", "2 days"),
    ]


def test_one_sensor_is_found_in_its_own_segment(migrated: Database) -> None:
    with migrated.connect(autocommit=True) as conn:
        fill(conn, 4, 1000)
        convert(conn)
        plan = conn.execute(
            "EXPLAIN (ANALYZE, TIMING off) SELECT * FROM reading WHERE sensor_id = 3"
            " AND measured_at >= %s AND measured_at < %s",
            (START, START + timedelta(days=1)),
        ).fetchall()
    text = "\n".join(row[0] for row in plan)
    assert text.count("ColumnarScan") == 1, text
    assert "Seq Scan" not in text, text


@pytest.mark.parametrize("begun_on", ["timescale_apache", "timescale_community"])
def test_a_database_of_either_edition_grows_into_a_community_one(community: Database, begun_on: str) -> None:
    with community.connect() as conn:
        apply_1_0(conn, begun_on)
        say_something(conn)
        missing = unapplied(conn)
        migrate.migrate(conn)
        assert set(missing) <= {name for (name, _) in conn.execute(migrate.SELECT_APPLIED)}
        assert (migrated_for(conn), unapplied(conn), migrate.migrate(conn)) == ("timescale_community", [], [])
        assert conn.execute("SELECT count(*), sum(readings) FROM reading_hour").fetchone() == (100, 100)


def test_it_takes_every_statement(migrated: Database) -> None:
    assert refused(migrated) == {}


def test_every_relation_has_its_line_and_no_process_reads_what_is_counted(migrated: Database) -> None:
    with migrated.connect(autocommit=True) as conn:
        there = {name for (name,) in conn.execute(RELATIONS.encode())}
        assert there == set(LINES) | OF_COMMUNITY
        conn.execute("GRANT SELECT ON reading_hour_counted TO hearth_grafana, hearth_api")
        migrate.migrate(conn)
        rights = "SELECT bool_or(has_table_privilege(rolname, 'reading_hour_counted', 'SELECT')) FROM pg_roles"
        assert conn.execute(f"{rights} WHERE rolname LIKE 'hearth_%'".encode()).fetchone() == (False,)


@pytest.mark.parametrize("process", ACCOUNTS)
def test_what_a_process_may_read_it_can_read(migrated: Database, process: str) -> None:
    with migrated.connect(autocommit=True) as conn:
        fill(conn, 5, 100)
        convert(conn)
        conn.execute(f"SET ROLE hearth_{process}".encode())
        granted = conn.execute(f"{RELATIONS} AND has_table_privilege(c.oid, 'SELECT')".encode()).fetchall()
        assert granted
        for (name,) in granted:
            conn.execute(f"SELECT * FROM {name} LIMIT 1".encode())

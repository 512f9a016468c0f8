"""Every statement on readings has a bound in time: of many chunks it opens those of its span and no others."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from store.base.stage import open_stages
from tests import registry_rows as town
from tests.architecture.statements import statements
from tests.conftest import Servers, fresh_database
from tests.store.chunks import opened

NOW = datetime(2026, 1, 15, 4, tzinfo=UTC)
DAY, DAYS, WEEKS = timedelta(days=1), 60, 20
HYPERTABLES = re.compile(
    r"\b(reading|substation_reading|home_reading|substation_history|reading_hour|point_readings)\b"
)
SPAN: dict[str, Any] = {
    "first": NOW - DAY / 2, "last": NOW, "from": NOW - DAY / 2, "to": NOW, "start": NOW - DAY / 2, "end": NOW,
    "sensors": [1], "points": [1], "homes": [1], "home_id": 1, "point_id": 1, "limit": 100, "shown": None, "at": [NOW],
    "instants": [int(NOW.timestamp()) * 1_000_000],
    "hold_intervals": 3, "left_out": [], "left_out_at": [], "home": 1,
    "lows": [NOW - DAY / 2], "highs": [NOW], "old": [], "old_at": [], "old_celsius": [],
    "old_after": [0], "old_upto": [0],
    "since": NOW - DAY / 2, "until": NOW, "substation": 1,
    # Columns of readings to be stored: one that is new, and one that is there.
    "sensor_id": [1, 1], "measured_at": [NOW - DAY / 3, NOW - DAY / 4], "received_at": [NOW, NOW],
    "quality": [0, 0], "implausible": [0, 0], "self_timed": [True, True],
    **{name: [20.0, 20.0] for name in (
        "temperature", "humidity", "battery", "supply_temperature", "return_temperature", "supply_pressure",
        "return_pressure", "flow", "heat_power", "outdoor_temperature",
    )},
}  # fmt: skip
WRITES = {"reading_rows.COPY_READING", "archive_rows.COPY_SUBSTATION_READINGS"}
# A restored archive is put back by an operator; TimescaleDB opens every chunk for a DELETE, whatever its bounds.
RESTORING = {"archive_rows.DELETE_READINGS", "archive_rows.DELETE_SUBSTATION_READINGS"}
OF_ALL_TIME = {"stays.SELECT_FIRST"}
ON_READINGS = {name: text for name, text in statements().items() if HYPERTABLES.search(text)}


def run(conn: Connection, statement: str) -> None:
    """Run a statement with values of the span, prepared nowhere."""
    if statement.startswith("COPY"):
        with conn.cursor() as cur, cur.copy(statement.encode(), SPAN) as copy:
            assert list(copy)
    else:
        conn.execute(statement.encode(), SPAN, prepare=False)


@pytest.fixture(scope="module", params=("plain", "timescale"))
def long_running(request: pytest.FixtureRequest, servers: Servers) -> Iterator[Connection]:
    """Two months of readings of a home, and months of those of a substation; what a test does is rolled back."""
    databases = fresh_database(servers.of(request.param), request.param)
    database = next(databases)
    with database.connect(autocommit=True) as conn:
        home = town.home(conn, "H1")
        town.sensor(conn, "s1", home)
        ((substation,),) = conn.execute("SELECT max(substation_id) FROM substation").fetchall()
        town.sensor(conn, "s2", None, substation_id=substation)
        for table, sensor, step, count, column in (
            ("reading", 1, DAY / 4, 4 * DAYS, "temperature, quality"),
            ("substation_reading", 2, DAY, 7 * WEEKS, "flow, implausible"),
        ):
            conn.execute(
                f"INSERT INTO {table} (sensor_id, measured_at, received_at, {column}, self_timed) SELECT %(sensor)s,"
                " %(now)s - n * %(step)s, now(), 20, 0, true FROM generate_series(1, %(count)s) AS n".encode(),
                {"sensor": sensor, "now": NOW, "step": step, "count": count},
            )
        conn.execute("VACUUM ANALYZE")
        open_stages(conn)
        conn.execute("SET hearth.everywhere = 'on'")
        yield conn
    next(databases, None)


@pytest.mark.parametrize("name", sorted(ON_READINGS.keys() - WRITES - RESTORING - OF_ALL_TIME))
def test_a_statement_opens_the_chunks_of_its_span(long_running: Connection, name: str) -> None:
    with long_running.transaction(force_rollback=True):
        run(long_running, ON_READINGS[name])
        assert opened(long_running) <= 2


def test_a_statement_without_a_bound_would_be_noticed(long_running: Connection) -> None:
    with long_running.transaction(force_rollback=True):
        run(long_running, "SELECT * FROM reading WHERE sensor_id = 1 ORDER BY measured_at DESC LIMIT 1")
        chunks = opened(long_running)
    extension = long_running.execute("SELECT FROM pg_extension WHERE extname = 'timescaledb'").fetchall()
    assert chunks >= (DAYS if extension else 0)


@pytest.mark.parametrize("view", ["substation_now", "substation_channel", "home_now", "building_now"])
def test_what_is_now_opens_no_chunk(long_running: Connection, view: str) -> None:
    with long_running.transaction(force_rollback=True):
        long_running.execute(f"SELECT * FROM {view}".encode())
        assert opened(long_running) == 0


@pytest.mark.parametrize("name", sorted(ON_READINGS.keys() - WRITES))
def test_an_index_is_used(long_running: Connection, name: str) -> None:
    """No scan of a whole table, as far as a plan tells: of a function it does not tell what is inside."""
    text = ON_READINGS[name]
    inner = re.fullmatch(r"COPY \((.*)\) TO STDOUT.*", text, re.DOTALL)
    with long_running.transaction(force_rollback=True), psycopg.ClientCursor(long_running) as cur:
        cur.execute("SET LOCAL enable_seqscan = off")
        plan = cur.execute(f"EXPLAIN {inner[1] if inner else text}".encode(), SPAN).fetchall()
    whole = re.compile(r"Seq Scan on (reading|substation_reading|_hyper_\w+_chunk)\b")
    scanned = [row[0] for row in plan if whole.search(row[0])]
    assert scanned == []


def test_a_page_of_readings_costs_a_page_however_old_the_statistics_are(connection: Connection) -> None:
    """A table that was filled since it was last looked at is not read and sorted as a whole for each page."""
    town.sensor(connection, "s1", town.home(connection, "H1"))
    connection.execute(
        "INSERT INTO reading (sensor_id, measured_at, received_at, temperature, quality, self_timed) "
        "SELECT s.sensor_id, at, at, 20, 0, true FROM sensor AS s, generate_series(%s, %s, interval '2 s') AS at",
        (NOW, NOW + 3 * DAY),
    )
    page = "SELECT FROM point, point_readings(point_id, '-infinity', 'infinity', 100)"
    connection.execute("SET hearth.everywhere = 'on'")
    (plan,) = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {page}".encode()).fetchall()[0]
    whole = plan[0]["Plan"]
    assert whole["Actual Rows"] == 100
    assert whole["Shared Hit Blocks"] + whole["Shared Read Blocks"] < 500

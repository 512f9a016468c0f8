"""Readings that are deleted when they are old, and what is refused afterwards."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from psycopg import Connection

from archives.history import TABLE_ALONE
from domain.reasons import RejectReason
from ingest.batch import Intake, store_batch
from ingest.places import SensorPlaces
from ingest.validate import Limits
from store.readings import retention
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.desk import Desk, message

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 20
SLACK = {"reading": 1, "substation_reading": 7}  # days: what shares a chunk with something younger stays


@pytest.fixture
def conn(database: Database) -> Iterator[Connection]:
    """Twenty days of readings, four a day, of a home and a substation."""
    with database.connect(autocommit=True) as conn:
        for table, columns in (
            ("reading", "temperature, quality, self_timed"),
            ("substation_reading", "supply_temperature, implausible, self_timed"),
        ):
            conn.execute(
                f"INSERT INTO {table} (sensor_id, measured_at, received_at, {columns}) "
                "SELECT 1, at, at, 20, 0, true FROM generate_series(%s, %s, interval '6 hours') AS at",
                (START, START + DAYS * DAY - timedelta(seconds=1)),
            )
        yield conn


def left(conn: Connection, table: str) -> tuple[int, datetime]:
    row = conn.execute(f"SELECT count(*), min(measured_at) FROM {table}").fetchone()
    assert row is not None
    return row[0], row[1]


def test_what_is_old_goes_and_what_is_young_stays(conn: Connection) -> None:
    assert TABLE_ALONE.judged_from(conn) is None
    before = START + 15 * DAY + timedelta(hours=7)
    while retention.drop(conn, before, 7):
        pass
    for table, slack in SLACK.items():
        count, first = left(conn, table)
        assert before - slack * DAY <= first < before + timedelta(hours=6), table
        assert count == (START + DAYS * DAY - first) / timedelta(hours=6), table
    assert TABLE_ALONE.judged_from(conn) == before + retention.MARGIN


def test_nothing_old_is_nothing_to_do(conn: Connection) -> None:
    assert retention.drop(conn, START, 100) == 0
    assert [left(conn, table)[0] for table in SLACK] == [4 * DAYS, 4 * DAYS]


def test_how_far_back_readings_are_kept_never_goes_back(conn: Connection) -> None:
    for days in (10, 5, 8):
        retention.drop(conn, START + days * DAY, 1000)
    assert TABLE_ALONE.judged_from(conn) == START + 10 * DAY + retention.MARGIN


def test_a_reading_older_than_what_is_kept_is_a_dead_letter(database: Database) -> None:
    with database.connect(autocommit=True) as conn:
        town.sensor(conn, "s1", town.home(conn, "H1"))
        desk = Desk(conn)
        kept = 100 * DAY
        limits = Limits(65_536, 300_000_000, kept // timedelta(microseconds=1))
        intake = Intake("test", limits, desk.judge.readings, SensorPlaces())
        said = [{"ts": (START - age).isoformat(), "temperature": 20.0} for age in (kept, kept + timedelta(seconds=1))]
        fates = store_batch(conn, intake, [message("s1", one, START) for one in said], START)
        assert (fates.stored, dict(fates.dead)) == (1, {RejectReason.TOO_OLD: 1})

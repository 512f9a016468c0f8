"""The figures of buildings: counted by watch, or when asked for if that was too long ago."""

import random
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import dict_row

from store.figures import building_rows
from store.readings import ingest_counts
from tests.api import town
from tests.conftest import Database

pytestmark = pytest.mark.plain_only

AGE = "UPDATE building_round SET counted_at = now() - %s::interval"
LEDGER = """
INSERT INTO ledger (
  home_id, day, compliant_us, cold_us, severe_us, unknown_us, not_judged_us, shortfall_us, heat, deficit, policy, closed
)
VALUES (%s, %s, 3600e6, 60e6, 30e6, 10e6, 5e6, 0, 0, 0, 'seed@2020-01-01', false)
"""


def now_in(conn: Connection) -> list[dict[str, object]]:
    with conn.cursor(row_factory=dict_row) as cur:
        return cur.execute("SELECT * FROM building_now ORDER BY code").fetchall()


def settle(conn: Connection, seed: int) -> None:
    """Store homes in all states, with sensors that are warm, cold, silent or not there."""
    draw = random.Random(seed)
    for n in range(40):
        home = town.home(conn, f"H{n}", building=f"B{draw.randrange(4)}", state=draw.randrange(7))
        for k in range(draw.randrange(3)):
            expires = town.NEVER if draw.random() < 0.8 else datetime(2020, 1, 1, tzinfo=UTC)
            sensor = town.sensor(conn, home, f"s{n}-{k}", room=f"r{k}")
            conn.execute(town.INSERT_SENSOR_NOW, (sensor, home, draw.uniform(14, 22), town.NOW, expires))
    conn.execute(
        "INSERT INTO building (code, substation_id, name, address) SELECT 'B9', substation_id, '', '' FROM substation"
    )


def test_what_watch_counts_is_what_is_counted_when_asked_for(connection: Connection) -> None:
    settle(connection, 7)
    asked = now_in(connection)
    assert len(asked) == 5
    building_rows.count_all(connection, datetime.now(UTC))
    kept = now_in(connection)
    figures = list(asked[0])[: list(asked[0]).index("flags") + 1]
    assert [{f: row[f] for f in figures} for row in kept] == [{f: row[f] for f in figures} for row in asked]
    assert sum(int(str(row["homes"])) for row in kept) == 40


def test_a_count_that_is_old_is_not_believed(connection: Connection) -> None:
    home = town.home(connection, state=5)
    building_rows.count_all(connection, datetime.now(UTC))
    connection.execute("UPDATE home_state SET state = 2 WHERE home_id = %s", (home,))
    assert (now_in(connection)[0]["cold"], now_in(connection)[0]["compliant"]) == (1, 0)
    connection.execute(AGE, (timedelta(seconds=61),))
    assert (now_in(connection)[0]["cold"], now_in(connection)[0]["compliant"]) == (0, 1)


def test_the_newest_day_of_the_ledger_is_summed_up(connection: Connection) -> None:
    for code in ("a", "b"):
        home = town.home(connection, code)
        connection.execute(LEDGER, (home, "2026-01-14"))
        connection.execute(LEDGER, (home, "2026-01-15"))
    building_rows.count_all(connection, datetime.now(UTC))
    (row,) = now_in(connection)
    assert str(row["day"]) == "2026-01-15"
    assert [row[f"{name}_s"] for name in ("compliant", "cold", "severe", "unknown", "not_judged")] == [
        7200, 120, 60, 20, 10,
    ]  # fmt: skip


def test_only_what_differs_is_written(connection: Connection) -> None:
    home = town.home(connection)
    town.home(connection, "other", building="B2")
    versions = "SELECT building_id, xmin, ctid FROM building_summary ORDER BY building_id"
    building_rows.count_all(connection, datetime.now(UTC))
    first = connection.execute(versions).fetchall()
    building_rows.count_all(connection, datetime.now(UTC))
    assert connection.execute(versions).fetchall() == first
    connection.execute("UPDATE home_state SET state = 6 WHERE home_id = %s", (home,))
    building_rows.count_all(connection, datetime.now(UTC))
    assert [a == b for a, b in zip(connection.execute(versions), first, strict=True)] == [False, True]


def test_buildings_are_counted_piece_by_piece(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building_rows, "PIECE", 2)
    settle(connection, 3)
    at, reached, pieces = datetime.now(UTC), 0, 0
    while (last := building_rows.count(connection, reached, at)) is not None:
        reached, pieces = last, pieces + 1
    assert pieces == 3
    assert connection.execute("SELECT count(*) FROM building_summary").fetchone() == (5,)
    assert connection.execute("SELECT counted_at FROM building_round").fetchone() == (None,)
    building_rows.finish(connection, at)
    assert connection.execute("SELECT counted_at FROM building_round").fetchone() == (at,)


def test_what_ingest_does_per_second(database: Database) -> None:
    at = datetime(2026, 1, 15, tzinfo=UTC)
    with psycopg.connect(database.url) as conn:
        for n in range(3):
            fates = {
                "messages": 100 * n,
                "stored": 300 * n,
                "duplicates": 6,
                "conflicts": 0,
                "late": 0,
                "retained": 0,
                "not_a_reading": 0,
            }
            batch = ingest_counts.BatchCounts(fates, {"future": 30}, ingest_counts.Ages(at, at), queued=0)
            ingest_counts.add(conn, "w", batch, at)
            ingest_counts.sample(conn, at + n * timedelta(minutes=1))
        rates = conn.execute(
            "SELECT messages_per_s, stored_per_s, duplicates_per_s, dead_per_s FROM ingest_rate"
        ).fetchall()
        assert sorted(rates) == [(100 / 60, 5.0, 0.1, 0.5), (200 / 60, 10.0, 0.1, 0.5)]
        ingest_counts.sample(conn, at + timedelta(days=30))
        assert conn.execute("SELECT count(*) FROM ingest_sample").fetchone() == (1,)

"""Readings that are surely new go straight into the table, with the same outcome as by the stage."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from psycopg import Connection

from alerts.judging.judge import Judge
from domain.instants import EVER_US, NONE_US, to_datetime, to_us
from ingest.batch import JudgeStep, PendingBatch
from store.base import wire
from store.base.stage import open_stages
from store.readings import reading_rows
from store.readings.together import ReadingFate, Together
from tests import registry_rows as town
from tests.acceptance.waiting import until
from tests.conftest import Database
from tests.store.desk import MINUTE, NOON, Desk
from tests.store.histories import start_over
from tests.store.waiting import WAITING

START_US = to_us(NOON)
SECOND_US = 1_000_000
NAN = float("nan")

Values = tuple[float, float, float]  # temperature, humidity, battery
Told = tuple[int, int, Values]  # sensor, second, values
Believed = int  # what `last_us` claims: a second, or one of the extremes

VALUES = st.tuples(
    st.sampled_from([17.0, 20.0, NAN]), st.sampled_from([40.0, 50.0, NAN]), st.sampled_from([97.0, NAN])
).filter(lambda said: str(said) != str((NAN, NAN, NAN)))
TOLD = st.tuples(st.integers(1, 3), st.integers(0, 4), VALUES)
BELIEFS = st.fixed_dictionaries({sensor: st.sampled_from([NONE_US, EVER_US, 0, 1, 2, 3]) for sensor in (1, 2, 3)})
BATCHES = st.lists(st.tuples(st.lists(TOLD, min_size=1, max_size=8), BELIEFS), min_size=1, max_size=4)

STORED = "SELECT sensor_id, measured_at, temperature, humidity, battery FROM reading ORDER BY sensor_id, measured_at"


def as_rows(batch: Sequence[Told]) -> NDArray[np.void]:
    """Return the batch as it is stored: by sensor and time, first come first."""
    rows = np.zeros(len(batch), wire.native(reading_rows.READING))
    rows["sensor_id"] = [sensor for sensor, _, _ in batch]
    rows["measured_at"] = [START_US + second * SECOND_US for _, second, _ in batch]
    rows["received_at"] = START_US
    for nth, name in enumerate(("temperature", "humidity", "battery")):
        rows[name] = [values[nth] for _, _, values in batch]
    return rows


def forget(conn: Connection) -> None:
    """Begin with nothing stored and nothing counted."""
    for table in ("reading", "dead_letter", "ingest_worker"):
        conn.execute(f"DELETE FROM {table}".encode())


def in_order(batch: Sequence[Told]) -> list[Told]:
    return sorted(batch, key=lambda told: told[:2])


class Model:
    """Readings stored once, one by one and by hand."""

    def __init__(self) -> None:
        self.kept: dict[tuple[int, int], dict[int, float]] = {}

    def fate(self, told: Told) -> ReadingFate:
        """Return what becomes of a reading: the first value of each quantity stays."""
        sensor, second, values = told
        said = {nth: value for nth, value in enumerate(values) if value == value}
        kept = self.kept.setdefault((sensor, second), {})
        new = said.keys() - kept.keys()
        for nth in new:
            kept[nth] = said[nth]
        if any(kept[nth] != value for nth, value in said.items()):
            return ReadingFate.CONFLICT
        return ReadingFate.STORED if new else ReadingFate.DUPLICATE


def found(conn: Connection, statement: str) -> list[Told]:
    """Return rows of the database as they were told; NULL is NaN."""
    rows = conn.execute(statement.encode()).fetchall()
    return [(r[0], (to_us(r[1]) - START_US) // SECOND_US, values(r[2:])) for r in rows]


def values(columns: Sequence[float | None]) -> Values:
    temperature, humidity, battery = (NAN if value is None else float(value) for value in columns)
    return temperature, humidity, battery


@settings(max_examples=50, suppress_health_check=list(HealthCheck))
@given(BATCHES)
def test_any_readings_have_the_fates_they_have_one_by_one_whatever_is_believed_of_them(
    database: Database, batches: list[tuple[list[Told], dict[int, Believed]]]
) -> None:
    with database.connect(autocommit=True) as conn:
        open_stages(conn)
        forget(conn)
        model = Model()
        for batch, beliefs in batches:
            ordered = in_order(batch)
            together = Together(as_rows(ordered), reading_rows.HOME_QUANTITIES)
            believed = [beliefs[sensor] for sensor in together.alone.rows["sensor_id"].tolist()]
            last = [b if b in (NONE_US, EVER_US) else START_US + b * SECOND_US for b in believed]
            with conn.transaction():
                stored = reading_rows.insert(conn, together, np.array(last, np.int64))
            assert stored.fates.tolist() == [model.fate(told) for told in ordered]
        kept = {
            (sensor, second): {nth: value for nth, value in enumerate(said) if value == value}
            for sensor, second, said in found(conn, STORED)
        }
        assert kept == model.kept


class Unsure:
    """A docket that is certain of nothing, so that nothing is copied."""

    def __init__(self, docket: PendingBatch) -> None:
        self._docket = docket

    @property
    def last_us(self) -> NDArray[np.int64]:
        """Not known of any."""
        return np.full(len(self._docket.last_us), EVER_US)

    def settle(self, rows: NDArray[np.void], brought: NDArray[np.bool_], now: datetime) -> int:
        """Return as the other."""
        return self._docket.settle(rows, brought, now)


def unsure(judge: Judge) -> JudgeStep:
    """Return the same judge, who is certain of nothing."""
    return lambda conn, rows: Unsure(judge.readings(conn, rows))


OUTCOME = (
    "SELECT sensor_id, measured_at, received_at, temperature, quality, self_timed FROM reading ORDER BY 1, 2",
    "SELECT topic, reason, detail, payload FROM dead_letter ORDER BY detail, payload",
    "SELECT * FROM sensor_now ORDER BY sensor_id",
    "SELECT home_id, state, state_since, judged_to, breach_since, severe_since, warm_since, lowest, check_at"
    " FROM home_state ORDER BY home_id",
    "SELECT home_id, severity, cold_since, raised_at, cleared_at, lowest FROM flag ORDER BY 1, 3",
    "SELECT home_id, from_at FROM rejudge ORDER BY 1",
    "SELECT batches, messages, stored, duplicates, conflicts, late FROM ingest_worker",
)
SENSORS = ("living", "bedroom", "cellar", "next door", "moved")
SAID = st.tuples(st.sampled_from(SENSORS), st.integers(-3, 12), st.sampled_from([15.0, 17.0, 18.5, 20.0, 85.0]))


def furnish(conn: Connection) -> None:
    """Store two homes, a sensor that nobody judges by, and one that moves to the other home at noon + 5 min."""
    here, there = town.home(conn, "H1"), town.home(conn, "H2")
    town.sensor(conn, "living", here)
    town.sensor(conn, "bedroom", here, room_kind="bedroom")
    town.sensor(conn, "cellar", here, room_kind="other")
    town.sensor(conn, "next door", there)
    town.sensor(conn, "moved", here, valid=(None, NOON + 5 * MINUTE))
    town.sensor(conn, "moved", there, valid=(NOON + 5 * MINUTE, None))


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(SAID, min_size=1, max_size=8), min_size=1, max_size=5))
def test_any_batches_leave_the_same_behind_as_without_a_copy(
    plain_database: Database, batches: list[list[tuple[str, int, float]]]
) -> None:
    with plain_database.connect(autocommit=True) as conn:
        if not conn.execute("SELECT 1 FROM home").fetchone():
            furnish(conn)
        outcomes = []
        for sure in (True, False):
            start_over(conn)
            forget(conn)
            desk = Desk(conn)
            if not sure:
                desk.intake = replace(desk.intake, judge=unsure(desk.judge))
            for batch in batches:
                desk.say(*((s, NOON + m * MINUTE, celsius) for s, m, celsius in batch), now=NOON + 15 * MINUTE)
            outcomes.append([desk.rows(statement) for statement in OUTCOME])
        assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(("most", "late"), [(reading_rows.MOST_TOGETHER, 2), (1, 1)])
def test_what_is_later_than_the_last_of_its_sensor_is_copied_alone_or_with_many(
    database: Database, monkeypatch: pytest.MonkeyPatch, most: int, late: int
) -> None:
    added, store = list[int](), reading_rows._store

    def watched(conn: Connection, way: reading_rows.ReadingWay, rows: NDArray[np.void]) -> bool:
        added.append(len(rows))
        return store(conn, way, rows)

    monkeypatch.setattr(reading_rows, "MOST_TOGETHER", most)
    monkeypatch.setattr(reading_rows, "_store", watched)
    with database.connect(autocommit=True) as conn:
        town.sensor(conn, "s", town.home(conn, "H"))
        desk = Desk(conn)
        desk.say(("s", NOON, 20.0))
        for minutes, looked_at in (((1, 2), []), ((2,), [1, 0]), ((-1, 3), [late]), ((4, 4), [])):
            added.clear()
            with conn.transaction():
                desk.say(*(("s", NOON + m * MINUTE, 20.0) for m in minutes), now=NOON + 9 * MINUTE)
            assert added == looked_at
        assert desk.rows("SELECT stored, duplicates FROM ingest_health") == [{"stored": 6, "duplicates": 2}]


def test_what_another_has_just_stored_is_a_duplicate_after_all(database: Database) -> None:
    """Belief alone never stores twice: the second waits for the first, and is told by the key."""
    rows = as_rows([(1, 0, (20.0, NAN, NAN)), (1, 1, (20.0, NAN, NAN))])
    believed = np.full(len(rows), NONE_US)
    outcome: list[Any] = []

    def second() -> None:
        with database.connect() as conn:
            open_stages(conn)
            outcome.append(reading_rows.insert(conn, Together(rows, reading_rows.HOME_QUANTITIES), believed))

    with database.connect(autocommit=True) as watcher, database.connect() as first:
        open_stages(first)
        one = Together(rows[:1], reading_rows.HOME_QUANTITIES)
        assert reading_rows.insert(first, one, believed[:1]).brought.tolist() == [True]
        other = threading.Thread(target=second)
        other.start()
        until(lambda: watcher.execute(WAITING.encode()).fetchone(), "the second waits for the key")
        first.commit()
        other.join()
        assert watcher.execute("SELECT count(*) FROM reading").fetchone() == (2,)
    (stored,) = outcome
    assert (stored.brought.tolist(), stored.fates.tolist()) == (
        [False, True],
        [ReadingFate.DUPLICATE, ReadingFate.STORED],
    )


def test_a_value_that_another_has_just_added_is_not_added_twice(database: Database) -> None:
    """Two complete the same row at once, one with another value: the second waits, looks again, and is in conflict."""
    rows = as_rows([(1, 0, (20.0, NAN, NAN)), (1, 0, (NAN, 40.0, NAN)), (1, 0, (NAN, 50.0, 97.0))])
    outcome: list[Any] = []

    def add(conn: Connection, nth: int) -> Any:
        return reading_rows.insert(
            conn, Together(rows[nth : nth + 1], reading_rows.HOME_QUANTITIES), np.array([EVER_US])
        )

    def second() -> None:
        with database.connect() as conn:
            open_stages(conn)
            outcome.append(add(conn, 2))

    with database.connect(autocommit=True) as watcher, database.connect() as first:
        open_stages(first)
        add(first, 0)
        first.commit()
        first.execute("SELECT")  # begins the transaction that the second waits for
        assert add(first, 1).fates.tolist() == [ReadingFate.STORED]
        other = threading.Thread(target=second)
        other.start()
        until(lambda: watcher.execute(WAITING.encode()).fetchone(), "the second waits for the row")
        first.commit()
        other.join()
        kept = watcher.execute("SELECT temperature, humidity, battery FROM reading").fetchall()
    assert kept == [(20.0, 40.0, 97.0)]
    assert outcome[0].fates.tolist() == [ReadingFate.CONFLICT]


@pytest.mark.parametrize("absent", [(), (1,), (0, 1, 2)])
def test_nan_is_null_in_the_table(database: Database, absent: tuple[int, ...]) -> None:
    said = values([None if nth in absent else 20.0 + nth for nth in range(3)])
    rows = as_rows([(1, second, said if second != 1 else (1.0, 2.0, 3.0)) for second in range(3)])
    with database.connect() as conn:
        reading_rows.insert(conn, Together(rows, reading_rows.HOME_QUANTITIES), np.full(3, NONE_US))
        kept = conn.execute("SELECT temperature, humidity, battery FROM reading ORDER BY measured_at").fetchall()
        at = conn.execute("SELECT max(measured_at) FROM reading").fetchone()
    told = tuple(None if nth in absent else 20.0 + nth for nth in range(3))
    assert kept == [told, (1.0, 2.0, 3.0), told]
    assert at == (to_datetime(START_US) + timedelta(seconds=2),)

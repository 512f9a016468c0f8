"""Values of one sensor and instant complete each other, whatever messages bring them, and are judged as one reading."""

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from alerts.network.substations import look
from ingest.batch import Fates
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.alarm_rules import rules
from tests.store.desk import MINUTE, NOON, Desk
from tests.store.histories import finish, record, start_over

READING = "SELECT temperature, humidity, battery, quality FROM reading"
STATE = "SELECT state FROM home_now"


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    with database.connect(autocommit=True) as conn:
        town.sensor(conn, "s1", town.home(conn, "H1"))
        yield Desk(conn)


def say(desk: Desk, *values: dict[str, float], at: datetime = NOON, now: datetime | None = None) -> Fates:
    """Return a batch of messages of one instant."""
    return desk.send(*(("s1", {"ts": at.isoformat(), **said}) for said in values), now=now or at)


@pytest.mark.parametrize("first", [{"humidity": 40.0}, {"temperature": 17.0}])
@pytest.mark.parametrize("batches", [1, 2])
def test_the_temperature_is_judged_whichever_comes_first(desk: Desk, first: dict[str, float], batches: int) -> None:
    both = {"temperature": 17.0, "humidity": 40.0}
    second = {name: value for name, value in both.items() if name not in first}
    told = [say(desk, first), say(desk, second)] if batches == 2 else [say(desk, first, second)]
    assert [(fates.stored, fates.conflicts) for fates in told] == ([(1, 0), (1, 0)] if batches == 2 else [(2, 0)])
    assert desk.rows(READING) == [{**both, "battery": None, "quality": 0}]
    assert desk.rows(STATE) == [{"state": "cold"}]
    assert [flag["cold_since"] for flag in desk.flags()] == [NOON]
    assert desk.rows("SELECT stored, duplicates, conflicts, dead FROM ingest_health") == [
        {"stored": 2, "duplicates": 0, "conflicts": 0, "dead": 0}
    ]


def test_humidity_alone_neither_ends_nor_lengthens_the_hold_of_a_temperature(desk: Desk) -> None:
    say(desk, {"temperature": 17.0})
    say(desk, {"humidity": 40.0}, at=NOON + 5 * MINUTE)
    (held,) = desk.rows("SELECT celsius, judged_at, expires_at, measured_at FROM sensor_now")
    assert held == {
        "celsius": 17.0, "judged_at": NOON, "expires_at": NOON + 15 * MINUTE, "measured_at": NOON + 5 * MINUTE
    }  # fmt: skip
    desk.clock(NOON + 14 * MINUTE)
    assert desk.rows(STATE) == [{"state": "cold"}]
    desk.clock(NOON + 15 * MINUTE)
    assert desk.rows(STATE) == [{"state": "unknown"}]


def test_a_temperature_that_completes_a_row_of_the_past_is_judged_again(desk: Desk) -> None:
    say(desk, {"humidity": 40.0})
    say(desk, {"temperature": 20.0, "humidity": 41.0}, at=NOON + 5 * MINUTE)
    late = say(desk, {"temperature": 17.0}, now=NOON + 6 * MINUTE)
    assert (late.stored, late.late) == (1, 1)
    assert [row["from_at"] for row in desk.rows("SELECT from_at FROM rejudge")] == [NOON]
    finish(desk, NOON + 6 * MINUTE)
    assert [flag["cold_since"] for flag in desk.flags()] == [NOON]


def test_a_conflict_is_another_value_of_the_same_quantity_and_can_be_seen(desk: Desk) -> None:
    say(desk, {"temperature": 20.0})
    fates = say(desk, {"temperature": 12.0, "humidity": 40.0}, {"humidity": 41.0}, {"humidity": 40.0})
    assert (fates.stored, fates.duplicates, fates.conflicts) == (0, 1, 2)
    assert desk.rows(READING) == [{"temperature": 20.0, "humidity": 40.0, "battery": None, "quality": 0}]
    letters = desk.rows("SELECT * FROM dead_letter ORDER BY dead_letter_id")
    assert [letter["reason"] for letter in letters] == ["conflict", "conflict"]
    assert "temperature 12, where 20 is stored" in letters[0]["detail"]
    assert json.loads(letters[0]["payload"])["temperature"] == 12.0
    assert "humidity 41, where 40 is stored" in letters[1]["detail"]
    assert desk.rows(STATE) == [{"state": "compliant"}]
    assert desk.rows("SELECT stored, duplicates, conflicts, dead FROM ingest_health") == [
        {"stored": 1, "duplicates": 1, "conflicts": 2, "dead": 0}
    ]


def test_what_has_no_value_leaves_room_for_one_and_is_counted(desk: Desk) -> None:
    fates = say(desk, {"temperature": 20.0, "humidity": 655.35, "battery": 255}, {"humidity": 40.0})
    assert (fates.stored, fates.conflicts, fates.dead.total()) == (2, 0, 0)
    assert desk.rows(READING) == [{"temperature": 20.0, "humidity": 40.0, "battery": None, "quality": 0}]
    say(desk, {"temperature": -40.0}, at=NOON + MINUTE)
    assert desk.rows(STATE) == [{"state": "compliant"}]  # the last good one holds
    alone = say(desk, {"battery": 255}, at=NOON + 2 * MINUTE)
    assert (alone.stored, dict(alone.dead)) == (0, {"no_value": 1})
    assert desk.rows("SELECT quantity, reason, count, last_sensor, last_value FROM ingest_no_value ORDER BY 1") == [
        {"quantity": "battery", "reason": "out_of_range", "count": 2, "last_sensor": "s1", "last_value": 255.0},
        {"quantity": "humidity", "reason": "out_of_range", "count": 1, "last_sensor": "s1", "last_value": 655.35},
        {"quantity": "temperature", "reason": "sentinel", "count": 1, "last_sensor": "s1", "last_value": -40.0},
    ]


def test_the_battery_is_the_last_one_measured_whatever_came_last(desk: Desk) -> None:
    say(desk, {"temperature": 20.0}, at=NOON + MINUTE)
    say(desk, {"battery": 30.0}, now=NOON + MINUTE)
    say(desk, {"battery": 90.0}, at=NOON - MINUTE, now=NOON + MINUTE)
    assert desk.rows("SELECT battery, battery_at FROM sensor_now") == [{"battery": 30.0, "battery_at": NOON}]


SUBSTATION = {"supply_temperature": 40.0, "return_temperature": 35.0, "supply_pressure": 0.5, "flow": 100.0}


@pytest.mark.parametrize("together", [True, False])
def test_the_channels_of_a_substation_may_come_each_alone(database: Database, together: bool) -> None:
    with database.connect(autocommit=True) as conn:
        town.building(conn)
        (substation,) = conn.execute("SELECT max(substation_id) FROM substation").fetchall()
        town.sensor(conn, "s1", None, substation_id=substation[0])
        desk = Desk(conn)
        for minute in (0, 5, 10):
            at = NOON + minute * MINUTE
            messages = [{name: value} for name, value in SUBSTATION.items()]
            for batch in [messages] if together else [[message] for message in messages]:
                assert say(desk, *batch, at=at).stored == len(batch)
            look(conn, rules(), at)
        assert say(desk, {"flow": 7.0}, at=NOON).conflicts == 1
        columns = ", ".join(SUBSTATION)
        assert desk.rows(f"SELECT DISTINCT {columns} FROM substation_reading") == [SUBSTATION]
        assert desk.rows(f"SELECT {columns} FROM substation_now") == [SUBSTATION]
        assert desk.rows("SELECT kind FROM substation_alarm_open") == [{"kind": "supply_low"}]


def test_one_bad_channel_of_a_substation_leaves_the_others(database: Database) -> None:
    with database.connect(autocommit=True) as conn:
        town.building(conn)
        (substation,) = conn.execute("SELECT max(substation_id) FROM substation").fetchall()
        town.sensor(conn, "s1", None, substation_id=substation[0])
        desk = Desk(conn)
        say(desk, SUBSTATION)
        say(desk, {**SUBSTATION, "supply_pressure": 9.9, "flow": -1.0, "return_temperature": 36.0}, at=NOON + MINUTE)
        seen = {**SUBSTATION, "supply_pressure": None, "flow": None, "return_temperature": 36.0}
        columns = ", ".join(SUBSTATION)
        last = desk.rows(f"SELECT {columns} FROM substation_history ORDER BY measured_at DESC LIMIT 1")
        assert last == [seen]
        assert desk.rows("SELECT flow FROM substation_reading WHERE implausible <> 0") == [{"flow": -1.0}]  # raw
        assert desk.rows(f"SELECT {columns} FROM substation_now") == [{**SUBSTATION, "return_temperature": 36.0}]


QUANTITIES = ("temperature", "humidity", "battery")
TOLD = st.fixed_dictionaries(
    {"temperature": st.sampled_from([15.5, 17.0, 18.0, 19.0, 85.0, -40.0])},
    optional={"humidity": st.sampled_from([40.0, 55.0]), "battery": st.sampled_from([10.0, 97.0])},
)
KEPT = (
    "SELECT sensor_id, measured_at, temperature, humidity, battery, quality, self_timed FROM reading ORDER BY 1, 2",
    "SELECT sensor_id, measured_at, battery, battery_at, celsius, judged_at, expires_at FROM sensor_now ORDER BY 1",
    "SELECT home_id, state, state_since, breach_since, severe_since, warm_since, lowest FROM home_state ORDER BY 1",
)


def outcome(conn: Connection, batches: list[list[tuple[str, dict[str, Any]]]], now: datetime) -> list[Any]:
    """Return all that is left behind by batches of messages."""
    start_over(conn)
    desk = Desk(conn)
    sent = sum(map(len, batches))
    conn.execute("DELETE FROM ingest_worker")
    for batch in batches:
        fates = desk.send(*batch, now=now)
        assert fates.stored == len(batch)
    assert desk.rows("SELECT stored::integer FROM ingest_health") == [{"stored": sent}]
    finish(desk, now)
    finish(desk, now + MINUTE)  # when the stream of readings has settled
    return [*(desk.rows(statement) for statement in KEPT), *record(desk)]


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(st.tuples(st.sampled_from(["s1", "s2"]), st.integers(0, 90)), TOLD, min_size=1, max_size=12),
    st.randoms(),
)
def test_any_split_into_messages_in_any_order_and_any_batches_leaves_the_same_behind(
    plain_database: Database, told: dict[tuple[str, int], dict[str, float]], chance: random.Random
) -> None:
    now = NOON + timedelta(hours=8)
    whole = [
        (sensor, {"ts": (NOON + minute * MINUTE).isoformat(), **values}) for (sensor, minute), values in told.items()
    ]
    parts = [
        (sensor, {"ts": said["ts"], name: said[name]}) for sensor, said in whole for name in QUANTITIES if name in said
    ]
    chance.shuffle(parts)
    cuts = sorted(chance.sample(range(1, len(parts)), chance.randint(0, len(parts) - 1))) if len(parts) > 1 else []
    with plain_database.connect(autocommit=True) as conn:
        if not conn.execute("SELECT 1 FROM home").fetchone():
            home = town.home(conn, "H1")
            town.sensor(conn, "s1", home)
            town.sensor(conn, "s2", home, room_kind="bedroom")
        in_order = sorted(whole, key=lambda message: str(message[1]["ts"]))
        expected = outcome(conn, [[message] for message in in_order], now)
        batches = [parts[low:high] for low, high in zip([0, *cuts], [*cuts, len(parts)], strict=True)]
        assert outcome(conn, batches, now) == expected

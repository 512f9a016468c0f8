"""A policy that leaves out suspect readings: live and from history the same, in any order."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alerts.judging.judge import Judge
from domain import policy_file
from domain.care import Care
from domain.policy import Policy
from ingest.batch import Intake
from ingest.places import SensorPlaces
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.desk import MINUTE, NOON, Desk
from tests.store.histories import Said, batches, finish, record, start_over

pytestmark = pytest.mark.plain_only

CARE = Care(
    silent_intervals=100,
    frozen_s=1200,
    jump_k=3,
    neighbour_k=10,
    neighbour_for_s=3600,
    battery_percent=0,
    healed_for_s=600,
    judge_suspect=False,
)


def rules(judge_suspect: bool = False) -> Policy:
    seed = policy_file.builtin("seed")
    care = replace(CARE, judge_suspect=judge_suspect)
    return replace(seed, versions=(replace(seed.versions[0], care=care),))


def strict(desk: Desk, judge_suspect: bool = False) -> Desk:
    """Return the desk, judging by these rules."""
    desk.judge = Judge(rules(judge_suspect))
    desk.intake = Intake("test", desk.intake.limits, desk.judge.readings, SensorPlaces())
    return desk


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    with database.connect(autocommit=True) as conn:
        town.sensor(conn, "s1", town.home(conn, "H1"))
        yield strict(Desk(conn))


def test_a_jump_into_the_cold_is_kept_and_raises_no_flag(desk: Desk) -> None:
    desk.say(("s1", NOON, 20.0))
    desk.say(("s1", NOON + 5 * MINUTE, 12.0))
    assert desk.flags() == []
    assert desk.rows("SELECT temperature, quality FROM reading ORDER BY measured_at")[1] == {
        "temperature": 12.0,
        "quality": 0,
    }
    (now,) = desk.rows("SELECT celsius FROM sensor_now")
    assert now == {"celsius": 20.0}
    desk.say(("s1", NOON + 10 * MINUTE, 12.1))  # no jump from the one before: the room is that cold
    assert [flag["lowest"] for flag in desk.flags()] == [pytest.approx(12.1)]


def test_judged_it_is_flagged_at_once(desk: Desk) -> None:
    strict(desk, judge_suspect=True)
    desk.say(("s1", NOON, 20.0), ("s1", NOON + 5 * MINUTE, 12.0))
    assert len(desk.flags()) == 1


def test_a_frozen_value_is_held_no_longer_than_any_other(desk: Desk) -> None:
    for m in range(0, 60, 5):
        desk.say(("s1", NOON + m * MINUTE, 20.0))
    desk.clock(NOON + 60 * MINUTE)
    assert desk.rows("SELECT state, state_since FROM home_now") == [
        {"state": "unknown", "state_since": NOON + 30 * MINUTE}
    ]


def test_a_reading_that_comes_late_clears_the_one_after_it(desk: Desk) -> None:
    desk.say(("s1", NOON, 20.0))
    desk.say(("s1", NOON + 10 * MINUTE, 16.5))  # a jump
    assert desk.flags() == []
    late = desk.say(("s1", NOON + 5 * MINUTE, 18.5), now=NOON + 11 * MINUTE)
    assert late.late == 1
    finish(desk, NOON + 11 * MINUTE)
    assert [flag["cold_since"] for flag in desk.flags()] == [NOON + 10 * MINUTE]


def test_a_suspect_reading_that_comes_late_counts_for_the_one_after_it(desk: Desk) -> None:
    desk.say(("s1", NOON, 20.0))
    desk.say(("s1", NOON + 10 * MINUTE, 17.5))
    assert len(desk.flags()) == 1
    assert desk.say(("s1", NOON + 5 * MINUTE, 30.0), now=NOON + 11 * MINUTE).late == 1
    finish(desk, NOON + 11 * MINUTE)
    assert [flag["clear_reason"] for flag in desk.flags()] == ["withdrawn"]


def test_a_suspect_reading_is_no_evidence(desk: Desk) -> None:
    before = NOON.replace(hour=5, minute=50)
    desk.say(("s1", before, 17.0))
    desk.say(("s1", before + 5 * MINUTE, 10.0))
    desk.clock(NOON.replace(hour=6))
    (flag,) = desk.flags()
    assert [(said["raw"], said["measured_at"]) for said in flag["why"]["readings"]] == [(17.0, flag_time(before))]


def flag_time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


CELSIUS = st.sampled_from([13.0, 15.5, 17.0, 17.0, 17.0, 18.1, 19.0, 19.0, 21.0])
STARTS = [NOON, NOON.replace(hour=5), NOON.replace(hour=22, minute=30)]


@st.composite
def histories(draw: st.DrawFn) -> list[Said]:
    start = draw(st.sampled_from(STARTS))
    slots = draw(st.lists(st.integers(0, 60), min_size=1, max_size=45, unique=True))
    return [(draw(st.sampled_from(["s1", "s2"])), start + 4 * m * MINUTE, draw(CELSIUS)) for m in sorted(slots)]


BY_NIGHT = NOON.replace(hour=22, minute=30)
SUSPENDED = [("s1", BY_NIGHT + 92 * MINUTE, 15.5), ("s1", BY_NIGHT + 96 * MINUTE, 17.0)]


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@example(SUSPENDED, random.Random(1), False)  # a flag is suspended, and goes on in the morning
@given(histories(), st.randoms(use_true_random=False), st.booleans())
def test_any_order_and_any_batches_give_the_same_flags_and_ledger(
    plain_database: Database, said: list[Said], chance: random.Random, clocks: bool
) -> None:
    now = max(at for _, at, _ in said) + 7 * 60 * MINUTE
    with plain_database.connect(autocommit=True) as conn:
        if not conn.execute("SELECT 1 FROM home").fetchone():
            home = town.home(conn, "H1")
            town.sensor(conn, "s1", home)
            town.sensor(conn, "s2", home, room_kind="bedroom")
        outcomes = []
        for shuffled in (False, True):
            start_over(conn)
            desk = strict(Desk(conn))
            for batch in batches(said, shuffled, chance):
                latest = max(at for _, at, _ in batch)
                desk.say(*batch, now=now if shuffled else latest)
                if clocks:
                    desk.clock(now if shuffled else latest)
            finish(desk, now)
            outcomes.append(record(desk))
        assert outcomes[0] == outcomes[1]

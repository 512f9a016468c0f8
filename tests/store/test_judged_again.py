"""Judging is a function of the history: the same readings in any order end in the same flags and the same ledger."""

import random
import threading
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.judging.by_clock import catch_up, keep_ledger
from alerts.judging.history import History
from alerts.judging.rejudge import judge_again
from domain import policy_file
from store.base.halves import AGAIN_AFTER, SO_FAR
from store.base.stage import open_stages
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.at_once import until_one_waits
from tests.store.desk import MINUTE, NOON, ZONE, Desk
from tests.store.histories import Said, batches, finish, record, start_over

DAY = timedelta(days=1)
NIGHT = NOON.replace(hour=23, minute=30)


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    with database.connect(autocommit=True) as conn:
        home = town.home(conn, "H1")
        town.sensor(conn, "s1", home)
        town.sensor(conn, "s2", home, room_kind="bedroom")
        yield Desk(conn)


def test_a_cold_spell_found_late_is_flagged_with_a_closed_ticket(desk: Desk) -> None:
    for m in range(0, 240, 5):
        desk.say(("s1", NOON + m * MINUTE, 20.0))
    desk.say(("s2", NOON + 30 * MINUTE, 17.0), ("s2", NOON + 40 * MINUTE, 19.0), now=NOON + 240 * MINUTE)
    assert desk.flags() == []
    finish(desk, NOON + 240 * MINUTE)
    (flag,) = desk.flags()
    assert (flag["cold_since"], flag["lowest"]) == (NOON + 30 * MINUTE, 17.0)
    assert flag["cleared_at"] == NOON + 70 * MINUTE
    assert desk.rows("SELECT retrospective, state FROM ticket") == [{"retrospective": True, "state": "closed"}]
    assert desk.rows("SELECT * FROM rejudge") == []


def test_a_flag_whose_cause_is_gone_is_withdrawn_and_kept(desk: Desk) -> None:
    before = NOON.replace(hour=5, minute=58)
    desk.say(("s1", before, 17.0))
    desk.clock(NOON.replace(hour=6))
    assert len(desk.flags()) == 1
    desk.say(("s1", before + MINUTE, 19.0), now=NOON.replace(hour=6, minute=1))
    finish(desk, NOON.replace(hour=6, minute=2))
    (flag,) = desk.flags()
    assert flag["clear_reason"] == "withdrawn"
    kinds = [row["kind"] for row in desk.rows("SELECT kind FROM ticket_event ORDER BY seq")]
    assert kinds == ["opened", "flag_ended"]
    assert desk.rows("SELECT flag_id FROM home_state") == [{"flag_id": None}]


def test_judging_again_twice_changes_nothing(desk: Desk) -> None:
    for hour in range(20):
        desk.say(*(("s1", NOON + m * MINUTE, 17.0 + (m % 300) / 100) for m in range(hour * 60, hour * 60 + 60, 5)))
    now = NOON + 1200 * MINUTE
    finish(desk, now)
    history = History(policy_file.builtin("seed"))
    with desk.conn.transaction():
        again = judge_again(desk.conn, history, [1], NOON.date(), now)
    assert (again.days, again.raised, again.withdrawn, again.corrected) == (0, 0, 0, 0)


def test_what_comes_for_an_earlier_day_while_judging_again_waits_is_not_forgotten(
    desk: Desk, database: Database
) -> None:
    history, now = History(policy_file.builtin("seed")), NOON + DAY
    desk.say(("s1", NOON, 20.0))
    desk.say(("s1", now, 20.0))
    finish(desk, now)
    desk.say(("s1", now - MINUTE, 20.0), now=now)
    assert len(desk.rows("SELECT FROM rejudge")) == 1

    def watching() -> None:
        with database.connect(autocommit=True) as conn:
            open_stages(conn)
            catch_up(conn, history, now + 2 * MINUTE)

    watch = threading.Thread(target=watching)
    with database.connect(autocommit=True) as conn:
        late = Desk(conn)
        with conn.transaction():
            late.say(("s2", NOON, 15.0), now=now)
            watch.start()
            until_one_waits(desk.conn)
    watch.join()
    finish(desk, now + 2 * MINUTE)
    assert [flag["cold_since"] for flag in desk.flags()] == [NOON]


def test_a_home_whose_past_cannot_be_judged_stops_no_other(desk: Desk) -> None:
    other = town.home(desk.conn, "H2")
    town.sensor(desk.conn, "s3", other)
    for code in ("s1", "s3"):
        desk.say((code, NOON, 20.0))
        desk.say((code, NOON - MINUTE, 17.0), now=NOON)
    desk.conn.execute("ALTER TABLE ledger ADD CONSTRAINT no_luck CHECK (home_id <> 1) NOT VALID")
    for now in (NOON + MINUTE, NOON + DAY):
        finish(desk, now)
        assert {row["home_id"] for row in desk.rows("SELECT home_id FROM ledger WHERE cold_us > 0")} == {other}
        assert [row["home_id"] for row in desk.rows("SELECT home_id FROM rejudge")] == [1]
    assert {"judge again", "ledger"} <= SO_FAR.keys()
    desk.conn.execute("ALTER TABLE ledger DROP CONSTRAINT no_luck")
    finish(desk, NOON + DAY + AGAIN_AFTER)
    cold = "SELECT home_id, day, cold_us FROM ledger WHERE cold_us > 0 ORDER BY 1, 2"
    assert [row["cold_us"] for row in desk.rows(cold)] == 2 * [60_000_000]
    assert desk.rows("SELECT * FROM rejudge") == []


def test_the_days_of_the_ledger_add_up(desk: Desk) -> None:
    for hour in range(48):
        desk.say(*(("s1", NOON + m * MINUTE, 15.5 + (m % 700) / 100) for m in range(hour * 60, hour * 60 + 60, 10)))
    finish(desk, NOON + 2 * DAY)
    rows = desk.rows("SELECT * FROM ledger_day ORDER BY day")
    assert [row["day"] for row in rows] == [date(2026, 1, 15), date(2026, 1, 16), date(2026, 1, 17)]
    states = ("compliant_s", "cold_s", "severe_s", "unknown_s", "not_judged_s")
    assert [sum(row[name] for name in states) for row in rows] == [86_400, 86_400, 43_200]
    assert [row["closed"] for row in rows] == [True, True, False]
    assert rows[0]["unknown_s"] == 43_200  # before the first reading


def test_a_flag_open_over_midnight_is_carried_by_the_ledger(desk: Desk) -> None:
    start = NOON.replace(hour=20)
    for hour in range(24):
        desk.say(*(("s1", start + m * MINUTE, 17.0) for m in range(hour * 60, hour * 60 + 60, 5)))
    finish(desk, start + DAY)
    before = record(desk)
    desk.say(("s2", start + 23 * 60 * MINUTE, 16.5), now=start + DAY)
    finish(desk, start + DAY)
    (flag,) = desk.flags()
    assert (flag["cold_since"], flag["lowest"]) == (start, 16.5)
    assert len(before[0]) == 1


def test_a_long_history_is_counted_some_days_at_a_time(desk: Desk) -> None:
    for day in range(8):
        desk.say(*(("s1", NOON + day * DAY + hour * 60 * MINUTE, 20.0) for hour in range(24)))
    now, history = NOON + 8 * DAY, History(policy_file.builtin("seed"))
    assert not keep_ledger(desk.conn, history, 0, now)
    assert desk.rows("SELECT count(*) AS n FROM ledger WHERE closed") == [{"n": 3}]
    finish(desk, now)
    (total,) = desk.rows(
        "SELECT count(*) AS days, sum(compliant_us) AS us, count(*) FILTER (WHERE closed) AS n FROM ledger"
    )
    assert total == {"days": 9, "us": 8 * 24 * 900_000_000, "n": 8}


CELSIUS = st.sampled_from([15.5, 17.0, 17.99, 18.0, 18.1, 18.2, 19.0, 21.0])
STARTS = [NOON, NOON.replace(hour=5), NOON.replace(hour=20), NIGHT]


@st.composite
def histories(draw: st.DrawFn) -> list[Said]:
    start = draw(st.sampled_from(STARTS))
    minutes = draw(st.lists(st.integers(0, 300), min_size=1, max_size=40, unique=True))
    return [(draw(st.sampled_from(["s1", "s2"])), start + m * MINUTE, draw(CELSIUS)) for m in sorted(minutes)]


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
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
            desk = Desk(conn)
            for batch in batches(said, shuffled, chance):
                latest = max(at for _, at, _ in batch)
                desk.say(*batch, *(batch[:1] if shuffled else ()), now=now if shuffled else latest)
                if clocks:
                    desk.clock(now if shuffled else latest)
            finish(desk, now)
            flags, days = record(desk)
            assert desk.rows("SELECT count(*) AS n FROM flag WHERE ticket_id IS NULL") == [{"n": 0}]
            outcomes.append((flags, days))
        assert outcomes[0] == outcomes[1]
        assert ZONE.key == "Asia/Shanghai"

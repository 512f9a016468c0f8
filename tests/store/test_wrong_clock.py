"""Clocks that are off, on real databases: a device job that says by how much, no day and no flag of another year."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.judging.by_clock import catch_up
from alerts.judging.history import History
from alerts.judging.judge import Judge
from alerts.sensors.care import look
from domain import policy, policy_file
from store.base.stage import open_stages
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.care_jobs import jobs, rules
from tests.store.desk import MINUTE, NOON, Desk
from tests.store.histories import finish

pytestmark = pytest.mark.plain_only

DAY = timedelta(days=1)
PAST = timedelta(days=policy.PAST_DAYS)
WATCH = rules()


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    """Two homes, a thermometer in each; s2 belongs to a gateway."""
    with database.connect(autocommit=True) as conn:
        town.sensor(conn, "s1", town.home(conn, "H1"))
        town.sensor(conn, "s2", town.home(conn, "H2"), gateway="g")
        desk = Desk(conn)
        desk.intake = replace(
            desk.intake, limits=replace(desk.intake.limits, past_us=PAST // timedelta(microseconds=1))
        )
        yield desk


def speak(desk: Desk, minutes: range, off: timedelta, celsius: float = 15.0, sensor: str = "s1") -> None:
    """Let the sensor speak every few minutes with a clock that is behind, the other one in time, and watch look."""
    other = "s2" if sensor == "s1" else "s1"
    for m in minutes:
        at = NOON + m * MINUTE
        say(desk, sensor, at - off, celsius + m / 1000, at)
        say(desk, other, at, 20.0 + m / 1000, at)
        look(desk.conn, WATCH, at)


def say(desk: Desk, sensor: str, at: datetime, celsius: float, now: datetime, device: str | None = None) -> None:
    device = device or ("g" if sensor == "s2" else sensor)
    desk.send((device, {"id": sensor, "ts": at.isoformat(), "temperature": celsius}), now=now)


def ticket(desk: Desk) -> dict[str, Any]:
    (row,) = desk.rows("SELECT data FROM ticket_event WHERE kind = 'opened'")
    found: dict[str, Any] = row["data"]
    return found


def ledger_days(desk: Desk, now: datetime) -> list[Any]:
    finish(desk, now)
    return [row["day"] for row in desk.rows("SELECT DISTINCT day FROM ledger ORDER BY day")]


def test_a_clock_of_another_year_is_a_job_and_not_a_cold_home(desk: Desk) -> None:
    off = NOON - datetime(2015, 1, 14, tzinfo=UTC)
    speak(desk, range(0, 60, 5), off)
    assert jobs(desk) == [("s1", "clock", None)]
    told = ticket(desk)
    assert (told["reason"], told["off_s"]) == ("clock", round(off.total_seconds()))
    assert told["en"] == "The sensor's clock is 4,019 days slow."
    assert told["zh"] == "传感器时钟慢4019天。"
    assert desk.flags() == []
    assert ledger_days(desk, NOON + 60 * MINUTE) == [NOON.date()]
    (letters,) = desk.rows("SELECT sum(count)::integer AS dead FROM ingest_dead WHERE reason = 'too_old'")
    assert letters["dead"] == 12


def test_a_clock_of_the_future_is_one_too(desk: Desk) -> None:
    speak(desk, range(0, 60, 5), -3 * DAY)
    assert jobs(desk) == [("s1", "clock", None)]
    assert ticket(desk)["en"] == "The sensor's clock is 3 days fast."
    assert ticket(desk)["off_s"] == -3 * 86_400


def test_two_in_a_row_may_be_a_slip(desk: Desk) -> None:
    speak(desk, range(0, 10, 5), -3 * DAY)
    assert jobs(desk) == []
    speak(desk, range(10, 15, 5), timedelta(0))
    speak(desk, range(15, 25, 5), -3 * DAY)
    assert jobs(desk) == []
    assert desk.rows("SELECT readings FROM wrong_clock") == [{"readings": 2}]


def test_a_clock_that_is_some_hours_behind_is_known_after_an_hour_and_its_sensor_is_not_silent(desk: Desk) -> None:
    speak(desk, range(0, 60, 5), timedelta(hours=3), 20.0, sensor="s2")
    assert jobs(desk) == []
    speak(desk, range(60, 65, 5), timedelta(hours=3), 20.0, sensor="s2")
    assert jobs(desk) == [("s2", "clock", None)]
    assert ticket(desk)["en"] == "The sensor's clock is 3 hours slow."


def test_it_heals_when_the_clock_is_right_again(desk: Desk) -> None:
    speak(desk, range(0, 20, 5), 400 * DAY)
    speak(desk, range(20, 40, 5), timedelta(0), 20.0)
    assert jobs(desk) == [("s1", "clock", None)]
    speak(desk, range(40, 45, 5), timedelta(0), 20.0)  # healed for 20 minutes
    assert jobs(desk) == [("s1", "clock", "healed")]
    assert desk.rows("SELECT sensor_id FROM wrong_clock") == []
    (row,) = desk.rows("SELECT state FROM ticket WHERE class = 'device'")
    assert row["state"] == "closed"


def test_what_waited_on_the_way_is_no_wrong_clock(desk: Desk) -> None:
    """A day's readings at once, oldest first, and then the present; for hours, each time some of them."""
    for m in range(0, 180, 5):
        now = NOON + m * MINUTE
        waited = [(now - timedelta(hours=hours)).isoformat() for hours in range(24, 0, -1)]
        desk.send(*(("s1", {"id": "s1", "ts": ts, "temperature": 20.0 + m / 1000}) for ts in waited), now=now)
        say(desk, "s1", now, 20.0 + m / 1000, now)
        say(desk, "s2", now, 20.0 + m / 1000, now)
        look(desk.conn, WATCH, now)
    assert jobs(desk) == []


def test_nobody_else_can_say_that_a_clock_is_off(desk: Desk) -> None:
    for m in range(0, 60, 5):
        say(desk, "s1", NOON - 400 * DAY, 20.0, NOON + m * MINUTE, device="stranger")
        say(desk, "s2", NOON - 400 * DAY, 20.0, NOON + m * MINUTE, device="s1")
        say(desk, "s1", NOON + m * MINUTE, 20.0 + m / 1000, NOON + m * MINUTE)
        say(desk, "s2", NOON + m * MINUTE, 20.0 + m / 1000, NOON + m * MINUTE)
        look(desk.conn, WATCH, NOON + m * MINUTE)
    assert jobs(desk) == []
    assert desk.rows("SELECT sensor_id FROM wrong_clock") == []


def test_whatever_a_clock_claims_there_is_an_answer(desk: Desk) -> None:
    claims = [0, -1, 10**11, 10**15, -(10**15), 2**60, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
    for nth, ts in enumerate(claims):
        desk.send(("s1", {"ts": ts, "temperature": 20}), now=NOON + nth * MINUTE)
        look(desk.conn, WATCH, NOON + nth * MINUTE)
    assert jobs(desk) == [("s1", "clock", None)]


@pytest.mark.parametrize(("late", "stored"), [(PAST, 1), (PAST + timedelta(microseconds=1), 0)])
def test_the_past_ends_exactly_after_so_many_days(desk: Desk, late: timedelta, stored: int) -> None:
    say(desk, "s1", NOON - late, 20.0, NOON)
    assert len(desk.rows("SELECT sensor_id FROM reading")) == stored


def test_what_was_stored_before_there_was_a_bound_makes_no_days(desk: Desk) -> None:
    desk.intake = replace(desk.intake, limits=replace(desk.intake.limits, past_us=None))
    say(desk, "s1", datetime(2015, 6, 1, tzinfo=UTC), 15.0, NOON)
    say(desk, "s2", datetime(2015, 6, 1, tzinfo=UTC), 15.0, NOON)
    say(desk, "s2", NOON, 20.0, NOON)
    assert ledger_days(desk, NOON + MINUTE) == [NOON.date()]


def test_before_the_registry_tells_of_a_home_it_has_no_days(desk: Desk) -> None:
    since = NOON.replace(hour=0) - 3 * DAY
    desk.conn.execute("DELETE FROM home_status")
    desk.conn.execute("INSERT INTO home_status (home_id, since, status) VALUES (1, %s, 'on')", [since])
    desk.conn.execute("UPDATE registry_version SET version = version + 1")
    say(desk, "s1", NOON - 40 * DAY, 15.0, NOON)
    say(desk, "s1", NOON, 20.0, NOON)
    assert ledger_days(desk, NOON + MINUTE) == [(since + n * DAY).date() for n in range(4)]
    assert desk.flags() == []


def test_a_queue_from_another_year_is_worked_from_where_readings_are_taken(desk: Desk) -> None:
    say(desk, "s1", NOON, 20.0, NOON)
    desk.conn.execute("INSERT INTO rejudge SELECT home_id, '2015-01-01Z', %s FROM home", [NOON - DAY])
    open_stages(desk.conn)
    while catch_up(desk.conn, History(policy_file.builtin("seed")), NOON):
        pass
    assert [row["day"] for row in desk.rows("SELECT day FROM ledger WHERE home_id = 1")] == [NOON.date()]


@pytest.mark.parametrize("behind", [timedelta(0), timedelta(minutes=3), timedelta(hours=1)])
def test_a_watch_whose_clock_is_behind_takes_no_home_back(desk: Desk, behind: timedelta) -> None:
    """It saw that a home is due, and a worker with a clock ahead of it judged the home before it came to it."""
    slow = policy_file.builtin("seed")
    slow = replace(slow, versions=(replace(slow.versions[0], confirm_for_s=600),))
    desk.judge = Judge(slow)
    desk.intake = replace(desk.intake, judge=desk.judge.readings)
    desk.say(("s1", NOON - 5 * MINUTE, 20.0))
    desk.say(("s1", NOON, 15.0))
    (judged,) = desk.rows("SELECT * FROM home_state WHERE judged_to IS NOT NULL")
    with desk.conn.transaction():
        desk.judge.clock(desk.conn, [judged["home_id"]], NOON - behind)
    assert desk.rows("SELECT * FROM home_state WHERE judged_to IS NOT NULL") == [judged]
    desk.clock(NOON + 11 * MINUTE)
    assert [flag["severe_at"] for flag in desk.flags()] == [NOON + 10 * MINUTE]

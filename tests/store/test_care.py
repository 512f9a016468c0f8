"""Device jobs on real databases: opened with a ticket, one for a sensor, closed by themselves, never a cold flag."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from alerts.sensors.care import look
from domain.instants import to_us
from store.sensors import care_rows
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.at_once import until_one_waits
from tests.store.care_jobs import jobs, rules
from tests.store.desk import MINUTE, NOON, Desk

pytestmark = pytest.mark.plain_only


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    """A building of seven homes, a thermometer in each: s1 to s7."""
    with database.connect(autocommit=True) as conn:
        building = town.building(conn)
        for n in range(1, 8):
            town.sensor(conn, f"s{n}", town.home(conn, f"H{n}", building_id=building))
        yield Desk(conn)


def minutes(desk: Desk, first: int, last: int, celsius: dict[str, float] | None = None, quiet: str = "") -> None:
    """Let each sensor speak every five minutes, and watch look each time. Values wander a little."""
    for m in range(first, last, 5):
        at = NOON + m * MINUTE
        known = {f"s{n}": 20.0 + n / 10 + m % 2 / 100 for n in range(1, 8)} | (celsius or {})
        desk.say(*((code, at, value) for code, value in known.items() if code != quiet), now=at)
        look(desk.conn, rules(), at)


def test_in_order_nothing_is_opened(desk: Desk) -> None:
    minutes(desk, 0, 120)
    assert jobs(desk) == []
    assert look(desk.conn, rules(), NOON + 120 * MINUTE) == 0


def test_a_silent_sensor_gets_a_job_with_a_ticket_that_closes_when_it_has_spoken_for_a_while(desk: Desk) -> None:
    minutes(desk, 0, 5)
    minutes(desk, 5, 35, quiet="s3")
    assert jobs(desk) == []  # half an hour exactly is not more
    minutes(desk, 35, 60, quiet="s3")
    assert jobs(desk) == [("s3", "silent", None)]
    (shown,) = desk.rows("SELECT sensor, reason, home, opened_at, ticket FROM device_job_open")
    assert (shown["sensor"], shown["home"], shown["opened_at"]) == ("s3", "H3", NOON + 35 * MINUTE)
    (ticket,) = desk.rows("SELECT * FROM ticket")
    assert (ticket["class"], ticket["state"], ticket["number"]) == ("device", "open", shown["ticket"])
    minutes(desk, 60, 80)
    assert jobs(desk) == [("s3", "silent", None)]
    minutes(desk, 80, 85)
    assert jobs(desk) == [("s3", "silent", "healed")]
    (ticket,) = desk.rows("SELECT state, closed_at FROM ticket")
    assert ticket == {"state": "closed", "closed_at": NOON + 80 * MINUTE}
    assert [row["kind"] for row in desk.rows("SELECT kind FROM ticket_event ORDER BY seq")] == ["opened", "healed"]
    assert desk.flags() == []


def test_a_sensor_whose_job_is_refused_stops_no_other(desk: Desk) -> None:
    minutes(desk, 0, 5)
    desk.conn.execute("ALTER TABLE device_job ADD CONSTRAINT no_luck CHECK (sensor_id <> 2)")
    for m in range(5, 40, 5):
        desk.say(*((f"s{n}", NOON + m * MINUTE, 20.0 + m % 2 / 100) for n in (1, 4, 5, 6, 7)))
        look(desk.conn, rules(), NOON + m * MINUTE)
    assert jobs(desk) == [("s3", "silent", None)]
    desk.conn.execute("ALTER TABLE device_job DROP CONSTRAINT no_luck")
    look(desk.conn, rules(), NOON + 40 * MINUTE)
    assert jobs(desk) == [("s3", "silent", None), ("s2", "silent", None)]
    desk.conn.execute("ALTER TABLE device_job ADD CONSTRAINT no_luck CHECK (sensor_id = 3 OR close_reason IS NULL)")
    minutes(desk, 40, 65)
    assert jobs(desk) == [("s3", "silent", "healed"), ("s2", "silent", None)]


def test_a_job_whose_sensor_cannot_be_noted_as_fine_stops_no_other(desk: Desk) -> None:
    minutes(desk, 0, 5)
    for m in range(5, 40, 5):
        desk.say(*((f"s{n}", NOON + m * MINUTE, 20.0 + m % 2 / 100) for n in (1, 4, 5, 6, 7)))
        look(desk.conn, rules(), NOON + m * MINUTE)
    assert jobs(desk) == [("s2", "silent", None), ("s3", "silent", None)]
    desk.conn.execute("ALTER TABLE device_job ADD CONSTRAINT no_luck CHECK (sensor_id <> 2 OR fine_since IS NULL)")
    minutes(desk, 40, 65)
    assert jobs(desk) == [("s2", "silent", None), ("s3", "silent", "healed")]
    desk.conn.execute("ALTER TABLE device_job DROP CONSTRAINT no_luck")
    minutes(desk, 65, 90)
    assert jobs(desk) == [("s2", "silent", "healed"), ("s3", "silent", "healed")]


def test_a_job_does_not_flap(desk: Desk) -> None:
    minutes(desk, 0, 5)
    minutes(desk, 5, 45, quiet="s3")
    minutes(desk, 45, 50)
    minutes(desk, 50, 85, quiet="s3")  # silent again before it had healed
    minutes(desk, 85, 90)
    assert jobs(desk) == [("s3", "silent", None)]
    minutes(desk, 90, 110)
    assert jobs(desk) == [("s3", "silent", "healed")]


def test_when_everything_was_silent_no_sensor_is_blamed(desk: Desk) -> None:
    minutes(desk, 0, 15)
    for m in range(15, 300, 5):
        look(desk.conn, rules(), NOON + m * MINUTE)
    desk.say(("s1", NOON + 300 * MINUTE, 20.0))
    look(desk.conn, rules(), NOON + 300 * MINUTE)
    assert jobs(desk) == []
    minutes(desk, 305, 340, quiet="s2")
    assert jobs(desk) == [("s2", "silent", None)]


def test_a_sensor_that_never_spoke_counts_from_when_it_was_put_there(desk: Desk) -> None:
    (home,) = desk.rows("SELECT home_id FROM home WHERE code = 'H1'")
    town.sensor(desk.conn, "new", home["home_id"], room_kind="bedroom", valid=(NOON, None))
    town.sensor(desk.conn, "old", home["home_id"], room_kind="other")
    minutes(desk, 0, 40)
    assert jobs(desk) == [("new", "silent", None)]


def test_a_low_battery(desk: Desk) -> None:
    minutes(desk, 0, 5)
    desk.send(("s2", {"ts": (NOON + MINUTE).isoformat(), "temperature": 20.2, "battery": 14}), now=NOON + MINUTE)
    minutes(desk, 5, 10)
    assert jobs(desk) == [("s2", "low_battery", None)]
    at = NOON + 11 * MINUTE
    desk.send(("s2", {"ts": at.isoformat(), "temperature": 20.2, "battery": 100}), now=at)
    minutes(desk, 15, 40)
    assert jobs(desk) == [("s2", "low_battery", "healed")]


def test_who_waits_for_a_number_has_no_clock_in_hand(desk: Desk, database: Database) -> None:
    minutes(desk, 0, 5)
    wrong = care_rows.WrongTimes(4, 60_000_000, False, 1, to_us(NOON) - 1, to_us(NOON) - 1)
    care_rows.note_wrong_times(desk.conn, [wrong], 300_000_000)
    desk.send(("s2", {"ts": (NOON + MINUTE).isoformat(), "temperature": 20.2, "battery": 14}), now=NOON + MINUTE)

    def watching() -> None:
        with database.connect(autocommit=True) as conn:
            look(conn, rules(), NOON + MINUTE)

    with database.connect() as ingest:
        ingest.execute("SELECT FROM numbering FOR UPDATE")
        watch = threading.Thread(target=watching)
        watch.start()
        until_one_waits(desk.conn)
        assert ingest.execute("SELECT FROM wrong_clock FOR UPDATE NOWAIT").fetchall() == []
    watch.join()
    assert jobs(desk) == [("s2", "low_battery", None)]


def test_a_frozen_sensor(desk: Desk) -> None:
    minutes(desk, 0, 60, {"s4": 20.0})
    assert jobs(desk) == []
    minutes(desk, 60, 65, {"s4": 20.0})
    assert jobs(desk) == [("s4", "frozen", None)]
    minutes(desk, 65, 90)
    assert jobs(desk) == [("s4", "frozen", "healed")]


def test_a_jumping_sensor_heals_when_it_has_not_jumped_for_a_day(desk: Desk) -> None:
    minutes(desk, 0, 10)
    minutes(desk, 10, 15, {"s5": 28.0})
    minutes(desk, 15, 30)
    assert jobs(desk) == [("s5", "jumping", None)]
    day = timedelta(days=1) // MINUTE
    minutes(desk, day, day + 40)
    assert jobs(desk)[0] == ("s5", "jumping", "healed")


def test_out_of_line_for_long_enough_while_cold_is_still_cold(desk: Desk) -> None:
    minutes(desk, 0, 30, {"s6": 15.0})
    assert jobs(desk) == []
    minutes(desk, 30, 35, {"s6": 15.1})
    assert jobs(desk) == [("s6", "out_of_line", None)]
    classes = [row["class"] for row in desk.rows("SELECT class FROM ticket ORDER BY ticket_id")]
    assert classes == ["cold", "device"]


def test_a_moment_in_line_begins_anew(desk: Desk) -> None:
    minutes(desk, 0, 20, {"s6": 15.0})
    minutes(desk, 20, 25, {"s6": 19.0})
    minutes(desk, 25, 50, {"s6": 15.0})
    assert jobs(desk) == []


def test_one_job_at_a_time(desk: Desk) -> None:
    minutes(desk, 0, 5)
    desk.send(("s2", {"ts": (NOON + MINUTE).isoformat(), "temperature": 20.2, "battery": 3}), now=NOON + MINUTE)
    minutes(desk, 5, 90, quiet="s2")
    assert jobs(desk) == [("s2", "low_battery", None)]


def test_a_sensor_that_stands_nowhere_needs_no_visit(desk: Desk) -> None:
    minutes(desk, 0, 5)
    minutes(desk, 5, 60, quiet="s3")
    gone: datetime = NOON + 60 * MINUTE
    desk.conn.execute(
        "UPDATE point SET valid_to = %s WHERE sensor_id = (SELECT sensor_id FROM sensor WHERE code = 's3')", (gone,)
    )
    minutes(desk, 60, 65, quiet="s3")
    assert jobs(desk) == [("s3", "silent", "removed")]
    kinds = [row["kind"] for row in desk.rows("SELECT kind FROM ticket_event ORDER BY seq")]
    assert kinds == ["opened", "job_ended"]


def test_without_the_table_no_job_is_opened_and_open_ones_end(desk: Desk) -> None:
    minutes(desk, 0, 5)
    minutes(desk, 5, 60, quiet="s3")
    assert look(desk.conn, rules(None), NOON + 60 * MINUTE) == 1
    assert jobs(desk) == [("s3", "silent", "no_policy")]
    assert look(desk.conn, rules(None), NOON + 600 * MINUTE) == 0


def test_a_silent_substation_sensor_has_a_job_without_a_home(desk: Desk) -> None:
    (row,) = desk.rows("SELECT max(substation_id) AS id FROM substation")
    town.sensor(desk.conn, "sub", None, substation_id=row["id"], valid=(NOON, None))
    minutes(desk, 0, 40)
    assert jobs(desk) == [("sub", "silent", None)]
    (shown,) = desk.rows("SELECT home, substation, station FROM device_job_open")
    assert (shown["home"], shown["station"]) == (None, "East")
    assert shown["substation"] is not None

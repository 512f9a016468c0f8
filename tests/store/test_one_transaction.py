"""Messages in, readings, state, flags and tickets out: the one transaction on real databases."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.instants import to_us
from ingest.batch import store_batch
from ingest.message import Stamps
from ingest.stream import PacketStream, publication
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.desk import MINUTE, NOON, ZONE, Desk, message


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    with database.connect(autocommit=True) as conn:
        home = town.home(conn, "H1")
        town.sensor(conn, "s1", home)
        yield Desk(conn)


def test_just_under_the_limit_at_noon_is_flagged_with_a_ticket(desk: Desk) -> None:
    desk.say(("s1", NOON, 17.99))
    (flag,) = desk.flags()
    assert (flag["severity"], flag["cold_since"], flag["limit_celsius"]) == (1, NOON, 18.0)
    (ticket,) = desk.rows("SELECT * FROM ticket")
    assert (ticket["ticket_id"], ticket["state"], ticket["opened_at"]) == (flag["ticket_id"], "open", NOON)
    clocks = {row["name"]: row["due_at"] for row in desk.rows("SELECT * FROM clock")}
    assert clocks["contact"] == NOON + 30 * MINUTE
    assert clocks["call_back"] is None
    assert [row["kind"] for row in desk.rows("SELECT * FROM ticket_event")] == ["opened"]


def test_exactly_the_limit_complies(desk: Desk) -> None:
    desk.say(("s1", NOON, 18.0))
    assert desk.flags() == []
    assert desk.rows("SELECT state FROM home_now")[0]["state"] == "compliant"


def test_below_the_floor_limit_at_night_is_severe_and_urgent(desk: Desk) -> None:
    desk.say(("s1", NOON.replace(hour=3), 15.99))
    (flag,) = desk.flags()
    assert (flag["severity"], flag["limit_celsius"]) == (2, 16.0)
    assert desk.rows("SELECT priority FROM ticket")[0]["priority"] == 1


def test_the_window_opens_by_clock_alone(desk: Desk) -> None:
    before = NOON.replace(hour=5, minute=59)
    desk.say(("s1", before, 17.0))
    desk.clock(NOON.replace(hour=5, minute=59, second=59))
    assert desk.flags() == []
    desk.clock(NOON.replace(hour=6))
    (flag,) = desk.flags()
    assert flag["cold_since"] == NOON.replace(hour=6)


def test_the_window_closes_the_flag_is_suspended_and_resumes(desk: Desk) -> None:
    late, night = NOON.replace(hour=20, minute=58), NOON.replace(hour=21)
    desk.say(("s1", late, 17.0))
    desk.clock(night)
    assert desk.flags()[0]["suspended_at"] == night
    morning = NOON.replace(hour=6) + timedelta(days=1)
    desk.say(("s1", morning - MINUTE, 17.5))
    desk.clock(morning)
    (flag,) = desk.flags()
    assert (flag["suspended_at"], flag["cleared_at"]) == (None, None)


def test_warm_again_for_half_an_hour_clears_by_clock(desk: Desk) -> None:
    desk.say(("s1", NOON, 17.0))
    desk.say(("s1", NOON + 5 * MINUTE, 18.2))
    for m in range(10, 35, 5):
        desk.say(("s1", NOON + m * MINUTE, 18.5))
    assert desk.flags()[0]["cleared_at"] is None
    desk.clock(NOON + 35 * MINUTE)
    (flag,) = desk.flags()
    assert (flag["cleared_at"], flag["clear_reason"]) == (NOON + 35 * MINUTE, "recovered")
    assert flag["lowest"] == 17.0
    assert [row["kind"] for row in desk.rows("SELECT * FROM ticket_event ORDER BY seq")] == ["opened", "recovered"]


def test_between_limit_and_deadband_nothing_clears(desk: Desk) -> None:
    desk.say(("s1", NOON, 17.0))
    for m in range(5, 90, 5):
        desk.say(("s1", NOON + m * MINUTE, 18.1))
    assert desk.flags()[0]["cleared_at"] is None


def test_silence_neither_confirms_nor_clears(desk: Desk) -> None:
    desk.say(("s1", NOON, 17.0))
    desk.say(("s1", NOON + 5 * MINUTE, 19.0))
    desk.clock(NOON + 20 * MINUTE)
    assert desk.rows("SELECT state FROM home_now")[0]["state"] == "unknown"
    desk.clock(NOON + 120 * MINUTE)
    assert desk.flags()[0]["cleared_at"] is None


def test_a_relapse_joins_the_open_ticket(desk: Desk) -> None:
    desk.say(("s1", NOON, 17.0))
    for m in range(5, 45, 5):
        desk.say(("s1", NOON + m * MINUTE, 19.0))
    desk.say(("s1", NOON + 45 * MINUTE, 17.0))
    first, second = desk.flags()
    assert first["cleared_at"] == NOON + 35 * MINUTE
    assert second["cleared_at"] is None
    assert first["ticket_id"] == second["ticket_id"]


def test_a_spell_that_is_over_when_it_is_found_gets_a_closed_ticket(desk: Desk) -> None:
    readings = [("s1", NOON, 17.0), *(("s1", NOON + m * MINUTE, 19.0) for m in range(5, 45, 5))]
    desk.say(*readings, now=NOON + 60 * MINUTE)
    (flag,) = desk.flags()
    (ticket,) = desk.rows("SELECT * FROM ticket")
    assert (flag["cleared_at"], ticket["retrospective"]) == (NOON + 35 * MINUTE, True)


def test_duplicates_and_conflicts_are_counted_and_the_first_value_stays(desk: Desk) -> None:
    assert desk.say(("s1", NOON, 19.0)).stored == 1
    again = desk.say(("s1", NOON, 19.0))
    assert (again.stored, again.duplicates) == (0, 1)
    other = desk.say(("s1", NOON, 12.0), ("s1", NOON + MINUTE, 19.0), ("s1", NOON + MINUTE, 11.0))
    assert (other.stored, other.conflicts) == (1, 2)
    assert desk.flags() == []
    assert len(desk.rows("SELECT * FROM dead_letter WHERE reason = 'conflict'")) == 2
    assert desk.rows("SELECT stored, duplicates, conflicts FROM ingest_health") == [
        {"stored": 2, "duplicates": 1, "conflicts": 2}
    ]


def test_what_is_new_beside_what_is_known_is_judged_inside_a_larger_transaction_too(desk: Desk) -> None:
    desk.say(("s1", NOON, 19.0))
    with desk.conn.transaction():
        fates = desk.say(("s1", NOON, 19.0), ("s1", NOON + MINUTE, 17.0))
    assert (fates.stored, fates.duplicates) == (1, 1)
    assert len(desk.flags()) == 1


def test_readings_from_behind_are_stored_and_queued(desk: Desk) -> None:
    desk.say(("s1", NOON, 19.0))
    assert desk.say(("s1", NOON - MINUTE, 17.0), now=NOON).late == 1
    (queued,) = desk.rows("SELECT * FROM rejudge")
    assert queued["from_at"] == NOON - MINUTE


def test_a_sentinel_is_kept_and_not_judged(desk: Desk) -> None:
    desk.say(("s1", NOON, 19.0))
    desk.say(("s1", NOON + MINUTE, -127.0))
    assert desk.flags() == []
    assert [row["quality"] for row in desk.rows("SELECT quality FROM reading ORDER BY measured_at")] == [0, 1]
    (now,) = desk.rows("SELECT measured_at, celsius, judged_at FROM sensor_now")
    assert now == {"measured_at": NOON + MINUTE, "celsius": 19.0, "judged_at": NOON}


def test_the_coldest_judged_room_governs(desk: Desk) -> None:
    home = town.home(desk.conn, "H2")
    town.sensor(desk.conn, "living", home)
    town.sensor(desk.conn, "bedroom", home, room_kind="bedroom")
    town.sensor(desk.conn, "cellar", home, room_kind="other")
    desk.say(("living", NOON, 20.0), ("cellar", NOON, 5.0))
    assert desk.flags() == []
    desk.say(("bedroom", NOON + MINUTE, 17.0))
    assert [flag["cold_since"] for flag in desk.flags()] == [NOON + MINUTE]


def test_the_offset_is_added_before_judging(desk: Desk) -> None:
    home = town.home(desk.conn, "H3")
    town.sensor(desk.conn, "off", home, offset_k=-0.3)
    desk.say(("off", NOON, 18.3))
    assert desk.flags() == []
    desk.say(("off", NOON + MINUTE, 18.29))
    assert len(desk.flags()) == 1


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", "malformed"),
        (b"7", "malformed"),
        (b'{"temperature": NaN}', "no_value"),
        ({"temperature": "cold"}, "wrong_type"),
        ({"temperature": True}, "wrong_type"),
        ({"temperature": 20, "ts": "2026-01-15T12:00:00"}, "wrong_type"),
        ({"temperature": 20, "ts": "yesterday"}, "wrong_type"),
        ({"temperature": 1e300}, "not_a_number"),
        ({"voltage": 3}, "no_value"),
        ({"supply_temperature": 60}, "no_value"),
        ({"id": "nobody", "temperature": 20}, "unknown_sensor"),
        ({"id": "a\0b", "temperature": 20}, "unknown_sensor"),
        ({"id": "other", "temperature": 20}, "foreign_sensor"),
        ({"temperature": 20, "ts": "2026-01-15T12:05:01+08:00"}, "future"),
        ({"temperature": 20, "ts": 1768449600}, "absurd_time"),
        ({"temperature": 20, "ts": 10**18}, "future"),
        (b" " * 70_000, "oversize"),
    ],
)
def test_what_cannot_be_stored_is_a_dead_letter_and_the_rest_goes_through(
    desk: Desk, payload: Any, reason: str
) -> None:
    town.sensor(desk.conn, "other", town.home(desk.conn, "H9"))
    fates = desk.send(("s1", payload), ("s1", {"ts": NOON.isoformat(), "temperature": 20.5}), now=NOON)
    assert (fates.stored, dict(fates.dead)) == (1, {reason: 1})
    (letter,) = desk.rows("SELECT * FROM dead_letter")
    assert letter["reason"] == reason
    assert letter["topic"] == "hearth/v1/s1/telemetry"


def test_one_bad_element_of_an_array_leaves_the_others(desk: Desk) -> None:
    town.sensor(desk.conn, "g1", town.home(desk.conn, "H8"), gateway="gate")
    payload = [{"id": "g1", "temperature": 20}, {"id": "g1", "temperature": []}, 3, {"id": "s1", "temperature": 20}]
    fates = desk.send(("gate", payload), now=NOON)
    assert (fates.stored, dict(fates.dead)) == (1, {"wrong_type": 1, "malformed": 1, "foreign_sensor": 1})


def test_a_reading_without_time_takes_the_time_of_receipt_and_says_so(desk: Desk) -> None:
    desk.send(("s1", {"temperature": 20}), now=NOON)
    (row,) = desk.rows("SELECT measured_at, self_timed FROM reading")
    assert row == {"measured_at": NOON, "self_timed": False}


def test_messages_without_time_that_came_in_one_read_of_the_socket_are_all_stored(desk: Desk) -> None:
    packet = publication("hearth/v1/s1/telemetry", b'{"temperature": 20}', modern=True)
    messages = PacketStream(True, 1).feed(packet * 3, Stamps(lambda: to_us(NOON)))
    assert store_batch(desk.conn, desk.intake, messages, NOON).stored == 3
    assert desk.rows("SELECT count(*)::integer AS n FROM reading WHERE NOT self_timed") == [{"n": 3}]


def test_retained_messages_are_no_readings(desk: Desk) -> None:
    old = message("s1", {"temperature": 10}, NOON)._replace(retain=True)
    fates = store_batch(desk.conn, desk.intake, [old], NOON)
    assert (fates.retained, fates.stored) == (1, 0)


def test_substation_channels_are_stored_and_shown(desk: Desk) -> None:
    town.building(desk.conn)
    (row,) = desk.rows("SELECT max(substation_id) AS id FROM substation")
    town.sensor(desk.conn, "sub", None, substation_id=row["id"])
    fates = desk.send(("sub", {"ts": NOON.isoformat(), "supply_temperature": 61.5, "flow": 3}), now=NOON)
    assert fates.stored == 1
    shown = desk.rows(f"SELECT supply_temperature, flow FROM substation_now WHERE substation_id = {row['id']}")
    assert shown == [{"supply_temperature": 61.5, "flow": 3.0}]


def test_out_of_season_a_flag_ends_with_its_reason(desk: Desk) -> None:
    last = datetime(2026, 3, 15, 20, 55, tzinfo=ZONE)
    desk.say(("s1", last, 17.0))
    desk.clock(last + 15 * MINUTE)
    desk.clock(datetime(2026, 3, 16, 0, 1, tzinfo=ZONE))
    desk.clock(datetime(2026, 3, 19, 0, 0, tzinfo=ZONE))
    (flag,) = desk.flags()
    assert (flag["clear_reason"], flag["cleared_at"]) == ("out_of_season", datetime(2026, 3, 16, tzinfo=ZONE))
    assert flag["cleared_at"].astimezone(UTC) == datetime(2026, 3, 15, 16, tzinfo=UTC)

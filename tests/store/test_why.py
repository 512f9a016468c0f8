"""The reasons of a flag, with the readings found on real databases."""

from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import Any

import pytest
from psycopg import Cursor

from alerts.engine.machine import idle
from alerts.judging.judge import Judge
from alerts.judging.why import explain
from domain import policy_file
from domain.instants import to_us
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.desk import MINUTE, NOON, Desk
from tests.store.histories import finish

pytestmark = pytest.mark.plain_only

CONFIRMED = policy_file.builtin_text("seed").replace("confirm_for_s = 0", "confirm_for_s = 1800")


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    with database.connect(autocommit=True) as conn:
        yield Desk(conn)


def patient(desk: Desk) -> None:
    """Judge by rules that ask for half an hour of cold."""
    desk.judge = Judge(policy_file.load(CONFIRMED, "test"))
    desk.intake = type(desk.intake)("test", desk.intake.limits, desk.judge.readings, desk.intake.places)


def utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def why(desk: Desk) -> dict[str, Any]:
    (flag,) = desk.flags()
    told: dict[str, Any] = flag["why"]
    return told


def test_a_flag_names_rule_reading_offset_and_every_judged_room(desk: Desk) -> None:
    home = town.home(desk.conn, "H1")
    town.sensor(desk.conn, "a", home, offset_k=-0.3)
    town.sensor(desk.conn, "b", home, room_kind="bedroom")
    town.sensor(desk.conn, "c", home, room_kind="bedroom")
    town.sensor(desk.conn, "cellar", home, room_kind="other")
    desk.say(("cellar", NOON, 5.0), ("b", NOON + MINUTE, 20.5), ("a", NOON + 2 * MINUTE, 18.25))
    told = why(desk)
    texts = told.pop("zh"), told.pop("en")
    assert told == {
        "reason": "below_day_limit",
        "clause": "七(一) / 7(1)",
        "policy": "seed@2020-01-01",
        "limit": 18.0,
        "window": ["06:00", "21:00"],
        "confirm_for_s": 0,
        "readings": [
            {
                "sensor": "a",
                "room": "living",
                "measured_at": utc(NOON + 2 * MINUTE),
                "raw": 18.25,
                "offset": -0.3,
                "judged": 17.95,
            },
            {
                "sensor": "b",
                "room": "bedroom",
                "measured_at": utc(NOON + MINUTE),
                "raw": 20.5,
                "offset": 0.0,
                "judged": 20.5,
            },
        ],
        "points": [
            {"sensor": "a", "room": "living", "state": "governing", "judged": 17.95},
            {"sensor": "b", "room": "bedroom", "state": "held", "judged": 20.5},
            {"sensor": "c", "room": "bedroom", "state": "silent", "judged": None},
        ],
    }
    assert texts == (
        "自2026-01-15 12:02起室温低于规定的18℃（06:00至21:00），2026-01-15 12:02确认时为17.95℃；依据：七(一) / 7(1)。",
        "Below the required 18 °C (06:00 to 21:00) since 2026-01-15 12:02; 17.95 °C when confirmed at 2026-01-15 12:02."
        " Source: 七(一) / 7(1).",
    )


def test_the_floor_limit_holds_at_any_time(desk: Desk) -> None:
    town.sensor(desk.conn, "s1", town.home(desk.conn, "H1"))
    desk.say(("s1", NOON.replace(hour=3), 15.99))
    told = why(desk)
    assert (told["reason"], told["limit"], told["window"]) == ("below_floor", 16.0, None)
    assert "任何时间" in told["zh"]


def test_a_contract_is_named_as_the_source(desk: Desk) -> None:
    contract = (20.0, time(22), time(6))
    town.sensor(desk.conn, "s1", town.home(desk.conn, "H1", home_class="bungalow", contract=contract))
    desk.say(("s1", NOON.replace(hour=23), 19.5))
    told = why(desk)
    assert (told["reason"], told["clause"]) == ("below_contract", "合同 / contract")
    assert (told["limit"], told["window"]) == (20.0, ["22:00", "06:00"])


def test_a_window_that_opens_by_clock_shows_the_reading_that_was_held(desk: Desk) -> None:
    town.sensor(desk.conn, "s1", town.home(desk.conn, "H1"))
    before = NOON.replace(hour=5, minute=58)
    desk.say(("s1", before, 17.0))
    desk.clock(NOON.replace(hour=6))
    (reading,) = why(desk)["readings"]
    assert (reading["measured_at"], reading["judged"]) == (utc(before), 17.0)


def test_the_reading_that_began_the_breach_stands_beside_the_one_that_confirmed_it(desk: Desk) -> None:
    patient(desk)
    town.sensor(desk.conn, "s1", town.home(desk.conn, "H1"))
    for minutes, celsius in ((0, 17.5), (10, 17.4), (20, 17.3), (29, 17.2)):
        desk.say(("s1", NOON + minutes * MINUTE, celsius))
    # At the very end of the half hour the cold was proven, whatever is measured then.
    desk.say(("s1", NOON + 30 * MINUTE, 19.0))
    (flag,) = desk.flags()
    assert (flag["cold_since"], flag["confirmed_at"]) == (NOON, NOON + 30 * MINUTE)
    assert [reading["raw"] for reading in flag["why"]["readings"]] == [17.2, 17.5]
    assert flag["why"]["confirm_for_s"] == 1800


def test_a_breach_proven_at_the_end_of_the_window_names_the_day_limit(desk: Desk) -> None:
    patient(desk)
    town.sensor(desk.conn, "s1", town.home(desk.conn, "H1"))
    start = NOON.replace(hour=20, minute=30)
    for minutes in range(0, 30, 5):
        desk.say(("s1", start + minutes * MINUTE, 17.0))
    desk.clock(NOON.replace(hour=21))
    (flag,) = desk.flags()
    assert flag["confirmed_at"] == NOON.replace(hour=21)
    assert (flag["why"]["reason"], flag["why"]["limit"]) == ("below_day_limit", 18.0)


def test_an_offset_counts_from_its_date_on_and_a_bad_value_is_no_evidence(desk: Desk) -> None:
    home = town.home(desk.conn, "H1")
    changed = NOON + 4 * MINUTE
    town.sensor(desk.conn, "s1", home, offset_k=-2.0, valid=(None, changed))
    town.sensor(desk.conn, "s1", home, offset_k=1.0, valid=(changed, None))
    town.sensor(desk.conn, "s2", home, room_kind="bedroom")
    desk.say(("s1", NOON, 20.5), ("s2", NOON, 19.0))
    desk.say(("s2", NOON + 5 * MINUTE, 17.9), ("s1", NOON + 5 * MINUTE, 85.0))
    told = why(desk)
    assert {(r["sensor"], r["raw"], r["offset"], r["judged"]) for r in told["readings"]} == {
        ("s2", 17.9, 0.0, 17.9),
        ("s1", 20.5, -2.0, 18.5),
    }


def test_two_decimals_never_hide_that_it_was_under_the_limit(desk: Desk) -> None:
    town.sensor(desk.conn, "s1", town.home(desk.conn, "H1"))
    desk.say(("s1", NOON, 17.999))
    assert "; 17.999 °C when" in why(desk)["en"]


def test_a_flag_that_begins_earlier_than_was_thought_gets_another_explanation(desk: Desk) -> None:
    town.sensor(desk.conn, "s1", town.home(desk.conn, "H1"))
    desk.say(("s1", NOON + 10 * MINUTE, 17.5))
    desk.say(("s1", NOON + 5 * MINUTE, 17.0), now=NOON + 11 * MINUTE)
    finish(desk, NOON + 12 * MINUTE)
    (flag,) = desk.flags()
    assert flag["cold_since"] == NOON + 5 * MINUTE
    assert [reading["raw"] for reading in flag["why"]["readings"]] == [17.0]


def test_found_late_or_in_time_the_explanation_is_the_same(desk: Desk) -> None:
    for code in ("H1", "H2"):
        town.sensor(desk.conn, f"s{code}", town.home(desk.conn, code))
    cold = [(NOON, 20.0), (NOON + 5 * MINUTE, 17.5), (NOON + 10 * MINUTE, 15.5)]
    for at, celsius in cold:
        desk.say(("sH1", at, celsius))
    desk.say(*(("sH2", at, celsius) for at, celsius in cold))
    first, second = (flag["why"] for flag in desk.flags())
    assert first["reason"] == "below_day_limit"
    for told in (first, second):
        for entry in told["readings"] + told["points"]:
            entry.pop("sensor")
    assert first == second


def test_reasons_can_be_counted(desk: Desk) -> None:
    for number, celsius in enumerate((17.0, 17.5, 15.0, 18.5)):
        town.sensor(desk.conn, f"s{number}", town.home(desk.conn, f"H{number}"))
        desk.say((f"s{number}", NOON, celsius))
    counted = desk.rows("SELECT why->>'reason' AS reason, count(*) FROM flag GROUP BY 1 ORDER BY 1")
    assert counted == [{"reason": "below_day_limit", "count": 2}, {"reason": "below_floor", "count": 1}]


class Counting(Cursor[Any]):
    """A cursor that counts what it sends."""

    sent = 0

    def execute(self, *args: Any, **kwargs: Any) -> "Counting":
        Counting.sent += 1
        super().execute(*args, **kwargs)
        return self


def test_a_storm_of_flags_takes_as_many_queries_as_one(desk: Desk) -> None:
    building = town.building(desk.conn)
    homes = [town.home(desk.conn, f"H{n}", building_id=building) for n in range(50)]
    for n, home in enumerate(homes):
        town.sensor(desk.conn, f"s{n}", home)
    desk.say(*((f"s{n}", NOON, 19.0) for n in range(50)))
    flag = idle(1)[0]
    flag["cold_since"] = flag["confirmed_at"] = to_us(NOON)
    desk.conn.cursor_factory = Counting
    Counting.sent = 0
    told = explain(desk.conn, desk.judge.policy, [(home, flag) for home in homes]).ask(desk.conn)
    assert Counting.sent == 3
    assert [why()["readings"][0]["sensor"] for why in told] == [f"s{n}" for n in range(50)]
    assert Counting.sent == 3, "words are made while a server is at work"

"""Alarms of substations on real databases: raised after their time, ended by the readings, never by silence."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from alerts.network.substations import look
from domain.substation import SubstationLimits
from tests import registry_rows as town
from tests.conftest import Database
from tests.store.alarm_rules import LIMITS, rules
from tests.store.desk import MINUTE, NOON, ZONE, Desk

pytestmark = pytest.mark.plain_only

GOOD = {"supply_temperature": 60.0, "supply_pressure": 0.5, "return_pressure": 0.3}


@pytest.fixture
def desk(database: Database) -> Iterator[Desk]:
    with database.connect(autocommit=True) as conn:
        town.building(conn)
        row = conn.execute("SELECT max(substation_id) FROM substation").fetchone()
        assert row is not None
        town.sensor(conn, "sub", None, substation_id=row[0])
        town.sensor(conn, "gauge", None, substation_id=row[0])
        yield Desk(conn)


def hear(desk: Desk, minute: int, values: dict[str, float], code: str = "sub") -> None:
    """Store a reading, and look at it."""
    at = NOON + minute * MINUTE
    desk.send((code, {"ts": at.isoformat(), **values}), now=at)
    look(desk.conn, rules(), at)


def alarms(desk: Desk) -> list[dict[str, Any]]:
    return desk.rows(
        "SELECT kind, since, raised_at, ended_at, lowest, highest FROM substation_alarm ORDER BY since, kind"
    )


def shown(desk: Desk) -> list[str]:
    return [row["kind"] for row in desk.rows("SELECT kind FROM substation_alarm_open ORDER BY kind")]


def test_low_for_long_enough_is_raised_and_ended_by_a_good_reading(desk: Desk) -> None:
    hear(desk, 0, GOOD)
    hear(desk, 5, {**GOOD, "supply_temperature": 44.9})
    hear(desk, 10, {**GOOD, "supply_temperature": 40.0})
    assert shown(desk) == []
    hear(desk, 15, {**GOOD, "supply_temperature": 42.0})
    assert shown(desk) == ["supply_low"]
    hear(desk, 20, {**GOOD, "supply_temperature": 45.0})
    assert shown(desk) == []
    (alarm,) = alarms(desk)
    assert (alarm["since"], alarm["raised_at"], alarm["ended_at"]) == (
        NOON + 5 * MINUTE,
        NOON + 15 * MINUTE,
        NOON + 20 * MINUTE,
    )
    assert alarm["lowest"] == 40.0


def test_an_alarm_that_is_refused_stops_no_other(desk: Desk) -> None:
    desk.conn.execute("ALTER TABLE substation_alarm ADD CONSTRAINT no_luck CHECK (kind <> 'supply_low')")
    for minute in (0, 5, 10):
        hear(desk, minute, {"supply_temperature": 30, "supply_pressure": 0.9, "return_pressure": 0.3})
    assert shown(desk) == ["supply_pressure_high"]
    desk.conn.execute("ALTER TABLE substation_alarm DROP CONSTRAINT no_luck")
    hear(desk, 15, {"supply_temperature": 30, "supply_pressure": 0.9, "return_pressure": 0.3})
    hear(desk, 25, {"supply_temperature": 30, "supply_pressure": 0.9, "return_pressure": 0.3})
    assert shown(desk) == ["supply_low", "supply_pressure_high"]


def test_a_short_dip_leaves_no_trace(desk: Desk) -> None:
    hear(desk, 0, {**GOOD, "return_pressure": 0.1})
    hear(desk, 5, GOOD)
    assert alarms(desk) == []


def test_each_kind_has_its_alarm(desk: Desk) -> None:
    for minute in (0, 5, 10):
        hear(desk, minute, {"supply_temperature": 30, "supply_pressure": 0.9, "return_pressure": 0.1})
    assert shown(desk) == ["return_pressure_low", "supply_low", "supply_pressure_high"]
    for minute in (15, 20, 25):
        hear(desk, minute, {"supply_temperature": 60, "supply_pressure": 0.1, "return_pressure": 0.25})
    assert shown(desk) == ["supply_pressure_low"]


def test_two_sensors_share_a_substation(desk: Desk) -> None:
    for minute in (0, 5, 10):
        hear(desk, minute, {"supply_pressure": 0.1}, "gauge")
        hear(desk, minute, {"supply_temperature": 60}, "sub")
    assert shown(desk) == ["supply_pressure_low"]


def test_what_no_instrument_can_say_is_kept_and_raises_nothing(desk: Desk) -> None:
    for minute in (0, 5, 10, 15):
        hear(desk, minute, {**GOOD, "supply_temperature": -127.0, "supply_pressure": 0.1})
    assert shown(desk) == ["supply_pressure_low"]  # the other channels of the same message count
    kept = desk.rows("SELECT DISTINCT supply_temperature, implausible FROM substation_reading")
    assert kept == [{"supply_temperature": -127.0, "implausible": 1}]


def test_silence_neither_raises_nor_ends(desk: Desk) -> None:
    hear(desk, 0, {"supply_temperature": 30})
    look(desk.conn, rules(), NOON + 40 * MINUTE)
    assert shown(desk) == []
    for minute in (50, 55, 60):
        hear(desk, minute, {"supply_temperature": 30})
    look(desk.conn, rules(), NOON + 300 * MINUTE)
    assert shown(desk) == ["supply_low"]


@pytest.mark.parametrize(
    ("limits", "when"),
    [(None, NOON + 11 * MINUTE), (LIMITS, datetime(2026, 6, 1, tzinfo=ZONE))],
    ids=["limits", "season"],
)
def test_without_limits_and_out_of_season_all_alarms_end(
    desk: Desk, limits: SubstationLimits | None, when: datetime
) -> None:
    for minute in (0, 5, 10):
        hear(desk, minute, {"supply_temperature": 30})
    hear(desk, 11, {"supply_pressure": 0.1}, "gauge")
    look(desk.conn, rules(limits), when)
    (alarm,) = alarms(desk)
    assert (alarm["kind"], alarm["ended_at"]) == ("supply_low", when)

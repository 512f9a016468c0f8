from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sim import thermal
from sim.faults import HABITS, FaultCalendar, FaultKind, Habit
from sim.substation import radiator_celsius
from sim.town import Town, epoch_before

HOUR_US = 3_600_000_000
NOON_US = int(datetime(2026, 1, 14, 4, tzinfo=UTC).timestamp()) * 1_000_000  # 12:00 in the town
HOURS_12 = 12 * 3600


def warm_town(seed: int = 7, homes: int = 500, now_us: int = NOON_US) -> Town:
    town = Town(seed, homes, 600, epoch_us=epoch_before(now_us, HOURS_12))
    town.advance_to(now_us)
    return town


def test_same_seed_same_history_other_seed_other_history() -> None:
    first, second, other = warm_town(7), warm_town(7), warm_town(8)
    assert first.layout == second.layout
    assert np.array_equal(first.air, second.air)
    assert np.array_equal(first.readings().celsius, second.readings().celsius)
    assert not np.array_equal(first.air, other.air)


def test_a_restored_town_goes_on_exactly() -> None:
    town = warm_town()
    again = Town(7, 500, 600, epoch_us=0)
    again.restore(town.state())
    town.advance()
    again.advance()
    assert again.at_us == town.at_us
    assert np.array_equal(again.air, town.air)


def test_the_state_of_another_town_is_refused() -> None:
    with pytest.raises(ValueError, match="seed 8, this one 7"):
        Town(7, 30, epoch_us=0).restore(Town(8, 30, epoch_us=0).state())


def test_a_town_has_a_home() -> None:
    with pytest.raises(ValueError, match="at least one home"):
        Town(1, 0, epoch_us=0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_at_any_hour_some_homes_are_severe_some_cold_and_most_comfortable(seed: int) -> None:
    town = warm_town(seed)
    judged = np.array([h.home_class == "multistorey" and not h.stopped for h in town.layout.homes])
    for hour in range(24):
        town.advance_to(NOON_US + hour * HOUR_US)
        air = town.air[judged]
        assert (air < 16).any()
        assert ((air >= 16) & (air < 18)).any()
        assert (air >= 18).mean() > 0.5
        assert air.min() > -10
        assert air.max() < 27


def test_some_cold_homes_recover() -> None:
    town = warm_town()
    cold = town.air < 16
    town.advance_to(NOON_US + 72 * HOUR_US)
    assert (town.air[cold] > 18).any()


def one_home() -> thermal.ThermalHomes:
    return thermal.ThermalHomes.balanced(np.array([21.0]), -7.0, 44.0, np.ones(1))


def after(hours: float, steps: int, *, radiator: float = 44.0, open_share: float = 1.0, draught: float = 0.0) -> float:
    homes, air = one_home(), np.array([21.0])
    nodes = thermal.NodeTemperatures(air, thermal.steady_wall(homes, air, -7.0))
    heat = thermal.HeatConditions(-7.0, np.array([radiator]), np.array([open_share]), np.array([draught]))
    for _ in range(steps):
        nodes = thermal.step(homes, nodes, heat, hours * 3600 / steps)
    return float(nodes.air[0])


def test_a_balanced_home_stays_where_it_is() -> None:
    assert after(48, 100) == pytest.approx(21.0)


@pytest.mark.parametrize("fault", [{"radiator": 25.0}, {"open_share": 0.1}, {"draught": 200.0}])
def test_every_fault_of_heat_makes_the_air_fall_and_fall_on(fault: dict[str, float]) -> None:
    assert -7 < after(24, 100, **fault) < after(3, 100, **fault) < 20


def test_no_step_is_too_long() -> None:
    assert -7 < after(10_000, 1, draught=200.0) < 21


def test_the_heat_curve_gives_more_heat_in_the_cold_and_a_failing_substation_less() -> None:
    healthy = np.zeros(1)
    assert radiator_celsius(-15, healthy) > radiator_celsius(0, healthy)
    assert radiator_celsius(-7, np.array([0.5]))[0] == pytest.approx(21 + 0.5 * 0.83 * 28)


def test_a_failing_substation_shows_in_its_supply_and_in_its_homes() -> None:
    town = Town(7, 240, 600, epoch_us=NOON_US)
    at_us = next(
        t
        for t in range(NOON_US, NOON_US + 90 * 24 * HOUR_US, HOUR_US)
        if town.calendar.active(t)[FaultKind.SUBSTATION].size
    )
    struck = int(town.calendar.active(at_us)[FaultKind.SUBSTATION]["target"][0])
    town = Town(7, 240, 600, epoch_us=at_us - 24 * HOUR_US)
    town.advance_to(at_us - 2 * HOUR_US)
    before = town.channels().supply_temperature[struck]
    town.advance_to(at_us)
    assert town.channels().supply_temperature[struck] < before - 5


def sizes(count: int) -> dict[FaultKind, int]:
    return dict.fromkeys(FaultKind, count)


def test_faults_do_not_depend_on_where_one_starts_looking() -> None:
    calendar = FaultCalendar(3, sizes(200))
    for hour in range(48):
        calendar.active(NOON_US + hour * HOUR_US)
    late, fresh = calendar.active(NOON_US + 48 * HOUR_US), FaultCalendar(3, sizes(200)).active(NOON_US + 48 * HOUR_US)
    assert all(np.array_equal(late[kind], fresh[kind]) for kind in FaultKind)


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_kind_of_fault_happens_on_a_known_thing_within_its_limits(kind: FaultKind) -> None:
    faults = FaultCalendar(3, sizes(1000)).active(NOON_US)[kind]
    habit: Habit = HABITS[kind]
    hours = (faults["end_us"] - faults["begin_us"]) / HOUR_US
    assert faults.size > 0
    assert ((faults["target"] >= 0) & (faults["target"] < 1000)).all()
    assert ((hours >= habit.hours[0] - 0.001) & (hours <= habit.hours[1])).all()
    assert habit.hours[1] <= timedelta(days=2) / timedelta(hours=1)


def test_sick_sensors_are_silent_lie_or_have_a_wrong_clock() -> None:
    readings = warm_town().readings()
    assert readings.silent.any()
    assert np.abs(readings.clock_error_seconds).max() > 5
    assert np.median(np.abs(readings.clock_error_seconds)) == 0
    ill = [bool((warm_town(seed).readings().celsius == 85.0).any()) for seed in range(5)]
    assert any(ill)


def test_batteries_are_told_in_percent_and_few_are_nearly_empty() -> None:
    percent = warm_town(homes=2000).readings().battery
    assert percent.min() >= 0
    assert percent.max() <= 100
    assert 0 < np.mean(percent < 15) < 0.02

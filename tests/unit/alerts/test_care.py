"""Care of sensors: the smallest examples with the exact verdicts, the median against a plain one."""

from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.sensors.care import (
    SLICE_READINGS,
    SLICE_SENSORS,
    CareVerdict,
    distance,
    habits,
    listening_since,
    low_battery,
    next_slice,
    silent,
)
from domain.care import Care
from domain.instants import NONE_US
from domain.milli import NONE_MILLI
from store.base.wire import native
from store.readings.stays import SAID
from store.sensors.care_rows import CareRound

UNKNOWN, FINE, DOUBT, FAULT = CareVerdict
MINUTE_US = 60_000_000
NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
CARE = Care(
    silent_intervals=3,
    frozen_s=1200,
    jump_k=5,
    neighbour_k=4,
    neighbour_for_s=3600,
    battery_percent=15,
    healed_for_s=600,
    judge_suspect=True,
)


def test_silent_is_more_than_what_is_allowed_since_it_was_heard_or_could_be() -> None:
    heard = np.array([0, 99, 100, 500, NONE_US])
    held, allowed = np.full(5, 500), np.full(5, 900)
    assert silent(heard, held, allowed, NONE_US, 1000).tolist() == [FAULT, FAULT, DOUBT, FINE, UNKNOWN]
    assert silent(heard, held, allowed, 100, 1000).tolist() == [DOUBT, DOUBT, DOUBT, FINE, UNKNOWN]


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("looked", "heard", "since"),
    [
        (None, NOW, None),
        (NOW - HOUR, NOW, None),
        (NOW - 2 * HOUR, NOW, NOW),  # nobody looked
        (NOW - HOUR / 60, NOW - 2 * HOUR, NOW),  # nothing came in
        (NOW, None, NOW),
    ],
)
def test_silence_counts_from_when_there_was_somebody_to_hear(
    looked: datetime | None, heard: datetime | None, since: datetime | None
) -> None:
    assert listening_since(CareRound(0, looked, None), heard, 3600 * 1_000_000, NOW) == since


def test_a_battery_is_low_under_the_limit() -> None:
    percent = np.array([14.9, 15, np.nan], np.float32)
    assert low_battery(percent, 15).tolist() == [FAULT, FINE, UNKNOWN]


def test_distance_is_from_the_median_of_the_others() -> None:
    building = np.array([1, 1, 1, 1, 1, 2, 2, 0], np.int32)
    milli = np.array([20, 21, 22, 23, 30, 20, 10, 5], np.int32) * 1000
    found = distance(building, milli)
    assert found[:5].tolist() == [2500, 1500, 0, 1500, 8500]
    assert np.isnan(found[5:]).all()


def test_four_neighbours_are_needed_that_speak() -> None:
    milli = np.array([20_000, 20_000, 20_000, 20_000, NONE_MILLI], np.int32)
    assert np.isnan(distance(np.ones(5, np.int32), milli)).all()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(10_000, 30_000) | st.none()), max_size=40))
def test_distance_equals_one_sensor_at_a_time(rooms: list[tuple[int, int | None]]) -> None:
    building = np.array([b for b, _ in rooms], np.int32)
    milli = np.array([NONE_MILLI if c is None else c for _, c in rooms], np.int32)
    wanted = []
    for i, (mine, said) in enumerate(rooms):
        others = [c for j, (b, c) in enumerate(rooms) if j != i and b == mine and c is not None]
        enough = mine != 0 and said is not None and len(others) >= 4
        wanted.append(abs(said - median(others)) if enough and said is not None else np.nan)
    np.testing.assert_array_equal(distance(building, milli), np.array(wanted))


def said(*rows: tuple[int, int, float]) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """Make SAID rows of (sensor, minute, °C)."""
    return np.array([(sensor, minute * MINUTE_US, celsius) for sensor, minute, celsius in rows], native(SAID))


def verdicts(rows: np.ndarray[tuple[int], np.dtype[np.void]], now_minute: int) -> tuple[list[int], list[int]]:
    """Return the verdicts on sensors 1 to 3, whose readings are held for a quarter of an hour."""
    sensors = np.array([1, 2, 3], np.int32)
    stuck, jumping = habits(rows, sensors, np.full(3, 15 * MINUTE_US), CARE, now_minute * MINUTE_US)
    return stuck.tolist(), jumping.tolist()


def test_standing_still_counts_as_long_as_it_lasts_and_a_jump_for_a_day() -> None:
    still = [(1, minute, 20.0) for minute in range(0, 25, 5)]
    hops = [(2, 0, 20.0), (2, 5, 26.0), (2, 20, 26.1)]
    assert verdicts(said(*still, *hops), 21) == ([FAULT, FINE, UNKNOWN], [FINE, FAULT, UNKNOWN])
    assert verdicts(said(*still, (1, 25, 20.1), *hops), 25) == ([FINE, FINE, UNKNOWN], [FINE, FAULT, UNKNOWN])


def test_whoever_is_silent_now_is_neither() -> None:
    still = [(1, minute, 20.0) for minute in range(0, 25, 5)]
    assert verdicts(said(*still), 60) == ([UNKNOWN] * 3, [UNKNOWN] * 3)
    assert verdicts(said(), 60) == ([UNKNOWN] * 3, [UNKNOWN] * 3)


def test_slices_go_round() -> None:
    sensors = np.arange(1, SLICE_SENSORS + 3, dtype=np.int32)
    few = np.ones(len(sensors))
    assert next_slice(sensors, 0, few)[[0, -1]].tolist() == [0, SLICE_SENSORS - 1]
    assert next_slice(sensors, SLICE_SENSORS, few).tolist() == [SLICE_SENSORS, SLICE_SENSORS + 1]
    assert next_slice(sensors, SLICE_SENSORS + 2, few)[0] == 0
    assert next_slice(sensors[:0], 0, few[:0]).tolist() == []


def test_a_slice_is_no_more_than_so_many_readings_and_one_sensor_at_least() -> None:
    sensors = np.arange(1, 9, dtype=np.int32)
    assert next_slice(sensors, 2, np.full(8, SLICE_READINGS / 3)).tolist() == [2, 3, 4]
    assert next_slice(sensors, 2, np.full(8, 2.0 * SLICE_READINGS)).tolist() == [2]

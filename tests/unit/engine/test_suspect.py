"""Detectors of suspect readings: the smallest examples, then an independent walk."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from alerts.engine.suspect import frozen, jumps
from store.base.wire import milli

Row = tuple[int, int, float]


def arrays(rows: list[Row]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    sensor = np.array([row[0] for row in rows], np.int64)
    return sensor, np.array([row[1] for row in rows], np.int64), milli(np.array([row[2] for row in rows], np.float32))


def per_row(rows: list[Row], value: float) -> NDArray[np.int64]:
    return np.full(len(rows), value, np.int64)


def test_a_jump_is_more_than_so_many_kelvin_from_the_reading_before() -> None:
    rows = [(1, 0, 20.0), (1, 10, 25.0), (1, 20, 30.5), (2, 30, 10.0), (1, 0, 10.0)]
    found = jumps(*arrays(rows), per_row(rows, 10), per_row(rows, 5000))
    assert found.tolist() == [False, False, True, False, False]


def test_five_kelvin_are_not_more_than_five_whatever_32_bits_make_of_them() -> None:
    rows = [(1, 0, 12.2), (1, 10, 17.2), (1, 20, 12.199)]
    assert np.float32(17.2) - np.float32(12.2) > 5
    assert jumps(*arrays(rows), per_row(rows, 10), per_row(rows, 5000)).tolist() == [False, False, True]


def test_after_a_gap_nothing_is_a_jump() -> None:
    rows = [(1, 0, 20.0), (1, 11, 30.0)]
    assert jumps(*arrays(rows), per_row(rows, 10), per_row(rows, 5000)).tolist() == [False, False]


def test_frozen_is_the_same_value_for_so_long() -> None:
    rows = [(1, 0, 20.0), (1, 10, 20.0), (1, 20, 20.0), (1, 30, 20.1), (2, 40, 20.1)]
    assert frozen(*arrays(rows), per_row(rows, 10), per_row(rows, 20)).tolist() == [False, False, True, False, False]


def test_nothing_is_neither() -> None:
    assert frozen(*arrays([]), per_row([], 0), per_row([], 0)).tolist() == []
    assert jumps(*arrays([]), per_row([], 0), per_row([], 0)).tolist() == []


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 60), st.sampled_from([19.0, 20.0, 27.0])), max_size=30))
def test_detectors_equal_a_walk_reading_by_reading(said: list[Row]) -> None:
    rows = sorted({(sensor, at): (sensor, at, celsius) for sensor, at, celsius in said}.values())
    expected_jumps, expected_frozen = [], []
    for i, (sensor, at, celsius) in enumerate(rows):
        before = rows[i - 1] if i and rows[i - 1][0] == sensor and at - rows[i - 1][1] <= 15 else None
        expected_jumps.append(before is not None and abs(before[2] - celsius) > 5)
        start, back = at, i
        while back and rows[back - 1][0] == sensor and rows[back - 1][2] == celsius and start - rows[back - 1][1] <= 15:
            back -= 1
            start = rows[back][1]
        expected_frozen.append(at - start >= 30)
    assert jumps(*arrays(rows), per_row(rows, 15), per_row(rows, 5000)).tolist() == expected_jumps
    assert frozen(*arrays(rows), per_row(rows, 15), per_row(rows, 30)).tolist() == expected_frozen

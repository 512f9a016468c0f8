"""Buckets of readings, against a count that looks at each reading and each bucket."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from alerts.engine.resample import resample

MINUTE = 60_000_000


def bucket_by_bucket(
    start: list[int], until: list[int], milli: list[int], edges: list[int]
) -> list[tuple[object, ...]]:
    """Return the same, one after the other."""
    rows: list[tuple[object, ...]] = []
    for n, (low, high) in enumerate(pairwise(edges)):
        said = [value for at, value in zip(start, milli, strict=True) if low <= at < high]
        known = 0
        for i, at in enumerate(start):
            end = min(until[i], start[i + 1]) if i + 1 < len(start) else until[i]
            known += max(0, min(end, high) - max(at, low))
        if said:
            rows.append((n, min(said), sum(said) / len(said), max(said), len(said), known))
    return rows


@st.composite
def readings(draw: st.DrawFn) -> tuple[list[int], list[int], list[int], list[int]]:
    start = sorted(draw(st.sets(st.integers(-50, 150), max_size=25)))
    until = [at + draw(st.integers(0, 60)) for at in start]
    milli = [draw(st.integers(-40_000, 60_000)) for _ in start]
    edges = sorted(draw(st.sets(st.integers(0, 100), min_size=2, max_size=8)))
    return start, until, milli, edges


@given(readings())
def test_as_counted_one_by_one(given: tuple[list[int], list[int], list[int], list[int]]) -> None:
    start, until, milli, edges = given
    found = resample(
        np.array(start, np.int64), np.array(until, np.int64), np.array(milli, np.int32), np.array(edges, np.int64)
    )
    for row, expected in zip(found.tolist(), bucket_by_bucket(start, until, milli, edges), strict=True):
        assert row == expected


def test_an_hour_with_a_gap() -> None:
    """Readings at 0, 10 and 50 minutes, each held for 30: known but for the minutes 40 to 50."""
    start = np.array([0, 10, 50], np.int64) * MINUTE
    edges = np.array([0, 60, 120], np.int64) * MINUTE
    found = resample(start, start + 30 * MINUTE, np.array([18000, 19000, 20000], np.int32), edges)
    assert found.tolist() == [(0, 18000, 19000.0, 20000, 3, 50 * MINUTE)]


def test_what_was_measured_before_is_known_and_not_counted() -> None:
    start = np.array([-20, 30], np.int64) * MINUTE
    edges = np.array([0, 60], np.int64) * MINUTE
    found = resample(start, start + 30 * MINUTE, np.array([10000, 20000], np.int32), edges)
    assert found.tolist() == [(0, 20000, 20000.0, 20000, 1, 40 * MINUTE)]


def test_nothing_measured() -> None:
    none = np.empty(0, np.int64)
    assert len(resample(none, none, np.empty(0, np.int32), np.array([0, 1], np.int64))) == 0

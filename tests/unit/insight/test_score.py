"""Scores of forecasts, by the smallest example and against a slow count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insight.score import BINS, Chances

PAIRS = st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.booleans()), max_size=30)


def chances(pairs: list[tuple[float, bool, bool]]) -> Chances:
    """Sum up pairs of a probability, what happened, and what was."""
    table = np.array(pairs, dtype=float).reshape(-1, 3)
    return Chances.of(table[:, 0], table[:, 1] > 0, table[:, 2] > 0)


def test_two_warnings_one_of_them_false() -> None:
    score = chances([(0.9, True, False), (0.6, False, False), (0.1, True, True), (0.0, False, False)])
    assert (score.hits, score.false_warnings, score.events) == (1, 1, 2)
    assert score.recall == score.precision == 0.5
    assert score.brier == pytest.approx(0.01 + 0.36 + 0.81)
    assert score.skill == pytest.approx(1 - 1.18)


def test_what_is_not_known_is_not_counted() -> None:
    score = chances([(np.nan, True, True)])
    assert (score.pairs, score.skill, score.recall, score.precision) == (0, None, None, None)


@given(PAIRS, PAIRS)
def test_sums_of_two_spans_are_those_of_both(first: list, second: list) -> None:  # type: ignore[type-arg]
    both, added = chances(first + second), chances(first) + chances(second)
    assert (both.pairs, both.events, both.hits, both.false_warnings) == (
        added.pairs,
        added.events,
        added.hits,
        added.false_warnings,
    )
    assert both.brier == pytest.approx(added.brier)
    assert both.bins == pytest.approx(added.bins)
    assert both.bins[:, 0].sum() == both.pairs == len(first) + len(second)
    assert both.bins.shape == (BINS, 3)

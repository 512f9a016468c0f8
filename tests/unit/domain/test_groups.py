"""Groups of equal neighbours, with the exact arrays."""

import numpy as np
import pytest

from domain import groups

HOME = np.array([1, 1, 2, 2, 2, 7])
DAY = np.array([5, 6, 6, 6, 7, 7])
EMPTY = np.empty(0, np.int64)


def test_the_bounds_of_groups_by_one_column() -> None:
    assert groups.firsts(HOME).tolist() == [0, 2, 5]
    assert groups.lasts(HOME).tolist() == [1, 4, 5]
    assert [bound.tolist() for bound in groups.bounds(HOME)] == [[0, 2, 5], [2, 5, 6]]


def test_a_group_ends_where_any_column_differs() -> None:
    assert groups.is_first(HOME, DAY).tolist() == [True, True, True, False, True, True]
    assert groups.is_last(HOME, DAY).tolist() == [True, True, False, True, True, True]


@pytest.mark.parametrize("function", [groups.is_first, groups.is_last, groups.firsts, groups.lasts])
def test_no_rows_are_no_groups(function) -> None:  # type: ignore[no-untyped-def]
    assert len(function(EMPTY)) == len(function(EMPTY, EMPTY)) == 0


def test_no_rows_have_no_bounds() -> None:
    assert [len(bound) for bound in groups.bounds(EMPTY)] == [0, 0]


def test_the_last_marked_row() -> None:
    mask = np.array([False, True, False, False, True])
    assert groups.last_marked(mask).tolist() == [0, 1, 1, 1, 4]
    assert groups.last_marked(mask, -1).tolist() == [-1, 1, 1, 1, 4]

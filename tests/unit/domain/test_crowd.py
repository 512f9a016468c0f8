"""Published figures: whatever is added up and taken away, nothing under the least number of homes can be found."""

from itertools import product

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from domain.crowd import HomeCount, grouped, roughly, share, total

LEAST = st.integers(10, 40)
COUNTS = st.builds(HomeCount, *(st.integers(0, 20) for _ in range(3)))
TOWNS = st.dictionaries(st.sampled_from("ABCDEF"), COUNTS, max_size=6)


def town(**homes: int) -> dict[str, HomeCount]:
    return {name: HomeCount(number, 0, 0) for name, number in homes.items()}


def names(areas: dict[str, HomeCount], least: int) -> list[tuple[str, ...]]:
    return [group.areas for group in grouped(areas, least)]


def test_large_areas_stand_alone_and_small_ones_together() -> None:
    assert names(town(A=30, B=20, C=12, D=9), 20) == [("A",), ("B",), ("C", "D")]


def test_what_would_be_left_over_takes_the_smallest_with_it() -> None:
    assert names(town(A=30, B=20, C=3), 20) == [("A",), ("B", "C")]
    assert names(town(A=30, C=3), 20) == [("A", "C")]


def test_where_there_are_too_few_homes_nothing_is_told() -> None:
    assert names(town(A=9, B=9), 20) == []
    assert names(town(A=0), 20) == []
    assert names({}, 20) == []


def test_exactly_the_least_number_is_enough() -> None:
    assert names(town(A=20), 20) == [("A",)]


@given(TOWNS, LEAST)
@example(town(A=30, B=20, C=3), 20)
@example(town(A=10, B=9, C=9, D=1), 10)
def test_no_group_below_the_least_can_be_found(areas: dict[str, HomeCount], least: int) -> None:
    """Brute force: of all sets of areas, those whose figures follow from what is published by any arithmetic."""
    groups = [group.areas for group in grouped(areas, least)]
    published = [*groups, tuple(name for group in groups for name in group)]  # with the total
    order = sorted(areas)
    known = np.array([[name in members for name in order] for members in published], float)
    for chosen in product((False, True), repeat=len(order)):
        homes = sum(areas[name].homes for name, is_in in zip(order, chosen, strict=True) if is_in)
        # Areas without any homes change nothing; they may be in or out.
        if homes == 0 or homes >= least:
            continue
        free = np.array([[name == other for name in order] for other in order if not areas[other].homes], float)
        span = np.vstack([known, free]) if len(free) else known
        rank = np.linalg.matrix_rank(span)
        assert np.linalg.matrix_rank(np.vstack([span, np.array(chosen, float)])) > rank, (groups, chosen)


@given(TOWNS, LEAST)
def test_every_home_is_in_one_group_or_nobody_is_told_of(areas: dict[str, HomeCount], least: int) -> None:
    groups = grouped(areas, least)
    inside = [name for group in groups for name in group.areas]
    assert len(inside) == len(set(inside))
    assert set(inside) == ({name for name, count in areas.items() if count.homes} if groups else set())
    assert total(group.counted for group in groups) == (total(areas.values()) if groups else (0, 0, 0))
    assert bool(groups) == (total(areas.values()).homes >= least)


@given(COUNTS.filter(lambda count: count.homes > 0))
def test_shares_come_in_steps(count: HomeCount) -> None:
    for part in count:
        told = share(part, count.homes)
        assert abs(told - part / count.homes) <= 0.0250001
        assert abs(told * 20 - round(told * 20)) < 1e-9


def test_numbers_of_homes_come_in_tens() -> None:
    assert [roughly(homes) for homes in (20, 24, 26, 1234)] == [20, 20, 30, 1230]

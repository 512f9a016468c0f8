"""A handful of seeds and of planted bugs; all of them by `python -m tests.simulation`."""

import pytest

from tests.simulation import playing
from tests.simulation.__main__ import seeds_to_find
from tests.simulation.mutants import MUTANTS
from tests.simulation.stage import Stage

SEED, TWICE = 1, 3
QUICK = ("offset forgotten", "late readings not judged again")
FOREVER = float("inf")


def test_nothing_is_violated(on: Stage) -> None:
    assert playing.play(on, SEED).violations == []


def test_a_seed_is_the_same_to_the_statement(on: Stage) -> None:
    first, second = list[str](), list[str]()
    outcomes = [playing.play(on, TWICE, trace=trace) for trace in (first, second)]
    assert first == second
    assert outcomes[0] == outcomes[1]
    assert outcomes[0].violations == []


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_bug_is_found(on: Stage, name: str) -> None:
    assert seeds_to_find(on, name, 20, FOREVER) is not None
    assert name in MUTANTS

"""A handful of seeds and of planted bugs; all of them by `python -m tests.simulation`."""

import pytest

from tests.simulation import playing
from tests.simulation.__main__ import seeds_to_find
from tests.simulation.mutants import MUTANTS
from tests.simulation.stage import Stage

SEEDS = (1, 2, 3)
QUICK = ("cold at the limit", "acknowledged before the commit")
FOREVER = float("inf")


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_violated(on: Stage, seed: int) -> None:
    assert playing.play(on, seed).violations == []


def test_a_seed_is_the_same_to_the_statement(on: Stage) -> None:
    first, second = list[str](), list[str]()
    playing.play(on, SEEDS[-1], trace=first)
    playing.play(on, SEEDS[-1], trace=second)
    assert first == second


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_bug_is_found(on: Stage, name: str) -> None:
    assert seeds_to_find(on, name, 20, FOREVER) is not None
    assert name in MUTANTS

"""Pairs of write paths at statement level: one interleaving of each; all of them are too many for every run."""

import pytest

from tests.simulation.isolation import together
from tests.simulation.stage import Stage

# What two processes do to the same homes, tickets or entries at one moment.
PAIRS = [
    ("ingest", "watch"), ("watch", "ingest"), ("late", "rejudge"), ("rejudge", "ingest"), ("ledger", "rejudge"),
    ("desk", "clocks"), ("clocks", "desk"), ("remark", "watch"), ("incidents", "ingest"), ("notify", "incidents"),
    ("seal", "desk"), ("purge", "ingest"),
]  # fmt: skip
STOPS = (13, 4)  # by turns


@pytest.mark.parametrize(("first", "second", "stop_at"), [(*pair, STOPS[n % 2]) for n, pair in enumerate(PAIRS)])
def test_a_pair_of_paths_leaves_the_house_in_order(on: Stage, first: str, second: str, stop_at: int) -> None:
    _, wrong = together(on, first, second, stop_at)
    assert wrong == []

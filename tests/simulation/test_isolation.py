"""Pairs of write paths at statement level: a few interleavings of each."""

import pytest

from tests.simulation.isolation import together
from tests.simulation.stage import Stage

# What two processes do to the same homes, tickets or entries at one moment.
PAIRS = [
    ("ingest", "watch"), ("watch", "ingest"), ("late", "rejudge"), ("rejudge", "ingest"), ("ledger", "rejudge"),
    ("desk", "clocks"), ("clocks", "desk"), ("remark", "watch"), ("incidents", "ingest"), ("notify", "incidents"),
    ("seal", "desk"), ("purge", "ingest"),
]  # fmt: skip
STOPS = (4, 13)


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_pair_of_paths_leaves_the_house_in_order(on: Stage, first: str, second: str) -> None:
    for stop_at in STOPS:
        statements, wrong = together(on, first, second, stop_at)
        assert wrong == [], f"stopped before statement {stop_at}"
        if statements < stop_at:
            break

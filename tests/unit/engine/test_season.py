"""The season begins and ends with the local day, for every question."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from alerts.engine.schedule import Terms, compile_schedule
from domain import policy_file
from domain.instants import to_us
from domain.states import NotJudged

SEED = policy_file.builtin("seed")  # the season begins on 15 November in Shanghai, and ends before 16 March
TICK = timedelta(microseconds=1)
FIRST = datetime(2025, 11, 14, 16, 0, tzinfo=UTC)
END = datetime(2026, 3, 15, 16, 0, tzinfo=UTC)
EDGES = pytest.mark.parametrize(
    ("at", "inside"), [(FIRST - TICK, False), (FIRST, True), (END - TICK, True), (END, False)]
)


@EDGES
def test_the_policy_goes_by_the_local_day(at: datetime, inside: bool) -> None:
    assert SEED.in_season(at) is inside


@EDGES
def test_judging_goes_by_the_local_day(at: datetime, inside: bool) -> None:
    first = at.date() - timedelta(days=3)
    pieces = compile_schedule(SEED, Terms("multistorey"), first, first + timedelta(days=7))
    piece = pieces[np.searchsorted(pieces["start"], to_us(at), "right") - 1]
    assert (piece["reason"] == NotJudged.JUDGED) is np.bool_(inside)
    assert date.fromordinal(int(piece["day"])) == at.astimezone(SEED.zone).date()

"""The benchmark of forecasts: who knows a town is asked of the same homes at the same instants as forecasts."""

from bench.foretold import lived, town
from insight.window import HOUR, STEPS


def test_who_knows_a_town_is_scored_where_forecasts_are() -> None:
    networks, best = town(seed=9, homes=60, share=0.5, days=5, judged_from=STEPS)
    told = lived(networks, HOUR, STEPS).chances
    assert best.events > 0
    assert (best.pairs, best.events, best.brier_persistence) == (told.pairs, told.events, told.brier_persistence)
    assert best.brier < told.brier

"""Proofs of counts, held to sums of exact fractions; intervals held to simulated towns; plans to their promise."""

from dataclasses import replace
from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.seasons import live
from domain.kpi import RateProof, Sampling
from insight.plan import to_measure
from insight.proof import TimeSums, prove
from insight.rates import disproven, needed, proven, score_interval
from insight.strata import Cells, estimate
from insight.words.proof import proven_text


def chance_of_at_least(warm: int, measured: int, share: Fraction) -> Fraction:
    return sum(
        (comb(measured, k) * share**k * (1 - share) ** (measured - k) for k in range(warm, measured + 1)), Fraction(0)
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.data())
def test_a_bound_is_the_share_at_which_the_count_is_so_rare(measured: int, data: st.DataObject) -> None:
    warm = data.draw(st.integers(1, measured))
    found = proven(measured, warm)
    little = Fraction(1, 1_000_000)
    assert chance_of_at_least(warm, measured, Fraction(found) - little) < Fraction(1, 20)
    assert chance_of_at_least(warm, measured, min(Fraction(1), Fraction(found) + little)) > Fraction(1, 20)
    assert disproven(measured, measured - warm) == 1 - found


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 25), st.data())
def test_of_so_many_homes_the_bound_counts_every_way_to_draw(homes: int, data: st.DataObject) -> None:
    measured = data.draw(st.integers(1, homes))
    warm = data.draw(st.integers(0, measured))
    possible = [
        good
        for good in range(warm, homes - (measured - warm) + 1)
        if sum(comb(good, k) * comb(homes - good, measured - k) for k in range(warm, measured + 1)) * 20
        > comb(homes, measured)
    ]
    assert proven(measured, warm, homes) == (min(possible) / homes if warm else 0)


def test_what_the_words_say_is_what_is_proven() -> None:
    assert needed(0.98) == 149
    assert proven(149, 149) >= 0.98 > proven(148, 148)
    assert (round(proven(13, 13), 3), round(score_interval(13, 13)[0], 3)) == (0.794, 0.772)
    assert needed(1, 30) == 29
    with pytest.raises(ValueError, match="no number of homes"):
        needed(1)
    with pytest.raises(ValueError, match="3 warm of 2"):
        proven(2, 3)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 0.99), st.none() | st.integers(1, 300))
def test_so_many_homes_are_enough_and_one_fewer_is_not(share: float, homes: int | None) -> None:
    enough = needed(share, homes)
    assert proven(enough, enough, homes) >= share
    assert enough == 1 or proven(enough - 1, enough - 1, homes) < share


def cells(homes: list[float], measured: list[float], warm: list[float]) -> Cells:
    count = len(homes)
    codes = np.arange(count)
    return Cells(codes // 2, codes % 2, np.zeros(count, int), np.array(homes), np.array(measured), np.array(warm))


def test_where_all_homes_are_measured_the_rate_is_known() -> None:
    found = estimate(cells([4.0, 6, 5, 5], [4.0, 6, 5, 5], [3.0, 6, 1, 5]))
    assert found is not None
    assert found == pytest.approx((0.75, 0.75, 0.75))
    assert estimate(cells([4.0, 6], [0.0, 0], [0.0, 0])) is None
    with pytest.raises(ValueError, match="more measured"):
        cells([4.0], [5.0], [0.0])


def test_sensors_in_the_worst_homes_do_not_make_the_town_cold() -> None:
    # Every home of the upper floor is measured and half of them are cold; below, one in ten, all warm.
    found = estimate(cells([10.0, 10] * 10, [1.0, 10] * 10, [1.0, 5] * 10))
    assert found is not None
    assert found.rate > 0.70 > 60 / 110
    assert 0.5 < found.low < found.rate < found.high <= 0.75


def test_intervals_cover_what_they_should() -> None:
    found = live(24)
    assert 0.8 <= found["rate_interval_coverage"] <= 1.0
    assert found["rate_mae"] < found["rate_mae_raw"]


def test_a_plan_keeps_its_promise_and_asks_no_home_twice() -> None:
    town = cells([100.0, 20, 300, 30], [10.0, 0, 2, 1], [9.0, 0, 2, 0])
    some, more = to_measure(town, 0.1), to_measure(town, 0.05)
    assert 0 < some.sum() < more.sum()
    assert np.all(more <= town.homes - town.measured)
    assert to_measure(town, 0.0001).sum() == town.homes.sum() - town.measured.sum()
    with pytest.raises(ValueError, match="between 0 and 1"):
        to_measure(town, 0)


def test_a_proof_says_itself_in_both_languages() -> None:
    town = cells([50.0, 50], [7.0, 6], [7.0, 6])
    proof = prove(town, TimeSums(np.array([7.0, 5.9]), np.array([7.0, 5.81])))
    assert isinstance(proof, RateProof)
    assert proof.proven == 0.81
    assert proof.by_time_low <= proof.by_time <= proof.by_time_high <= 0.999
    text = proven_text(proof)
    assert "13 of 13" in text.en
    assert "no more than 81 %" in text.en
    assert "63 homes" in text.en
    assert "81 %" in text.zh
    said = {sampling: proven_text(replace(proof, sampling=sampling)) for sampling in (None, *Sampling)}
    assert len({words.en for words in said.values()}) == len({words.zh for words in said.values()}) == 4
    assert "as if by chance" in text.en
    assert "nothing is proven of the others" in said[Sampling.VOLUNTEERS].en
    assert "不能推及其他住户" in said[Sampling.VOLUNTEERS].zh

"""Falls of measured homes and of risers: small cases by hand, and properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insight.fallen import FELL_K, KNOWN, PAST_STEPS, fallen
from insight.rates import Floats
from insight.unmeasured import NONE, HomePlaces
from insight.window import HOUR

RISERS, FLOORS = 4, 3
HOMES = RISERS * FLOORS
SHUT_H, OPEN_H = 1.1, 0.4  # in which the air goes two thirds of the way


def places(known: bool = True) -> HomePlaces:
    """Lay out a building of four risers, three floors each."""
    at = np.arange(HOMES)
    nothing = np.full(HOMES, NONE)
    riser = at // FLOORS if known else nothing
    return HomePlaces(0 * at, 0 * at, riser, at % FLOORS + 1, nothing, np.zeros(HOMES, np.float64))


def calm(measured: tuple[int, ...]) -> Floats:
    """Return two days of homes around 21 °C that follow the weather together, with what sensors add to it."""
    rng = np.random.default_rng(3)
    day = 0.5 * np.sin(np.arange(PAST_STEPS) / 96 * 2 * np.pi)
    seen = 21 + 0.3 * np.sin(np.arange(HOMES))[:, None] + day + rng.normal(0, 0.04, (HOMES, PAST_STEPS))
    return np.where(np.isin(np.arange(HOMES), measured)[:, None], seen, np.nan)


def falling(hours: float) -> Floats:
    """Return [step]: kelvin of a fall that began six hours ago."""
    after = np.maximum(np.arange(PAST_STEPS) - (PAST_STEPS - 1 - 6 * HOUR), 0) / HOUR
    return np.asarray(-5 * (1 - np.exp(-after / hours)) - 0.05 * after)


def test_nothing_fell_in_calm_weather() -> None:
    found = fallen(places(), calm(tuple(range(HOMES))))
    assert not found.own.any()
    assert not found.riser.any()
    assert not found.alone.any()


def test_what_all_lose_together_is_nobodys_fall() -> None:
    found = fallen(places(), calm(tuple(range(HOMES))) + falling(SHUT_H))
    assert not found.own.any()


def test_homes_of_a_riser_that_fell_together_are_the_risers() -> None:
    seen = calm((0, 1, 3, 6, 9))
    seen[[0, 1]] += falling(OPEN_H)
    found = fallen(places(), seen)
    assert np.flatnonzero(found.own).tolist() == [0, 1]
    assert found.own[0] == pytest.approx(-5.3, abs=0.5)
    assert np.flatnonzero(found.riser).tolist() == [0, 1, 2], "the home without a sensor, too"
    assert not found.alone.any(), "each tells of the other"


def test_a_home_that_fell_beside_others_of_its_riser_is_alone() -> None:
    seen = calm(tuple(range(HOMES)))
    seen[4] += falling(SHUT_H)
    found = fallen(places(), seen)
    assert np.flatnonzero(found.own).tolist() == [4]
    assert not found.riser.any()
    assert np.flatnonzero(found.alone).tolist() == [4]


@pytest.mark.parametrize(("hours", "is_shut"), [(SHUT_H, True), (OPEN_H, False)])
def test_where_no_other_is_measured_the_speed_of_the_fall_tells(hours: float, is_shut: bool) -> None:
    seen = calm((0, 3, 6, 9))
    seen[0] += falling(hours)
    found = fallen(places(), seen)
    assert np.flatnonzero(found.own).tolist() == [0]
    assert np.flatnonzero(found.alone).tolist() == [0]
    assert np.flatnonzero(found.riser).tolist() == ([0, 1, 2] if is_shut else [])


def test_without_risers_a_fall_is_a_homes_own() -> None:
    seen = calm(tuple(range(HOMES)))
    seen[:3] += falling(SHUT_H)
    found = fallen(places(known=False), seen)
    assert np.flatnonzero(found.own).tolist() == [0, 1, 2]
    assert not found.riser.any()
    assert found.alone[:3].all()


def test_half_a_day_has_to_be_known_and_three_homes() -> None:
    seen = calm(tuple(range(HOMES)))
    seen[4] += falling(SHUT_H)
    short = seen.copy()
    short[4, : 1 - KNOWN] = np.nan
    assert not fallen(places(), short).own.any()
    short[4, -KNOWN] = seen[4, -KNOWN]
    assert np.flatnonzero(fallen(places(), short).own).tolist() == [4]
    few = np.where(np.isin(np.arange(HOMES), (4, 7))[:, None], seen, np.nan)
    assert not fallen(places(), few).own.any()


@given(st.integers(0, 2**32 - 1))
def test_falls_are_of_measured_homes_below_the_least_and_of_whole_risers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    seen = 20 + np.cumsum(rng.normal(0, 0.3, (HOMES, PAST_STEPS)), axis=1)
    seen[rng.random(HOMES) < 0.3] = np.nan
    seen[rng.random(seen.shape) < 0.2] = np.nan
    homes = places()
    found = fallen(homes, seen)
    fell = found.own != 0
    assert np.all(found.own[fell] < -FELL_K)
    assert not fell[np.isnan(seen[:, -1])].any()
    assert np.all(found.alone <= fell)
    for code in range(RISERS):
        on = homes.riser == code
        assert len(np.unique(found.riser[on])) == 1
        assert not found.riser[on].any() or fell[on].any()
    again = fallen(homes, seen + 3.0 * np.sin(np.arange(PAST_STEPS)))
    assert np.allclose(again.own, found.own), "what all do together counts for nothing"

"""Estimates of homes without a sensor: small cases by hand, a direct solution, and covered-up homes of towns."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.without_sensors import covered, looks
from domain.registry import EXPOSURES
from insight.unmeasured import NONE, Fallen, HomePlaces, _kernels, _noise, _solve, _stretch, estimate


def places(buildings: int, floors: int, known: bool = True) -> HomePlaces:
    """Lay out buildings of two risers, each with a home on every floor."""
    count = buildings * 2 * floors
    at = np.arange(count)
    unknown = np.full(count, NONE)
    return HomePlaces(
        np.zeros(count, int),
        at // (2 * floors),
        at // floors if known else unknown,
        at % floors + 1 if known else unknown,
        unknown,
        np.zeros(count),
    )


def test_nothing_measured_says_nothing() -> None:
    found = estimate(places(1, 3), np.full(6, np.nan))
    assert np.isnan(found.celsius).all()
    assert not found.gain.any()


def test_another_substation_stays_unknown() -> None:
    homes = places(2, 3)
    homes.substation[homes.building == 1] = 1
    celsius = np.where(homes.building == 0, 20.0, np.nan)
    celsius[0] = np.nan
    assert np.isfinite(estimate(homes, celsius).celsius).tolist() == [True] + [False] * 11


def test_a_cold_riser_makes_its_homes_colder_and_the_others_less_so() -> None:
    homes = places(10, 6)
    celsius = np.where(np.arange(120) % 2, 21.0, np.nan)
    celsius[[1, 3, 5]] = 15.0  # the first riser
    found = estimate(homes, celsius)
    assert found.celsius[2] < found.celsius[8] < found.celsius[26]
    assert np.all(found.low[::2] < found.celsius[::2])
    assert np.all(found.celsius[::2] < found.high[::2])


def test_without_riser_and_floor_the_building_remains() -> None:
    homes = places(10, 6, known=False)
    celsius = np.where(np.arange(120) % 2, 21.0, np.nan)
    celsius[1:12:2] = 17.0
    found = estimate(homes, celsius)
    assert found.celsius[0] == found.celsius[10] < found.celsius[12]


def test_the_solution_is_that_of_the_joint_distribution() -> None:
    rng = np.random.default_rng(4)
    homes, sharing, own = places(3, 4), np.array([0.2, 0.3, 0.4, 0.1]), 0.5
    rest = rng.normal(size=24)
    rest[:6] -= 6.0
    known, others = np.arange(0, 24, 3), np.setdiff1d(np.arange(24), np.arange(0, 24, 3))
    noise, stretch = np.full(24, own), _stretch(homes, rest, known, (sharing, own))
    noise[known] = _noise(homes, rest, known, own)
    missed = np.where(np.arange(24) == 3, -2.0, 0.0)
    solved = _solve(homes, rest, missed, (known, others), (sharing, own))
    layers = _kernels(homes, np.arange(24), np.arange(24))
    layers[2] *= np.outer(stretch, stretch)
    every = np.tensordot(sharing, layers, 1) + np.diag(noise)
    assert noise.max() > 1.5 * own
    assert stretch.max() > 1.2
    gain = np.linalg.solve(every[np.ix_(known, known)], every[np.ix_(known, others)]).T
    assert np.allclose(solved.away, gain @ rest[known])
    assert np.allclose(solved.variance, np.diag(every[np.ix_(others, others)] - gain @ every[np.ix_(known, others)]))
    left_out = [
        (rest[one] + missed[one] - weights @ rest[rest_of])
        / np.sqrt(every[one, one] - noise[one] + own - weights @ every[rest_of, one])
        for one in known
        for rest_of in [known[known != one]]
        for weights in [np.linalg.solve(every[np.ix_(rest_of, rest_of)], every[rest_of, one])]
    ]
    assert np.allclose(solved.scores, left_out)


def test_a_home_that_is_cold_alone_tells_little_and_three_on_a_riser_tell_much() -> None:
    homes = places(10, 6)
    celsius = np.where(np.arange(120) % 2, 21.0, np.nan)
    celsius[1] = 12.0
    alone = estimate(homes, celsius).celsius[2]
    celsius[[3, 5]] = 12.0
    assert alone > 20.0
    assert estimate(homes, celsius).celsius[2] < alone - 1.0


def test_homes_of_a_riser_that_are_cold_together_are_the_risers() -> None:
    homes = places(10, 6)
    celsius = np.where(np.arange(120) % 2, 21.0, np.nan)
    falls = []
    for cold in (0.5, 4.0):
        celsius[[1, 3, 5]] = 21.0 - cold
        falls.append((21.0 - estimate(homes, celsius).celsius[2]) / cold)
    assert falls[1] > falls[0] + 0.1
    assert falls[1] > 0.6


def test_homes_at_the_edge_of_a_house_are_colder_until_measurements_say_otherwise() -> None:
    homes = places(10, 6)
    homes.exposure[:] = np.where(homes.floor == 6, EXPOSURES.index("roof"), EXPOSURES.index("inner"))
    celsius = np.where(homes.floor == 3, 21.0, np.nan)
    before = estimate(homes, celsius).celsius
    celsius[(homes.floor == 6) & (homes.building > 0)] = 21.0
    after = estimate(homes, celsius).celsius
    assert before[5] < before[4] - 0.3
    assert abs(after[5] - after[4]) < 0.2


@given(st.integers(0, 2**32 - 1))
def test_what_homes_share_is_a_covariance_wherever_they_lie(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lie = [rng.integers(NONE, most, 12) for most in (2, 2, 3, 7)]
    substation, building = np.abs(lie[0]), np.abs(lie[1])
    homes = HomePlaces(
        substation, building, np.where(lie[2] < 0, NONE, lie[2] + 3 * building), lie[3], lie[3] % 6, np.zeros(12)
    )
    for layer in _kernels(homes, np.arange(12), np.arange(12)):
        assert np.linalg.eigvalsh(layer).min() > -1e-9
        assert np.allclose(layer, layer.T)


def test_a_measurement_tells_most_where_nothing_is_known_and_warmth_is_in_doubt() -> None:
    homes = places(2, 6)
    celsius = np.where(homes.building == 0, 18.5, np.nan)
    celsius[[1, 8]] = np.nan
    gain = estimate(homes, celsius).gain
    assert gain[0] == 0
    assert gain[12:].min() > gain[[1, 8]].max() > 0


def test_a_fall_is_no_part_of_what_homes_share_and_the_risers_is_added_to_its_homes() -> None:
    homes = places(10, 6)
    celsius = np.where(np.arange(120) % 2, 21.0, np.nan)
    calm = estimate(homes, celsius)
    own = np.where(np.arange(120) == 1, -5.0, 0.0)
    cold = celsius + own
    passing = estimate(homes, cold, fallen=Fallen(own, np.zeros(120), own < 0))
    assert np.allclose(passing.celsius, calm.celsius, equal_nan=True)
    riser = np.where(homes.riser == 0, -5.0, 0.0)
    shut = estimate(homes, cold, fallen=Fallen(own, riser, own < 0))
    on = np.isfinite(calm.celsius) & (homes.riser == 0)
    assert np.allclose(shut.celsius[on], calm.celsius[on] - 5.0)
    assert np.all((shut.high - shut.low)[on] > (passing.high - passing.low)[on])
    assert np.allclose(shut.celsius[~on], calm.celsius[~on], equal_nan=True)


def test_a_fall_that_nobody_else_tells_of_widens_all_intervals_downwards() -> None:
    homes = places(10, 6)
    celsius = np.where(np.arange(120) % 2, 21.0 + 0.3 * np.sin(np.arange(120)), np.nan)
    own = np.where(np.arange(120) < 16, -5.0, 0.0) * ~np.isnan(celsius)
    told, untold = (
        estimate(homes, celsius + own, fallen=Fallen(own, np.zeros(120), who)) for who in (own > 0, own < 0)
    )
    some = np.isfinite(told.celsius)
    assert np.all(untold.low[some] < told.low[some] - 1.0)


def test_intervals_of_covered_up_homes_hold() -> None:
    errors, without, means, holds = [], [], [], []
    for seed in range(2):
        for nth, look in enumerate(looks(seed)):
            air = look.town.air
            chosen = covered(look.town.layout, 0.3, np.random.default_rng(nth), biased=True) & look.heated
            found, of_now = look.estimated(chosen), estimate(look.homes, np.where(chosen, air, np.nan))
            of = ~chosen & look.heated
            errors.append(np.abs(found.celsius - air)[of])
            without.append(np.abs(of_now.celsius - air)[of])
            means.append(np.abs(air[chosen].mean() - air)[of])
            holds.append(((found.low <= air) & (air <= found.high))[of])
    assert np.concatenate(errors).mean() < 0.95 * np.concatenate(means).mean()
    assert np.concatenate(errors).mean() < 0.99 * np.concatenate(without).mean()
    assert 0.84 < np.concatenate(holds).mean() < 0.96

"""Temperatures of homes without a sensor, from those with one, each with a 90 % interval; and where to measure next.

Best linear prediction: homes are alike as far as they share a substation, a building, a riser, and as they lie above,
below or beside each other. How much each of these means is taken from what is measured, beginning with the usual; how
far estimates miss is taken from leaving out each measured home in its turn. What is a home's own has the long tails of
Student's t: a home that is cold by a fault of its own tells little of its neighbours, unless they are cold with it.
What homes and risers fell of late is told by `fallen.py`: it is no part of how homes are. An estimate judges nothing.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from domain.registry import EXPOSURES
from insight.belief import OF_MEDIAN, belief
from insight.rates import Floats

Whole = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NONE = -1  # the code of what the registry does not know
# Variances in K² of what homes share, before anything is measured: substation, building, riser, lying side by side.
USUAL = np.array([0.05, 0.1, 0.1, 0.1])
RISER = 2  # its place among them
USUAL_OWN, LEAST_OWN = 0.5, 0.1
USUAL_TOTAL = float(USUAL.sum()) + USUAL_OWN
USUAL_PAIRS = 200.0  # what is usual counts as much as so many pairs of measured homes
CLIPPED_K = 2.0  # a home that is further off does not say what homes share
# Whether homes of each exposure lie at a gable, under a roof, on the ground: by each they are commonly colder.
OUTER = np.array([[side in name.split("_") for side in ("gable", "roof", "ground")] for name in EXPOSURES], float)
COLDER_K, SUPPLY_SHARE = 0.5, 0.2  # what is usual: by how much, and kelvin in a room for each kelvin of supply
# What the mean above the middle of all, being so exposed, lying a building's height up, and supply do; and their spread
USUAL_TERMS = np.array([0.0, -COLDER_K, -COLDER_K, -COLDER_K, 0.0, SUPPLY_SHARE])
TERM_SPREAD = np.array([3.0, 0.25, 0.25, 0.25, 0.35, 0.1])
ROUNDS = 10  # of the mean and the terms
USUAL_TERM_HOMES = 5  # as so many homes counts, for the terms, how far apart homes usually are
USUAL_SCORES = 20  # what is usual counts as much as so many homes that were left out
TAIL = 0.05
UNLIKE = 0.1  # of what a riser fell, by which its homes differ
WIDEST_K = 8.0  # an interval that is wider says nothing
MOST_TOGETHER = 1_500  # measured homes of a substation that are solved for at once


@dataclass(frozen=True)
class HomePlaces:
    """The places of homes: codes from 0 on, NONE where the registry does not know; one entry for each home.

    `riser` is a code of its own in each building, `exposure` a place in EXPOSURES. `supply`: kelvin that the
    substation's supply is above what is usual for the outdoor temperature; 0 where it is not known.
    """

    substation: Whole
    building: Whole
    riser: Whole
    floor: Whole
    exposure: Whole
    supply: Floats


class Fallen(NamedTuple):
    """Kelvin that measured homes, and all homes of a riser, fell of late beside the others: below 0, or 0; [home]."""

    own: Floats
    riser: Floats
    alone: Mask  # a measured home that fell, of which no other measured home tells


class Estimates(NamedTuple):
    """°C of each home that is not measured, with the ends of the 90 % interval; NaN where there is nothing to say.

    `gain`: how much measuring the home would tell of those around it that may be cold; 0 of measured homes.
    `sharing`: K² that homes share by substation, building, riser and lying next to each other.
    """

    celsius: Floats
    low: Floats
    high: Floats
    gain: Floats
    sharing: Floats


def estimate(homes: HomePlaces, celsius: Floats, limit: float = 18.0, fallen: Fallen | None = None) -> Estimates:
    """Estimate the temperatures of homes whose `celsius` is NaN from those of the others.

    What these fell is taken out before; what a riser fell is added to each of its homes.
    """
    measured = ~np.isnan(celsius)
    nothing = np.full(len(celsius), np.nan)
    found = Estimates(nothing, nothing.copy(), nothing.copy(), np.zeros(len(celsius)), USUAL.copy())
    if not measured.any():
        return found
    fallen = fallen or Fallen(np.zeros(len(celsius)), np.zeros(len(celsius)), ~measured)
    celsius, missed = celsius - fallen.own, np.where(fallen.alone, fallen.own, 0.0)
    design = _design(homes)
    rest = np.where(measured, celsius, 0.0)
    terms, unsure = _terms(design[measured], rest[measured])
    mean = design @ terms
    around = np.einsum("hi,ij,hj->h", design, unsure, design)  # variance of the mean
    rest = np.where(measured, celsius - mean, np.nan)
    sharing, own = _shared(homes, rest)
    solved = [_solve(homes, rest, missed, where, (sharing, own)) for where in _by_substation(homes, measured)]
    scores = np.concatenate([one.scores / np.sqrt(1 - _pull(around[one.measured])) for one in solved])
    low, high = _reach(scores)
    for one in solved:
        at = one.unmeasured
        deviation = np.sqrt(one.variance + around[at] + (UNLIKE * fallen.riser[at]) ** 2)
        found.celsius[at] = mean[at] + one.away + fallen.riser[at]
        found.low[at], found.high[at] = found.celsius[at] + low * deviation, found.celsius[at] + high * deviation
        found.gain[at] = _gain(one, (limit - found.celsius[at]) / deviation, own)
    silent = found.high - found.low > WIDEST_K
    for values in found[:3]:
        values[silent] = np.nan
    return found._replace(sharing=sharing)


class _Solved(NamedTuple):
    """The estimates of a substation: what its measured homes say of the others."""

    measured: Whole
    unmeasured: Whole
    away: Floats  # from the mean, K
    variance: Floats
    shared: Floats  # the covariance of the unmeasured homes, given the measured ones, without what is their own
    scores: Floats  # of measured homes: what they are beside what the others say, in deviations; with `missed` falls


def _by_substation(homes: HomePlaces, measured: Mask) -> list[tuple[Whole, Whole]]:
    """Return (measured, unmeasured) homes of each substation that has some measured ones."""
    some = []
    for substation in np.unique(homes.substation[measured]):
        here = homes.substation == substation
        known = np.flatnonzero(here & measured)
        some.append((known[:: -(-len(known) // MOST_TOGETHER)], np.flatnonzero(here & ~measured)))
    return some


def _design(homes: HomePlaces) -> Floats:
    """Return columns of ones, of being at a gable, roof or ground, of the floor within the building, and of supply."""
    top = np.zeros(int(homes.building.max()) + 1)
    np.maximum.at(top, homes.building, homes.floor)
    high = np.maximum(top[homes.building], 1)
    height = np.where((homes.floor != NONE) & (high > 1), homes.floor / high - 0.5, 0.0)
    outer = np.where(homes.exposure[:, None] != NONE, OUTER[homes.exposure], 0.0)
    return np.column_stack([np.ones(len(height)), outer, height, homes.supply - np.median(homes.supply)])


def _terms(design: Floats, celsius: Floats) -> tuple[Floats, Floats]:
    """Return the mean and the terms, and their covariance; they are drawn to what is usual, the mean to the middle."""
    usual = USUAL_TERMS + np.median(celsius) * np.eye(len(USUAL_TERMS))[0]
    rest, terms = celsius - design @ usual, usual
    for _ in range(ROUNDS):
        off = celsius - design @ terms
        variance = _drawn(_variance(off), len(off), USUAL_TERM_HOMES)
        weighed = design.T * (belief(off / np.sqrt(variance)) / variance)
        covariance = np.asarray(np.linalg.inv(weighed @ design + np.diag(1 / TERM_SPREAD**2)), np.float64)
        terms = usual + covariance @ weighed @ rest
    return terms, covariance


def _pull(variance: Floats) -> Floats:
    """Return how far a measured home pulls the mean, whose variance there is given, to itself: less than 1."""
    return np.minimum(variance / USUAL_TOTAL, 0.5)


def _kernels(homes: HomePlaces, some: Whole, others: Whole) -> Floats:
    """Return how much homes share with others: substation, building, riser, lying next to each other."""

    def same(codes: Whole) -> Mask:
        return np.asarray((codes[some][:, None] == codes[others]) & (codes[some][:, None] != NONE))

    building, riser = same(homes.building), same(homes.riser)
    apart = np.abs(homes.floor[some][:, None] - homes.floor[others])
    known = (homes.floor[some][:, None] != NONE) & (homes.floor[others] != NONE)
    near = building * 0.5 ** (apart + ~riser)  # a product of kernels that are none below 0, so it is one, too
    layers = (same(homes.substation), building, riser, np.where(some[:, None] == others, 1.0, near * known))
    return np.stack([layer.astype(float) for layer in layers])


def _shared(homes: HomePlaces, rest: Floats) -> tuple[Floats, float]:
    """Return K² that homes share, and that are each one's own: from the products of pairs, drawn to what is usual.

    Source: Haseman and Elston, Behavior Genetics 2 (1972), with a prior.
    """
    left, right = np.diag(USUAL_PAIRS * np.ones(4)), USUAL_PAIRS * USUAL
    measured = ~np.isnan(rest)
    clipped = np.clip(rest, -CLIPPED_K, CLIPPED_K)
    for known, _ in _by_substation(homes, measured):
        layers = _kernels(homes, known, known)[:, *np.triu_indices(len(known), 1)]
        product = np.outer(clipped[known], clipped[known])[np.triu_indices(len(known), 1)]
        left, right = left + layers @ layers.T, right + layers @ product
    sharing = _not_negative(left, right)
    total = _drawn(_variance(rest[measured]), int(measured.sum()), USUAL_SCORES)
    return sharing, max(LEAST_OWN, total - float(sharing.sum()))


def _variance(off: Floats) -> float:
    return float(OF_MEDIAN * np.median(np.abs(off))) ** 2


def _drawn(variance: float, homes: int, usual: int) -> float:
    """Return a variance that so many homes tell, drawn to the usual one as if so many homes told that."""
    return (homes * variance + usual * USUAL_TOTAL) / (homes + usual)


def _not_negative(left: Floats, right: Floats) -> Floats:
    """Solve for numbers that are not negative, one after the other until none changes."""
    solved = USUAL.copy()
    for _ in range(200):
        for n in range(len(solved)):
            solved[n] = max(0.0, (right[n] - left[n] @ solved + left[n, n] * solved[n]) / left[n, n])
    return np.asarray(solved)


def _noise(homes: HomePlaces, rest: Floats, known: Whole, own: float) -> Floats:
    """Return the variance of what is each measured home's own: the larger, the further off those of its riser it is.

    One without others on its riser is held against what is expected.
    """
    riser = homes.riser[known]
    others = (riser[:, None] == riser) & (riser[:, None] != NONE) & ~np.eye(len(known), dtype=bool)
    table = np.where(others, rest[known], np.nan)
    table[~others.any(axis=1), 0] = 0.0
    return np.asarray(own / belief((rest[known] - np.nanmedian(table, axis=1)) / np.sqrt(own)))


def _stretch(homes: HomePlaces, rest: Floats, known: Whole, variances: tuple[Floats, float]) -> Floats:
    """Return [home]: how many times as far as usual its riser reaches; more than 1 where measured homes agree on it.

    Two homes or more that are far off together are the riser's, and no longer each its own.
    """
    sharing, own = variances
    stretch, riser = np.ones(len(rest)), homes.riser[known]
    for code in np.unique(riser[riser != NONE]):
        here = rest[known[riser == code]]
        if len(here) > 1:
            off = np.median(here) / np.sqrt(sharing.sum() + own / len(here))
            stretch[homes.riser == code] = max(1.0, float(1 / np.sqrt(belief(off))))
    return stretch


def _covariances(homes: HomePlaces, sharing: Floats, stretch: Floats, where: tuple[Whole, Whole]) -> Floats:
    some, others = where
    layers = _kernels(homes, some, others)
    layers[RISER] *= stretch[some][:, None] * stretch[others]
    return np.asarray(np.tensordot(sharing, layers, 1))


def _solve(
    homes: HomePlaces, rest: Floats, missed: Floats, where: tuple[Whole, Whole], variances: tuple[Floats, float]
) -> _Solved:
    known, unmeasured = where
    sharing, own = variances
    noise, stretch = _noise(homes, rest, known, own), _stretch(homes, rest, known, variances)
    among = _covariances(homes, sharing, stretch, (known, known)) + np.diag(noise)
    across = _covariances(homes, sharing, stretch, (unmeasured, known))
    shared = _covariances(homes, sharing, stretch, (unmeasured, unmeasured))
    inverse = np.linalg.inv(among)
    weighed, precision = inverse @ rest[known], np.diag(inverse)
    shared = shared - across @ inverse @ across.T
    variance = np.maximum(np.diag(shared), 0) + own
    scores = (weighed / precision + missed[known]) / np.sqrt(1 / precision - noise + own)
    return _Solved(known, unmeasured, across @ weighed, variance, shared, scores)


def _reach(scores: Floats) -> tuple[float, float]:
    """Return the ends of the interval in deviations: of homes that were left out, and of what is usual."""
    usual = np.interp((np.arange(USUAL_SCORES) + 0.5) / USUAL_SCORES, USUAL_TAIL[0], USUAL_TAIL[1])
    every = np.sort(np.concatenate([scores, usual]))
    low, high = np.quantile(every, [TAIL, 1 - TAIL])
    return float(low), float(high)


def _gain(one: _Solved, short: Floats, own: float) -> Floats:
    """Return by how much each home, measured, would lower the variance of those whose warmth is in doubt."""
    doubt = np.exp(-(short**2) / 2)
    return np.asarray((one.shared**2) @ doubt / (np.maximum(np.diag(one.shared), 0) + own) + own * doubt)


# Quantiles of Student's t with 4 degrees of freedom
USUAL_TAIL = (
    np.array([0.005, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.995]),
    np.array(
        [-4.604, -2.776, -2.132, -1.533, -0.941, -0.569, -0.271, 0, 0.271, 0.569, 0.941, 1.533, 2.132, 2.776, 4.604]
    ),
)

"""The rate of all homes from those that were measured: by building, floor and exposure, with its interval.

Sensors do not stand in homes by chance, often on purpose in the worst. Within a cell (a building, a floor, an exposure)
the choice is taken for one by chance; between cells nothing is assumed. Cells of which few or none were measured are
taken from the others: a logistic model with terms for floor and exposure and a random term for the building, as in
multilevel regression with post-stratification (Gelman and Little, 1997). Homes that were measured count as they are.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from insight.rates import Floats

Whole = npt.NDArray[np.int64]

SPREADS = np.array([0.05, 0.25, 0.5, 0.8, 1.2, 1.8, 2.5])  # of buildings, in log odds; weighed by what was measured
SPREAD_SCALE = 1.0  # of the half-normal prior of that spread
USUAL, USUAL_SPREAD = 2.0, 2.5  # log odds of a warm home before anything was measured, and their spread
TERM_SPREAD = 2.5  # of the terms of floors and exposures: Gelman and others, Ann. Appl. Stat. 2 (2008)
STEPS = 25
DRAWS = 4_000
TAILS = 8  # degrees of freedom
MOST_AT_ONCE = 2_000_000  # chances in memory
STILL = 1e-6
QUANTILES = (0.025, 0.975)


@dataclass(frozen=True)
class Cells:
    """Homes by building, floor and exposure: codes from 0 on, and numbers of homes, one entry for each cell.

    `warm` may be fractional: the sum of the shares of time in which the measured homes were warm. `spread`: of the
    shares of single homes, as a part of what homes would have that are warm either always or never: 1 of counted homes.
    """

    building: Whole
    floor: Whole
    exposure: Whole
    homes: Floats
    measured: Floats
    warm: Floats
    spread: float = 1.0

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: a cell has more warm homes than measured ones, or more measured than there are.
        """
        if not (np.all(self.warm >= 0) and np.all(self.warm <= self.measured) and np.all(self.measured <= self.homes)):
            raise ValueError("a cell has more warm homes than measured ones, or more measured than there are")


class RateEstimate(NamedTuple):
    """The rate of all homes, and its 95 % interval, from 0 to 1."""

    rate: float
    low: float
    high: float


class _Fit(NamedTuple):
    """The mode of the terms at a spread of buildings, and what draws around it need."""

    terms: Floats  # of floors and exposures
    buildings: Floats
    solved: Floats  # the covariance of the terms
    own: Floats  # the variance of each building's term if the others were known
    pull: Floats  # how a building's term goes with the terms
    highest: float  # the log of the posterior at the mode
    evidence: float
    spread: float


def estimate(cells: Cells, seed: int = 0) -> RateEstimate | None:
    """Estimate the rate of all homes; None: there is no home, or none was measured.

    The same cells give the same figures: the draws are those of the seed.
    """
    total = cells.homes.sum()
    if total == 0 or cells.measured.sum() == 0:
        return None
    design = _design(cells)
    fits = [_fit(cells, design, spread) for spread in SPREADS]
    evidence = np.array([fit.evidence for fit in fits]) - (SPREADS / SPREAD_SCALE) ** 2 / 2
    weight = np.exp(evidence - evidence.max())
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(DRAWS, weight / weight.sum())
    rates, logs = zip(
        *(_rates(cells, design, fit, int(n), rng) for fit, n in zip(fits, drawn, strict=True) if n), strict=True
    )
    return _summary(np.concatenate(rates), _truncated(np.concatenate(logs)))


def _truncated(logs: Floats) -> Floats:
    """Return weights of sum 1, none so large that it decides alone (Ionides, J. Comput. Graph. Stat. 17, 2008)."""
    weights = np.exp(logs - logs.max())
    weights = np.minimum(weights, weights.mean() * np.sqrt(len(weights)))
    return np.asarray(weights / weights.sum())


def _summary(rates: Floats, weights: Floats) -> RateEstimate:
    order = np.argsort(rates)
    below = np.cumsum(weights[order]) - weights[order] / 2
    low, high = np.interp(QUANTILES, below, rates[order])
    return RateEstimate(float(np.average(rates, weights=weights)), float(low), float(high))


def _design(cells: Cells) -> Floats:
    """Return a column of ones, one for each floor and exposure, and one of how densely each building is measured."""
    columns = [np.ones(len(cells.homes))]
    for codes in (cells.floor, cells.exposure):
        columns += [(codes == code).astype(float) for code in np.unique(codes)] if len(np.unique(codes)) > 1 else []
    return np.column_stack([*columns, _density(cells)])


def _density(cells: Cells) -> Floats:
    """Return the log of the measured share of each cell's building, with mean 0 and deviation 1 over homes.

    Sensors are often put into the buildings that are known to be cold: the model has to see where there are many.
    """
    homes, measured = (np.bincount(cells.building, some) for some in (cells.homes, cells.measured))
    logs = np.log((measured + 0.5) / (homes + 1))[cells.building]
    away = logs - np.average(logs, weights=cells.homes)
    deviation = np.sqrt(np.average(away**2, weights=cells.homes))
    return np.asarray(away / deviation if deviation > STILL else np.zeros_like(away))


def _fit(cells: Cells, design: Floats, spread: float) -> _Fit:
    """Find the mode by Newton's method; the buildings are eliminated, so that many cost little."""
    middle, prior = _prior(design.shape[1])
    terms, own = middle.copy(), np.zeros(int(cells.building.max()) + 1)
    count, warm = cells.measured / cells.spread, cells.warm / cells.spread
    for _ in range(STEPS):
        chance = _chance(design @ terms + own[cells.building])
        weight = count * chance * (1 - chance)
        residual = warm - count * chance
        slope = design.T @ residual - prior * (terms - middle)
        slope_own = np.bincount(cells.building, residual, len(own)) - own / spread**2
        inner = np.bincount(cells.building, weight, len(own)) + 1 / spread**2
        across = np.stack([np.bincount(cells.building, weight * column, len(own)) for column in design.T])
        curve = (design.T * weight) @ design + np.diag(prior) - (across / inner) @ across.T
        step = np.linalg.solve(curve, slope - across @ (slope_own / inner))
        step_own = (slope_own - across.T @ step) / inner
        longest = max(1.0, float(np.abs(step).max()), float(np.abs(step_own).max()))
        terms, own = terms + step / longest, own + step_own / longest
        if longest == 1.0 and max(np.abs(step).max(), np.abs(step_own).max()) < STILL:
            break
    highest = float(_log_posterior(cells, design @ terms + own[cells.building], terms, own, spread))
    volume = float(np.linalg.slogdet(curve)[1] + np.log(inner * spread**2).sum()) / 2
    return _Fit(
        terms,
        own,
        np.asarray(np.linalg.inv(curve), np.float64),
        1 / inner,
        across / inner,
        highest,
        highest - volume,
        spread,
    )


def _rates(cells: Cells, design: Floats, fit: _Fit, draws: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw rates of all homes and the logs of their weights: terms around the mode, then homes not measured.

    Terms are drawn from a distribution with longer tails than theirs, a multivariate t, and weighed by their own.
    """
    straight, aside = rng.standard_normal((draws, len(fit.terms))), rng.standard_normal((draws, len(fit.own)))
    far = np.sqrt(TAILS / rng.chisquare(TAILS, (draws, 1)))
    straight, aside = straight * far, aside * far
    away = straight @ np.linalg.cholesky(fit.solved).T
    terms, own = fit.terms + away, fit.buildings + np.sqrt(fit.own) * aside - away @ fit.pull
    size = straight.shape[1] + aside.shape[1]
    logs = (TAILS + size) / 2 * np.log1p(((straight**2).sum(1) + (aside**2).sum(1)) / TAILS) - fit.highest
    noise, rates = rng.standard_normal(draws), np.empty(draws)
    at_once = max(1, MOST_AT_ONCE // len(cells.homes))
    for first in range(0, draws, at_once):
        some = slice(first, first + at_once)
        logit = terms[some] @ design.T + own[some][:, cells.building]
        rates[some] = _rates_at(cells, _chance(logit), noise[some])
        logs[some] += _log_posterior(cells, logit, terms[some], own[some], fit.spread)
    return rates, logs


def _rates_at(cells: Cells, chance: Floats, noise: Floats) -> Floats:
    """Return the rates of all homes, a row of chances for each draw; homes that were measured count as they are."""
    unmeasured, total = cells.homes - cells.measured, cells.homes.sum()
    warm, cold = cells.warm.sum(), (cells.measured - cells.warm).sum()
    spread = np.sqrt(cells.spread * ((chance * (1 - chance)) @ unmeasured))
    return np.asarray(np.clip((warm + chance @ unmeasured + spread * noise) / total, warm / total, 1 - cold / total))


def _prior(terms: int) -> tuple[Floats, Floats]:
    """Return the middle of each term before anything was measured, and the inverse of its variance."""
    middle, precision = np.zeros(terms), np.full(terms, 1 / TERM_SPREAD**2)
    middle[0], precision[0] = USUAL, 1 / USUAL_SPREAD**2
    return middle, precision


def _log_posterior(cells: Cells, logit: Floats, terms: Floats, own: Floats, spread: float) -> Floats:
    """Return the log of the posterior, for each row of terms and buildings."""
    middle, precision = _prior(terms.shape[-1])
    likely = (logit @ cells.warm - np.logaddexp(0, logit) @ cells.measured) / cells.spread
    return np.asarray(likely - ((terms - middle) ** 2 @ precision + (own**2).sum(-1) / spread**2) / 2)


def _chance(logit: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(logit, -30, 30)))

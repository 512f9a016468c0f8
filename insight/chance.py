"""Say how sure a forecast is: from how far past ones were from what came."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from insight.balance import AIR
from insight.forecast import LEADS
from insight.window import DAY, HOUR, Floats

COVERAGE = 0.9
_KNOTS, _STEPS = np.append(0, LEADS), np.arange(1, DAY + 1)
_BEFORE = np.searchsorted(_KNOTS, _STEPS) - 1  # the place of the lead before each step, and how far on it lies
_SHARE = (_STEPS - _KNOTS[_BEFORE]) / np.diff(_KNOTS)[_BEFORE]
_SHARE[:HOUR] = (1 - (1 - AIR) ** _STEPS[:HOUR]) / (1 - (1 - AIR) ** HOUR)  # air goes most of its way at once
HORIZONS_H = (3, 6, 12, 24)
HORIZONS = np.array(HORIZONS_H) * HOUR  # steps
ERROR_EDGES = np.concatenate([-np.geomspace(20, 0.01, 60), [0.0], np.geomspace(0.01, 20, 60)])  # in scales of a home
MARGIN_EDGES = np.concatenate([-np.geomspace(20, 0.05, 30), [0.0], np.geomspace(0.05, 20, 30)])  # deviations
NOW_EDGES = np.array([0.0, 0.3, 1.0, 2.0])  # kelvin over the limit as it is now; what moves counts with its like
ANSWER = 6.0  # by so much the share outside changes for a miss, over all errors that count
LEAST_OFF_K = 0.1  # by so much a thermometer and a room are off anyway
QUARTILES = 1.349  # deviations between the quartiles of a normal distribution
LEAST_OUTSIDE, MOST_OUTSIDE = 0.01, 0.1  # calm days make no interval narrower than past errors are
USUAL_PAIRS = 10.0  # in each bin of a class of margins now: so much counts what came of all classes
LEAST_KNOWN = 0.75  # of the steps of a horizon; else nobody knows whether it was cold meanwhile


def path(now: Floats, expected: Floats) -> Floats:
    """Return [home, step 1 to 24 h]: the temperature to expect, °C: as air moves in the first hour, then straight."""
    knots = np.concatenate([now[:, None], now[:, None] + expected], axis=1)
    return np.asarray(knots[:, _BEFORE] * (1 - _SHARE) + knots[:, _BEFORE + 1] * _SHARE)


def margins(celsius: Floats, limits: Floats, deviation: Floats | float = 1.0) -> Floats:
    """Return [home, horizon]: the least that a home stays above its limits, kelvin; below is negative.

    Limits are °C, [home, step]; so is `celsius`, or [home, 1] for what stays as it is. NaN: there is no limit, or too
    little is known. With `deviation` [home, step], by how much such forecasts are off, it is told in that.
    """
    above = (celsius - limits) / deviation
    known = np.isfinite(above)
    least = np.where(known, above, np.inf)
    found = np.stack([least[:, :steps].min(axis=1) for steps in HORIZONS], axis=1)
    limited = np.isfinite(limits)
    enough = np.stack([known[:, :s].sum(axis=1) >= LEAST_KNOWN * limited[:, :s].sum(axis=1) for s in HORIZONS], axis=1)
    return np.where(np.isfinite(found) & enough, found, np.nan)


def _no_errors() -> Floats:
    return np.zeros((len(LEADS), len(ERROR_EDGES) + 1))


def _no_margins() -> Floats:
    return np.zeros((2, len(HORIZONS), len(NOW_EDGES) + 1, len(MARGIN_EDGES) + 1))


@dataclass(frozen=True)
class Experience:
    """A count of how forecasts came out: errors by lead, and cold spells by horizon and expected margin.

    `outside` is the share of past errors that intervals leave out, so that they hold as often as they say: where the
    days to come are not like those behind, it is less than one in ten. Source: I. Gibbs and E. Candès, "Adaptive
    conformal inference under distribution shift", NeurIPS 34 (2021).
    """

    errors: Floats = field(default_factory=_no_errors)  # [lead, bin of error in scales]
    margins: Floats = field(
        default_factory=_no_margins
    )  # [pairs or events, horizon, class of margin now, bin of margin]
    outside: Floats = field(default_factory=lambda: np.full(len(LEADS), 1 - COVERAGE))  # [lead]

    def faded(self, share: float) -> "Experience":
        """Return it with less weight, as it is older."""
        return Experience(self.errors * share, self.margins * share, self.outside)

    def with_errors(self, error: Floats, told: Floats) -> "Experience":
        """Add errors [home, lead], what came less what was expected, and how intervals [lead, 2] held; in scales."""
        added = [
            np.bincount(np.searchsorted(ERROR_EDGES, e[np.isfinite(e)]), minlength=len(ERROR_EDGES) + 1)
            for e in error.T
        ]
        errors = self.errors + np.stack(added)
        missed = ((error < told[:, 0]) | (error > told[:, 1])).sum(axis=0)
        fewer = (1 - COVERAGE) * np.isfinite(error).sum(axis=0) - missed
        learned = told[:, 0] < told[:, 1]  # what has no width was told before there were any errors
        outside = self.outside + np.where(learned, ANSWER * fewer / np.maximum(errors.sum(axis=1), 1), 0.0)
        return Experience(errors, self.margins, np.clip(outside, LEAST_OUTSIDE, MOST_OUTSIDE))

    def with_margins(self, foreseen: Floats, came: Floats, now: Floats) -> "Experience":
        """Add margins [home, horizon]: as foreseen, in deviations, as they came, and as they are if all stays."""
        counted = np.zeros_like(self.margins)
        for place in range(len(HORIZONS)):
            known = np.isfinite(foreseen[:, place]) & np.isfinite(came[:, place])
            at = _place(now[known, place], foreseen[known, place])
            np.add.at(counted[0, place], at, 1)
            np.add.at(counted[1, place], at, came[known, place] < 0)
        return Experience(self.errors, self.margins + counted, self.outside)

    def interval(self) -> Floats:
        """Return [lead, 2]: between which errors, in scales of a home, they lay but for the share outside."""
        return self._between(self.outside)

    def deviation(self) -> Floats:
        """Return [lead]: how far errors commonly lay off, in scales of a home; endless before there are any."""
        low, high = self._between(np.full(len(LEADS), 0.5)).T
        return np.where(high > low, (high - low) / QUARTILES, np.inf)

    def _between(self, outside: Floats) -> Floats:
        total = self.errors.sum(axis=1, keepdims=True)
        reached = np.cumsum(self.errors, axis=1) / np.where(total == 0, 1, total)
        ends = np.stack([outside / 2, 1 - outside / 2], axis=1)
        edges = np.append(ERROR_EDGES, ERROR_EDGES[-1])
        return np.stack([np.interp(end, lead, edges) for end, lead in zip(ends, reached, strict=True)])

    def probability(self, foreseen: Floats, now: Floats) -> Floats:
        """Return [home, horizon]: how often it came to be cold where a margin like this was foreseen."""
        chance = np.full(foreseen.shape, np.nan)
        for place in range(len(HORIZONS)):
            known = np.isfinite(foreseen[:, place]) & np.isfinite(now[:, place])
            chance[known, place] = self._tables(place)[_place(now[known, place], foreseen[known, place])]
        return chance

    def _tables(self, place: int) -> Floats:
        """Return [class of margin now, bin of margin]: the chance of a horizon; few cases are drawn to all classes."""
        pairs, events = self.margins[:, place]
        usual = falling(pairs.sum(axis=0), events.sum(axis=0))
        return np.stack(
            [falling(*each) for each in zip(pairs + USUAL_PAIRS, events + USUAL_PAIRS * usual, strict=True)]
        )


def _place(now: Floats, foreseen: Floats) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the class of margins as they are now, and the bin of margins as they are foreseen."""
    return np.searchsorted(NOW_EDGES, now, side="right"), np.searchsorted(MARGIN_EDGES, foreseen)


def falling(pairs: Floats, events: Floats) -> Floats:
    """Return the share of events in each bin, made never to rise: neighbours that would are taken together.

    Source: the pool-adjacent-violators algorithm, M. Ayer et al., Annals of Mathematical Statistics 26 (1955). A bin
    begins with half an event in one pair that its side of the limit suggests, so that nothing is ever certain.
    """
    below = np.arange(len(pairs)) <= len(pairs) // 2 - 1
    blocks: list[tuple[float, float, int]] = []
    for count, came, cold in zip(pairs, events, below, strict=True):
        blocks.append((count + 0.02, came + 0.02 * (0.98 if cold else 0.02), 1))
        while len(blocks) > 1 and blocks[-1][1] * blocks[-2][0] > blocks[-2][1] * blocks[-1][0]:
            (a, b, c), (d, e, f) = blocks.pop(), blocks.pop()
            blocks.append((a + d, b + e, c + f))
    return np.concatenate([np.full(size, came / count) for count, came, size in blocks])

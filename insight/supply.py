"""Say what a network is supplied with beside what is common in such weather, and how that may go on."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from insight.belief import FREEDOM, OF_MEDIAN, belief
from insight.forecast import LEADS, warmth_ahead
from insight.window import DAY, HOUR, Floats, Window

ENOUGH = DAY  # steps with supply and outdoor temperature to tell from
ROUNDS = 5  # of the line, in which what is off counts less and less
LEAST_SCATTER_K = 0.5
OFF_K = 10.0  # an outage lacks more; a boiler at its end in a cold snap lacks 5 K and less
AGES = np.array([1, 2, 4, 6, 9, 12, 24]) * HOUR  # edges between classes of outages by how long they are on, steps
USUAL_HOURS, USUAL_KNOWN_HOURS = 6.0, 3.0  # of an outage, before one was seen; it counts as so many hours of each class
ENDS = np.concatenate([[0], LEADS])  # between which an outage may end
BOILER_ENDS = np.array([0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8])  # of the outdoor temperatures, where a boiler may end
BOILER_SURE = 0.9  # it ends there if that leaves so much less of what a straight line leaves


class Line(NamedTuple):
    """Supply over the outdoor temperature: kelvin that it lacks [step], NaN where not known, and kelvin for each."""

    lacks: Floats
    slope: float


def line(supply: Floats, outdoor: Floats) -> Line:
    """Lay a line through supply over the outdoor temperature, both °C, [step].

    An outage that lies within the steps hardly turns it.
    """
    known = np.isfinite(supply) & np.isfinite(outdoor)
    lacks = np.full(len(supply), np.nan)
    if known.sum() < ENOUGH:
        return Line(lacks, 0.0)
    above, slope = _lines(supply[known], outdoor[known][None])
    lacks[known] = -above[0]
    return Line(lacks, float(slope[0]))


def _lines(warm: Floats, cold: Floats) -> tuple[Floats, Floats]:
    """Lay a line through `warm` [step] over each row of `cold` [row, step]: kelvin above it, and kelvin for each."""
    weight = np.ones(cold.shape)
    for _ in range(ROUNDS):
        share = weight / weight.sum(axis=1, keepdims=True)
        from_middle = cold - (share * cold).sum(axis=1, keepdims=True)
        above = warm - (share @ warm)[:, None]
        slope = (share * from_middle * above).sum(axis=1) / np.maximum((share * from_middle**2).sum(axis=1), 1e-9)
        above = above - from_middle * slope[:, None]
        scatter = np.maximum(OF_MEDIAN * np.median(np.abs(above), axis=1), LEAST_SCATTER_K)
        weight = belief(above / scatter[:, None])
    return above, slope


class Futures(NamedTuple):
    """Ways in which supply may go on: the chance of each, and kelvin that it rises beyond what the weather asks for."""

    chance: Floats  # [way]
    beyond: Floats  # [way, step 1 to 24 h]

    @property
    def commonly(self) -> Floats:
        """Return [step 1 to 24 h]: the mean of all ways, by their chances."""
        return self.chance @ self.beyond


def _no_ends() -> Floats:
    return np.zeros((2, len(AGES) + 1))


@dataclass(frozen=True)
class Outages:
    """A count of how long outages last: steps at which one might have ended, and did, by how long it was on."""

    ends: Floats = field(default_factory=_no_ends)  # [might or did, class of age]

    def faded(self, share: float) -> "Outages":
        """Return it with less weight, as it is older."""
        return Outages(self.ends * share)

    def seen(self, window: Window) -> "Outages":
        """Return it with the last hour of a window."""
        off = is_off(window)
        ends = self.ends.copy()
        for step in range(len(off) - HOUR, len(off)):
            if age := _age(off[:step]):
                place = np.searchsorted(AGES, age)
                ends[:, place] += 1, not off[step]
        return Outages(ends)

    def futures(self, window: Window) -> Futures:
        """Say how supply goes on: as it is, and where it is off it comes back after some time."""
        age = _age(is_off(window))
        if not age:
            return Futures(np.ones(1), np.zeros((1, DAY)))
        lasting = np.concatenate([[1.0], np.cumprod(1 - self._ending()[np.searchsorted(AGES, age + np.arange(DAY))])])
        chance = np.append(-np.diff(lasting[ENDS]), lasting[-1])
        back = np.append((ENDS[:-1] + ENDS[1:]) // 2, DAY)
        lacks = line(window.supply, window.outdoor).lacks[-1]
        return Futures(chance, np.where(np.arange(DAY) >= back[:, None], lacks, 0.0))

    def _ending(self) -> Floats:
        """Return [class of age]: the chance that an outage ends within a step."""
        known = USUAL_KNOWN_HOURS * HOUR
        might, did = self.ends
        return np.asarray((did + known / (USUAL_HOURS * HOUR)) / (might + known))


def is_off(window: Window) -> npt.NDArray[np.bool_]:
    """Return [step]: whether supply was off; not where that is not known.

    It lacks much for the weather, and is colder than it commonly is: a boiler at its end in a cold snap is hotter.
    """
    lacks = line(window.supply, window.outdoor).lacks
    known = window.supply[np.isfinite(lacks)]
    return np.asarray((np.nan_to_num(lacks) > OFF_K) & (window.supply < (np.median(known) if len(known) else 0.0)))


def _age(off: npt.NDArray[np.bool_]) -> int:
    """Return for how many steps supply has been off up to the last one."""
    return int(len(off) if off.all() else off[::-1].argmin())


def outdoor_ahead(window: Window) -> Floats:
    """Return [step 1 to 24 h]: °C to expect outdoors."""
    warmer = np.nan_to_num(warmth_ahead(window)[0])
    return np.asarray(window.outdoor[-1] + np.interp(np.arange(1, DAY + 1), ENDS, np.append(0.0, warmer)))


def asked(window: Window) -> Floats:
    """Return [step 1 to 24 h]: °C of supply that the weather to come asks for; NaN where too little is known.

    Where a boiler was at its end in the last days, below some outdoor temperature, it is so again.
    """
    known = np.isfinite(window.supply) & np.isfinite(window.outdoor)
    if known.sum() < ENOUGH:
        return np.full(DAY, np.nan)
    cold = window.outdoor[known]
    ends = np.append(-np.inf, np.quantile(cold, BOILER_ENDS))
    above, slopes = _lines(window.supply[known], np.maximum(cold, ends[:, None]))
    off = np.log1p((above / LEAST_SCATTER_K) ** 2 / FREEDOM).sum(axis=1)
    place = int(off.argmin()) if off.min() < BOILER_SURE * off[0] else 0
    end, slope = ends[place], slopes[place]
    warmer = np.maximum(outdoor_ahead(window), end) - np.maximum(window.outdoor[-1], end)
    return np.asarray(window.supply[-1] + slope * warmer)


def beyond(window: Window, after: Floats) -> Floats:
    """Return [step 1 to 24 h]: by how many kelvin supply `after` rose beyond what the weather foretold asked for.

    Less than an outage is nothing: it remains for what learns from the weather, as nobody knows it beforehand.
    """
    rose = after - asked(window)
    return np.where(np.abs(rose) < OFF_K, 0.0, rose)

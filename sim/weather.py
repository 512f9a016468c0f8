"""Outdoor temperature of the town: an endless winter.

A function of the seed and the instant alone, so instants can be computed in any order.
"""

import math
from dataclasses import dataclass

import numpy as np

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
TOWN_OFFSET_US = 8 * HOUR_US  # China Standard Time, without daylight saving

MEAN_CELSIUS = -7.0
DAY_SWING_K = 4.0
WARMEST_HOUR = 15.0
FRONT_PERIOD_DAYS = (2.3, 4.1, 7.7)
FRONT_SWING_K = 1.4
GUST_K = 0.5

SNAP_EDGE_US = 6 * HOUR_US  # in which a cold snap comes and goes

_FRONT_STREAM, _GUST_STREAM = 11, 12


@dataclass(frozen=True)
class ColdSnap:
    """A time that is colder than the town's winter."""

    begin_us: int
    end_us: int
    depth_kelvin: float

    def kelvin(self, at_us: int) -> float:
        """Return how much colder it makes an instant."""
        within = min(at_us - self.begin_us, self.end_us - at_us)
        return self.depth_kelvin * min(max(within / SNAP_EDGE_US, 0.0), 1.0)


NO_SNAP = ColdSnap(0, 0, 0.0)


def outdoor_celsius(seed: int, at_us: int) -> float:
    """Compute the outdoor air temperature in °C: day cycle, passing fronts and gusts."""
    hour = (at_us + TOWN_OFFSET_US) % DAY_US / HOUR_US
    day_cycle = DAY_SWING_K * math.cos((hour - WARMEST_HOUR) / 24 * math.tau)
    return MEAN_CELSIUS + day_cycle + _fronts_kelvin(seed, at_us / DAY_US) + _gusts_kelvin(seed, at_us)


def _fronts_kelvin(seed: int, days: float) -> float:
    phases = np.random.default_rng([seed, _FRONT_STREAM]).uniform(0, math.tau, len(FRONT_PERIOD_DAYS))
    return sum(
        FRONT_SWING_K * math.sin(days / period * math.tau + phase)
        for period, phase in zip(FRONT_PERIOD_DAYS, phases.tolist(), strict=True)
    )


def _gusts_kelvin(seed: int, at_us: int) -> float:
    hour, within_us = divmod(at_us, HOUR_US)
    before, after = _gust_kelvin(seed, hour), _gust_kelvin(seed, hour + 1)
    return before + (after - before) * within_us / HOUR_US


def _gust_kelvin(seed: int, hour: int) -> float:
    return float(np.random.default_rng([seed, _GUST_STREAM, hour]).normal(0, GUST_K))

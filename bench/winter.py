"""A made-up winter: what the thermometers of many homes say every five minutes, the same each time."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

INTERVAL_US = 300_000_000
PER_DAY = 288
COLD_HOMES = 0.08  # of all: they hover around the limits
MISSING = 0.01  # of readings
WITH_GAP = 0.3  # of homes: silent for hours once


class Winter(NamedTuple):
    """Readings of homes, one sensor each, sorted by (home, time)."""

    home: NDArray[np.int64]  # 0..H-1
    start: NDArray[np.int64]  # µs
    celsius: NDArray[np.float32]

    def of(self, homes: int) -> "Winter":
        """Return the readings of the first homes."""
        end = np.searchsorted(self.home, homes)
        return Winter(self.home[:end], self.start[:end], self.celsius[:end])


def winter(homes: int, days: int, midnight_us: int) -> Winter:
    """Return readings of homes over whole days; a home's readings depend on nothing but its number."""
    parts = [_home(home, days, midnight_us) for home in range(homes)]
    number = np.repeat(np.arange(homes), [len(start) for start, _ in parts])
    return Winter(number, np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]))


def _home(home: int, days: int, midnight_us: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    random = np.random.default_rng((2025, home))
    count = days * PER_DAY
    mean = random.normal(18.0, 1.0) if random.random() < COLD_HOMES else random.normal(21.0, 0.7)
    hour = 0.4 * np.sin(np.arange(count) * (2 * np.pi / PER_DAY))
    spell = np.repeat(random.normal(0.0, 0.4, days), PER_DAY)
    celsius = (mean + hour + spell + random.normal(0.0, 0.1, count)).round(2).astype(np.float32)
    start = midnight_us + np.arange(count) * INTERVAL_US + int(random.integers(0, 300_000)) * 1_000
    said = _said(random, count)
    return start[said], celsius[said]


def _said(random: np.random.Generator, count: int) -> NDArray[np.bool_]:
    """Return which readings came: single ones are missing, and in some homes hours on end."""
    said = random.random(count) >= MISSING
    if random.random() < WITH_GAP:
        at = int(random.integers(0, count))
        said[at : at + int(random.integers(5, PER_DAY))] = False
    return said

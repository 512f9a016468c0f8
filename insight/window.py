"""Hold what a forecast may know: the past of some homes up to an instant, on a grid of quarters of an hour."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STEP_S = 900
HOUR = 3600 // STEP_S
DAY = 24 * HOUR
STEPS = 3 * DAY + 1  # three days behind now, and now
HELD_STEPS = HOUR  # a temperature stands in for those missing after it


@dataclass(frozen=True)
class Window:
    """The last STEPS steps of the homes of one network; the last column is now. NaN: not known."""

    seen: Floats  # [home, step] °C, the coldest judged room
    building: Ints  # [home], equal for homes under one roof
    outdoor: Floats  # [step] °C
    supply: Floats  # [step] °C
    flow: Floats  # [step] m³/h
    heated: npt.NDArray[np.bool_]  # [home], False: its heat is stopped
    outdoor_ahead: Floats  # [lead] °C by a weather forecast, at each of LEADS
    day_share: float  # of the local day that has passed now, 0 to 1

    def held(self) -> Self:
        """Return the window with short gaps filled by the temperature before them."""
        return type(self)(**{**vars(self), "seen": held(self.seen)})


def held(seen: Floats, steps: int = HELD_STEPS) -> Floats:
    """Fill gaps along the last axis with the value before them, so many steps long at most."""
    place = np.where(np.isfinite(seen), np.arange(seen.shape[-1]), -1)
    last = np.maximum.accumulate(place, axis=-1)
    near = (last >= 0) & (np.arange(seen.shape[-1]) - last <= steps)
    return np.where(near, np.take_along_axis(seen, np.maximum(last, 0), axis=-1), np.nan)


def mean_of_others(seen: Floats, building: Ints) -> Floats:
    """Return [home, step]: the mean of the other homes of the building, of the network where it has no other."""
    known = np.isfinite(seen)
    value = np.where(known, seen, 0.0)
    _, place = np.unique(building, return_inverse=True)
    order = np.argsort(place, kind="stable")
    first = np.flatnonzero(np.diff(place[order], prepend=-1))
    sums, counts = (np.add.reduceat(each[order], first, axis=0)[place] - each for each in (value, known.astype(float)))
    lonely = counts == 0
    whole, of = value.sum(axis=0) - value, known.sum(axis=0) - known
    return np.where(lonely, whole, sums) / np.where(lonely, np.where(of == 0, np.nan, of), counts)

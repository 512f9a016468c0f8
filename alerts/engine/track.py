"""From readings to one temperature per home: hold each reading, let the coldest judged sensor govern."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.engine.keys import Keys

Int = NDArray[np.int64]
Celsius = NDArray[np.float32]


class Held(NamedTuple):
    """Readings and how long each is held. Sorted by (home, lane, start); a lane is one sensor in one room."""

    home: Int  # index of the home, 0..H-1
    lane: Int
    start: Int  # µs
    until: Int  # µs, exclusive; not beyond the next reading of the lane
    celsius: Celsius

    def take(self, which: NDArray[np.intp] | NDArray[np.bool_]) -> "Held":
        """Some of the readings, in the given order."""
        return Held(self.home[which], self.lane[which], self.start[which], self.until[which], self.celsius[which])


class Track(NamedTuple):
    """The judged temperature of homes as steps; NaN is unknown. Sorted by (home, start)."""

    home: Int
    start: Int  # µs; a step lasts until the next one of its home
    celsius: Celsius


def hold(home: Int, lane: Int, start: Int, until: Int, celsius: Celsius) -> Held:
    """Sort readings and end each one where the next of its lane begins."""
    held = Held(home, lane, start, until, celsius).take(np.lexsort((start, lane, home)))
    same = (held.home[1:] == held.home[:-1]) & (held.lane[1:] == held.lane[:-1])
    held.until[:-1][same] = np.minimum(held.until[:-1][same], held.start[1:][same])
    return held


def coldest(held: Held, begin: Int, end: Int) -> Track:
    """The coldest known sensor of each home, from `begin[home]` to `end[home]`, both included.

    Every home's first step stands at its `begin`, known or not.
    """
    homes = np.arange(len(begin))
    start = np.maximum(held.start, begin[held.home])
    alive = (held.until > start) & (start <= end[held.home])
    home, lane, start, until, celsius = held._replace(start=start).take(alive)
    keys = Keys.over(len(begin), np.concatenate((begin, start, until)))
    inside = until <= end[home]
    marks = np.concatenate((keys.of(homes, begin), keys.of(home, start), keys.of(home[inside], until[inside])))
    steps = np.unique(marks)
    step_home, step_start = keys.split(steps)
    lowest = np.full(len(steps), np.nan, np.float32)
    for one in range(int(lane.max(initial=-1)) + 1):
        mine = np.flatnonzero(lane == one)
        at = np.searchsorted(keys.of(home[mine], start[mine]), steps, "right") - 1
        piece = mine[np.maximum(at, 0)] if len(mine) else np.zeros(len(steps), np.intp)
        known = (at >= 0) & (home[piece] == step_home) & (step_start < until[piece]) if len(mine) else at >= 0
        lowest = np.fmin(lowest, np.where(known, celsius[piece], np.float32(np.nan)))
    return Track(step_home, step_start, lowest)

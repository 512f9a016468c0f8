"""From readings to one temperature per home: hold each reading, let the coldest judged sensor govern."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.engine.keys import Keys

Int = NDArray[np.int64]
Celsius = NDArray[np.float32]
NAN = np.float32(np.nan)


class Held(NamedTuple):
    """Readings and how long each is held. Sorted by (home, lane, start); a lane is one sensor in one room."""

    home: Int  # index of the home, 0..H-1
    lane: Int
    start: Int  # µs
    until: Int  # µs, exclusive; not beyond the next reading of the lane
    celsius: Celsius

    def take(self, which: NDArray[np.intp] | NDArray[np.bool_] | slice) -> "Held":
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
    return trim(held)


def trim(held: Held) -> Held:
    """End each reading where the next of its lane begins; the readings are sorted. Changes `until` in place."""
    same = (held.home[1:] == held.home[:-1]) & (held.lane[1:] == held.lane[:-1])
    np.minimum(held.until[:-1], held.start[1:], out=held.until[:-1], where=same)
    return held


def coldest(held: Held, begin: Int, end: Int) -> Track:
    """The coldest known sensor of each home, from `begin[home]` to `end[home]`, both included.

    Every home's first step stands at its `begin`, known or not.
    """
    late = held.start < begin[held.home]
    if late.any():
        held = held._replace(start=np.where(late, begin[held.home], held.start))
    alive = (held.until > held.start) & (held.start <= end[held.home])
    if not alive.all():
        held = held.take(alive)
    single = not len(held.lane) or bool((held.lane[1:] == held.lane[:-1])[held.home[1:] == held.home[:-1]].all())
    return _one_lane(held, begin, end) if single else _lanes(held, begin, end)


def _one_lane(held: Held, begin: Int, end: Int) -> Track:
    """Homes with one sensor: its readings are the steps, and where nothing is held there is a step to unknown."""
    homes = np.arange(len(begin))
    first = np.searchsorted(held.home, homes)
    last = np.searchsorted(held.home, homes, "right") - 1
    heard = first <= last
    unheard = ~heard
    unheard[heard] = held.start[first[heard]] > begin[heard]
    gap = np.ones(len(held.home), bool)
    gap[:-1] = held.until[:-1] < held.start[1:]
    gap[last[heard]] = held.until[last[heard]] <= end[heard]
    after = np.flatnonzero(gap) + 1
    at = np.concatenate((first[unheard], after))
    if not len(at):
        return Track(held.home, held.start, held.celsius)
    # Where one home's last gap meets the next home's beginning, the gap belongs first.
    home = np.concatenate((homes[unheard], held.home[after - 1]))
    start = np.concatenate((begin[unheard], held.until[after - 1]))
    order = np.lexsort((start, home))
    at, home, start = at[order], home[order], start[order]
    return Track(np.insert(held.home, at, home), np.insert(held.start, at, start), np.insert(held.celsius, at, NAN))


def _lanes(held: Held, begin: Int, end: Int) -> Track:
    """Homes with several sensors: a step wherever any of them begins or ends, the lowest of those known then."""
    homes = np.arange(len(begin))
    home, lane, start, until, celsius = held
    keys = Keys.over(len(begin), begin, start, until)
    inside = until <= end[home]
    marks = np.concatenate((keys.of(homes, begin), keys.of(home, start), keys.of(home[inside], until[inside])))
    steps = np.unique(marks)
    step_home, step_start = keys.split(steps)
    lowest = np.full(len(steps), NAN)
    for one in np.unique(lane):
        mine = np.flatnonzero(lane == one)
        at = np.searchsorted(keys.of(home[mine], start[mine]), steps, "right") - 1
        piece = mine[np.maximum(at, 0)]
        known = (at >= 0) & (home[piece] == step_home) & (step_start < until[piece])
        lowest = np.fmin(lowest, np.where(known, celsius[piece], NAN))
    return Track(step_home, step_start, lowest)

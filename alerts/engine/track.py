"""From readings to one temperature per home: hold each reading, let the coldest judged sensor govern."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.engine.keys import Keys
from domain.instants import EVER_US

Int = NDArray[np.int64]
Celsius = NDArray[np.float32]
NAN = float("nan")


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

    def and_then(self, other: "Held") -> "Held":
        """These readings and others after them, not sorted."""
        return Held(
            np.concatenate((self.home, other.home)),
            np.concatenate((self.lane, other.lane)),
            np.concatenate((self.start, other.start)),
            np.concatenate((self.until, other.until)),
            np.concatenate((self.celsius, other.celsius)),
        )


class Track(NamedTuple):
    """The judged temperature of homes, sorted by (home, start): spans that do not overlap, unknown in between."""

    home: Int
    start: Int  # µs
    until: Int  # µs, exclusive; may lie beyond the end of judging
    celsius: Celsius

    def part(self, low: int, high: int) -> "Track":
        """The spans from one index to another."""
        return Track(self.home[low:high], self.start[low:high], self.until[low:high], self.celsius[low:high])


def hold(home: Int, lane: Int, start: Int, until: Int, celsius: Celsius) -> Held:
    """Sort readings and end each one where the next of its lane begins. Changes `until` in place where it can."""
    held = Held(home, lane, start, until, celsius)
    head = _heads(held)
    if not _sorted(held, head):
        held = held.take(np.lexsort((start, lane, home)))
        head = _heads(held)
    last = head[1:] - 1
    beyond = held.until[last]
    np.minimum(held.until[:-1], held.start[1:], out=held.until[:-1])
    held.until[last] = beyond
    return held


def _heads(held: Held) -> NDArray[np.intp]:
    """The first reading of each lane, of readings that are sorted by lane."""
    new = np.ones(len(held.home), bool)
    np.not_equal(held.home[1:], held.home[:-1], out=new[1:])
    new[1:] |= held.lane[1:] != held.lane[:-1]
    return np.flatnonzero(new)


def _sorted(held: Held, head: NDArray[np.intp]) -> bool:
    """Whether readings are in order already: looking costs a small part of sorting."""
    home, lane = held.home[head], held.lane[head]
    lanes_rise = (home[1:] > home[:-1]) | ((home[1:] == home[:-1]) & (lane[1:] > lane[:-1]))
    falls = held.start[1:] < held.start[:-1]
    falls[head[1:] - 1] = False
    return bool(lanes_rise.all()) and not falls.any()


def coldest(held: Held, begin: Int, end: Int) -> Track:
    """The coldest known sensor of each home, from `begin[home]` to `end[home]`, both included."""
    held, head = _between(held, begin, end)
    single = bool((held.home[head[1:]] != held.home[head[:-1]]).all())
    return Track(held.home, held.start, held.until, held.celsius) if single else _lanes(held, begin, end)


def in_force(track: Track, end: Int) -> Celsius:
    """The temperature of each home at the instant `end[home]` that its track reaches to; NaN if unknown."""
    if not len(track.home):
        return np.full(len(end), NAN, np.float32)
    homes = np.arange(len(end))
    last = np.maximum(np.searchsorted(track.home, homes, "right") - 1, 0)
    known = (track.home[last] == homes) & (track.until[last] > end)
    return np.where(known, track.celsius[last], np.float32(NAN))


def _between(held: Held, begin: Int, end: Int) -> tuple[Held, NDArray[np.intp]]:
    """The part of readings that counts from begin to end, and the first of each lane. Mostly that is all of them."""
    head = _heads(held)
    tail = np.append(head[1:], len(held.home))[: len(head)] - 1
    inside = (held.start[head] >= begin[held.home[head]]).all() and (held.start[tail] <= end[held.home[tail]]).all()
    if inside and (held.until > held.start).all():
        return held, head
    held = held._replace(start=np.maximum(held.start, begin[held.home]))
    held = held.take((held.until > held.start) & (held.start <= end[held.home]))
    return held, _heads(held)


def _lanes(held: Held, begin: Int, end: Int) -> Track:
    """Homes with several sensors: a span from each beginning or end of any of them, at the lowest of those known."""
    home, lane, start, until, celsius = held
    keys = Keys.over(len(begin), begin, end)
    inside = until <= end[home]
    steps = np.unique(np.concatenate((keys.of(home, start), keys.of(home[inside], until[inside]))))
    step_home, step_start = keys.split(steps)
    lowest = np.full(len(steps), NAN, np.float32)
    for one in np.unique(lane):
        mine = np.flatnonzero(lane == one)
        at = np.searchsorted(keys.of(home[mine], start[mine]), steps, "right") - 1
        piece = mine[np.maximum(at, 0)]
        known = (at >= 0) & (home[piece] == step_home) & (step_start < until[piece])
        lowest = np.fmin(lowest, np.where(known, celsius[piece], np.float32(NAN)))
    step_until = np.full(len(steps), EVER_US)
    step_until[:-1] = np.where(step_home[1:] == step_home[:-1], step_start[1:], EVER_US)
    known = ~np.isnan(lowest)
    return Track(step_home[known], step_start[known], step_until[known], lowest[known])

"""From readings to one temperature per home: hold each reading, let the coldest judged sensor govern."""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from alerts.engine.keys import HomeTimeKeys
from domain.instants import EVER_US, NONE_US
from domain.milli import NONE_MILLI

Int = NDArray[np.int64]
Milli = NDArray[np.int32]  # thousandths of a degree, NONE_MILLI: unknown
NONE = np.int32(NONE_MILLI)


class Readings(NamedTuple):
    """Readings in any order, each with the longest time that it is held."""

    home: Int  # index of the home, 0..H-1
    lane: Int  # a lane is one sensor in one room
    start: Int  # µs
    until: Int  # µs, exclusive
    milli: Milli

    def take(self, which: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Self:
        """Some of the readings, in the given order."""
        home, lane, start, until, milli = self
        return type(self)(home[which], lane[which], start[which], until[which], milli[which])

    @classmethod
    def join(cls, parts: Sequence["Readings"]) -> "Readings":
        """Readings of several parts one after the other; there is at least one part."""
        return cls(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


class Held(Readings):
    """Readings sorted by (home, lane, start), each held until the next one of its lane at the longest."""

    @cached_property
    def head(self) -> NDArray[np.intp]:
        """The first reading of each lane."""
        new = np.ones(len(self.home), bool)
        np.not_equal(self.home[1:], self.home[:-1], out=new[1:])
        new[1:] |= self.lane[1:] != self.lane[:-1]
        return np.flatnonzero(new)

    @property
    def tail(self) -> NDArray[np.intp]:
        """The last reading of each lane."""
        return np.append(self.head[1:], len(self.home))[: len(self.head)] - 1


class Track(NamedTuple):
    """The judged temperature of homes, sorted by (home, start): spans that do not overlap, unknown in between."""

    home: Int
    start: Int  # µs
    until: Int  # µs, exclusive; may lie beyond the end of judging
    milli: Milli

    def part(self, low: int, high: int) -> "Track":
        """The spans from one index to another."""
        return Track(self.home[low:high], self.start[low:high], self.until[low:high], self.milli[low:high])


def hold(home: Int, lane: Int, start: Int, until: Int, milli: Milli) -> Held:
    """Sort readings and end each one where the next of its lane begins. Changes `until` in place where it can."""
    held = _sort(Held(home, lane, start, until, milli))
    last = held.head[1:] - 1
    beyond = held.until[last]
    np.minimum(held.until[:-1], held.start[1:], out=held.until[:-1])
    held.until[last] = beyond
    return held


def _sort(held: Held) -> Held:
    """Readings in order. Looking costs a small part of sorting, and so does moving whole lanes."""
    if _sorted(held):
        return held
    head = held.head
    lanes = np.lexsort((held.start[head], held.lane[head], held.home[head]))
    moved = held.take(ranges(head[lanes], (held.tail + 1 - head)[lanes]))
    return moved if _sorted(moved) else held.take(np.lexsort((held.start, held.lane, held.home)))


def _sorted(held: Held) -> bool:
    """Whether readings are in order already."""
    head = held.head
    home, lane = held.home[head], held.lane[head]
    lanes_rise = (home[1:] > home[:-1]) | ((home[1:] == home[:-1]) & (lane[1:] > lane[:-1]))
    falls = held.start[1:] < held.start[:-1]
    falls[head[1:] - 1] = False
    return bool(lanes_rise.all()) and not falls.any()


def ranges(first: Int, count: Int) -> Int:
    """first[0], first[0] + 1, … count[0] of them, then the same of first[1] …"""
    return np.repeat(first - (np.cumsum(count) - count), count) + np.arange(int(count.sum()))


def coldest(held: Held, begin: Int, end: Int) -> Track:
    """The coldest known sensor of each home, from `begin[home]` to `end[home]`, both included."""
    held = _between(held, begin, end)
    home = held.home[held.head]
    single = bool((home[1:] != home[:-1]).all())
    return Track(held.home, held.start, held.until, held.milli) if single else _lanes(held, begin, end)


def in_force(track: Track, end: Int) -> Milli:
    """The temperature of each home at the instant `end[home]` that its track reaches to; NONE_MILLI if unknown."""
    if not len(track.home):
        return np.full(len(end), NONE)
    homes = np.arange(len(end))
    last = np.maximum(np.searchsorted(track.home, homes, "right") - 1, 0)
    known = (track.home[last] == homes) & (track.until[last] > end)
    return np.where(known, track.milli[last], NONE)


def _between(held: Held, begin: Int, end: Int) -> Held:
    """The part of readings that counts from begin to end. Mostly that is all of them, or nearly so."""
    home, lane, start, until, milli = held
    counts = until > start
    early = np.flatnonzero(start < begin.max(initial=NONE_US))
    if len(early):
        begins = begin[home[early]]
        counts[early] &= until[early] > begins
        start = start.copy()
        start[early] = np.maximum(start[early], begins)
    late = np.flatnonzero(start > end.min(initial=EVER_US))
    counts[late] &= start[late] <= end[home[late]]
    if not len(early) and counts.all():
        return held
    return Held(home, lane, start, until, milli).take(counts)


def _lanes(held: Held, begin: Int, end: Int) -> Track:
    """Homes with several sensors: a span from each beginning or end of any of them, at the lowest of those known."""
    home, lane, start, until, milli = held
    keys = HomeTimeKeys.over(len(begin), begin, end)
    inside = until <= end[home]
    steps = np.unique(np.concatenate((keys.of(home, start), keys.of(home[inside], until[inside]))))
    step_home, step_start = keys.split(steps)
    lowest = np.full(len(steps), NONE)
    for one in np.unique(lane):
        mine = np.flatnonzero(lane == one)
        at = np.searchsorted(keys.of(home[mine], start[mine]), steps, "right") - 1
        piece = mine[np.maximum(at, 0)]
        known = (at >= 0) & (home[piece] == step_home) & (step_start < until[piece])
        lowest = np.minimum(lowest, np.where(known, milli[piece], NONE))
    step_until = np.full(len(steps), EVER_US)
    step_until[:-1] = np.where(step_home[1:] == step_home[:-1], step_start[1:], EVER_US)
    known = lowest != NONE
    return Track(step_home[known], step_start[known], step_until[known], lowest[known])

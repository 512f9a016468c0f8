"""From readings to one temperature per home: each reading is held, and the coldest sensor governs."""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from alerts.engine.keys import HomeTimeKeys
from alerts.engine.scratch import Scratch
from domain import groups
from domain.instants import EVER_US, NONE_US
from domain.milli import NONE_MILLI

Int = NDArray[np.int64]
Milli = NDArray[np.int32]  # thousandths of a degree, NONE_MILLI: unknown
NONE = np.int32(NONE_MILLI)


class Readings(NamedTuple):
    """Readings in any order, each with the latest instant until which it may be held."""

    home: Int  # index of the home, 0..H-1
    lane: Int  # a lane is one sensor in one room
    start: Int  # µs
    until: Int  # µs, exclusive
    milli: Milli

    def take(self, which: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Self:
        """Select readings by index, mask or slice."""
        home, lane, start, until, milli = self
        return type(self)(home[which], lane[which], start[which], until[which], milli[which])

    @classmethod
    def join(cls, parts: Sequence["Readings"]) -> "Readings":
        """Concatenate one or more parts."""
        return cls(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


class Held(Readings):
    """Readings sorted by (home, lane, start); each is held at most until the next one of its lane."""

    @cached_property
    def head(self) -> NDArray[np.intp]:
        """The index of the first reading of each lane."""
        return groups.firsts(self.home, self.lane)

    @property
    def tail(self) -> NDArray[np.intp]:
        """The index of the last reading of each lane."""
        return np.append(self.head[1:], len(self.home))[: len(self.head)] - 1


class Track(NamedTuple):
    """The temperature of homes as spans that do not overlap; unknown in between."""

    first: Int  # the first span of each home, then the number of spans
    start: Int  # µs, rising within a home, from the begin of judging to its end
    length: Int  # µs; the last span of a home may reach beyond the end of judging
    milli: NDArray[np.signedinteger]  # m°C, of 32 or 64 bits
    silent: Int  # rising: the spans after which the temperature is unknown, be it at the very end of judging

    def of_homes(self, low: int, high: int) -> "Track":
        """Return the spans of the homes low..high-1."""
        a, b = int(self.first[low]), int(self.first[high])
        mine = slice(*np.searchsorted(self.silent, (a, b)).tolist())
        first = self.first[low : high + 1] - a
        return Track(first, self.start[a:b], self.length[a:b], self.milli[a:b], self.silent[mine] - a)

    @classmethod
    def join(cls, parts: Sequence["Track"], scratch: Scratch) -> Self:
        """Lay the homes of one or more tracks end to end, in the scratch."""
        first = np.cumsum([0, *(len(part.start) for part in parts)])
        begins = [part.first[:-1] + n for part, n in zip(parts, first.tolist(), strict=False)]
        silent = [part.silent + n for part, n in zip(parts, first.tolist(), strict=False)]
        spans = int(first[-1])
        start, length, milli = (
            np.concatenate([part[nth] for part in parts], out=scratch.whole(name, spans))
            for nth, name in enumerate(("joined start", "joined length", "joined milli"), 1)
        )
        return cls(np.concatenate((*begins, first[-1:])), start, length, milli, np.concatenate(silent))


def hold(home: Int, lane: Int, start: Int, until: Int, milli: Milli) -> Held:
    """Sort readings and cut each where the next of its lane begins; may change `until` in place."""
    held = _sort(Held(home, lane, start, until, milli))
    last = held.head[1:] - 1
    beyond = held.until[last]
    np.minimum(held.until[:-1], held.start[1:], out=held.until[:-1])
    held.until[last] = beyond
    return held


def _sort(held: Held) -> Held:
    """Sort readings by (home, lane, start).

    Checking costs little next to sorting, and so does moving whole lanes that are sorted in themselves.
    """
    if _sorted(held):
        return held
    head = held.head
    lanes = np.lexsort((held.start[head], held.lane[head], held.home[head]))
    moved = held.take(ranges(head[lanes], (held.tail + 1 - head)[lanes]))
    return moved if _sorted(moved) else held.take(np.lexsort((held.start, held.lane, held.home)))


def _sorted(held: Held) -> bool:
    """Return whether readings are sorted by (home, lane, start)."""
    head = held.head
    home, lane = held.home[head], held.lane[head]
    lanes_rise = (home[1:] > home[:-1]) | ((home[1:] == home[:-1]) & (lane[1:] > lane[:-1]))
    falls = held.start[1:] < held.start[:-1]
    falls[head[1:] - 1] = False
    return bool(lanes_rise.all()) and not falls.any()


def ranges(first: Int, count: Int) -> Int:
    """Concatenate the integer ranges first[i], first[i] + 1, … with count[i] members each."""
    return np.repeat(first - (np.cumsum(count) - count), count) + np.arange(int(count.sum()))


def bisect(column: Int, value: Int, low: Int, high: Int) -> Int:
    """Return for each value the first index in low..high-1 at which the rising column is not below it, else `high`."""
    below, most = low - 1, high - 1
    width = int((high - low).max(initial=0))
    for step in (1 << bit for bit in reversed(range(width.bit_length()))):
        at = np.minimum(below + step, most)
        np.copyto(below, at, where=column[at] < value)
    return below + 1


def coldest(held: Held, begin: Int, end: Int) -> Track:
    """Track the coldest known sensor of each home from `begin[home]` to `end[home]`, both included."""
    held = _between(held, begin, end)
    home = held.home[held.head]
    single = bool((home[1:] != home[:-1]).all())
    return _track(held.home, held.start, held.until, held.milli, end) if single else _lanes(held, end)


def _track(home: Int, start: Int, until: Int, milli: Milli, end: Int) -> Track:
    """Lay spans that do not overlap, sorted by (home, start), into a track."""
    first = np.searchsorted(home, np.arange(len(end) + 1))
    silent = np.empty(len(home), bool)
    np.less(until[:-1], start[1:], out=silent[:-1])
    last = first[1:][first[1:] > first[:-1]] - 1
    silent[last] = until[last] <= end[home[last]]
    return Track(first, start, until - start, milli, np.flatnonzero(silent))


def _between(held: Held, begin: Int, end: Int) -> Held:
    """Clip readings to [begin, end] of their home, cheaply where all or nearly all lie inside."""
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


class Voices(NamedTuple):
    """The lanes of homes: readings sorted by (home, lane, start), and when each lane falls silent."""

    home: Int  # of each lane
    first: Int  # the first reading of each lane
    start: Int  # µs, from the begin of judging to its end
    milli: Milli
    silent: NDArray[np.intp]  # rising: readings after which the lane is silent, or that are its last
    until: Int  # µs, of each of these; it may lie beyond the end of judging


def merge(voices: Voices, end: Int) -> Track:
    """Track homes with several lanes: a new span wherever a reading or a silence begins, at the lowest known value.

    Instants are sorted with the number of the lane that begins there in their low bits, so that lanes, which are sorted
    in themselves, are merged. What a lane says counts until it says something else; a silence is said, too.
    """
    home, first = voices.home, voices.first + np.searchsorted(voices.silent, voices.first)
    until = np.minimum(voices.until, end[home[np.searchsorted(voices.first, voices.silent, "right") - 1]] + 1)
    start = np.insert(voices.start, voices.silent + 1, until)
    milli = np.insert(voices.milli, voices.silent + 1, NONE)
    number = np.arange(len(first)) - groups.last_marked(groups.is_first(home))
    bits = int(number.max(initial=0)).bit_length()
    keys = HomeTimeKeys.over(len(end) << bits, voices.start[voices.first], end)
    count = np.diff(first, append=len(start))
    start <<= bits
    start += np.repeat(((home * keys.span - keys.base) << bits) + number, count)
    start.sort(kind="stable")
    lowest = np.full(len(start), NONE)
    lane = start & ((1 << bits) - 1)
    for one in np.unique(number).tolist():
        bounds = (first[number == one].tolist(), (first + count)[number == one].tolist())
        said = np.concatenate([milli[a:b] for a, b in zip(*bounds, strict=True)])
        at = np.flatnonzero(lane == one)
        since = lowest[at[0] :]
        np.minimum(since, np.repeat(said, np.diff(at, append=len(start))), out=since)
    start >>= bits
    complete = groups.is_last(start)  # of equal instants
    if not complete.all():
        start, lowest = start[complete], lowest[complete]
    return _spans(start, lowest, keys, end)


def _spans(key: Int, lowest: Milli, keys: HomeTimeKeys, end: Int) -> Track:
    """Lay spans that follow each other in each home, each until the next one, into a track of what is known."""
    first = np.searchsorted(key, np.arange(len(end) + 1) * keys.span)
    length = np.empty_like(key)
    np.subtract(key[1:], key[:-1], out=length[:-1])
    start = key
    start -= np.repeat(np.arange(len(end)) * keys.span - keys.base, np.diff(first))
    known = lowest != NONE
    silent = np.flatnonzero(known[:-1] & ~known[1:])
    home = np.searchsorted(first, silent, "right") - 1
    silent = silent[start[silent + 1] <= end[home]]
    unknown = np.flatnonzero(~known)
    silent -= np.searchsorted(unknown, silent)
    first -= np.searchsorted(unknown, first)
    return Track(first, start[known], length[known], lowest[known], silent)


def _lanes(held: Held, end: Int) -> Track:
    """Track homes with several sensors, of which the coldest counts."""
    ends = np.ones(len(held.start), bool)
    np.not_equal(held.until[:-1], held.start[1:], out=ends[:-1])
    ends[held.tail] = True
    silent = np.flatnonzero(ends)
    voices = Voices(held.home[held.head], held.head, held.start, held.milli, silent, held.until[silent])
    return merge(voices, end)

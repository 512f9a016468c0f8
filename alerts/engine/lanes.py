"""Readings as they are stored, sorted by sensor and time, turned into the temperature of homes block by block.

A lane is one sensor in one home. What the readings of a part of it have in common is told once, for the part: a reading
is its twelve bytes of time and temperature, and whatever is made of it lives in the processor's cache.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.engine.scratch import Scratch
from alerts.engine.track import Held, Int, Milli, Track, Voices, bisect, merge
from domain import groups
from domain.instants import EVER_US
from domain.milli import PER_DEGREE

ROUNDS = np.float64(1.5 * 2**52)
ROUNDED = ROUNDS.view(np.int64)


class Lanes(NamedTuple):
    """Parts of lanes, sorted by (home, lane, time), each a slice of the columns `start` and `celsius`."""

    home: Int  # index of the home, 0..H-1
    lane: Int
    first: Int  # of the part's readings
    end: Int  # exclusive
    hold: Int  # µs for which a reading of the part is held at most; more than 0
    left: Int  # µs; none is held beyond it, and all begin before
    offset: NDArray[np.int32]  # mK
    start: Int  # µs, a column of readings; rising within a part
    celsius: NDArray[np.float32]  # as stored; all are numbers

    def part(self, which: NDArray[np.intp] | NDArray[np.bool_] | slice) -> "Lanes":
        """Select parts of lanes; their readings stay where they are."""
        return self._replace(
            home=self.home[which],
            lane=self.lane[which],
            first=self.first[which],
            end=self.end[which],
            hold=self.hold[which],
            left=self.left[which],
            offset=self.offset[which],
        )

    def extended(self, others: Sequence["Lanes"]) -> "Lanes":
        """Append parts over the same columns of readings."""
        every = [self, *others]
        return self._replace(
            home=np.concatenate([lanes.home for lanes in every]),
            lane=np.concatenate([lanes.lane for lanes in every]),
            first=np.concatenate([lanes.first for lanes in every]),
            end=np.concatenate([lanes.end for lanes in every]),
            hold=np.concatenate([lanes.hold for lanes in every]),
            left=np.concatenate([lanes.left for lanes in every]),
            offset=np.concatenate([lanes.offset for lanes in every]),
        )

    @property
    def ends_lane(self) -> NDArray[np.bool_]:
        """The mask of the parts that are the last ones of their lanes."""
        return groups.is_last(self.home, self.lane)

    @property
    def last(self) -> "Lanes":
        """The last reading of each part, as a part of its own."""
        return self._replace(first=self.end - 1)

    @property
    def follows(self) -> Int:
        """The µs of the first reading of the next part of the lane; EVER_US if there is none."""
        following = np.append(self.start[self.first[1:]], EVER_US)[: len(self.first)]
        return np.asarray(np.where(self.ends_lane, EVER_US, following))

    def expires(self, reading: Int) -> Int:
        """Return the µs at which one reading of each part expires if no other follows."""
        return np.asarray(np.minimum(self.start[reading] + self.hold, self.left))


def held_from(lanes: Lanes, begin: Int) -> Lanes:
    """Leave out what is not in force at `begin[home]` or later."""
    before, at, carried = _carried(lanes, begin)
    lanes = lanes._replace(first=np.where(carried, before, at))
    return lanes.part(lanes.end > lanes.first)


def in_force(lanes: Lanes, begin: Int, end: Int) -> Lanes:
    """Keep the readings that are in force at any time from `begin[home]` to `end[home]`, both included.

    One that was in force before becomes a part of its own; it counts from `begin` on.
    """
    lanes = lanes.part(lanes.end > lanes.first)
    before, at, carried = _carried(lanes, begin)
    hold = lanes.expires(before) - begin[lanes.home]
    first = lanes._replace(first=before, end=before + 1, hold=hold).part(carried)
    rest = lanes._replace(first=at, end=bisect(lanes.start, end[lanes.home] + 1, at, lanes.end))
    number = np.concatenate((np.flatnonzero(carried) * 2, np.arange(len(lanes.home)) * 2 + 1))
    both = first.extended([rest]).part(np.argsort(number))
    return both.part(both.end > both.first)


def _carried(lanes: Lanes, begin: Int) -> tuple[Int, Int, NDArray[np.bool_]]:
    """Return the last reading of each part before `begin[home]`, the one after it, and whether it is still in force."""
    begins = begin[lanes.home]
    at = bisect(lanes.start, begins, lanes.first, lanes.end)
    before = np.maximum(at - 1, lanes.first)
    following = np.where(at < lanes.end, lanes.start[np.minimum(at, lanes.end - 1)], lanes.follows)
    return before, at, (at > lanes.first) & (np.minimum(lanes.expires(before), following) > begins)


def track_of(lanes: Lanes, begin: Int, end: Int, scratch: Scratch) -> Track:
    """Track the coldest lane of each home from its begin to its end; the track lives in the scratch."""
    at = np.append(0, np.cumsum(lanes.end - lanes.first))
    start, milli = _start(lanes, at, begin, scratch), _milli(lanes, at, scratch)
    if (groups.is_first(lanes.home)[1:] | ~lanes.ends_lane[:-1]).all():
        return _alone(lanes, at, start, milli, end, scratch)
    return _together(lanes, at, start, milli, end, scratch)


def gather(lanes: Lanes, column: NDArray[Any], room: NDArray[Any] | None = None) -> NDArray[Any]:
    """Return the readings of parts, one after the other: without copying where they lie so, unless room is given."""
    if room is None and (lanes.first[1:] == lanes.end[:-1]).all():
        return column[lanes.first[0] : lanes.end[-1]] if len(lanes.first) else column[:0]
    parts = [column[a:b] for a, b in zip(lanes.first.tolist(), lanes.end.tolist(), strict=True)]
    return np.concatenate(parts or [column[:0]], out=room)


def _start(lanes: Lanes, at: Int, begin: Int, scratch: Scratch) -> Int:
    """Return the µs from which each reading counts."""
    head, begins = lanes.start[lanes.first], begin[lanes.home]
    early = head < begins
    if not early.any() and lanes.start.flags.c_contiguous:
        return gather(lanes, lanes.start)
    start = gather(lanes, lanes.start, scratch.whole("start", int(at[-1])))
    start[at[:-1][early]] = begins[early]
    return start


def _milli(lanes: Lanes, at: Int, scratch: Scratch) -> Int:
    """Return the nearest thousandth of each reading, half to the even side, with the offset."""
    milli = rounded(gather(lanes, lanes.celsius), scratch)
    milli -= ROUNDED
    if lanes.offset.any():
        milli += np.repeat(lanes.offset, np.diff(at))
    return milli


def rounded(celsius: NDArray[np.float32], scratch: Scratch) -> Int:
    """Return the nearest thousandth of each temperature, half to the even side, plus ROUNDED; it lives in the scratch.

    A float64 of the magnitude of ROUNDS has no fraction bits: adding it rounds, and leaves an integer in the low bits.
    """
    scaled = scratch.real("milli", len(celsius))
    scaled[:] = celsius
    scaled *= PER_DEGREE
    scaled += ROUNDS
    return scaled.view(np.int64)


class _Ends(NamedTuple):
    """Readings that may not be held until the next one of their lane, or have none."""

    reading: Int  # rising
    part: Int
    until: Int  # µs; held until then, if no other follows
    follows: Int  # µs of the next reading of the lane; EVER_US if there is none


def _alone(lanes: Lanes, at: Int, start: Int, milli: Int, end: Int, scratch: Scratch) -> Track:
    """Track homes with one lane each: a reading is held until the next one, but for those that expire before.

    Args:
        at: index of the first reading of each part, then the number of readings.
    """
    length = _lengths(at, start, scratch)
    if length.min(initial=EVER_US) <= 0:
        return _alone(lanes, *_once(at, start, milli, length), end, scratch)
    ends = _ends(lanes, at, start, length, scratch)
    length[ends.reading] = np.minimum(ends.until, ends.follows) - start[ends.reading]
    silent = ends.until < ends.follows
    silent &= (ends.follows < EVER_US) | (ends.until <= end[lanes.home[ends.part]])
    first = at[np.searchsorted(lanes.home, np.arange(len(end) + 1))]
    return Track(first, start, length, milli, ends.reading[silent])


def _together(lanes: Lanes, at: Int, start: Int, milli: Int, end: Int, scratch: Scratch) -> Track:
    """Track homes with several lanes, of which the coldest counts."""
    length = _lengths(at, start, scratch)
    _in_order(length)
    ends = _ends(lanes, at, start, length, scratch)
    silent = ends.until < ends.follows
    head = groups.firsts(lanes.home, lanes.lane)
    mine = (lanes.home[head], at[head], start, milli.astype(np.int32))
    return merge(Voices(*mine, ends.reading[silent], ends.until[silent]), end)


def _lengths(at: Int, start: Int, scratch: Scratch) -> Int:
    """Return the µs from each reading to the next one of its part; EVER_US for the last one."""
    length = scratch.whole("length", len(start))
    np.subtract(start[1:], start[:-1], out=length[:-1])
    length[at[1:] - 1] = EVER_US
    return length


def _ends(lanes: Lanes, at: Int, start: Int, length: Int, scratch: Scratch) -> _Ends:
    """Find the readings that expire before the next one of their part, and the last ones of parts."""
    beyond = scratch.marks("beyond", len(start))
    np.greater(length, lanes.hold[np.diff(at) > 1].min(initial=EVER_US - 1), out=beyond)
    late = np.flatnonzero(beyond)
    part = np.searchsorted(at, late, "right") - 1
    until = np.minimum(start[late] + lanes.hold[part], lanes.left[part])
    follows = start[np.minimum(late + 1, len(start) - 1)]
    follows[(late == at[part + 1] - 1) & lanes.ends_lane[part]] = EVER_US
    return _Ends(late, part, until, follows)


def _in_order(length: Int) -> None:
    """Check that readings are sorted.

    Raises:
        ValueError: the readings of a part are not in the order of time.
    """
    if length.min(initial=0) < 0:
        raise ValueError("the readings of a lane are not in the order of time")


def _once(at: Int, start: Int, milli: Int, length: Int) -> tuple[Int, Int, Int]:
    """Keep of the readings of a lane and an instant the last one.

    Raises:
        ValueError: the readings of a part are not in the order of time.
    """
    _in_order(length)
    keep = length > 0
    return np.append(0, np.cumsum(keep))[at], start[keep], milli[keep]


def held(lanes: Lanes) -> Held:
    """Return readings one by one, each with the instant until which it is held."""
    at = np.append(0, np.cumsum(lanes.end - lanes.first))
    return _held(lanes, at, gather(lanes, lanes.start), _milli(lanes, at, Scratch()).astype(np.int32))


def _held(lanes: Lanes, at: Int, start: Int, milli: Milli) -> Held:
    count = np.diff(at)
    until = np.minimum(start + np.repeat(lanes.hold, count), np.repeat(lanes.left, count))
    following = np.append(start[1:], EVER_US)[: len(start)]
    following[at[1:][lanes.ends_lane] - 1] = EVER_US
    home, lane = np.repeat(lanes.home, count), np.repeat(lanes.lane, count)
    return Held(home, lane, start, np.minimum(until, following), milli)

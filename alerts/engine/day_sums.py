"""The sums of the readings of a home on each of its days: enough to prove that a day is warm.

Nearly all readings are looked at nowhere else. So where a home has one sensor, they are weighed in blocks that stay in
the cache, and no column of them outlives its block: what all readings of a part of a lane have in common, such as an
offset, comes in with the sums of the days that lie within the part; all other days count as not known.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.engine.lanes import ROUNDED, Lanes, gather, rounded, track_of
from alerts.engine.runs import Edges, blocks, opened, total_up
from alerts.engine.scratch import Scratch
from alerts.engine.track import NONE, Int, Milli, bisect
from domain.milli import LEAST_MILLI

BLOCK_READINGS = 1 << 15  # weighed at a time


class DaySums(NamedTuple):
    """The days of homes by the sums of what was said; nothing is told of the last day of a home."""

    lowest: Milli  # m°C; not above what is known of the day where the temperature is not known throughout
    heat: Int  # m°C·µs; of any value where the temperature is not known throughout
    known: NDArray[np.bool_]  # the temperature is known from the first instant to the last


def of_tracks(lanes: Lanes, days: Edges, begin: Int, end: Int, pieces: NDArray[np.void]) -> DaySums:
    """Sum up the days of homes with several lanes, the coldest of which governs.

    Args:
        lanes: what is in force from begin to end.
    """
    parts, scratch = list[tuple[Milli, Int, NDArray[np.bool_]]](), Scratch()
    part = np.searchsorted(lanes.home, np.arange(len(end) + 1))
    first = np.append(0, np.cumsum(lanes.end - lanes.first))[part]
    for low, high in blocks(first):
        block, mine = lanes.part(slice(part[low], part[high])), days.of_homes(low, high)
        track = track_of(block._replace(home=block.home - low), begin[low:high], end[low:high], scratch)
        all_ = opened(track, mine, end[low:high], scratch)
        sums = total_up(all_, track, mine, pieces)
        heat = sums.heat + all_.rest
        heat[:-1] -= all_.rest[1:]
        parts.append((np.minimum(all_.milli, sums.lowest), heat, ~sums.busy & (all_.milli != NONE)))
    lowest, heat, known = (np.concatenate(column) for column in zip(*parts, strict=True))
    return DaySums(lowest, heat, known)


class _Columns(NamedTuple):
    """Readings of homes with one lane each, and where they lie."""

    start: Int  # µs
    celsius: NDArray[np.float32]
    part: Int  # the first reading of each part of a lane, then the number of readings
    first: Int  # the first reading of each home, then the number of readings
    at: Int  # the first reading of each day, or the one after it


def of_lanes(lanes: Lanes, days: Edges, homes: int) -> DaySums:
    """Sum up the days of homes with one lane each; what was said before the first day may be among the readings."""
    start, celsius = np.ascontiguousarray(gather(lanes, lanes.start)), gather(lanes, lanes.celsius)
    part = np.append(0, np.cumsum(lanes.end - lanes.first))
    first = part[np.searchsorted(lanes.home, np.arange(homes + 1))]
    if not len(start):
        return DaySums(np.full(len(days.home), NONE), days.home * 0, days.home < 0)
    at = bisect(start, days.start, first[days.home], first[days.home + 1])
    columns, some = _Columns(start, celsius, part, first, at), np.flatnonzero(np.append(at[1:], len(start)) > at)
    least, product, late = _weighed(columns, lanes.hold, at[some])
    return _summed(columns, lanes, days, some, (least, product), _unclear(columns, lanes, days, late))


def _weighed(columns: _Columns, hold: Int, at: Int) -> tuple[NDArray[np.float32], Int, Int]:
    """Return sums of readings, each with the next one, and those that may not be held until then.

    Args:
        hold: µs per part of a lane.
        at: the first reading of each day that has any.
    Returns:
        the lowest °C per day; the sum of products of m°C, to which ROUNDED was added, with µs; indices of readings.
    """
    start, celsius, part = columns.start, columns.celsius, columns.part
    bounds, scratch = np.append(at, len(start)), Scratch()
    least, product = np.empty(len(at), np.float32), np.empty(len(at), np.int64)
    late = [np.setdiff1d(columns.at[:1], part) - 1]  # in no block: what is in force when the first day begins
    parts = np.searchsorted(part, bounds, "right").tolist()
    for low, high in blocks(bounds, BLOCK_READINGS) if len(at) else ():
        (a, b), (begun, ended) = bounds[[low, high]].tolist(), (parts[low], parts[high])
        length, upto = scratch.whole("length", b - a), min(b, len(start) - 1)
        np.subtract(start[a + 1 : upto + 1], start[a:upto], out=length[: upto - a])
        length[part[begun:ended] - 1 - a] = 1  # from one part to the next
        most = min(hold[begun - 1 : ended].tolist())
        if length.max() > most or length.min() <= 0:
            late.append(np.flatnonzero((length > most) | (length <= 0)) + a)
        milli = rounded(celsius[a:b], scratch)
        milli *= length
        np.add.reduceat(milli, at[low:high] - a, out=product[low:high])
        np.minimum.reduceat(celsius[a:b], at[low:high] - a, out=least[low:high])
    return least, product, np.concatenate(late)


class _Unclear(NamedTuple):
    """Days of which the sums say less."""

    unknown: NDArray[np.bool_]  # the temperature may be unknown at some time
    mixed: NDArray[np.bool_]  # not all readings are of one part of a lane, or some are of one instant


def _unclear(columns: _Columns, lanes: Lanes, days: Edges, late: Int) -> _Unclear:
    """Find the days with silence, and those whose readings have not all in common what a part has."""
    part, at = columns.part, columns.at
    of_home = np.searchsorted(days.home, np.arange(len(columns.first)))
    tail, length = part[1:] - 1, columns.start[late + 1] - columns.start[late]
    late_part = np.searchsorted(part, late, "right") - 1
    silent = (length > lanes.hold[late_part]) | (length <= 0)
    until, last = lanes.expires(lanes.end - 1), lanes.ends_lane
    breaks = last | (until < lanes.follows) | (lanes.follows <= columns.start[tail])
    before = np.concatenate((late[silent], tail[breaks]))
    which = np.concatenate((late_part[silent], np.flatnonzero(breaks)))
    first, end = of_home[lanes.home[which]], of_home[lanes.home[which] + 1]
    to_end = last[which] & (before == tail[which])
    upto = np.where(to_end, end, np.minimum(np.searchsorted(at, before + 1, "right"), end))
    begin = np.maximum(np.searchsorted(at, before, "right") - 1, first)
    change = np.zeros(len(at) + 1, np.int64)
    np.add.at(change, begin, 1)
    np.add.at(change, np.maximum(upto, begin + 1), -1)
    mixed, inside = np.zeros(len(at), bool), np.concatenate((tail, late[length <= 0]))
    day = np.searchsorted(at, inside, "right") - 1
    mixed[day[day >= 0]] = True
    return _Unclear(np.cumsum(change)[:-1] > 0, mixed)


def _summed(
    columns: _Columns,
    lanes: Lanes,
    days: Edges,
    some: Int,
    weighed: tuple[NDArray[np.float32], Int],
    unclear: _Unclear,
) -> DaySums:
    """Put together the sums of days: what a reading gives before and after midnight belongs to two of them."""
    start, celsius, part, first, at = columns
    following = start[np.minimum(at, len(start) - 1)]
    begins = (at < first[days.home + 1]) & (following == days.start)
    carried = (at > first[days.home]) & ~begins
    before = np.maximum(at - 1, 0)
    milli, offset = rounded(celsius[before], Scratch()) - ROUNDED, np.zeros(len(at), np.int64)
    if lanes.offset.any():
        milli += lanes.offset[np.searchsorted(part, before, "right") - 1]
        offset += lanes.offset[np.minimum(np.searchsorted(part, at, "right"), len(lanes.offset)) - 1]
    lowest, heat = np.full(len(at), int(NONE)), np.zeros(len(at), np.int64)
    lowest[some] = rounded(weighed[0], Scratch()) - ROUNDED + offset[some]
    lowest[carried] = np.minimum(lowest, milli)[carried]
    lowest[unclear.mixed] = LEAST_MILLI
    rest = np.where(carried, milli * (following - days.start), 0)
    heat[some] = weighed[1]
    heat += rest
    heat[:-1] += (offset[:-1] - ROUNDED) * (following[1:] - following[:-1]) - rest[1:]
    return DaySums(lowest, heat, (carried | begins) & ~unclear.unknown & ~unclear.mixed)

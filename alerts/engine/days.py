"""From stored readings to the runs of homes, whose warm days are one run each.

Most days of most homes are warm throughout, which a minimum proves. Where such a home has no flag either, nothing of
the day counts but its sums: it becomes one run. All other days are cut at every edge of the rules.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.engine.lanes import Lanes, in_force, track_of
from alerts.engine.runs import RUN, Edges, Opened, blocks, cut, opened, runs, total_up
from alerts.engine.schedule import Schedules
from alerts.engine.scratch import Scratch
from alerts.engine.track import NONE, Int, Track, ranges
from domain import groups
from domain.states import HomeState, NotJudged

CHUNK_READINGS = 1 << 21  # whose runs are made and summed up together: few enough for the cache


class Daily(NamedTuple):
    """Schedules whose pieces are whole local days."""

    schedules: Schedules
    piece: Int  # of each day, the first piece of the schedules it was made of


class Spans(NamedTuple):
    """Days of homes that follow each other, each span as a home of its own."""

    home: Int
    begin: Int  # µs
    end: Int  # µs
    ends_home: NDArray[np.bool_]
    track: Track


def runs_of(
    lanes: Lanes, schedules: Schedules, schedule: Int, begin: Int, end: Int, idle: NDArray[np.bool_]
) -> Iterator[NDArray[np.void]]:
    """Yield the runs of homes, some homes at a time.

    They are those that `cut` and `runs` find, but that a day over which an idle home stays warm is one run; the last
    day never is.

    Args:
        schedule: index of the schedule of each home.
        begin, end: µs per home.
        idle: mask of the homes without a flag or a breach at their begin.
    """
    lanes, daily = in_force(lanes, begin, end), daily_of(schedules)
    part = np.searchsorted(lanes.home, np.arange(len(end) + 1))
    first = np.append(0, np.cumsum(lanes.end - lanes.first))[part]
    scratch = Scratch()
    for low, high in blocks(first, CHUNK_READINGS):
        mine = slice(low, high)
        some = lanes.part(slice(part[low], part[high]))._replace(home=lanes.home[part[low] : part[high]] - low)
        days = Edges.of(daily.schedules, schedule[mine], begin[mine], end[mine])
        warm, others = list[NDArray[np.void]](), list[Spans]()
        for a, b in blocks(first[low : high + 1]):
            within = slice(low + a, low + b)
            block = some.part(slice(*np.searchsorted(some.home, (a, b)).tolist()))
            track = track_of(block._replace(home=block.home - a), begin[within], end[within], scratch)
            split = _by_days(track, days.of_homes(a, b), daily, end[within], idle[within], scratch)
            warm.append(split[0])
            others.append(split[1])
        found = np.concatenate((*warm, _cut(others, schedules, schedule[mine], scratch)))
        found = found[np.argsort(days.keys.of(found["home"], found["start"]), kind="stable")]
        found["home"] += low
        yield found


def daily_of(schedules: Schedules) -> Daily:
    """Join the pieces of each local day, under its strictest limits; nothing is warm on a day not judged throughout."""
    pieces = schedules.pieces
    of = np.repeat(np.arange(len(schedules.first) - 1), np.diff(schedules.first))
    first = groups.firsts(of, pieces["day"], pieces["version"])
    out = pieces[first]
    out["reason"] = NotJudged.JUDGED
    if len(first):
        out["warm"] = np.maximum.reduceat(np.where(pieces["reason"] == NotJudged.JUDGED, pieces["warm"], NONE), first)
        out["cold"] = np.maximum.reduceat(np.maximum(pieces["cold"], pieces["severe"]), first)
    return Daily(Schedules(out, np.searchsorted(first, schedules.first)), first)


def _by_days(
    track: Track, days: Edges, daily: Daily, end: Int, idle: NDArray[np.bool_], scratch: Scratch
) -> tuple[NDArray[np.void], Spans]:
    """Return the runs of the days of which nothing but the sums counts, and all other days."""
    pieces = daily.schedules.pieces
    all_ = opened(track, days, end, scratch)
    sums = total_up(all_, track, days, pieces)
    lowest, home = np.minimum(all_.milli, sums.lowest), days.home - days.home[:1]
    calm = idle.copy()
    calm[home[lowest < pieces["cold"][days.piece]]] = False
    warm = ~sums.busy & (all_.milli != NONE) & calm[home] & ~groups.is_last(home)
    which = np.flatnonzero(warm)
    out = np.zeros(len(which), RUN)
    out["home"], out["start"], out["end"] = days.home[which], days.start[which], days.start[which + 1]
    out["state"], out["windowed"] = HomeState.WARM, pieces["windowed"][days.piece[which]]
    out["piece"], out["lowest"] = daily.piece[days.piece[which]], lowest[which]
    out["heat"] = sums.heat[which] + all_.rest[which] - all_.rest[which + 1]
    return out, _spans(track, days, all_, end, warm)


def _spans(track: Track, days: Edges, all_: Opened, end: Int, warm: NDArray[np.bool_]) -> Spans:
    """Return the days that are not warm throughout."""
    begins, ends_home = groups.is_first(days.home), groups.is_last(days.home)
    begins[1:] |= warm[:-1]
    ends = ends_home.copy()
    ends[:-1] |= warm[1:]
    first, last = np.flatnonzero(begins & ~warm), np.flatnonzero(ends & ~warm)
    home, begin = days.home[first], days.start[first]
    upto = np.where(ends_home[last], end[home - days.home[:1]], days.start[np.minimum(last + 1, len(warm) - 1)])
    low, high = all_.at[first] - all_.carried[first], np.append(all_.at, len(track.start))[last + 1]
    return Spans(home, begin, upto, ends_home[last], _part(track, low, high, begin, upto))


def _part(track: Track, low: Int, high: Int, begin: Int, end: Int) -> Track:
    """Return ranges of the spans of a track, each from its begin to its end and as a home of its own.

    Args:
        low, high: the range low..high-1; its first span may begin before, and be of another range too.
    """
    which, first = ranges(low, high - low), np.append(0, np.cumsum(high - low))
    silent = np.zeros(len(track.start), bool)
    silent[track.silent] = True
    start, length, silent = track.start[which], track.length[which], silent[which]
    some = np.flatnonzero(high > low)
    head, last = first[some], first[some + 1] - 1
    late = np.maximum(begin[some] - start[head], 0)
    start[head] += late
    length[head] -= late
    silent[last] &= start[last] + length[last] <= end[some]
    return Track(first, start, length, track.milli[which], np.flatnonzero(silent))


def _cut(spans: list[Spans], schedules: Schedules, schedule: Int, scratch: Scratch) -> NDArray[np.void]:
    """Return the runs of spans of days."""
    home, begin, end, ends_home = (np.concatenate(column) for column in list(zip(*spans, strict=True))[:4])
    track = Track.join([span.track for span in spans], scratch)
    found = runs(cut(track, schedules, schedule[home], begin, end, scratch), schedules, end)
    begins = ends_home[found["home"]] | (found["start"] < found["end"])
    found = found if begins.all() else found[begins]
    found["home"] = home[found["home"]]
    return found

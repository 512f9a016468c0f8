"""From stored readings to the runs of homes, whose warm days are one run each.

Most days of most homes are warm throughout, which a minimum proves. Where such a home has no flag either when the day
begins, nothing of the day counts but its sums: it becomes one run. All other days are cut at every edge of the rules.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.engine.day_sums import DaySums, of_lanes, of_tracks
from alerts.engine.lanes import Lanes, in_force, track_of
from alerts.engine.runs import RUN, Edges, blocks, cut, runs
from alerts.engine.schedule import Schedules
from alerts.engine.scratch import Scratch
from alerts.engine.track import NONE, Int, ranges
from domain import groups, rows
from domain.states import HomeState, NotJudged

CHUNK_READINGS = 1 << 21  # whose runs are made together: few enough that their runs fit in the cache


class Daily(NamedTuple):
    """Schedules whose pieces are whole local days."""

    schedules: Schedules
    piece: Int  # of each day, the first piece of the schedules it was made of


class Homes(NamedTuple):
    """Homes to judge, and what was said of them."""

    lanes: Lanes
    schedule: Int  # index of the schedule of each home
    begin: Int  # µs
    end: Int  # µs
    idle: NDArray[np.bool_]  # neither a flag nor a breach at the begin

    def of(self, which: Int) -> "Homes":
        """Select homes by index, as often as it is given; they are numbered in its order."""
        first, end = (np.searchsorted(self.lanes.home, which, side) for side in ("left", "right"))
        lanes = self.lanes.part(ranges(first, end - first))
        lanes = lanes._replace(home=np.repeat(np.arange(len(which)), end - first))
        return Homes(lanes, self.schedule[which], self.begin[which], self.end[which], self.idle[which])


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
    homes, daily = Homes(lanes.part(lanes.end > lanes.first), schedule, begin, end, idle), daily_of(schedules)
    lanes = homes.lanes
    part = np.searchsorted(lanes.home, np.arange(len(end) + 1))
    first = np.append(0, np.cumsum(lanes.end - lanes.first))[part]
    several = np.bincount(lanes.home[lanes.ends_lane], minlength=len(end)) > 1
    scratch = Scratch()
    for low, high in blocks(first, CHUNK_READINGS):
        kinds = [np.flatnonzero(several[low:high] == kind) + low for kind in (False, True)]
        found = [
            _runs(homes.of(which), which, schedules, daily, kind, scratch)
            for kind, which in enumerate(kinds)
            if len(which)
        ]
        both = rows.join(found or [np.empty(0, RUN)])
        yield both if len(found) < 2 else rows.take(both, np.lexsort((both["start"], both["home"])))


def daily_of(schedules: Schedules) -> Daily:
    """Join the pieces of each local day, under its strictest limits; nothing is warm on a day not judged throughout."""
    pieces = schedules.pieces
    of = np.repeat(np.arange(len(schedules.first) - 1), np.diff(schedules.first))
    first = groups.firsts(of, pieces["day"], pieces["version"])
    out = pieces[first]
    out["reason"] = NotJudged.JUDGED
    if len(first):
        out["warm"] = np.maximum.reduceat(np.where(pieces["reason"] == NotJudged.JUDGED, pieces["warm"], NONE), first)
        strictest = np.maximum(pieces["cold"], pieces["severe"])
        out["cold"] = np.maximum.reduceat(strictest, first)
    return Daily(Schedules(out, np.searchsorted(first, schedules.first)), first)


def _runs(
    homes: Homes, number: Int, schedules: Schedules, daily: Daily, several: int, scratch: Scratch
) -> NDArray[np.void]:
    """Return the runs of homes with one lane each, or with several."""
    days = Edges.of(daily.schedules, homes.schedule, homes.begin, homes.end)
    if several:
        lanes = in_force(homes.lanes, homes.begin, homes.end)
        sums = of_tracks(lanes, days, homes.begin, homes.end, daily.schedules.pieces)
    else:
        sums = of_lanes(homes.lanes, days, len(homes.end))
    one = _one_run(sums, days, daily, homes.idle)
    found = rows.join((_warm(sums, days, daily, one), *_cut(homes, days, one, schedules, scratch)))
    found = rows.take(found, np.argsort(days.keys.of(found["home"], found["start"]), kind="stable"))
    found["home"] = number.take(found["home"])
    return found


def _one_run(sums: DaySums, days: Edges, daily: Daily, idle: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mask the days that are warm throughout, of homes without a flag or a breach when they begin.

    A home that was so before stays so for as long as it is under no limit, and has become so after a warm day that is
    long enough to end any flag.
    """
    pieces = rows.take(daily.schedules.pieces, days.piece)
    warm = sums.known & (sums.lowest >= pieces["warm"])
    ends_flags, first = warm.copy(), groups.is_first(days.home)
    ends_flags[:-1] &= days.start[1:] - days.start[:-1] >= pieces["clear"][:-1]
    tells = first | _after(ends_flags | (sums.lowest < pieces["cold"]))
    idle_before = np.where(first, idle[days.home], _after(ends_flags))
    return np.asarray(warm & idle_before[groups.last_marked(tells)] & ~groups.is_last(days.home))


def _warm(sums: DaySums, days: Edges, daily: Daily, one: NDArray[np.bool_]) -> NDArray[np.void]:
    """Return the runs of the days of which nothing but the sums counts."""
    which = np.flatnonzero(one)
    out, piece = np.zeros(len(which), RUN), days.piece[which]
    out["home"], out["start"], out["end"] = days.home[which], days.start[which], days.start[which + 1]
    out["state"], out["windowed"] = HomeState.WARM, daily.schedules.pieces["windowed"][piece]
    out["piece"], out["lowest"], out["heat"] = daily.piece[piece], sums.lowest[which], sums.heat[which]
    return out


def _cut(
    homes: Homes, days: Edges, one: NDArray[np.bool_], schedules: Schedules, scratch: Scratch
) -> Iterator[NDArray[np.void]]:
    """Yield the runs of all other days, cut at every edge of the rules."""
    ends_home, first = groups.is_last(days.home), np.flatnonzero(~one & (groups.is_first(days.home) | _after(one)))
    last = np.flatnonzero(~one & (ends_home | np.append(one[1:], True)[: len(one)]))
    which = days.home[first]
    spans = homes.of(which)
    upto = np.where(ends_home[last], homes.end[which], days.start[np.minimum(last + 1, len(one) - 1)])
    spans = spans._replace(begin=days.start[first], end=upto)
    lanes = in_force(spans.lanes, spans.begin, spans.end)
    part = np.searchsorted(lanes.home, np.arange(len(which) + 1))
    for low, high in blocks(np.append(0, np.cumsum(lanes.end - lanes.first))[part]):
        mine, block = slice(low, high), lanes.part(slice(part[low], part[high]))
        begin, end = spans.begin[mine], spans.end[mine]
        track = track_of(block._replace(home=block.home - low), begin, end, scratch)
        found = runs(cut(track, schedules, spans.schedule[mine], begin, end, scratch), schedules, end)
        # The instant that ends a span belongs to the next day.
        found = rows.take(found, ends_home[last[mine]][found["home"]] | (found["start"] < found["end"]))
        found["home"] = which[mine].take(found["home"])
        yield found


def _after(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mask the rows after those of a mask."""
    return np.append(False, mask[:-1])[: len(mask)]

"""The lowest and highest temperature of each column of a chart: nothing that happened between two columns is lost."""

import numpy as np

from alerts.engine.track import NONE, Held, Int, Milli, ranges
from domain.milli import LEAST_MILLI


def extremes(held: Held, edges: Int) -> dict[int, tuple[Milli, Milli]]:
    """Find the extremes of each lane in each column; a reading counts for as long as it is held.

    Args:
        held: spans of one home that do not overlap within a lane.
        edges: µs, rising; column i is [edges[i], edges[i + 1]).
    Returns:
        lane → (lowest, highest) per column, m°C; (NONE_MILLI, LEAST_MILLI) where nothing was held.
    """
    columns = len(edges) - 1
    first = np.maximum(np.searchsorted(edges, held.start, "right") - 1, 0)
    last = np.minimum(np.searchsorted(edges, held.until, "left"), columns)
    found = {}
    for lane in np.unique(held.lane):
        mine = np.flatnonzero((held.lane == lane) & (last > first) & (held.until > held.start))
        count = (last - first)[mine]
        column, milli = ranges(first[mine], count), np.repeat(held.milli[mine], count)
        lowest, highest = np.full(columns, NONE), np.full(columns, LEAST_MILLI, np.int32)
        np.minimum.at(lowest, column, milli)
        np.maximum.at(highest, column, milli)
        found[int(lane)] = (lowest, highest)
    return found

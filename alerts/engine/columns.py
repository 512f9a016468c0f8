"""The lowest and highest temperature of each column of a chart: nothing that happened between two columns is lost."""

import numpy as np
from numpy.typing import NDArray

from alerts.engine.track import Held, Int, ranges


def extremes(held: Held, edges: Int) -> dict[int, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """What each lane said in each column, where a reading counts for as long as it is held.

    Args:
        held: spans of one home that do not overlap within a lane.
        edges: µs, rising; column i is [edges[i], edges[i + 1]).
    Returns:
        lane → (lowest, highest) per column, NaN where nothing was held.
    """
    columns = len(edges) - 1
    first = np.maximum(np.searchsorted(edges, held.start, "right") - 1, 0)
    last = np.minimum(np.searchsorted(edges, held.until, "left"), columns)
    found = {}
    for lane in np.unique(held.lane):
        mine = np.flatnonzero((held.lane == lane) & (last > first) & (held.until > held.start))
        count = (last - first)[mine]
        column, celsius = ranges(first[mine], count), np.repeat(held.celsius[mine], count)
        lowest, highest = np.full(columns, np.nan, np.float32), np.full(columns, np.nan, np.float32)
        np.fmin.at(lowest, column, celsius)
        np.fmax.at(highest, column, celsius)
        found[int(lane)] = (lowest, highest)
    return found

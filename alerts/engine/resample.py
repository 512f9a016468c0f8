"""Readings in buckets of time: what was measured in each, and for how much of it the temperature was known."""

import numpy as np
from numpy.typing import NDArray

from alerts.engine.track import Int, Milli

BUCKET = np.dtype(
    [
        ("bucket", np.int64),  # index of its first edge
        ("lowest", np.int32),  # m°C, and so are the next two
        ("mean", np.float64),
        ("highest", np.int32),
        ("count", np.int64),
        ("known_us", np.int64),
    ]
)


def resample(start: Int, until: Int, milli: Milli, edges: Int) -> NDArray[np.void]:
    """Aggregate the readings of one measuring point into the buckets that have any.

    Args:
        start: µs at which each reading was measured, rising. Readings before the first edge count towards
            `known_us` only.
        until: µs at which each expires; cut here where the next one begins.
        milli: the value of each.
        edges: µs, rising; bucket n is from edges[n] to edges[n + 1], half-open.
    Returns:
        BUCKET rows in order of time: lowest, mean, highest and number of the readings, and the µs for which any of
        them was held.
    """
    number = np.searchsorted(edges, start, "right") - 1
    inside = (number >= 0) & (number < len(edges) - 1)
    bucket, first, count = np.unique(number[inside], return_index=True, return_counts=True)
    out = np.zeros(len(bucket), BUCKET)
    out["bucket"], out["count"] = bucket, count
    if len(bucket):
        values = milli[inside]
        out["lowest"] = np.minimum.reduceat(values, first)
        out["highest"] = np.maximum.reduceat(values, first)
        out["mean"] = np.add.reduceat(values.astype(np.int64), first) / count
        out["known_us"] = np.diff(_known_before(start, until, edges))[bucket]
    return out


def _known_before(start: Int, until: Int, edges: Int) -> Int:
    """Return for how many µs before each edge the temperature was known."""
    length = np.maximum(np.minimum(until, np.append(start[1:], np.iinfo(np.int64).max)) - start, 0)
    before = np.concatenate(([0], np.cumsum(length)))
    last = np.searchsorted(start, edges, "right") - 1  # the reading that may hold at the edge
    held = np.minimum(edges - start[np.maximum(last, 0)], length[np.maximum(last, 0)])
    return np.where(last < 0, 0, before[np.maximum(last, 0)] + held)

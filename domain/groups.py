"""Groups of equal neighbours in sorted columns: where each begins and ends."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[Any]


def is_first(column: Column, *more: Column) -> NDArray[np.bool_]:
    """Return a mask of the rows that differ from the row before in any of the columns; the first row always does."""
    mask = np.ones(len(column), bool)
    np.not_equal(column[1:], column[:-1], out=mask[1:])
    for other in more:
        mask[1:] |= other[1:] != other[:-1]
    return mask


def is_last(column: Column, *more: Column) -> NDArray[np.bool_]:
    """Return a mask of the rows that differ from the row after in any of the columns; the last row always does."""
    mask = np.ones(len(column), bool)
    mask[:-1] = is_first(column, *more)[1:]
    return mask


def firsts(column: Column, *more: Column) -> NDArray[np.intp]:
    """Return the index of the first row of each group."""
    return np.flatnonzero(is_first(column, *more))


def lasts(column: Column, *more: Column) -> NDArray[np.intp]:
    """Return the index of the last row of each group."""
    return np.flatnonzero(is_last(column, *more))


def bounds(column: Column, *more: Column) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where each group starts and where it ends (exclusive)."""
    starts = firsts(column, *more)
    return starts, np.append(starts[1:], len(column))[: len(starts)]


def last_marked(mask: NDArray[np.bool_], none: int = 0) -> NDArray[np.intp]:
    """Return for each row the index of the last marked row up to and including it; `none` if there is none."""
    return np.maximum.accumulate(np.where(mask, np.arange(len(mask)), none))

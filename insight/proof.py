"""The proof of a month's rates: the counted homes by the exact bound, all homes by building, floor and exposure."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from domain.kpi import RateProof
from insight.rates import Floats, proven
from insight.strata import Cells, estimate

NARROWEST = 1e-3  # of the spread of shares of time


class TimeSums(NamedTuple):
    """Of each cell the sum over its measured homes of the share of known time that was warm, and of its square."""

    share: Floats
    squares: Floats


def prove(cells: Cells, times: TimeSums) -> RateProof | None:
    """Tell what is proven of all homes of these cells; None: nothing was measured."""
    by_homes = estimate(cells)
    by_time = estimate(_by_time(cells, times))
    if by_homes is None or by_time is None:
        return None
    homes, measured, warm = (int(some.sum()) for some in (cells.homes, cells.measured, cells.warm))
    return RateProof(
        homes=homes,
        measured=measured,
        warm=warm,
        proven=proven(measured, warm, homes),
        by_homes=by_homes.rate,
        by_homes_low=by_homes.low,
        by_homes_high=by_homes.high,
        by_time=by_time.rate,
        by_time_low=by_time.low,
        by_time_high=by_time.high,
    )


def _by_time(cells: Cells, times: TimeSums) -> Cells:
    """Return the cells of the same homes with shares of time; they differ less than homes that are warm or not."""
    count = cells.measured.sum()
    mean = times.share.sum() / count if count else 0.0
    widest = mean * (1 - mean)
    spread = (times.squares.sum() / count - mean**2) / widest if widest > 0 else 1.0
    warm = np.clip(times.share, 0, cells.measured)
    return replace(cells, warm=warm, spread=float(np.clip(spread, NARROWEST, 1)))

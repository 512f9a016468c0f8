"""Falls of measured homes, and of risers, by the last days of what was measured: what is passing, and whose it is.

A home is held against the middle of its substation's measured homes at each step, so that weather and supply drop out.
Homes of a riser that fell together are the riser's. Where no other home of its riser is measured, the speed of the fall
tells: an opening cools a room faster than a shut pipe does.
"""

import numpy as np

from insight.cause import FAST_H, fall
from insight.rates import Floats
from insight.unmeasured import NONE, Fallen, HomePlaces, Whole
from insight.window import DAY, HOUR, STEP_S

PAST_STEPS = 2 * DAY + 1  # quarters of an hour: two days behind now, and now
FELL_K = 1.0  # below what a home commonly is beside the others
COMMONLY = 0.75  # of the time it is no warmer: a fall of a day and a half within two days does not hide itself
FEWEST = 3  # measured homes of a substation that have a middle
KNOWN = 12 * HOUR  # steps of its past, before anything is said of a home
SHARE = 0.5  # of the other measured homes of a riser fell


def fallen(homes: HomePlaces, seen: Floats) -> Fallen:
    """Tell which homes fell by themselves and with their riser.

    `seen`: [home, step] °C at quarters of an hour, the last column now; NaN: not known.
    """
    own = np.zeros(len(seen))
    measured = ~np.isnan(seen[:, -1])
    for substation in np.unique(homes.substation[measured]):
        here = np.flatnonzero(measured & (homes.substation == substation))
        if len(here) >= FEWEST:
            own[here] = _fell(seen[here])
    riser, alone = np.zeros(len(seen)), own < 0
    for code in np.unique(homes.riser[(own < 0) & (homes.riser != NONE)]):
        there = homes.riser == code
        on = np.flatnonzero(there & measured)
        down = on[own[on] < 0]
        if _is_shut(seen, on, down):
            riser[there] = np.median(own[down])
            alone[on] = len(on) == 1
    return Fallen(own, riser, alone)


def _fell(seen: Floats) -> Floats:
    """Return [home]: kelvin it is below what it commonly is beside the others, below 0; 0 where that is no fall."""
    beside = seen - _of_known(seen.T, 0.5)
    off = beside[:, -1] - _of_known(beside, COMMONLY)
    known = (~np.isnan(beside)).sum(axis=1) >= KNOWN
    return np.where(known & (off < -FELL_K), off, 0.0)


def _of_known(values: Floats, share: float) -> Floats:
    """Return the quantile of what is known of each row; NaN where nothing is."""
    count = (~np.isnan(values)).sum(axis=1)
    place = np.round(share * np.maximum(count - 1, 0)).astype(np.int64)
    return np.take_along_axis(np.sort(values, axis=1), place[:, None], axis=1)[:, 0]  # what is not known comes last


def _is_shut(seen: Floats, on: Whole, down: Whole) -> bool:
    """Return whether a fall is the riser's: `on` are its measured homes, those `down` fell."""
    if len(on) == 1:
        return fall(seen[down[0]], STEP_S / 3600).air_h >= FAST_H
    return (len(down) - 1) / (len(on) - 1) >= SHARE

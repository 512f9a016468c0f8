"""Readings that may not be what the room is like: values that jump, and values that stand still.

Detectors: arrays in, mask out. A gap longer than a reading may be held ends a comparison: after silence anything may
have happened.
"""

import numpy as np
from numpy.typing import NDArray

from alerts.engine.track import Int, Milli


def jumps(sensor: Int, at: Int, milli: Milli, gap_us: Int, jump: Int) -> NDArray[np.bool_]:
    """Readings that lie more than `jump` away from the one before of their sensor.

    Args:
        sensor, at, milli: raw readings sorted by sensor and time (µs, m°C).
        gap_us: how old the reading before may be, per reading.
        jump: thousandths of a kelvin, per reading.
    """
    out = np.zeros(len(at), bool)
    follows = (sensor[1:] == sensor[:-1]) & (at[1:] - at[:-1] <= gap_us[1:])
    out[1:] = follows & (np.abs(milli[1:] - milli[:-1]) > jump[1:])
    return out


def frozen(sensor: Int, at: Int, milli: Milli, gap_us: Int, frozen_us: Int) -> NDArray[np.bool_]:
    """Readings whose sensor has said exactly the same for `frozen_us` or longer.

    Args:
        sensor, at, milli: raw readings sorted by sensor and time (µs, m°C).
        gap_us: how old the reading before may be, per reading.
        frozen_us: µs, per reading.
    """
    if not len(at):
        return np.zeros(0, bool)
    begins = np.ones(len(at), bool)
    begins[1:] = (sensor[1:] != sensor[:-1]) | (milli[1:] != milli[:-1]) | (at[1:] - at[:-1] > gap_us[1:])
    since = at[np.maximum.accumulate(np.where(begins, np.arange(len(at)), 0))]
    return np.asarray(at - since >= frozen_us)

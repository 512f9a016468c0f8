"""Suspect readings: values that jump, and values that are frozen.

Detectors: arrays in, mask out. Readings are compared across a gap only while the earlier one may be held.
"""

import numpy as np
from numpy.typing import NDArray

from alerts.engine.track import Int, Milli
from domain import groups


def jumps(sensor: Int, at: Int, milli: Milli, gap_us: Int, jump: Int) -> NDArray[np.bool_]:
    """Mask readings that differ by more than `jump` from the previous one of their sensor.

    Args:
        sensor, at, milli: raw readings sorted by sensor and time (µs, m°C).
        gap_us: longest gap to the previous reading that is compared, per reading.
        jump: mK, per reading.
    """
    out = np.zeros(len(at), bool)
    follows = (sensor[1:] == sensor[:-1]) & (at[1:] - at[:-1] <= gap_us[1:])
    out[1:] = follows & (np.abs(milli[1:] - milli[:-1]) > jump[1:])
    return out


def frozen(sensor: Int, at: Int, milli: Milli, gap_us: Int, frozen_us: Int) -> NDArray[np.bool_]:
    """Mask readings whose sensor has repeated exactly the same value for `frozen_us` or longer.

    Args:
        sensor, at, milli: raw readings sorted by sensor and time (µs, m°C).
        gap_us: longest gap to the previous reading that is compared, per reading.
        frozen_us: µs, per reading.
    """
    if not len(at):
        return np.zeros(0, bool)
    begins = groups.is_first(sensor, milli)
    begins[1:] |= at[1:] - at[:-1] > gap_us[1:]
    since = at[groups.last_marked(begins)]
    return np.asarray(at - since >= frozen_us)

"""What a reading is worth: is it judged, at which temperature, and for how long may it be held."""

from datetime import datetime, time

import numpy as np
from numpy.typing import NDArray

from alerts.engine.schedule import to_us
from alerts.engine.track import Celsius, Int
from domain.policy import ROOM_KINDS, Policy
from domain.quality import Quality


class Weights:
    """The part of a policy that concerns single readings, as arrays over its versions."""

    def __init__(self, policy: Policy) -> None:
        starts = [datetime.combine(v.valid_from, time(0), policy.zone) for v in policy.versions]
        self._starts = np.array([to_us(s) for s in starts], np.int64)
        self._hold = np.array([v.hold_intervals for v in policy.versions])
        self._judged = np.array([[kind in v.judged_rooms for kind in ROOM_KINDS] for v in policy.versions])

    def weigh(self, rows: NDArray[np.void]) -> tuple[NDArray[np.bool_], Celsius, Int]:
        """Judge the worth of readings by the version in force when they were measured.

        Args:
            rows: store.readings.PLACED.
        Returns:
            mask of the judged ones; °C with the offset added in the 32-bit arithmetic of what is stored; the µs at
            which each may no longer be held.
        """
        at = rows["measured_at"]
        version = np.maximum(np.searchsorted(self._starts, at, "right") - 1, 0)
        judged = (rows["quality"] == Quality.GOOD) & self._judged[version, rows["room_kind"]]
        celsius = rows["temperature"] + rows["offset_k"]
        hold = np.round(self._hold[version] * rows["interval_s"] * 1e6).astype(np.int64)
        return judged & ~np.isnan(celsius), celsius, np.minimum(at + hold, rows["stays_until"])

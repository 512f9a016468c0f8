"""The weight of a reading: whether it is judged, at which temperature, and for how long it may be held."""

from datetime import datetime, time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.engine.suspect import frozen, jumps
from alerts.engine.track import NONE, Int, Milli
from domain.instants import EVER_US, NONE_US, to_us
from domain.milli import NONE_MILLI, milli
from domain.policy import ROOMS, Policy
from domain.quality import Quality
from store.base import wire


def judged_milli(raw: NDArray[np.float32], offset: NDArray[np.int32] | int) -> Milli:
    """Round raw °C to the nearest thousandth and add the offset (mK); NONE_MILLI where there is no value."""
    milli = wire.milli(raw)
    return np.where(milli == NONE, NONE, milli + np.int32(offset))


class RulesOfVersion(NamedTuple):
    """The rules of one version of a policy about single readings."""

    begin: int  # µs; NONE_US: the first version holds for all time before
    end: int  # µs, exclusive
    hold: float  # intervals of its sensor for which a reading is held
    judged: NDArray[np.bool_]  # per kind of room
    jump: int  # mK; a larger one is not judged
    frozen_us: int  # a value repeated for so long is not judged


class ReadingRules:
    """The part of a policy that concerns single readings, as arrays over its versions."""

    def __init__(self, policy: Policy) -> None:
        starts = [datetime.combine(v.valid_from, time(0), policy.zone) for v in policy.versions]
        self._starts = np.array([to_us(s) for s in starts], np.int64)
        self._hold = np.array([v.hold_intervals for v in policy.versions])
        self._judged = np.array([[kind in v.judged_rooms for kind in ROOMS] for v in policy.versions])
        strict = [v.care if v.care and not v.care.judge_suspect else None for v in policy.versions]
        self._frozen_us = np.array([EVER_US if c is None else c.frozen_s * 1_000_000 for c in strict], np.int64)
        self._jump = np.array([NONE_MILLI if c is None else milli(c.jump_k) for c in strict], np.int64)
        self.screens = any(strict)  # some version excludes suspect readings from judging

    def weigh(self, rows: NDArray[np.void]) -> tuple[NDArray[np.bool_], Milli, Int]:
        """Weigh readings by the version in force when they were measured.

        Args:
            rows: store.readings.PLACED.
        Returns:
            mask of the judged ones; m°C with the offset, NONE_MILLI without a value; the µs at which each expires.
        """
        version = self._version(rows)
        judged = (rows["quality"] == Quality.GOOD) & self._judged[version, rows["room_kind"]]
        milli = judged_milli(rows["temperature"], rows["offset"])
        until = np.minimum(rows["measured_at"] + self._hold_us(rows, version), rows["stays_until"])
        return judged & (milli != NONE), milli, until

    @property
    def versions(self) -> list[RulesOfVersion]:
        """The versions, in the order in which they come into force."""
        begins = [NONE_US, *self._starts[1:].tolist()]
        columns = (self._hold.tolist(), self._judged, self._jump.tolist(), self._frozen_us.tolist())
        return [RulesOfVersion(*row) for row in zip(begins, [*begins[1:], EVER_US], *columns, strict=True)]

    def look_back_us(self, interval_s: int) -> int:
        """Return the µs of readings before one that decide whether it is suspect, at the longest sensor interval."""
        if not self.screens:
            return 0
        longest_us = int(self._frozen_us[self._frozen_us != EVER_US].max())
        return longest_us + round(float(self._hold.max()) * interval_s * 1e6)

    def screen(self, rows: NDArray[np.void], since_us: int) -> NDArray[np.void]:
        """Mark readings as SUSPECT where the policy excludes jumps and frozen values from judging.

        Only judged rooms are compared, each sensor in each home by itself.

        Args:
            rows: PLACED in any order, from `look_back_us` before `since_us` on; changed in place.
        Returns:
            the readings measured at or after `since_us`.
        """
        if not self.screens:
            return rows
        judged, _, _ = self.weigh(rows)
        which = np.flatnonzero(judged)
        lane = rows["home_id"].astype(np.int64) << 32 | rows["sensor_id"]
        which = which[np.lexsort((rows["measured_at"][which], lane[which]))]
        mine = rows[which]
        version = self._version(mine)
        said = (lane[which], mine["measured_at"], wire.milli(mine["temperature"]), self._hold_us(mine, version))
        suspect = jumps(*said, self._jump[version]) | frozen(*said, self._frozen_us[version])
        rows["quality"][which[suspect]] = Quality.SUSPECT
        return rows[rows["measured_at"] >= since_us]

    def _version(self, rows: NDArray[np.void]) -> NDArray[np.intp]:
        return np.maximum(np.searchsorted(self._starts, rows["measured_at"], "right") - 1, 0)

    def _hold_us(self, rows: NDArray[np.void], version: NDArray[np.intp]) -> Int:
        return np.asarray(np.round(self._hold[version] * rows["interval_s"] * 1e6), np.int64)

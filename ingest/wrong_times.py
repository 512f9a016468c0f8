"""Readings whose time is off, by sensor: what they tell of its clock, whatever becomes of them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from store.care import WrongTimes

FARTHEST_US = 2**60  # what a device may claim is bounded by nothing


class WrongTime(NamedTuple):
    """A reading that was refused for its time."""

    sensor_id: int
    off_us: int  # positive: it claims to be so old; negative: from the future
    received_us: int
    is_impossible: bool  # no delay on the way explains it


def off(received_us: int, at_us: int) -> int:
    """By how much a time is off, in µs."""
    return max(-FARTHEST_US, min(received_us - at_us, FARTHEST_US))


def of_batch(refused: Sequence[WrongTime], stored: Iterable[NDArray[np.void]], clock_us: int) -> list[WrongTimes]:
    """What a batch tells of clocks that are off; one reading in time speaks for the clock of its sensor.

    Args:
        stored: rows with sensor_id, measured_at, received_at and self_timed.
        clock_us: readings that come later after they were measured may have a wrong time.
    """
    wrong, right = list(refused), set[int]()
    for rows in stored:
        old_us = rows["received_at"] - rows["measured_at"]
        late = rows["self_timed"] & (old_us > clock_us)
        if late.any():
            sensor, old, received = (c[late].tolist() for c in (rows["sensor_id"], old_us, rows["received_at"]))
            wrong += [WrongTime(*one, is_impossible=False) for one in zip(sensor, old, received, strict=True)]
        if wrong:
            right |= set(rows["sensor_id"][~late].tolist())
    found: dict[int, WrongTimes] = {}
    for one in sorted(wrong, key=lambda one: one.received_us):
        if one.sensor_id not in right:
            found[one.sensor_id] = _with(found.get(one.sensor_id), one)
    return [found[sensor] for sensor in sorted(found)]


def _with(before: WrongTimes | None, one: WrongTime) -> WrongTimes:
    return WrongTimes(
        one.sensor_id,
        one.off_us,
        one.is_impossible,
        before.readings + 1 if before else 1,
        before.first_us if before else one.received_us,
        one.received_us,
    )

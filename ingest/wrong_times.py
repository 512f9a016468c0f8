"""Readings whose time is off, by sensor: what they tell of its clock, whatever becomes of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain import groups
from domain.instants import NONE_US
from store.sensors.care_rows import WrongTimes

AGAIN_US = 60_000_000  # what is late is noted once in so long
MOST_NOTED = 200_000  # a bound on memory: beyond it all are noted once more
FARTHEST_US = 2**60  # what a device may claim is bounded by nothing


class WrongTime(NamedTuple):
    """A reading that was refused for its time."""

    sensor_id: int
    off_us: int  # positive: it claims to be so old; negative: from the future
    received_us: int
    is_impossible: bool  # no delay on the way explains it


def off(received_us: int, at_us: int) -> int:
    """Return by how much a time is off, in µs."""
    return max(-FARTHEST_US, min(received_us - at_us, FARTHEST_US))


@dataclass
class Noted:
    """Times at which sensors were last noted for late readings: a backlog has thousands that tell the same."""

    at_us: dict[int, int] = field(default_factory=dict)

    def is_due(self, sensor: int, received_us: int) -> bool:
        """Return whether it is time to note a sensor again; if so it counts as noted."""
        if received_us - self.at_us.get(sensor, NONE_US) < AGAIN_US:
            return False
        if len(self.at_us) >= MOST_NOTED:
            self.at_us.clear()
        self.at_us[sensor] = received_us
        return True


def of_batch(
    refused: Sequence[WrongTime], stored: Iterable[NDArray[np.void]], clock_us: int, noted: Noted
) -> list[WrongTimes]:
    """Return the clocks of a batch that are off; one reading in time speaks for the clock of its sensor.

    Args:
        stored: rows with sensor_id, measured_at, received_at and self_timed, sorted by sensor.
        clock_us: readings that come later after they were measured may have a wrong time.
        noted: which sensors were noted for that just now, and need not be again.
    """
    found: dict[int, WrongTimes] = {}
    in_time: set[int] = set()
    for rows in stored:
        behind_us = rows["received_at"] - rows["measured_at"]
        late = rows["self_timed"] & (behind_us > clock_us)
        if not len(rows) or not (refused or late.any()):
            continue
        starts, ends = groups.bounds(rows["sensor_id"])
        due = np.logical_and.reduceat(late, starts)  # sensors of which no reading came in time
        if refused:
            in_time.update(rows["sensor_id"][starts[~due]].tolist())
        last_us = np.maximum.reduceat(rows["received_at"], starts)[due]
        pairs = zip(rows["sensor_id"][starts[due]].tolist(), last_us.tolist(), strict=True)
        due[due] = [noted.is_due(sensor, at_us) for sensor, at_us in pairs]
        if due.any():
            found.update((one.sensor_id, one) for one in _groups(rows[np.repeat(due, ends - starts)]))
    for wrong in sorted(refused, key=lambda one: one.received_us):
        if wrong.sensor_id not in in_time:
            found[wrong.sensor_id] = _with(found.get(wrong.sensor_id), wrong)
    return [found[sensor] for sensor in sorted(found)]


def _groups(late: NDArray[np.void]) -> Iterator[WrongTimes]:
    """Late rows by sensor: how many, from when to when they came, and by how much the last of them is off."""
    late = late[np.lexsort((late["received_at"], late["sensor_id"]))]
    starts, ends = groups.bounds(late["sensor_id"])
    last = late[ends - 1]
    off = last["received_at"] - last["measured_at"]
    columns = (
        last["sensor_id"],
        off,
        ends - starts,
        late["received_at"][starts],
        last["received_at"],
    )
    for sensor, off_us, readings, first_us, last_us in zip(*(c.tolist() for c in columns), strict=True):
        yield WrongTimes(sensor, off_us, False, readings, first_us, last_us)


def _with(before: WrongTimes | None, one: WrongTime) -> WrongTimes:
    if before is None:
        return WrongTimes(one.sensor_id, one.off_us, one.is_impossible, 1, one.received_us, one.received_us)
    latest = one if one.received_us >= before.last_us else before
    return WrongTimes(
        one.sensor_id,
        latest.off_us,
        latest.is_impossible if latest is one else before.impossible,
        before.readings + 1,
        min(before.first_us, one.received_us),
        max(before.last_us, one.received_us),
    )

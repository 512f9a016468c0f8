"""Sensor faults: each opens a job for the device technicians and never flags the home the sensor is in."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, TypeAlias

from domain.bounds import Kelvin, Seconds, SomeSeconds, Within

NEIGHBOURS_NEEDED = 4  # with fewer, one odd neighbour would make the others look odd

Minutes: TypeAlias = Annotated[int, Within(60, 604_800, "s")]


class CareReason(StrEnum):
    """Reasons for visiting a sensor, most urgent first. Stored with the job."""

    DISAGREES = "disagrees"  # contradicted by a measurement on site; only measurements open and close it
    CLOCK = "clock"  # its clock is off by more than transmission delay explains
    SILENT = "silent"
    FROZEN = "frozen"  # has reported exactly the same value for too long
    JUMPING = "jumping"  # by several kelvin from one reading to the next
    OUT_OF_LINE = "out_of_line"  # far from the other rooms of its building
    LOW_BATTERY = "low_battery"


class CareEnd(StrEnum):
    """Reasons for closing a sensor job."""

    HEALED = "healed"
    REMOVED = "removed"  # the sensor is no longer installed anywhere
    NO_POLICY = "no_policy"  # the policy no longer covers sensors


@dataclass(frozen=True, kw_only=True)
class Care:
    """Thresholds from which a sensor needs a visit. The regulation sets none; the utility chooses all of them."""

    silent_intervals: Annotated[float, Within(1, 100_000)]  # of the sensor's own interval
    frozen_s: SomeSeconds
    jump_k: Kelvin
    neighbour_k: Kelvin
    neighbour_for_s: Seconds
    battery_percent: Annotated[float, Within(0, 100)]
    healed_for_s: Seconds  # how long the cause has to be gone before the job ends
    judge_suspect: bool  # whether frozen or jumping readings are judged like all others
    clock_s: Minutes = 1800  # a reading that arrives this long after it was measured may have a wrong timestamp
    clock_for_s: Minutes = 3600  # how long only such readings have to arrive before the clock is blamed


CLOCK_READINGS = 3  # in a row that no delay explains: in the future, or too old to be judged

"""Sensor faults: each opens a job for the device technicians and never flags the home the sensor is in."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.reasons import Text

NEIGHBOURS_NEEDED = 4  # with fewer, one odd neighbour would make the others look odd


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

    silent_intervals: float  # of the sensor's own interval
    frozen_s: int
    jump_k: float
    neighbour_k: float
    neighbour_for_s: int
    battery_percent: float
    healed_for_s: int  # how long the cause has to be gone before the job ends
    judge_suspect: bool  # whether frozen or jumping readings are judged like all others
    clock_s: int = 1800  # a reading that arrives this long after it was measured may have a wrong timestamp
    clock_for_s: int = 3600  # how long only such readings have to arrive before the clock is blamed


CLOCK_READINGS = 3  # in a row that no delay explains: in the future, or too old to be judged

CARE_TEXTS: Mapping[CareReason, Text] = {
    CareReason.DISAGREES: Text(
        "上门测温结果与传感器读数不符，请由另一人复测，并检修传感器。",
        "A measurement on site contradicts the sensor: have a second person measure, and repair the sensor.",
    ),
    CareReason.CLOCK: Text("传感器时钟不准。", "The sensor's clock is off."),
    CareReason.SILENT: Text("传感器长时间没有上报。", "The sensor has not reported for too long."),
    CareReason.FROZEN: Text("传感器读数长时间不变。", "The sensor has reported the same value for too long."),
    CareReason.JUMPING: Text("传感器读数跳变。", "The readings of the sensor jump."),
    CareReason.OUT_OF_LINE: Text(
        "传感器读数与同楼其他房间相差过大，请上门测温。",
        "The sensor is out of line with the other rooms of its building: measure on site.",
    ),
    CareReason.LOW_BATTERY: Text("传感器电量不足。", "The sensor's battery is low."),
}


def clock_text(off_s: float) -> Text:
    """Describe a clock error.

    Args:
        off_s: seconds; positive if the clock is slow.
    """
    zh, en = _span(abs(round(off_s)))
    if off_s > 0:
        return Text(f"传感器时钟慢{zh}。", f"The sensor's clock is {en} slow.")
    return Text(f"传感器时钟快{zh}。", f"The sensor's clock is {en} fast.")


def _span(seconds: int) -> Text:
    days, hours, minutes = seconds // 86_400, seconds // 3600, seconds // 60
    if days >= 2:
        return Text(f"{days}天", f"{days:,} days")
    if hours >= 2:
        return Text(f"{hours}小时", f"{hours} hours")
    return Text(f"{minutes}分钟", f"{minutes} minutes")

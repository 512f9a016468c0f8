"""What can be wrong with a sensor, as against the room it stands in: a job for whoever mends devices, never a flag."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.reasons import Text

NEIGHBOURS_NEEDED = 4  # with fewer, one odd neighbour would make the others look odd


class CareReason(StrEnum):
    """Why a sensor needs a visit, the most pressing first. Stored with the job."""

    DISAGREES = "disagrees"  # somebody measured on site otherwise than it says; opened and healed by measurements alone
    CLOCK = "clock"  # its clock is off, by more than its readings can have waited on the way
    SILENT = "silent"
    FROZEN = "frozen"  # says exactly the same for too long
    JUMPING = "jumping"  # by several kelvin from one reading to the next
    OUT_OF_LINE = "out_of_line"  # far from what the other rooms of its building say
    LOW_BATTERY = "low_battery"


class CareEnd(StrEnum):
    """Why a job ended."""

    HEALED = "healed"
    REMOVED = "removed"  # the sensor stands nowhere any more
    NO_POLICY = "no_policy"  # the rules say nothing of sensors any more


@dataclass(frozen=True, kw_only=True)
class Care:
    """From when on a sensor needs a visit. All of it is for the utility to choose: the regulation is silent."""

    silent_intervals: float  # of the sensor's own interval
    frozen_s: int
    jump_k: float
    neighbour_k: float
    neighbour_for_s: int
    battery_percent: float
    healed_for_s: int  # how long the cause has to be gone before the job ends
    judge_suspect: bool  # whether readings that stand still or jump are judged like all others
    clock_s: int = 1800  # a reading that comes so long after it was measured may have a wrong time
    clock_for_s: int = 3600  # for how long nothing but such readings came, before it is the clock


CLOCK_READINGS = 3  # in a row that no delay explains: from the future, or from longer ago than is judged

CARE_TEXTS: Mapping[CareReason, Text] = {
    CareReason.DISAGREES: Text(
        "上门测温结果与传感器读数不符,请由另一人复测,并检修传感器。",
        "A measurement on site is not what the sensor says: let somebody else measure too, and see to the sensor.",
    ),
    CareReason.CLOCK: Text("传感器时钟不准。", "The clock of the sensor is off."),
    CareReason.SILENT: Text("传感器长时间没有上报。", "The sensor has not spoken for too long."),
    CareReason.FROZEN: Text("传感器读数长时间不变。", "The sensor has said exactly the same for too long."),
    CareReason.JUMPING: Text("传感器读数跳变。", "The values of the sensor jump."),
    CareReason.OUT_OF_LINE: Text(
        "传感器读数与同楼其他房间相差过大,请上门测温。",
        "The sensor is out of line with the other rooms of its building: measure on site.",
    ),
    CareReason.LOW_BATTERY: Text("传感器电量不足。", "The battery of the sensor is low."),
}


def clock_text(off_s: float) -> Text:
    """Say by how much a clock is off.

    Args:
        off_s: seconds; positive: the clock is behind.
    """
    zh, en = _span(abs(round(off_s)))
    if off_s > 0:
        return Text(f"传感器时钟慢{zh}。", f"The clock of the sensor is {en} behind.")
    return Text(f"传感器时钟快{zh}。", f"The clock of the sensor is {en} ahead.")


def _span(seconds: int) -> Text:
    days, hours, minutes = seconds // 86_400, seconds // 3600, seconds // 60
    if days >= 2:
        return Text(f"{days}天", f"{days:,} days")
    if hours >= 2:
        return Text(f"{hours}小时", f"{hours} hours")
    return Text(f"{minutes}分钟", f"{minutes} minutes")

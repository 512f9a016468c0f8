"""Alarm limits of substations."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


@dataclass(frozen=True, kw_only=True)
class SubstationLimits:
    """Limits beyond which a substation is in alarm. Networks differ, so the utility chooses them."""

    supply_low_celsius: float
    supply_pressure_low_mpa: float
    supply_pressure_high_mpa: float
    return_pressure_low_mpa: float
    for_s: int  # how long without a break


class AlarmKind(StrEnum):
    """Kind of alarm. Stored with it."""

    SUPPLY_LOW = "supply_low"
    SUPPLY_PRESSURE_LOW = "supply_pressure_low"
    SUPPLY_PRESSURE_HIGH = "supply_pressure_high"
    RETURN_PRESSURE_LOW = "return_pressure_low"


class ChannelBounds(NamedTuple):
    """Range of a channel without an alarm, both ends included."""

    kind: AlarmKind
    channel: str
    lowest: float
    highest: float


def bounds(limits: SubstationLimits) -> tuple[ChannelBounds, ...]:
    """Return each kind of alarm with its channel and allowed range."""
    ever = float("inf")
    return (
        ChannelBounds(AlarmKind.SUPPLY_LOW, "supply_temperature", limits.supply_low_celsius, ever),
        ChannelBounds(AlarmKind.SUPPLY_PRESSURE_LOW, "supply_pressure", limits.supply_pressure_low_mpa, ever),
        ChannelBounds(AlarmKind.SUPPLY_PRESSURE_HIGH, "supply_pressure", -ever, limits.supply_pressure_high_mpa),
        ChannelBounds(AlarmKind.RETURN_PRESSURE_LOW, "return_pressure", limits.return_pressure_low_mpa, ever),
    )

"""Alarm limits of substations."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, NamedTuple, TypeAlias

from domain.bounds import Seconds, Within
from domain.quality import SPANS

Pressure: TypeAlias = Annotated[float, Within(*SPANS["supply_pressure"][:2])]


@dataclass(frozen=True, kw_only=True)
class SubstationLimits:
    """Limits beyond which a substation is in alarm. Networks differ, so the utility chooses them."""

    supply_low_celsius: Annotated[float, Within(*SPANS["supply_temperature"][:2])]
    supply_pressure_low_mpa: Pressure
    supply_pressure_high_mpa: Pressure
    return_pressure_low_mpa: Pressure
    for_s: Seconds  # how long without a break


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

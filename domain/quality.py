"""Quality of single values before judging, and the plausible range of each quantity."""

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple


class Quality(IntEnum):
    """Quality stored with every home reading. Only GOOD readings are judged; the others are kept raw."""

    GOOD = 0
    SENTINEL = 1  # a value the sensor sends in place of a missing one
    OUT_OF_RANGE = 2
    ABSENT = 3  # no message contained a temperature
    SUSPECT = 4  # jumps or is frozen where the policy excludes that; never stored, as policies change


class InstrumentRange(NamedTuple):
    """Range of an instrument, both ends included, and its sentinels for a missing value."""

    lowest: float
    highest: float
    sentinels: tuple[float, ...] = ()


# Outside its range, and at a sentinel, a quantity has no value. All checks of single values use this table.
SPANS: Mapping[str, InstrumentRange] = {
    # DS18B20: 85.0 at power-on, -127 without a response on the wire; -40.0 is the raw zero of many chips.
    "temperature": InstrumentRange(-40.0, 60.0, (85.0, -127.0, -40.0)),  # °C
    "humidity": InstrumentRange(0.0, 100.0),  # %; 655.35 is 0xFFFF in hundredths
    "battery": InstrumentRange(0.0, 100.0),  # %; 255: not measured
    "supply_temperature": InstrumentRange(-40.0, 200.0, (-127.0, -40.0)),  # °C
    "return_temperature": InstrumentRange(-40.0, 200.0, (-127.0, -40.0)),  # °C
    "supply_pressure": InstrumentRange(0.0, 4.0),  # MPa
    "return_pressure": InstrumentRange(0.0, 4.0),  # MPa
    "flow": InstrumentRange(0.0, 100_000.0),  # m³/h
    "heat_power": InstrumentRange(0.0, 10_000_000.0),  # kW
    "outdoor_temperature": InstrumentRange(-60.0, 60.0, (-127.0,)),  # °C; -40.0 is a cold winter night
}

"""What a single value is worth before it is judged, and what each quantity can say at all (domain.md, pitfall 7)."""

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple


class Quality(IntEnum):
    """Stored beside the temperature of every home reading. GOOD is judged; the others are kept raw and never judged."""

    GOOD = 0
    SENTINEL = 1  # a value the sensor sends when it has none
    OUT_OF_RANGE = 2
    ABSENT = 3  # no message had a temperature
    SUSPECT = 4  # jumps or stands still where the policy does not judge that; never stored: policies change


class InstrumentRange(NamedTuple):
    """What an instrument can say, both ends included, and what it says within that when it has no value."""

    lowest: float
    highest: float
    sentinels: tuple[float, ...] = ()


# Outside its span, and at a sentinel, a quantity has no value. Everything that weighs a single value asks here.
SPANS: Mapping[str, InstrumentRange] = {
    # DS18B20: 85.0 at power-on, -127 without an answer on the wire; -40.0 is the raw zero of many chips.
    "temperature": InstrumentRange(-40.0, 60.0, (85.0, -127.0, -40.0)),  # °C
    "humidity": InstrumentRange(0.0, 100.0),  # %; 655.35 is 0xFFFF in hundredths
    "battery": InstrumentRange(0.0, 100.0),  # %; 255: not measured
    "supply_temperature": InstrumentRange(-40.0, 200.0, (-127.0, -40.0)),  # °C
    "return_temperature": InstrumentRange(-40.0, 200.0, (-127.0, -40.0)),  # °C
    "supply_pressure": InstrumentRange(0.0, 4.0),  # MPa
    "return_pressure": InstrumentRange(0.0, 4.0),  # MPa
    "flow": InstrumentRange(0.0, 100_000.0),  # m³/h
    "heat_power": InstrumentRange(0.0, 10_000_000.0),  # kW
    "outdoor_temperature": InstrumentRange(-60.0, 60.0, (-127.0,)),  # °C; -40.0 is a winter's night
}

"""Units in which the field says its quantities, and their conversion to those of an Uplink."""

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from domain.quality import SPANS

ROUNDED = 9  # decimals: far below what any instrument knows, so that -196.6 °F is exactly the sentinel -127 °C
LOWEST_PER_CENT = 5.0  # a codec's battery of up to that may be volts, and says nothing


class Unit(NamedTuple):
    """A unit: a value × factor + offset is one in the unit of its channel."""

    factor: float = 1.0
    offset: float = 0.0
    is_level: bool = True  # False: says nothing of the per cent of a battery
    from_over: float | None = None  # values from 0 up to that say nothing

    def __call__(self, value: float) -> float | None:
        """Convert a value; None if nothing can be made of it."""
        if not self.is_level or (self.from_over is not None and 0 <= value <= self.from_over):
            return None
        return value if self is SAME else round(value * self.factor + self.offset, ROUNDED)


SAME = Unit()
CELSIUS = {"C": SAME, "Cel": SAME, "°C": SAME, "F": Unit(5 / 9, -160 / 9), "K": Unit(1, -273.15)}
CELSIUS |= {"Far": CELSIUS["F"], "°F": CELSIUS["F"], "degC": SAME, "degF": CELSIUS["F"], "Celsius": SAME}
CELSIUS |= {"Fahrenheit": CELSIUS["F"], "Kelvin": CELSIUS["K"]}
PER_CENT = {"%": SAME, "/": Unit(100), "ratio": Unit(100), "‰": Unit(0.1)}
BATTERY = PER_CENT | {
    "V": Unit(is_level=False),
    "mV": Unit(is_level=False),
    "% or V": Unit(from_over=LOWEST_PER_CENT),
}
MEGAPASCAL = {
    "MPa": SAME,
    "kPa": Unit(1e-3),
    "hPa": Unit(1e-4),
    "Pa": Unit(1e-6),
    "bar": Unit(0.1),
    "mbar": Unit(1e-4),
    "kgf/cm²": Unit(0.0980665),
    "psi": Unit(0.00689475729),
    "atm": Unit(0.101325),
    "mH2O": Unit(0.00980665),
}
CUBIC_METRES_PER_HOUR = {
    "m³/h": SAME,
    "l/h": Unit(1e-3),
    "l/min": Unit(0.06),
    "l/s": Unit(3.6),
    "m³/s": Unit(3600),
    "m³/min": Unit(60),
}
KILOWATT = {"kW": SAME, "W": Unit(1e-3), "MW": Unit(1e3), "GJ/h": Unit(1000 / 3.6), "kcal/h": Unit(4.1868 / 3600)}
KILOWATT |= {"Gcal/h": Unit(4.1868e6 / 3600)}
UNITS: Mapping[str, Mapping[str, Unit]] = {
    channel: CELSIUS if channel.endswith("temperature") else MEGAPASCAL if channel.endswith("pressure") else KILOWATT
    for channel in SPANS
} | {"humidity": PER_CENT, "battery": BATTERY, "flow": CUBIC_METRES_PER_HOUR}


def _plain(name: str) -> str:
    """Write a unit one way: ℃ as °c, m³ as m3, upper and lower case alike."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


_BY_NAME = {channel: {_plain(name): unit for name, unit in units.items()} for channel, units in UNITS.items()}


@lru_cache(4096)
def unit_of(channel: str, name: str) -> Unit | None:
    """Return the unit of that name for a channel; None if it is not known."""
    return _BY_NAME[channel].get(_plain(name))


def known(channel: str) -> str:
    """List the units of a channel."""
    return ", ".join(UNITS[channel])

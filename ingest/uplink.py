"""One reading as a device sent it, before anything is known of the sensor."""

import msgspec

WITHHELD = float("inf")  # in place of a value: the source has one, and says that it is not good


class Uplink(msgspec.Struct, gc=False, omit_defaults=True):
    """The native message; other formats are decoded into the same.

    Units: °C, % (humidity, battery), MPa, m³/h, kW. `ts` is RFC 3339 text or Unix milliseconds, `id` the sensor when
    a gateway speaks for it.
    """

    id: str | None = None
    ts: int | str | None = None
    temperature: float | None = None
    humidity: float | None = None
    battery: float | None = None
    supply_temperature: float | None = None
    return_temperature: float | None = None
    supply_pressure: float | None = None
    return_pressure: float | None = None
    flow: float | None = None
    heat_power: float | None = None
    outdoor_temperature: float | None = None


QUANTITIES = tuple(name for name in Uplink.__struct_fields__ if name not in ("id", "ts"))

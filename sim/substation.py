"""Heat source of a district: heat curve and sensor values."""

from dataclasses import dataclass

import numpy as np

from sim.thermal import Floats

CURVE_ROOM_CELSIUS = 21.0
CURVE_SLOPE = 0.83  # kelvin of radiator above room per kelvin of room above outdoor
DESIGN_OUTDOOR_CELSIUS = -17.0  # boilers and exchangers are at their end; colder than any day without a cold snap
SPREAD_SHARE = 0.4  # supply minus return, as a share of radiator above room
FLOW_PER_HOME_M3_H = 0.25
WATER_KWH_PER_M3_K = 1.163


@dataclass(frozen=True)
class Channels:
    """Sensor values of all substations, one number per substation: °C, MPa, m³/h, kW."""

    supply_temperature: Floats
    return_temperature: Floats
    supply_pressure: Floats
    return_pressure: Floats
    flow: Floats
    heat_power: Floats
    outdoor_temperature: Floats


def radiator_celsius(outdoor: float, lost_share: Floats) -> Floats:
    """Return the mean radiator water temperature by the heat curve; a failing substation loses a share of it."""
    healthy_kelvin = CURVE_SLOPE * (CURVE_ROOM_CELSIUS - max(outdoor, DESIGN_OUTDOOR_CELSIUS))
    return CURVE_ROOM_CELSIUS + (1 - lost_share) * healthy_kelvin


def channels(radiator: Floats, outdoor: float, homes: Floats, rng: np.random.Generator) -> Channels:
    """Simulate the sensors of substations whose radiators run at `radiator` °C and that feed `homes` homes each."""
    half_spread = SPREAD_SHARE * (radiator - CURVE_ROOM_CELSIUS) / 2
    noise = rng.normal(0, 1, (6, len(radiator)))
    flow = homes * FLOW_PER_HOME_M3_H * (1 + 0.01 * noise[4])
    return Channels(
        supply_temperature=radiator + half_spread + 0.15 * noise[0],
        return_temperature=radiator - half_spread + 0.15 * noise[1],
        supply_pressure=0.45 + 0.004 * noise[2],
        return_pressure=0.30 + 0.004 * noise[3],
        flow=flow,
        heat_power=flow * WATER_KWH_PER_M3_K * 2 * half_spread,
        outdoor_temperature=outdoor + 0.1 * noise[5],
    )

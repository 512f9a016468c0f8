"""First-order heat balance of all homes at once: one air node and one wall node each.

Each node relaxes exponentially towards the conductance-weighted mean of its neighbours. A step is exact for constant
neighbours and ends between the old value and the target, so it is unconditionally stable.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

AIR_HOURS = 0.7
WALL_HOURS = 30.0


@dataclass(frozen=True)
class ThermalHomes:
    """Conductances in W/K and heat capacities in J/K, one number per home."""

    radiator: Floats
    infiltration: Floats
    air_to_wall: Floats
    wall_to_outdoor: Floats
    air_capacity: Floats
    wall_capacity: Floats

    @classmethod
    def balanced(cls, target_celsius: Floats, outdoor: float, radiator_celsius: float, size: Floats) -> Self:
        """Size radiators so that homes hold `target_celsius` in this weather; `size` 1 is an average flat."""
        infiltration, to_wall, to_outdoor = 40 * size, 400 * size, 100 * size
        losses = infiltration + 1 / (1 / to_wall + 1 / to_outdoor)
        radiator = losses * (target_celsius - outdoor) / (radiator_celsius - target_celsius)
        return cls(
            radiator=radiator,
            infiltration=infiltration,
            air_to_wall=to_wall,
            wall_to_outdoor=to_outdoor,
            air_capacity=AIR_HOURS * 3600 * (radiator + infiltration + to_wall),
            wall_capacity=WALL_HOURS * 3600 * (to_wall + to_outdoor),
        )


def steady_wall(homes: ThermalHomes, air: Floats, outdoor: float) -> Floats:
    """Return the steady-state wall temperature for this air and outdoor temperature."""
    total = homes.air_to_wall + homes.wall_to_outdoor
    return (homes.air_to_wall * air + homes.wall_to_outdoor * outdoor) / total


class NodeTemperatures(NamedTuple):
    """Temperatures of the two nodes of each home, °C."""

    air: Floats
    wall: Floats


class HeatConditions(NamedTuple):
    """The weather, and the heat that each home gets and loses."""

    outdoor: float  # °C
    radiator_celsius: Floats
    open_share: Floats  # part of the radiators that water flows through: 1 healthy, 0 blocked
    draught: Floats  # extra loss through a leaking window, W/K


def step(homes: ThermalHomes, nodes: NodeTemperatures, heat: HeatConditions, seconds: float) -> NodeTemperatures:
    """Compute the temperatures `seconds` later."""
    radiator = homes.radiator * heat.open_share
    leak = homes.infiltration + heat.draught
    total = radiator + leak + homes.air_to_wall
    target = (radiator * heat.radiator_celsius + leak * heat.outdoor + homes.air_to_wall * nodes.wall) / total
    air = relax(nodes.air, target, seconds, homes.air_capacity / total)
    total = homes.air_to_wall + homes.wall_to_outdoor
    wall = relax(nodes.wall, steady_wall(homes, air, heat.outdoor), seconds, homes.wall_capacity / total)
    return NodeTemperatures(air, wall)


def relax(value: Floats, target: Floats, seconds: float, time_constant_seconds: Floats) -> Floats:
    """Relax `value` towards a constant `target` by an exact first-order step."""
    return target + (value - target) * np.exp(-seconds / time_constant_seconds)

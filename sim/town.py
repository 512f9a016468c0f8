"""Simulation of the town: weather, substations, homes and faults, stepped interval by interval."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim import faults, layout, substation, thermal
from sim.faults import FaultKind
from sim.thermal import Floats
from sim.weather import MEAN_CELSIUS, outdoor_celsius

SECOND_US = 1_000_000
WARM_UP_SECONDS = 24 * 3600  # until the initial state no longer matters and every kind of fault has taken effect

COMFORT_CELSIUS = (21.2, 0.8)  # mean and spread of the temperature healthy homes settle at
COMFORT_RANGE = (19.7, 22.8)
UNEVEN_SHARES = (0.45, 0.4, 0.6)  # of the spread, in an uneven town: of buildings, of risers, of single homes
COLDER_K = {"roof": 0.6, "gable": 0.5, "ground": 0.3}
STARVED_SHARE = 0.015  # of the homes never get warm: at the end of a riser, or a corner under the roof
STARVED_CELSIUS = (16.7, 17.3)
STARVED_HARD_CELSIUS = (13.5, 14.8)  # every third of them
STOPPED_CELSIUS = (12.0, 15.0)  # heated only through the neighbours' walls
SENSOR_NOISE_K = 0.04
ROOM_SPREAD_K = 0.15
BEDROOM_KELVIN = -0.3
SENTINEL_CELSIUS = 85.0  # power-on value of the DS18B20

_HOME_STREAM, _SENSOR_STREAM, _READING_STREAM, _CHANNEL_STREAM, _PLACE_STREAM = 41, 42, 43, 44, 45


@dataclass(frozen=True)
class TownReadings:
    """Readings of the home sensors at one instant, one number per sensor of the layout."""

    celsius: Floats
    humidity: Floats  # %
    battery: Floats  # %
    clock_error_seconds: Floats
    silent: npt.NDArray[np.bool_]


class Town:
    """A town determined by seed, homes, interval and epoch alone: every run steps through the same history."""

    def __init__(
        self,
        seed: int,
        homes: int,
        interval_s: int = 300,
        *,
        epoch_us: int,
        source: faults.FaultSource = faults.USUAL,
        uneven: bool = False,
    ) -> None:
        self.seed, self.interval_s = seed, interval_s
        self.interval_us = interval_s * SECOND_US
        self.layout = layout.plan(seed, homes)
        self._snap = source.snap
        self.calendar = faults.FaultCalendar(seed, _sizes(self.layout), source)
        self._substation_of_home = np.array([self.layout.buildings[h.building].substation for h in self.layout.homes])
        self._riser_of_home = np.array([home.riser for home in self.layout.homes])
        self._home_of_sensor = np.array([sensor.home for sensor in self.layout.sensors])
        self._homes_fed = np.bincount(self._substation_of_home, minlength=len(self.layout.substations)).astype(float)
        self._bias, self._humidity, self._battery = _sensor_traits(seed, self.layout)
        targets, size = _home_traits(seed, self.layout)
        targets = _uneven(seed, self.layout, targets) if uneven else targets
        healthy = substation.radiator_celsius(MEAN_CELSIUS, np.zeros(1))[0]
        self._homes = thermal.ThermalHomes.balanced(targets, MEAN_CELSIUS, healthy, size)
        self.at_us = epoch_us - epoch_us % self.interval_us
        self.air = targets
        self.wall = thermal.steady_wall(self._homes, targets, self._outdoor())

    def advance(self) -> None:
        """Step forward by one interval."""
        active = self.calendar.active(self.at_us)
        heat = thermal.HeatConditions(
            outdoor=self._outdoor(),
            radiator_celsius=self._radiator(active)[self._substation_of_home],
            open_share=1 - faults.strongest(active[FaultKind.RISER], self.layout.risers)[self._riser_of_home],
            draught=faults.strongest(active[FaultKind.WINDOW], len(self.air)),
        )
        nodes = thermal.NodeTemperatures(self.air, self.wall)
        self.air, self.wall = thermal.step(self._homes, nodes, heat, self.interval_s)
        self.at_us += self.interval_us

    def advance_to(self, at_us: int) -> None:
        """Step forward to the last step at or before `at_us`, without sending; never back."""
        while self.at_us + self.interval_us <= at_us:
            self.advance()

    def readings(self) -> TownReadings:
        """Return the home sensors' present readings, including sensor faults."""
        count = len(self.layout.sensors)
        rng = np.random.default_rng([self.seed, _READING_STREAM, self.at_us])
        active = self.calendar.active(self.at_us)
        celsius = self.air[self._home_of_sensor] + self._bias + rng.normal(0, SENSOR_NOISE_K, count)
        ill = rng.random(count) < faults.strongest(active[FaultKind.SENTINELS], count)
        return TownReadings(
            celsius=np.where(ill, SENTINEL_CELSIUS, celsius),
            humidity=self._humidity + rng.normal(0, 0.5, count),
            battery=self._battery,
            clock_error_seconds=faults.strongest(active[FaultKind.CLOCK_DRIFT], count),
            silent=faults.struck(active[FaultKind.DEAD_SENSOR], count),
        )

    def channels(self) -> substation.Channels:
        """Return the substation sensors' present values."""
        rng = np.random.default_rng([self.seed, _CHANNEL_STREAM, self.at_us])
        radiator = self._radiator(self.calendar.active(self.at_us))
        return substation.channels(radiator, self._outdoor(), self._homes_fed, rng)

    def state(self) -> dict[str, Any]:
        """Return the state that `restore` needs to continue from here, as JSON values."""
        return {**self._identity(), "at_us": self.at_us, "air": self.air.tolist(), "wall": self.wall.tolist()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from `state`. Raises ValueError if it is another town's."""
        for name, value in self._identity().items():
            if state.get(name) != value:
                raise ValueError(f"the saved town has {name} {state.get(name)}, this one {value}")
        self.at_us = int(state["at_us"])
        self.air, self.wall = np.array(state["air"]), np.array(state["wall"])

    def _identity(self) -> dict[str, int]:
        return {"seed": self.seed, "homes": len(self.layout.homes), "interval_s": self.interval_s}

    def _outdoor(self) -> float:
        return outdoor_celsius(self.seed, self.at_us) - self._snap.kelvin(self.at_us)

    def _radiator(self, active: Mapping[FaultKind, faults.Faults]) -> Floats:
        lost = faults.strongest(active[FaultKind.SUBSTATION], len(self.layout.substations))
        return substation.radiator_celsius(self._outdoor(), lost)


def epoch_before(now_us: int, backfill_s: float) -> int:
    """Return the instant to start a town at, so that its warm-up ends before the last `backfill_s` seconds."""
    return now_us - int((backfill_s + WARM_UP_SECONDS) * SECOND_US)


def channel_values(channels: substation.Channels, index: int) -> dict[str, float]:
    """Return the values of one substation by channel name."""
    return {name: round(float(values[index]), 3) for name, values in asdict(channels).items()}


def _sizes(plan: layout.Layout) -> dict[FaultKind, int]:
    return {
        FaultKind.SUBSTATION: len(plan.substations),
        FaultKind.RISER: plan.risers,
        FaultKind.WINDOW: len(plan.homes),
        FaultKind.DEAD_SENSOR: len(plan.sensors),
        FaultKind.RADIO_GAP: len(plan.devices),
        FaultKind.CLOCK_DRIFT: len(plan.sensors),
        FaultKind.SENTINELS: len(plan.sensors),
    }


def _home_traits(seed: int, plan: layout.Layout) -> tuple[Floats, Floats]:
    """Draw (temperature it settles at in °C, size relative to an average flat) of every home."""
    count = len(plan.homes)
    rng = np.random.default_rng([seed, _HOME_STREAM])
    targets = np.clip(rng.normal(*COMFORT_CELSIUS, count), *COMFORT_RANGE)
    stopped = np.array([home.stopped for home in plan.homes])
    flats = np.flatnonzero([home.home_class == "multistorey" and not home.stopped for home in plan.homes])
    starved = rng.permutation(flats)[: max(2, round(STARVED_SHARE * count))]
    targets[starved] = rng.uniform(*STARVED_CELSIUS, len(starved))
    targets[starved[::3]] = rng.uniform(*STARVED_HARD_CELSIUS, len(starved[::3]))
    targets[stopped] = rng.uniform(*STOPPED_CELSIUS, int(stopped.sum()))
    return targets, rng.uniform(0.8, 1.3, count)


def _uneven(seed: int, plan: layout.Layout, targets: Floats) -> Floats:
    """Have homes that are comfortable differ by building, riser and exposure, not by chance alone."""
    rng = np.random.default_rng([seed, _PLACE_STREAM])
    middle, spread = COMFORT_CELSIUS
    building, riser, own = (spread * share for share in UNEVEN_SHARES)
    uneven = middle + rng.normal(0, own, len(plan.homes))
    uneven += rng.normal(0, building, len(plan.buildings))[[home.building for home in plan.homes]]
    uneven += rng.normal(0, riser, plan.risers)[[home.riser for home in plan.homes]]
    for kind, kelvin in COLDER_K.items():
        uneven -= kelvin * np.array([kind in home.exposure for home in plan.homes])
    return np.where(targets < COMFORT_RANGE[0], targets, np.clip(uneven, *COMFORT_RANGE))


def _sensor_traits(seed: int, plan: layout.Layout) -> tuple[Floats, Floats, Floats]:
    """Draw (kelvin above the home's air, relative humidity in %, battery in %) of every sensor."""
    count = len(plan.sensors)
    rng = np.random.default_rng([seed, _SENSOR_STREAM])
    bedroom = np.array([BEDROOM_KELVIN if sensor.room_kind == "bedroom" else 0.0 for sensor in plan.sensors])
    offset = np.array([sensor.offset for sensor in plan.sensors])
    bias = bedroom - offset + rng.normal(0, ROOM_SPREAD_K, count)
    # Most batteries are good; one in two hundred is nearly empty.
    return bias, rng.uniform(25, 45, count), 100 * rng.uniform(0, 1, count) ** 0.35

"""A story for the first minutes of a town: faults timed so that their effects come one after the other.

The riser of an entrance closes and its homes get cold one by one; a home whose window was open recovers; a sensor dies.
When the faults have to begin follows from the town itself, which is run through the hours before.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.faults import FAULT, USUAL, FaultKind, Faults, FaultSource, struck
from sim.thermal import Floats
from sim.town import SECOND_US, WARM_UP_SECONDS, Town
from sim.weather import DAY_US, HOUR_US, TOWN_OFFSET_US

BEFORE_US = 110 * 60 * SECOND_US  # the first fault begins at most so long before the story
MINUTE_US = 60 * SECOND_US
LIMIT_BY_DAY, LIMIT_BY_NIGHT = 18.0, 16.0
RECOVERED_CELSIUS = 18.3  # the limit, the deadband of the built-in rules, and noise
RECOVERED_FOR_US = 30 * MINUTE_US
INCIDENT_SHARE, INCIDENT_HOMES = 0.3, 5  # of a building's homes, by the built-in rules
INCIDENT_AT_US = 1 * MINUTE_US  # some minutes either way: walls remember the day before
RECOVERY_AT_US = 4 * MINUTE_US
SILENCE_AT_US = 4 * MINUTE_US
SILENT_INTERVALS = 12  # after which silence is noticed, by the built-in rules
DRAUGHT_W_K = 400.0
HEALTHY_CELSIUS = 19.0
WHOLE = 24  # homes of a building that is not cut off at the end of the town


@dataclass(frozen=True)
class Story:
    """Faults of a story, and the places it is about: codes of homes, buildings and substations."""

    source: FaultSource
    cold_building: str
    recovering_home: str
    leaking_home: str
    complaining_home: str
    silent_sensor: str
    outage_substation: str


def tell(seed: int, homes: int, interval_s: int, begin_us: int) -> Story | None:
    """Settle the story of a town that begins at an instant; None: the town is too small for one.

    `interval_s`: of the sensors.
    """
    town = Town(seed, homes, 60, epoch_us=begin_us - BEFORE_US - WARM_UP_SECONDS * SECOND_US)
    town.advance_to(begin_us - BEFORE_US)
    cast = _cast(town, begin_us)
    if cast is None:
        return None
    entrance, recovering, leaking, complaining, silent = cast
    plan = town.layout
    risers = sorted({plan.homes[home].riser for home in entrance})
    closed = _until_cold(town, entrance, begin_us)
    aired_us, warming_us = _open_window(town, recovering)
    # Once more from about when it will be: the night is colder than the evening.
    town.advance_to(begin_us + INCIDENT_AT_US - closed)
    closed = _until_cold(town, entrance, begin_us)
    rows = [(FaultKind.RISER, riser, begin_us + INCIDENT_AT_US - closed, 4 * HOUR_US, 1.0) for riser in risers]
    shut_us = begin_us + RECOVERY_AT_US - RECOVERED_FOR_US - warming_us
    rows.append((FaultKind.WINDOW, recovering, shut_us - aired_us, aired_us, DRAUGHT_W_K))
    silent_us = begin_us + SILENCE_AT_US - SILENT_INTERVALS * interval_s * SECOND_US
    rows.append((FaultKind.DEAD_SENSOR, silent, silent_us, DAY_US, 0.0))
    told: Faults = np.array([(kind, target, at, at + span, size) for kind, target, at, span, size in rows], FAULT)
    building = plan.buildings[plan.homes[entrance[0]].building]
    return Story(
        source=FaultSource(USUAL.habits, told),
        cold_building=building.code,
        recovering_home=plan.homes[recovering].code,
        leaking_home=plan.homes[leaking].code,
        complaining_home=plan.homes[complaining].code,
        silent_sensor=plan.sensors[silent].id,
        outage_substation=plan.substations[-1].code,
    )


def _cast(town: Town, begin_us: int) -> tuple[list[int], int, int, int, int] | None:
    """Choose the entrance, the home that recovers, that with a leak, that which complains, and the dead sensor."""
    plan = town.layout
    usual = [i for i, h in enumerate(plan.homes) if h.home_class == "multistorey" and not h.stopped]
    ill = _ill(town, begin_us)
    healthy = [i for i in usual if town.air[i] > HEALTHY_CELSIUS and not ill[i]]
    entrances: dict[tuple[int, str], list[int]] = {}
    for home in healthy:
        entrances.setdefault((plan.homes[home].building, plan.homes[home].unit.partition("-")[0]), []).append(home)
    in_building = np.bincount([home.building for home in plan.homes])
    enough = {key: homes for key, homes in entrances.items() if len(homes) > _needed(int(in_building[key[0]]))}
    if not enough:
        return None
    shares = {key: len(homes) / in_building[key[0]] for key, homes in enough.items()}
    chosen = max(enough, key=lambda key: (in_building[key[0]] >= WHOLE, shares[key], -key[0]))
    others = [home for home in healthy if plan.homes[home].building != chosen[0]]
    if len(others) < 4:
        return None
    recovering, leaking, complaining, quiet = (others[i * len(others) // 4] for i in range(4))
    silent = next(i for i, sensor in enumerate(plan.sensors) if sensor.home == quiet)
    return enough[chosen], recovering, leaking, complaining, silent


def _ill(town: Town, at_us: int) -> npt.NDArray[np.bool_]:
    """Return which homes are behind a fault of the calendar at an instant."""
    plan, active = town.layout, town.calendar.active(at_us)
    substations = struck(active[FaultKind.SUBSTATION], len(plan.substations))
    risers = struck(active[FaultKind.RISER], plan.risers)
    windows = struck(active[FaultKind.WINDOW], len(plan.homes))
    return np.array(
        [
            substations[plan.buildings[home.building].substation] or risers[home.riser] or windows[i]
            for i, home in enumerate(plan.homes)
        ]
    )


def _until_cold(town: Town, homes: list[int], begin_us: int) -> int:
    """Return how long after its riser closes enough homes of an entrance are below the limit, in µs."""
    hour = (begin_us + TOWN_OFFSET_US) % DAY_US // HOUR_US
    limit = LIMIT_BY_DAY if 6 <= hour < 21 else LIMIT_BY_NIGHT
    targets = sorted({town.layout.homes[home].riser for home in homes})
    air = _trace(town, [(FaultKind.RISER, target, 1.0) for target in targets], homes)
    cold = np.sort(np.where(air < limit, np.arange(len(air))[:, None], len(air)).min(axis=0))
    beside = sum(home.building == town.layout.homes[homes[0]].building for home in town.layout.homes)
    return int(cold[_needed(beside) - 1]) * MINUTE_US


def _needed(homes: int) -> int:
    """Return how many homes of a building have to be cold for an incident."""
    return max(INCIDENT_HOMES, math.ceil(INCIDENT_SHARE * homes))


def _open_window(town: Town, home: int) -> tuple[int, int]:
    """Return (how long a window is open, how long after that the home is warm again) in µs."""
    cooling = _trace(town, [(FaultKind.WINDOW, home, DRAUGHT_W_K)], [home])[:, 0]
    opened = int(np.argmax(cooling < LIMIT_BY_NIGHT - 1)) or len(cooling) - 1
    warming = _trace(town, [(FaultKind.WINDOW, home, DRAUGHT_W_K)], [home], opened)[opened:, 0]
    return opened * MINUTE_US, int(np.argmax(warming > RECOVERED_CELSIUS)) * MINUTE_US


def _trace(
    town: Town, struck: list[tuple[FaultKind, int, float]], homes: list[int], minutes: int | None = None
) -> Floats:
    """Return the air of homes minute by minute from now on, with faults that last for so many minutes."""
    span = BEFORE_US // MINUTE_US
    end_us = town.at_us + (span if minutes is None else minutes) * MINUTE_US
    told = np.array([(kind, target, town.at_us, end_us, size) for kind, target, size in struck], FAULT)
    copy = Town(
        town.seed, len(town.layout.homes), town.interval_s, epoch_us=town.at_us, source=FaultSource(USUAL.habits, told)
    )
    copy.restore(town.state())
    air = []
    for _ in range(span):
        air.append(copy.air[homes])
        copy.advance()
    return np.array(air)

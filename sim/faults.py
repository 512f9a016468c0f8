"""Faults of the town and their times.

Faults that begin on a day depend on the seed and the day alone, so the calendar is the same whatever the start.
Every fault ends: repairs are part of the calendar.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from sim.weather import DAY_US, HOUR_US, NO_SNAP, ColdSnap

_STREAM = 21


class FaultKind(IntEnum):
    """Kind of fault, with the target it strikes and the meaning of its strength."""

    SUBSTATION = 0  # substation; share of the heat lost
    RISER = 1  # riser of a building; share of the flow blocked
    WINDOW = 2  # home; extra loss in W/K
    DEAD_SENSOR = 3  # sensor; unused
    RADIO_GAP = 4  # device (gateway or sensor that speaks for itself); unused
    CLOCK_DRIFT = 5  # sensor; seconds its clock is ahead
    SENTINELS = 6  # sensor; chance that a reading is the sentinel value


@dataclass(frozen=True)
class Habit:
    """Daily rate, duration in hours and strength of a kind of fault; at least `least` occur every day."""

    chance_per_day: float
    hours: tuple[float, float] = (1.0, 1.0)
    strength: tuple[float, float] = (0.0, 0.0)
    least: int = 0


HABITS = {
    FaultKind.SUBSTATION: Habit(0.08, (3, 9), (0.4, 0.8)),
    FaultKind.RISER: Habit(0.012, (6, 30), (0.6, 1.0), least=1),
    FaultKind.WINDOW: Habit(0.012, (10, 40), (60, 250), least=2),
    FaultKind.DEAD_SENSOR: Habit(0.004, (6, 48)),
    FaultKind.RADIO_GAP: Habit(0.06, (0.3, 4)),
    FaultKind.CLOCK_DRIFT: Habit(0.02, (6, 48), (-240, 240)),
    FaultKind.SENTINELS: Habit(0.008, (6, 48), (0.02, 0.2)),
}
# A quiet month: enough to look back on, and not so much that it takes long to live through.
CALM = HABITS | {
    FaultKind.SUBSTATION: Habit(0.008, (4, 9), (0.4, 0.6)),
    FaultKind.RISER: Habit(0.002, (8, 30), (0.6, 1.0)),
    FaultKind.WINDOW: Habit(0.002, (10, 40), (60, 250), least=1),
    FaultKind.DEAD_SENSOR: Habit(0.001, (30, 48)),
    FaultKind.RADIO_GAP: Habit(0.0),
    FaultKind.CLOCK_DRIFT: Habit(0.002, (6, 48), (-240, 240)),
}
LONGEST_DAYS = 2  # no habit lasts longer: a fault active now began at most this many days ago
FAR_AHEAD_CHANCE = 0.1  # that a drifting clock is ahead by more than the usual tolerance of five minutes
FAR_AHEAD_SECONDS = (360.0, 1500.0)

FAULT = np.dtype([("kind", "i1"), ("target", "i4"), ("begin_us", "i8"), ("end_us", "i8"), ("strength", "f8")])
Faults = npt.NDArray[np.void]


NONE = np.zeros(0, FAULT)


@dataclass(frozen=True)
class FaultSource:
    """Source of the faults of a town: habits, and what was settled beforehand, faults of a story and a cold snap."""

    habits: Mapping[FaultKind, Habit] = field(default_factory=lambda: HABITS)
    told: Faults = field(default_factory=lambda: NONE)
    snap: ColdSnap = NO_SNAP


USUAL = FaultSource()


class FaultCalendar:
    """Faults of a town with `sizes[kind]` possible targets of each kind."""

    def __init__(self, seed: int, sizes: dict[FaultKind, int], source: FaultSource = USUAL) -> None:
        self._seed = seed
        self._sizes = sizes
        self._source = source
        self._days: dict[int, Faults] = {}

    def active(self, at_us: int) -> dict[FaultKind, Faults]:
        """Return the faults with begin <= `at_us` < end, by kind; every kind is present."""
        today = at_us // DAY_US
        self._days = {day: self._beginning(day) for day in range(today - LONGEST_DAYS, today + 1)}
        near = np.concatenate([self._source.told, *self._days.values()])
        now = near[(near["begin_us"] <= at_us) & (at_us < near["end_us"])]
        return {kind: now[now["kind"] == kind] for kind in FaultKind}

    def _beginning(self, day: int) -> Faults:
        if day in self._days:
            return self._days[day]
        rng = np.random.default_rng([self._seed, _STREAM, day])
        return np.concatenate([self._draw(kind, day, rng) for kind in FaultKind])

    def _draw(self, kind: FaultKind, day: int, rng: np.random.Generator) -> Faults:
        return _draw(kind, self._source.habits[kind], (self._sizes[kind], day), rng)


def _draw(kind: FaultKind, habit: Habit, of: tuple[int, int], rng: np.random.Generator) -> Faults:
    """Draw the faults of a kind, among so many targets, that begin on a day."""
    size, day = of
    count = max(int(rng.poisson(habit.chance_per_day * size)), habit.least) if size else 0
    faults = np.zeros(count, FAULT)
    faults["kind"] = kind
    faults["target"] = rng.integers(0, max(size, 1), count)
    faults["begin_us"] = day * DAY_US + rng.integers(0, DAY_US, count)
    faults["end_us"] = faults["begin_us"] + (rng.uniform(*habit.hours, count) * HOUR_US).astype(np.int64)
    faults["strength"] = rng.uniform(*habit.strength, count)
    if kind is FaultKind.CLOCK_DRIFT:
        far = rng.random(count) < FAR_AHEAD_CHANCE
        faults["strength"][far] = rng.uniform(*FAR_AHEAD_SECONDS, int(far.sum()))
    return faults


def strongest(faults: Faults, size: int) -> npt.NDArray[np.float64]:
    """Return the largest strength on each of `size` targets, ignoring the sign; 0 where there is no fault."""
    result = np.zeros(size)
    order = np.argsort(np.abs(faults["strength"]), kind="stable")
    # Later assignments win, so the strongest goes last.
    result[faults["target"][order]] = faults["strength"][order]
    return result


def struck(faults: Faults, size: int) -> npt.NDArray[np.bool_]:
    """Return a mask of the targets with any of these faults."""
    result = np.zeros(size, dtype=bool)
    result[faults["target"]] = True
    return result


def latest_end_us(faults: Faults, size: int) -> npt.NDArray[np.int64]:
    """Return the instant at which the last of these faults ends on each target; 0 where there is no fault."""
    result = np.zeros(size, dtype=np.int64)
    np.maximum.at(result, faults["target"], faults["end_us"])
    return result

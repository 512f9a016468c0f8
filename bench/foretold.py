"""The section of forecasts in `bench.foresight`: eight recorded rooms, simulated towns with their faults, and speed."""

import csv
import gzip
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

import sim
from insight import chance, model
from insight.forecast import LEADS, LEADS_H
from insight.model import HALF_LIFE_DAYS, Forecast, Lesson, Model
from insight.score import Chances
from insight.window import DAY, HOUR, STEP_S, STEPS, Floats, Window
from sim.faults import FaultSource
from sim.town import SENTINEL_CELSIUS, Town
from sim.weather import DAY_US, TOWN_OFFSET_US, ColdSnap

RECORDING = files(sim) / "recordings/rooms_2016.csv.gz"
TRAIN_SHARE = 0.6
SCORED_H = (3, 6, 12)
SIX_HOURS = chance.HORIZONS_H.index(6)
NONE_TOLD = np.full(len(LEADS), np.nan)
TOWN_DAYS, SNAP_DAYS, SNAP_KELVIN = 30, (21, 24), 12.0
TOWNS = ((1, 360, 1.0), (2, 720, 0.3), (3, 2400, 0.04))  # seed, homes, share that is measured
EPOCH_US = 1_768_435_200_000_000
DAY_LIMIT, FLOOR_LIMIT, DAY_HOURS = 18.0, 16.0, (6, 21)
FAST_HOMES, FAST_BATCH = 20_000, 2_000
Figures = dict[str, float | int | None]


@dataclass(frozen=True)
class Network:
    """All that is known of the homes of one network, in the end."""

    seen: Floats  # [home, step]
    building: npt.NDArray[np.int64]
    outdoor: Floats  # [step]
    supply: Floats
    flow: Floats
    limits: Floats  # [step]
    local_s: npt.NDArray[np.int64]  # [step] seconds, of which the local day is a part

    def window(self, at: int) -> Window:
        """Return what was known at a step."""
        past = slice(at - STEPS + 1, at + 1)
        return Window(
            self.seen[:, past],
            self.building,
            self.outdoor[past],
            self.supply[past],
            self.flow[past],
            np.ones(len(self.seen), np.bool_),
            NONE_TOLD,
            float(self.local_s[at] % 86_400 / 86_400),
        )

    def after(self, at: int) -> Floats:
        """Return [home, step]: the day that followed a step."""
        return self.seen[:, at + 1 : at + 1 + DAY]

    def came(self, at: int, told: Forecast) -> Lesson:
        """Return what a forecast that was made at a step can teach, when its day is over."""
        return Lesson(self.window(at), told, self.after(at), self.limited(at))

    def limited(self, at: int) -> Floats:
        """Return [home, step]: the limits of the day that followed a step."""
        return np.broadcast_to(self.limits[at + 1 : at + 1 + DAY], self.after(at).shape)


class Outcome(NamedTuple):
    """The errors and scores of forecasts of some networks."""

    error: Floats  # [forecast, lead] kelvin
    covered: npt.NDArray[np.bool_]  # [forecast, lead]; errors that are NaN do not count
    chances: Chances  # of six hours


def lived(networks: Sequence[Network], every: int, judged_from: int, learns_until: int | None = None) -> Outcome:
    """Live through all steps as a running system does: each forecast is made with what is known then.

    What follows teaches the model a day later, up to the step `learns_until`. Forecasts count from `judged_from` on.
    """
    knows, errors, covered, chances = Model.new(), [], [], Chances.none()
    told: dict[int, list[Forecast]] = {}
    share = 0.5 ** (every / DAY / HALF_LIFE_DAYS)
    for at in range(STEPS, network_steps(networks) - DAY, every):
        if at < (learns_until or at + 1) and at - DAY in told:
            known = zip(networks, told.pop(at - DAY), strict=True)
            lessons = [network.came(at - DAY, forecast) for network, forecast in known]
            knows = knows.taught(lessons, share)
        told[at] = [knows.foresee(network.window(at), network.limited(at)) for network in networks]
        for network, forecast in zip(networks, told[at], strict=True) if at >= judged_from else ():
            change = model.changes(forecast.now, network.after(at))
            errors.append(change - forecast.change)
            reached = (forecast.now[:, None] + change)[..., None]
            covered.append((reached[..., 0] >= forecast.ends[..., 0]) & (reached[..., 0] <= forecast.ends[..., 1]))
            chances += _chances(forecast, network.after(at), network.limited(at))
    return Outcome(np.concatenate(errors), np.concatenate(covered), chances)


def _chances(told: Forecast, after: Floats, limits: Floats) -> Chances:
    came = chance.margins(after, limits)[:, SIX_HOURS]
    probability = np.where(np.isfinite(came), told.chance[:, SIX_HOURS], np.nan)
    return Chances.of(probability, came < 0, told.margin_now[:, SIX_HOURS] < 0)


def network_steps(networks: Sequence[Network]) -> int:
    """Return how many steps networks have."""
    return int(networks[0].seen.shape[1])


def rooms() -> Network:
    """Read the recorded rooms, each as a home of one building; between two readings the first one holds."""
    with RECORDING.open("rb") as packed, gzip.open(packed, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name not in ("measured_at", "outdoor")]
    seconds = np.array([int(datetime.fromisoformat(row["measured_at"]).timestamp()) for row in rows])
    grid = np.arange(-(-seconds[0] // STEP_S) * STEP_S, seconds[-1] + 1, STEP_S)
    held = np.searchsorted(seconds, grid, side="right") - 1
    table = np.array([[float(row[name]) for name in (*names, "outdoor")] for row in rows])[held].T
    unknown = np.full(len(grid), np.nan)
    return Network(table[:-1], np.zeros(len(names), np.int64), table[-1], unknown, unknown, limits(grid), grid)


def limits(local_s: npt.NDArray[np.int64]) -> Floats:
    """Return the limit at local times, °C."""
    hour = local_s % 86_400 / 3600
    return np.where((hour >= DAY_HOURS[0]) & (hour < DAY_HOURS[1]), DAY_LIMIT, FLOOR_LIMIT)


def town(seed: int, homes: int, share: float) -> list[Network]:
    """Simulate a town with a cold snap in its judged part; sensors stand rather in cold homes."""
    snap = ColdSnap(EPOCH_US + SNAP_DAYS[0] * DAY_US, EPOCH_US + SNAP_DAYS[1] * DAY_US, SNAP_KELVIN)
    made = Town(seed, homes, STEP_S, epoch_us=EPOCH_US, source=FaultSource(snap=snap))
    seen, outside = [], []
    for _ in range(TOWN_DAYS * DAY):
        made.advance()
        readings, channels = made.readings(), made.channels()
        bad = readings.silent | (readings.celsius >= SENTINEL_CELSIUS)
        seen.append(np.where(bad, np.nan, readings.celsius))
        outside.append((channels.outdoor_temperature, channels.supply_temperature, channels.flow))
    return _networks(made, np.array(seen).T, np.array(outside), share)


def _networks(made: Town, seen: Floats, outside: Floats, share: float) -> list[Network]:
    """Take the measured homes apart by substation; `outside` is [step, quantity, substation]."""
    plan = made.layout
    sensors = [
        n
        for n, sensor in enumerate(plan.sensors)
        if sensor.room_kind == "living" and not plan.homes[sensor.home].stopped
    ]
    rng = np.random.default_rng([made.seed, 77])
    liking = np.exp(-np.nan_to_num(seen[sensors, DAY], nan=20.0) / 2)
    chosen = np.sort(rng.choice(sensors, max(int(share * len(sensors)), 8), replace=False, p=liking / liking.sum()))
    building = np.array([plan.homes[plan.sensors[n].home].building for n in chosen])
    network = np.array([plan.buildings[each].substation for each in building])
    local_s = (EPOCH_US + TOWN_OFFSET_US) // 1_000_000 + STEP_S * np.arange(1, seen.shape[1] + 1)
    return [
        _network(seen[chosen[network == s]], building[network == s], outside[:, :, s].T, local_s)
        for s in np.unique(network)
    ]


def _network(seen: Floats, building: npt.NDArray[np.int64], outside: Floats, local_s: npt.NDArray[np.int64]) -> Network:
    outdoor, supply, flow = outside
    return Network(seen, building, outdoor, supply, flow, limits(local_s), local_s)


def figures() -> Figures:
    """Return the figures of forecasts."""
    return of_rooms() | of_towns() | speed()


def of_rooms() -> Figures:
    """Return the errors of forecasts of recorded rooms, beside those of persistence."""
    network = rooms()
    end = int(network.seen.shape[1] * TRAIN_SHARE)
    outcome = lived([network], 2, end, end)
    found: Figures = {}
    for lead in SCORED_H:
        found[f"mae_{lead}h"] = round(float(np.nanmean(np.abs(outcome.error[:, LEADS_H.index(lead)]))), 3)
        rest = network.seen[:, end:]
        found[f"persistence_mae_{lead}h"] = round(
            float(np.abs(rest[:, lead * HOUR :] - rest[:, : -lead * HOUR]).mean()), 3
        )
    return found | {"interval_coverage": _coverage(outcome)} | _of_chances(outcome.chances, "_rooms")


def of_towns() -> Figures:
    """Return how sure it was foreseen which homes would be cold within six hours."""
    outcomes = []
    for seed, homes, share in TOWNS:
        networks = town(seed, homes, share)
        end = int(network_steps(networks) * TRAIN_SHARE)
        outcomes.append(lived(networks, HOUR, end))
    total = sum((each.chances for each in outcomes), Chances.none())
    covered: Figures = {f"interval_coverage_town_{t[2]}": _coverage(o) for t, o in zip(TOWNS, outcomes, strict=True)}
    for t, o in zip(TOWNS, outcomes, strict=True):
        covered |= _of_chances(o.chances, f"_{t[2]}")
    return _of_chances(total, "") | covered


def _of_chances(chances: Chances, of: str) -> Figures:
    return {
        f"recall_6h{of}": _rounded(chances.recall),
        f"precision_6h{of}": _rounded(chances.precision),
        f"brier_skill_6h{of}": _rounded(chances.skill),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _coverage(outcome: Outcome) -> float:
    known = np.isfinite(outcome.error)
    return round(float(outcome.covered[known].mean()), 4)


def speed() -> Figures:
    """Return how many homes are foreseen in a second by this process, batch by batch."""
    rng = np.random.default_rng(5)
    count = STEPS + 2 * DAY
    seen = 20 + rng.normal(0, 0.1, (FAST_BATCH, count)).cumsum(axis=1)
    local_s = STEP_S * np.arange(count)
    outside = rng.normal(0, 0.1, (3, count)).cumsum(axis=1) + 50
    network = _network(seen, np.arange(FAST_BATCH) // 30, outside, local_s)
    knows = Model.new()
    began = time.perf_counter()
    for _ in range(FAST_HOMES // FAST_BATCH):
        knows.foresee(network.window(STEPS), network.limited(STEPS))
    return {"homes_per_s": round(FAST_HOMES / (time.perf_counter() - began))}

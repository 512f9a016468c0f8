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
from insight.chance import Experience
from insight.forecast import LEADS, LEADS_H
from insight.model import HALF_LIFE_DAYS, Forecast, Lesson, Model
from insight.score import Chances
from insight.window import DAY, HOUR, STEP_S, STEPS, Floats, Window, held
from sim.faults import FaultCalendar, FaultKind, FaultSource
from sim.town import SENTINEL_CELSIUS, Town
from sim.weather import DAY_US, TOWN_OFFSET_US, ColdSnap

RECORDING = files(sim) / "recordings/rooms_2016.csv.gz"
TRAIN_SHARE = 0.6
SCORED_H = (3, 6, 12)
SIX_HOURS = chance.HORIZONS_H.index(6)
WEATHER_K, WEATHER_DAY_K, WEATHER_EVERY = 0.8, 1.2, 6 * HOUR  # error at once, and what a day adds; how often it is made
TOWN_DAYS, SNAP_DAYS, SNAP_KELVIN = 30, (21, 24), 12.0
JUDGED_FROM = int(TOWN_DAYS * DAY * TRAIN_SHARE)
TOWNS = ((360, 1.0), (720, 0.3), (2400, 0.04))  # homes, share that is measured
SEEDS = (7101, 7102)  # towns that nothing was chosen by
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
    outdoor_ahead: Floats  # [step, lead] °C by the weather forecast of then; NaN without one

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
            self.outdoor_ahead[at],
            float(self.local_s[at] % 86_400 / 86_400),
        )

    def after(self, at: int) -> Floats:
        """Return [home, step]: the day that followed a step."""
        return self.seen[:, at + 1 : at + 1 + DAY]

    def came(self, at: int, told: Forecast) -> Lesson:
        """Return what a forecast that was made at a step can teach, when its day is over."""
        supplied = self.supply[at + 1 : at + 1 + DAY]
        return Lesson(self.window(at), told, self.after(at), supplied, self.limited(at))

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
    for at in told_at(network_steps(networks), every):
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


def told_at(steps: int, every: int) -> range:
    """Return the steps at which forecasts are made: three days lie behind each, and a day of what came after it."""
    return range(STEPS, steps - DAY, every)


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
    none = np.zeros(len(names), np.int64)
    return Network(table[:-1], none, table[-1], unknown, unknown, limits(grid), grid, _no_weather(len(grid)))


def limits(local_s: npt.NDArray[np.int64]) -> Floats:
    """Return the limit at local times, °C."""
    hour = local_s % 86_400 / 3600
    return np.where((hour >= DAY_HOURS[0]) & (hour < DAY_HOURS[1]), DAY_LIMIT, FLOOR_LIMIT)


def town(
    seed: int, homes: int, share: float, days: int = TOWN_DAYS, judged_from: int = JUDGED_FROM
) -> tuple[list[Network], Chances]:
    """Simulate a town with a cold snap in its judged part; sensors stand rather in cold homes.

    Beside it, how one would do who knows the homes, the weather to come and the faults of now, but no later one.
    """
    snap = ColdSnap(EPOCH_US + SNAP_DAYS[0] * DAY_US, EPOCH_US + SNAP_DAYS[1] * DAY_US, SNAP_KELVIN)
    made = Town(seed, homes, STEP_S, epoch_us=EPOCH_US, source=FaultSource(snap=snap))
    ahead = Town(seed, homes, STEP_S, epoch_us=EPOCH_US, source=FaultSource(snap=snap))
    local_s = (EPOCH_US + TOWN_OFFSET_US) // 1_000_000 + STEP_S * np.arange(1, days * DAY + 1)
    limit, scored = limits(local_s), told_at(days * DAY, HOUR)
    seen, outside, known = [], [], {}
    for step in range(days * DAY):
        made.advance()
        readings, channels = made.readings(), made.channels()
        bad = readings.silent | (readings.celsius >= SENTINEL_CELSIUS)
        seen.append(np.where(bad, np.nan, readings.celsius))
        outside.append((channels.outdoor_temperature, channels.supply_temperature, channels.flow))
        if step >= judged_from and step in scored:
            known[step] = _known(made, ahead, limit[step + 1 :][: 6 * HOUR])
    table = np.array(seen).T
    chosen = _chosen(made, table, share)
    best = _knowing(table[chosen], {at: margin[chosen] for at, margin in known.items()}, limit)
    return _networks(made, table[chosen], chosen, (np.array(outside), local_s)), best


def _known(made: Town, ahead: Town, limit: Floats) -> Floats:
    """Return [sensor]: the least kelvin above the next limits in a town as it is, if no fault begins meanwhile.

    `ahead` is the same town, which is taken to the state of the first and goes on from there.
    """
    active = np.concatenate(list(made.calendar.active(made.at_us).values()))
    ahead.calendar = FaultCalendar(made.seed, dict.fromkeys(FaultKind, 0), FaultSource(told=active))
    ahead.restore(made.state())
    least = np.full(len(made.layout.sensors), np.inf)
    for under in limit:
        ahead.advance()
        celsius = ahead.readings().celsius
        least = np.minimum(least, np.where(celsius >= SENTINEL_CELSIUS, np.inf, celsius) - under)
    return least


def _knowing(seen: Floats, known: dict[int, Floats], limit: Floats) -> Chances:
    """Score what was known of six hours by what came, of the homes and instants of forecasts.

    Its chances are how often it came to be cold with such a margin: fitted to what is scored, so none are better.
    """
    filled, knows, pairs = held(seen), Experience(), []
    for at, margin in known.items():
        limited = np.broadcast_to(limit[at + 1 : at + 1 + DAY], (len(seen), DAY))
        came, now = (chance.margins(of, limited) for of in (seen[:, at + 1 : at + 1 + DAY], filled[:, at, None]))
        foreseen = np.where(np.isfinite(now), margin[:, None], np.nan)
        pairs.append((foreseen, came, now))
        knows = knows.with_margins(*pairs[-1])
    total = Chances.none()
    for foreseen, came, now in pairs:
        probability = np.where(np.isfinite(came), knows.probability(foreseen, now), np.nan)[:, SIX_HOURS]
        total += Chances.of(probability, came[:, SIX_HOURS] < 0, now[:, SIX_HOURS] < 0)
    return total


def _chosen(made: Town, seen: Floats, share: float) -> npt.NDArray[np.int64]:
    """Return the sensors that there are, one in a home, rising; rather in cold homes."""
    plan = made.layout
    sensors = [
        n
        for n, sensor in enumerate(plan.sensors)
        if sensor.room_kind == "living" and not plan.homes[sensor.home].stopped
    ]
    rng = np.random.default_rng([made.seed, 77])
    liking = np.exp(-np.nan_to_num(seen[sensors, DAY], nan=20.0) / 2)
    return np.sort(rng.choice(sensors, max(int(share * len(sensors)), 8), replace=False, p=liking / liking.sum()))


def _networks(
    made: Town, seen: Floats, chosen: npt.NDArray[np.int64], around: tuple[Floats, npt.NDArray[np.int64]]
) -> list[Network]:
    """Take the measured homes apart by substation; `around` is [step, quantity, substation], and local seconds."""
    plan, (outside, local_s) = made.layout, around
    building = np.array([plan.homes[plan.sensors[n].home].building for n in chosen])
    network = np.array([plan.buildings[each].substation for each in building])
    return [
        _network(seen[network == s], building[network == s], outside[:, :, s].T, (local_s, made.seed))
        for s in np.unique(network)
    ]


def _network(
    seen: Floats,
    building: npt.NDArray[np.int64],
    outside: Floats,
    of: tuple[npt.NDArray[np.int64], int | None],
) -> Network:
    """Return a network; `outside` is [quantity, step], `of` has local seconds, and the seed of a weather forecast."""
    (outdoor, supply, flow), (local_s, seed) = outside, of
    ahead = _no_weather(len(local_s)) if seed is None else _weather(seed, outdoor)
    return Network(seen, building, outdoor, supply, flow, limits(local_s), local_s, ahead)


def _weather(seed: int, outdoor: Floats) -> Floats:
    """Return [step, lead]: a weather forecast that misses by 1.0 K at 6 h and 1.4 K at 24 h (deviations)."""
    made = np.arange(len(outdoor)) // WEATHER_EVERY
    at_once, adds = np.random.default_rng([seed, 78]).normal(0, 1, (2, made[-1] + 1))[:, made, None]
    came = outdoor[np.minimum(np.arange(len(outdoor))[:, None] + LEADS, len(outdoor) - 1)]
    return np.asarray(came + WEATHER_K * at_once + WEATHER_DAY_K * np.sqrt(LEADS / DAY) * adds)


def _no_weather(steps: int) -> Floats:
    return np.full((steps, len(LEADS)), np.nan)


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
    """Return how sure it was foreseen which homes would be cold within six hours: of all towns, and by their kind."""
    found: Figures = {}
    everything, knowing = Chances.none(), Chances.none()
    for homes, share in TOWNS:
        outcomes = [_of_town(seed, homes, share) for seed in SEEDS]
        total = sum((outcome.chances for outcome, _ in outcomes), Chances.none())
        everything, knowing = everything + total, sum((best for _, best in outcomes), knowing)
        covered = float(np.mean([_coverage(outcome) for outcome, _ in outcomes]))
        found |= _of_chances(total, f"_{share}") | {f"interval_coverage_town_{share}": round(covered, 4)}
    best: Figures = {"recall_6h_knowing": _rounded(knowing.recall), "brier_skill_6h_knowing": _rounded(knowing.skill)}
    return _of_chances(everything, "") | best | found


def _of_town(seed: int, homes: int, share: float) -> tuple[Outcome, Chances]:
    """Return how forecasts came out in the last part of a town, and what one who knows it would have said."""
    networks, best = town(seed, homes, share)
    return lived(networks, HOUR, JUDGED_FROM), best


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
    network = _network(seen, np.arange(FAST_BATCH) // 30, outside, (local_s, None))
    knows = Model.new()
    began = time.perf_counter()
    for _ in range(FAST_HOMES // FAST_BATCH):
        knows.foresee(network.window(STEPS), network.limited(STEPS))
    return {"homes_per_s": round(FAST_HOMES / (time.perf_counter() - began))}

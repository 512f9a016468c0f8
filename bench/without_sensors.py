"""Homes of a simulated town whose sensor is covered up: how far estimates miss, and how often intervals hold."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from domain.registry import EXPOSURES
from insight.fallen import PAST_STEPS, fallen
from insight.rates import Floats
from insight.unmeasured import Estimates, HomePlaces, Mask, estimate
from insight.window import STEP_S
from sim.layout import Layout
from sim.substation import radiator_celsius
from sim.town import SECOND_US, Town
from sim.weather import DAY_US, outdoor_celsius

HOMES = 480
SHARES = (0.04, 0.1, 0.3, 0.6)
ALMOST_ALL = 0.95  # what is left of errors where nearly everybody around is measured, no neighbour can tell
SEEDS = range(7_200, 7_212)  # towns that nothing was chosen by
LOOKS = 4  # at hours of different days
BEGIN_US = 1_768_435_200 * SECOND_US  # 15 January 2026
BEFORE_DAYS = 1  # a town lives before the first look
NOISE_K = 0.04  # of readings of the past


def places(layout: Layout, supply: Floats) -> HomePlaces:
    """Return where the homes of a town lie; `supply` of each substation, in kelvin above the usual."""
    substation = np.array([layout.buildings[home.building].substation for home in layout.homes])
    return HomePlaces(
        substation,
        np.array([home.building for home in layout.homes]),
        np.array([home.riser for home in layout.homes]),
        np.array([home.floor for home in layout.homes]),
        np.array([EXPOSURES.index(home.exposure) for home in layout.homes]),
        supply[substation],
    )


class Look(NamedTuple):
    """A town at an instant: where its homes lie, which of them are heated, and the past of all, up to now."""

    town: Town
    homes: HomePlaces
    heated: Mask
    past: Floats  # [home, step] °C

    def estimated(self, measured: Mask) -> Estimates:
        """Estimate the other homes from what was measured; nothing is known of homes that are not."""
        seen = np.where(measured[:, None], self.past, np.nan)
        return estimate(self.homes, seen[:, -1], fallen=fallen(self.homes, seen))


def looks(seed: int) -> Iterator[Look]:
    """Look at a town at some instants, with the past of its homes at quarters of an hour."""
    town = Town(seed, HOMES, STEP_S, epoch_us=BEGIN_US - BEFORE_DAYS * DAY_US, uneven=True)
    heated = np.array([not home.stopped for home in town.layout.homes])
    rng = np.random.default_rng([seed, 22])
    past: list[Floats] = []
    for nth in range(LOOKS):
        while town.at_us + town.interval_us <= BEGIN_US + nth * 29 * DAY_US // 24:
            town.advance()
            past.append(town.air + rng.normal(0, NOISE_K, HOMES))
        usual = radiator_celsius(outdoor_celsius(seed, town.at_us), np.zeros(len(town.layout.substations)))
        homes = places(town.layout, town.channels().supply_temperature - usual * 1.0)
        yield Look(town, homes, heated, np.column_stack([*past[-PAST_STEPS:-1], town.air]))


def covered(layout: Layout, share: float, rng: np.random.Generator, biased: bool) -> Mask:
    """Choose the homes with a sensor: by chance, or rather those under roofs and at gables."""
    urge = np.array([1.5 * ("roof" in home.exposure) + ("gable" in home.exposure) for home in layout.homes]) * biased
    chosen = np.zeros(len(urge), bool)
    chosen[np.argsort(rng.gumbel(size=len(urge)) + urge)[::-1][: max(4, round(share * len(urge)))]] = True
    return chosen


def figures() -> dict[str, float | int | None]:
    """Return the mean error and the share of 90 % intervals that hold, over towns, shares and placements."""
    errors, holds, means, least = [], [], [], []
    for seed in SEEDS:
        for nth, look in enumerate(looks(seed)):
            rng = np.random.default_rng([seed, nth, 19])
            air, heated = look.town.air, look.heated
            chosen = covered(look.town.layout, SHARES[nth % len(SHARES)], rng, biased=bool(seed % 2)) & heated
            found = look.estimated(chosen)
            of = ~chosen & heated & ~np.isnan(found.celsius)
            errors.append(np.abs(found.celsius - air)[of])
            holds.append(((found.low <= air) & (air <= found.high))[of])
            means.append(np.abs(air[chosen].mean() - air)[of])
            nearly = covered(look.town.layout, ALMOST_ALL, rng, biased=False) & heated
            least.append(np.abs(look.estimated(nearly).celsius - air)[~nearly & heated])
    return {
        "unmeasured_mae": round(float(np.concatenate(errors).mean()), 3),
        "unmeasured_mae_of_mean": round(float(np.concatenate(means).mean()), 3),
        "unmeasured_mae_least": round(float(np.concatenate(least).mean()), 3),
        "unmeasured_coverage": round(float(np.concatenate(holds).mean()), 4),
    }

"""Homes of a simulated town whose sensor is covered up: how far estimates miss, and how often intervals hold."""

from collections.abc import Iterator

import numpy as np

from domain.registry import EXPOSURES
from insight.rates import Floats
from insight.unmeasured import HomePlaces, Mask, estimate
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


def looks(seed: int) -> Iterator[tuple[Town, HomePlaces, Mask]]:
    """Look at a town at some instants: where its homes lie, and which of them are heated."""
    town = Town(seed, HOMES, 1_800, epoch_us=BEGIN_US - DAY_US, uneven=True)
    heated = np.array([not home.stopped for home in town.layout.homes])
    for nth in range(LOOKS):
        town.advance_to(BEGIN_US + nth * 29 * DAY_US // 24)
        usual = radiator_celsius(outdoor_celsius(seed, town.at_us), np.zeros(len(town.layout.substations)))
        yield town, places(town.layout, town.channels().supply_temperature - usual * 1.0), heated


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
        for nth, (town, homes, heated) in enumerate(looks(seed)):
            rng = np.random.default_rng([seed, nth, 19])
            chosen = covered(town.layout, SHARES[nth % len(SHARES)], rng, biased=bool(seed % 2)) & heated
            celsius = np.where(chosen, town.air, np.nan)
            found = estimate(homes, celsius)
            of = ~chosen & heated & ~np.isnan(found.celsius)
            errors.append(np.abs(found.celsius - town.air)[of])
            holds.append(((found.low <= town.air) & (town.air <= found.high))[of])
            means.append(np.abs(np.nanmean(celsius) - town.air)[of])
            nearly = covered(town.layout, ALMOST_ALL, rng, biased=False) & heated
            least.append(
                np.abs(estimate(homes, np.where(nearly, town.air, np.nan)).celsius - town.air)[~nearly & heated]
            )
    return {
        "unmeasured_mae": round(float(np.concatenate(errors).mean()), 3),
        "unmeasured_mae_of_mean": round(float(np.concatenate(means).mean()), 3),
        "unmeasured_mae_least": round(float(np.concatenate(least).mean()), 3),
        "unmeasured_coverage": round(float(np.concatenate(holds).mean()), 4),
    }

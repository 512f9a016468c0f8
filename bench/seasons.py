"""Simulated seasons of towns whose every home is known: how often the interval of a rate covers the truth.

Homes are colder under the roof, at gables and in some buildings, and differ by chance; sensors stand in homes by chance
in every other town, in the others on purpose in the worst by floor, exposure and building. No number here
is taken from what is judged, nor from the model that judges.
"""

from typing import NamedTuple

import numpy as np

from insight.rates import Floats
from insight.strata import Cells, Whole, estimate
from sim.layout import plan

HOMES = 600
SHARES = (0.04, 0.1, 0.3, 0.7)  # of the homes are measured
LAYOUTS = 10
WARM_K = (0.8, 2.6)  # above the limit, of the coldest hour of a usual home of a town
BUILDINGS_K = (0.2, 0.9)
HOMES_K = 1.4
WORSE_K = {"roof": 0.8, "gable": 0.7, "ground": 0.3}
SCATTER = (0.4, 1.6)  # of how much worse they are, from town to town


class Season(NamedTuple):
    """A town after a season: codes of each home, whether it was warm, and whether it was measured."""

    building: Whole
    floor: Whole
    exposure: Whole
    warm: np.ndarray
    measured: np.ndarray

    def cells(self) -> Cells:
        """Return what is known of it."""
        place, cell = np.unique(np.stack([self.building, self.floor, self.exposure]), axis=1, return_inverse=True)
        cell = cell.ravel()

        def count(some: np.ndarray) -> Floats:
            return np.bincount(cell, some, place.shape[1]).astype(float)

        every = np.ones(len(self.warm))
        buildings, floors, exposures = place
        return Cells(buildings, floors, exposures, count(every), count(self.measured), count(self.measured & self.warm))


def season(seed: int, homes: int = HOMES) -> Season:
    """Live through a season of a town."""
    rng = np.random.default_rng([seed, 18])
    layout = plan(seed % LAYOUTS, homes)
    building = np.array([home.building for home in layout.homes])
    floor = np.array([home.floor for home in layout.homes])
    names, exposure = np.unique([home.exposure for home in layout.homes], return_inverse=True)
    worse = np.zeros(homes)
    for kind, kelvin in WORSE_K.items():
        worse += np.array([kind in name for name in names])[exposure] * kelvin * rng.uniform(*SCATTER)
    of_building = rng.normal(0, rng.uniform(*BUILDINGS_K), len(layout.buildings))[building]
    margin = rng.uniform(*WARM_K) - worse + of_building + rng.normal(0, HOMES_K, homes)
    urge = 2 * worse - 1.5 * of_building if seed % 2 else np.zeros(homes)
    order = np.argsort(rng.gumbel(size=homes) + urge)[::-1]
    measured = np.zeros(homes, bool)
    measured[order[: round(SHARES[seed // 2 % len(SHARES)] * homes)]] = True
    return Season(building, floor, exposure, margin > 0, measured)


def figures() -> dict[str, float | int | None]:
    """Return the figures of a thousand seasons."""
    return {**live(1_000)}


def live(seasons: int) -> dict[str, float]:
    """Return how often the 95 % interval covers the rate of all homes, its width, and errors beside the raw rate's."""
    hits, widths, errors, raw = [], [], [], []
    for seed in range(seasons):
        town = season(seed)
        truth, found = float(town.warm.mean()), estimate(town.cells())
        assert found is not None
        hits.append(found.low <= truth <= found.high)
        widths.append(found.high - found.low)
        errors.append(abs(found.rate - truth))
        raw.append(abs(float(town.warm[town.measured].mean()) - truth))
    return {
        "rate_interval_coverage": round(float(np.mean(hits)), 4),
        "rate_interval_width": round(float(np.mean(widths)), 4),
        "rate_mae": round(float(np.mean(errors)), 4),
        "rate_mae_raw": round(float(np.mean(raw)), 4),
    }

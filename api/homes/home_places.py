"""Places of the homes of a substation, as insight takes them."""

from collections.abc import Sequence

import numpy as np

from domain.registry import EXPOSURES
from insight.unmeasured import NONE, HomePlaces, Whole
from store.sensors.estimate_rows import PlacedHome


def places_of(found: Sequence[PlacedHome]) -> HomePlaces:
    """Return where homes of one substation lie; supply is the same for all of them."""
    return HomePlaces(
        np.zeros(len(found), np.int64),
        _codes([home.building for home in found]),
        _codes([None if home.riser is None else (home.building, home.riser) for home in found]),
        np.array([NONE if home.floor is None or home.floor < 1 else home.floor for home in found], np.int64),
        np.array([NONE if home.exposure is None else EXPOSURES.index(home.exposure) for home in found], np.int64),
        np.zeros(len(found)),
    )


def _codes(values: Sequence[object]) -> Whole:
    """Return a code for each value, NONE for None."""
    seen: dict[object, int] = {}
    return np.array([NONE if one is None else seen.setdefault(one, len(seen)) for one in values], np.int64)

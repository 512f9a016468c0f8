"""The plan of a sample: how many homes to measure where, so that a rate is known as precisely as is wanted."""

import numpy as np

from insight.rates import Floats, Z
from insight.strata import Cells, Whole

ROUNDS = 60
LEAST = 1.0  # homes of each kind to be measured at least
DOUBT = 1.0  # homes added to a kind, half of them warm, so that one without a cold home is not taken for certain


def to_measure(cells: Cells, half_width: float) -> Whole:
    """Return how many more homes of each cell to measure so that the 95 % interval is the rate ± `half_width`.

    Homes of one floor and exposure are one kind, whatever the building. Kinds with many homes, or some cold and some
    warm ones, get more (Neyman, J. R. Stat. Soc. 97, 1934); within a kind the buildings get like shares. Homes that are
    measured already count; where no number is enough, all are to be measured.

    Raises:
        ValueError: the width is not between 0 and 1.
    """
    if not 0 < half_width < 1:
        raise ValueError(f"{half_width} is not between 0 and 1")
    kind = np.unique(np.stack([cells.floor, cells.exposure]), axis=1, return_inverse=True)[1].ravel()
    homes, measured, warm = (
        np.bincount(kind, some).astype(float) for some in (cells.homes, cells.measured, cells.warm)
    )
    share = (warm + DOUBT / 2) / (measured + DOUBT)
    wanted = _allocate(homes, measured, np.sqrt(share * (1 - share)), (half_width / Z * homes.sum()) ** 2)
    return _spread(cells, kind, np.maximum(0, wanted - measured))


def _allocate(homes: Floats, measured: Floats, deviation: Floats, most_variance: float) -> Floats:
    """Return the numbers of homes to be measured of each kind, by bisection over what all of them get."""
    low, high = 0.0, 1.0 / float(deviation.min())
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        wanted = _at(middle, homes, measured, deviation)
        if float((homes**2 * deviation**2 / wanted * (1 - wanted / homes)).sum()) > most_variance:
            low = middle
        else:
            high = middle
    return np.asarray(np.minimum(homes, np.ceil(_at(high, homes, measured, deviation) - 1e-9)))


def _at(level: float, homes: Floats, measured: Floats, deviation: Floats) -> Floats:
    return np.asarray(np.clip(level * homes * deviation, np.maximum(np.minimum(LEAST, homes), measured), homes))


def _spread(cells: Cells, kind: Whole, more: Floats) -> Whole:
    """Give the homes of each kind to its cells, one by one to the cell of which the smallest share is measured."""
    given = np.zeros(len(kind), np.int64)
    for one in np.flatnonzero(more):
        where = np.flatnonzero(kind == one)
        rest = (cells.homes - cells.measured)[where].astype(np.int64)
        # The nth further home of a cell has its turn when so large a share of the cell is measured.
        cell = np.repeat(np.arange(len(where)), rest)
        nth = np.arange(len(cell)) - np.repeat(np.cumsum(rest) - rest, rest)
        turn = (cells.measured[where][cell] + nth + 1) / cells.homes[where][cell]
        chosen = cell[np.argsort(turn, kind="stable")[: int(more[one])]]
        given[where] += np.bincount(chosen, minlength=len(where))
    return given

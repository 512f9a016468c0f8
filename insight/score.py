"""Score forecasts: sums that add up over homes, runs and days, and the figures that follow from them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from domain.foresight import WARN_FROM

Floats = npt.NDArray[np.float64]

BINS = 10  # of a reliability diagram: probabilities from 0 to 1 in tenths


@dataclass(frozen=True)
class Chances:
    """Sums over pairs of a probability and what happened; those of two spans are added.

    Two references: persistence says with certainty that what is now stays; `bins` has (pairs, events, sum of
    probabilities) of each tenth of the probability.
    """

    pairs: int
    events: int
    brier: float
    brier_persistence: float
    hits: int
    false_warnings: int
    bins: Floats

    @classmethod
    def of(cls, probability: Floats, happened: npt.NDArray[np.bool_], now: npt.NDArray[np.bool_]) -> Self:
        """Sum up equally long arrays; `now` is whether it was already so when the forecast was made."""
        known = np.isfinite(probability)
        chance, came, before = probability[known], happened[known].astype(float), now[known].astype(float)
        warned = chance >= WARN_FROM
        place = np.clip((chance * BINS).astype(int), 0, BINS - 1)
        bins = np.stack([np.bincount(place, weights, BINS) for weights in (np.ones_like(chance), came, chance)], axis=1)
        return cls(
            pairs=len(chance),
            events=int(came.sum()),
            brier=float(np.square(chance - came).sum()),
            brier_persistence=float(np.square(before - came).sum()),
            hits=int((warned & (came > 0)).sum()),
            false_warnings=int((warned & (came == 0)).sum()),
            bins=bins.astype(np.float64),
        )

    @classmethod
    def none(cls) -> Self:
        """Return the sums of nothing."""
        return cls.of(np.empty(0), np.empty(0, np.bool_), np.empty(0, np.bool_))

    def __add__(self, other: "Chances") -> "Chances":
        """Add the sums of another span."""
        return Chances(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @classmethod
    def kept(cls, sums: Mapping[str, Any]) -> Self:
        """Return the sums of a row as it is kept: a number for each field, and `bins` laid end to end."""
        bins = np.array(sums["bins"], np.float64).reshape(BINS, 3)
        return cls(**{each.name: sums[each.name] for each in fields(cls) if each.name != "bins"}, bins=bins)

    @property
    def skill(self) -> float | None:
        """The Brier skill against persistence: 1 is perfect, 0 no better, below 0 worse."""
        return 1 - self.brier / self.brier_persistence if self.brier_persistence else None

    @property
    def recall(self) -> float | None:
        """The share of events that were warned of."""
        return self.hits / self.events if self.events else None

    @property
    def precision(self) -> float | None:
        """The share of warnings that came true."""
        warnings = self.hits + self.false_warnings
        return self.hits / warnings if warnings else None

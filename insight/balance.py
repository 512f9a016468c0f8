"""Carry the heat balance of homes on: air between radiators, outdoors, and walls that remember.

Two nodes, as in P. Bacher and H. Madsen, "Identifying suitable models for the heat dynamics of buildings", Energy and
Buildings 43 (2011): air goes to where its balance lies within the hour, walls within days. How much a home gets of its
radiators follows from what its air did; a shut riser and an open window both show as less of it.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from insight import supply
from insight.forecast import LEADS
from insight.window import DAY, HOUR, Floats, Window, held

AIR_H, WALL_H = 0.7, 30.0  # in which air and walls go two thirds of the way to where their balance lies
AIR, WALL = (1 - np.exp(-1 / (hours * HOUR)) for hours in (AIR_H, WALL_H))  # of the way, in a step
LEAK = 1 / 11  # of what air loses: straight to the outdoors; the rest goes into walls
OUTER = 0.2  # of what walls exchange: with the outdoors
BACK = (12 * HOUR, 2 * HOUR, 2)  # steps over which the share of radiators is told: the fewer, the newer
APART_K = (0.4, 0.6)  # what the next fewer steps tell counts where it puts the balance so far off
MOST_SHARE = 0.6


class Balance(NamedTuple):
    """Homes as they stand now, and what is expected of outdoors and supply; NaN where it is not known."""

    share: Floats  # [home] of the radiators in what moves its air
    air: Floats  # [home] °C
    wall: Floats
    outdoor: Floats  # [step now to 24 h] °C
    supply: Floats

    @classmethod
    def of(cls, window: Window) -> "Balance":
        """Tell how the homes of a window stand."""
        outdoor = np.append(window.outdoor[-1], supply.outdoor_ahead(window))
        fed = np.append(window.supply[-1], supply.asked(window))
        if not (np.isfinite(outdoor) & np.isfinite(fed)).all():
            unknown = np.full(len(window.seen), np.nan)
            return cls(unknown, window.seen[:, -1], unknown, outdoor, fed)
        outside = np.where(np.isfinite(window.outdoor), window.outdoor, np.nanmean(window.outdoor))
        walls = _walls(window.seen, outside)
        base = LEAK * outside[-BACK[0] :] + (1 - LEAK) * walls  # where air would be without radiators
        return cls(_share(window, base), window.seen[:, -1], walls[:, -1], outdoor, fed)

    def carried(self, beyond: Floats) -> Floats:
        """Return [home, lead]: kelvin to expect from now; none where it is not known.

        `beyond`: [step 1 to 24 h], kelvin that supply rises beyond what the weather asks for.
        """
        fed = self.supply + np.append(0.0, np.nan_to_num(beyond))
        return self._led(fed, self.outdoor)

    def settling(self) -> Floats:
        """Return [home, lead]: as `carried`, if supply and weather stay as they are."""
        return self._led(np.full(DAY + 1, self.supply[0]), np.full(DAY + 1, self.outdoor[0]))

    def _led(self, fed: Floats, outdoor: Floats) -> Floats:
        air, wall, path = self.air, self.wall, np.empty((DAY, len(self.air)))
        for step in range(DAY):
            base = LEAK * outdoor[step] + (1 - LEAK) * wall
            air = air + AIR * (base + self.share * (fed[step] - base) - air)
            wall = wall + WALL * (_pull(air, outdoor[step]) - wall)
            path[step] = air
        return np.asarray(np.nan_to_num(path[LEADS - 1].T - self.air[:, None]))


def _pull(air: Floats, outdoor: Floats | float) -> Floats:
    """Return where walls go, °C."""
    return np.asarray((1 - OUTER) * air + OUTER * outdoor)


def _walls(seen: Floats, outdoor: Floats) -> Floats:
    """Return [home, step of BACK]: the temperature of walls, °C, which begin as three days had them on average."""
    known = np.isfinite(seen)
    mean = np.where(known, seen, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    filled = held(seen, seen.shape[1])
    toward = _pull(np.where(np.isfinite(filled), filled, mean[:, None]), outdoor)
    before = seen.shape[1] - BACK[0]
    weight = WALL * (1 - WALL) ** np.arange(before - 1, -1, -1)
    walls = np.empty((len(seen), BACK[0]))
    walls[:, 0] = toward[:, :before] @ weight + (1 - weight.sum()) * toward[:, :before].mean(axis=1)
    for step in range(1, BACK[0]):
        walls[:, step] = walls[:, step - 1] + WALL * (toward[:, before + step - 1] - walls[:, step - 1])
    return walls


def _share(window: Window, base: Floats) -> Floats:
    """Return [home]: the share of the radiators, by the longest span that the newer ones do not contradict."""
    air, fed = window.seen[:, -BACK[0] :], held(window.supply)[-BACK[0] :]
    drive = AIR * (fed - base)[:, :-1]
    moved = air[:, 1:] - air[:, :-1] + AIR * (air - base)[:, :-1]
    known = np.isfinite(moved) & np.isfinite(drive)
    told = [_of_span(moved, drive, known, steps) for steps in BACK]
    share = told[0]
    for newer, apart in zip(told[1:], APART_K, strict=True):
        agrees = np.abs(newer - share) * (fed[-1] - base[:, -1]) <= apart
        share = np.where(agrees | ~np.isfinite(newer), share, newer)
    return share


def _of_span(moved: Floats, drive: Floats, known: npt.NDArray[np.bool_], steps: int) -> Floats:
    part, whole = (np.where(known, each, 0.0)[:, -steps:].sum(axis=1) for each in (moved, drive))
    return np.asarray(np.clip(part / np.where(whole > 0, whole, np.nan), 0.0, MOST_SHARE))

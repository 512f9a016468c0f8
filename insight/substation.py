"""The usual behaviour of a substation for the outdoor temperature, and early signs that it leaves it.

Each quantity is a line over the outdoor temperature and a daily cycle, of the substation's own past, and so is what
scatters around it. A sign is a departure that lasts, in deviations: it asks somebody to look and raises no alarm.
"""

from typing import NamedTuple

import numpy as np

from insight.rates import Floats
from insight.unmeasured import Mask

QUANTITIES = ("supply", "return", "spread", "flow")
ENOUGH = 96  # values to learn from
ROUNDS, FAR = 10, 2.0  # values so many deviations off weigh less
LEAST_SHARE = 0.01  # of the median: no quantity scatters less than its sensor
SIGN = 3.0  # deviations from which a departure is a sign


class UsualBehaviour(NamedTuple):
    """The line of a quantity: terms, and the deviation of what is usual; None where too little is known."""

    terms: Floats
    deviation: float


class EarlySign(NamedTuple):
    """A departure of a substation: the quantity, by how much now, in its unit and in deviations; largest first."""

    substation: int
    quantity: str
    usual: float
    now: float
    deviations: float


def learn(values: Floats, outdoor: Floats, hour: Floats) -> UsualBehaviour | None:
    """Learn how a quantity goes with the outdoor temperature and the hour of the day; NaN is left out."""
    known = ~(np.isnan(values) | np.isnan(outdoor))
    if known.sum() < ENOUGH:
        return None
    design, wanted = _design(outdoor[known], hour[known]), values[known]
    weight = np.ones(len(wanted))
    for _ in range(ROUNDS):
        root = np.sqrt(weight)
        terms = np.linalg.lstsq(design * root[:, None], wanted * root, rcond=None)[0]
        off = np.abs(wanted - design @ terms)
        deviation = max(1.4826 * float(np.median(off)), LEAST_SHARE * abs(float(np.median(wanted))), 1e-9)
        weight = np.minimum(1, FAR * deviation / np.maximum(off, 1e-12))
    return UsualBehaviour(np.asarray(terms, np.float64), deviation)


def depart(usual: UsualBehaviour, values: Floats, outdoor: Floats, hour: Floats) -> float:
    """Return how many deviations the values are off, by their median: single ones do not matter; NaN: none is known."""
    known = ~(np.isnan(values) | np.isnan(outdoor))
    if not known.any():
        return float("nan")
    expected = _design(outdoor[known], hour[known]) @ usual.terms
    return float(np.median((values[known] - expected) / usual.deviation))


def signs(channels: dict[str, Floats], outdoor: Floats, hour: Floats, late: Mask) -> list[EarlySign]:
    """Return the early signs of substations, largest first.

    Args:
        channels: of each of QUANTITIES rows of time and columns of substations.
        outdoor: the same; hour: of the day, of each row.
        late: rows that are looked at; the others are what is usual.
    """
    found = []
    for quantity in QUANTITIES:
        for nth in range(outdoor.shape[1]):
            values, outside = channels[quantity][:, nth], outdoor[:, nth]
            usual = learn(values[~late], outside[~late], hour[~late])
            if usual is None:
                continue
            off = depart(usual, values[late], outside[late], hour[late])
            if abs(off) >= SIGN:
                now = float(np.nanmedian(values[late]))
                found.append(EarlySign(nth, quantity, now - off * usual.deviation, now, off))
    return sorted(found, key=lambda sign: -abs(sign.deviations))


def _design(outdoor: Floats, hour: Floats) -> Floats:
    turn = hour / 24 * 2 * np.pi
    return np.column_stack([np.ones(len(outdoor)), outdoor, np.cos(turn), np.sin(turn)])

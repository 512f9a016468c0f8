"""Tell the strongest sign behind a forecast of cold: which group of features lowers it most."""

import numpy as np

from domain.foresight import ChillReason
from insight.forecast import GROUPS, LEADS_H
from insight.window import Floats

LEAD = LEADS_H.index(12)
LEAST_KELVIN = 0.3  # who is to become colder by less is near the limit already


def reasons(table: Floats, weights: Floats, balance: Floats) -> list[ChillReason]:
    """Return the reason of each home, from features and weights [home, lead, feature].

    `balance`: [home, group], kelvin of the heat balance that go to each group.
    """
    parts = table[:, LEAD] * weights[:, LEAD]
    sums = np.stack([parts[:, group == GROUPS].sum(axis=1) for group in range(len(ORDER))], axis=1) + balance
    lowest = sums.argmin(axis=1)
    near = sums.min(axis=1, initial=0.0) > -LEAST_KELVIN
    return [ChillReason.NEAR if close else ORDER[group] for close, group in zip(near, lowest, strict=True)]


ORDER = (ChillReason.FALLING, ChillReason.NEIGHBOURS, ChillReason.OUTDOOR, ChillReason.SUPPLY, ChillReason.RHYTHM)

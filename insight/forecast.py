"""Forecast what the heat balance leaves of homes' changes: a ridge regression for each lead, learned as time goes by.

It is pooled over all homes of a kind. It sees a home's own last three days, what followed at this time of yesterday and
the day before, its neighbours, the air outside, and what its network supplies. Sources: A. E. Hoerl and R. W. Kennard,
"Ridge regression", Technometrics 12 (1970); intervals as in V. Vovk, A. Gammerman, G. Shafer, "Algorithmic learning in
a random world" (2005).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from insight.window import DAY, HOUR, Floats, Ints, Window, mean_of_others

LEADS_H = (1, 2, 3, 4, 6, 9, 12, 18, 24)
LEADS = np.array(LEADS_H) * HOUR  # steps
PENALTY = 0.1  # chosen by cross-validation in the first 60 % of the recorded rooms
BACK = (1, 2, 4, 8, 12, 24, 48, 72, 92, 96)  # steps
MEANS = (24, 96, 192, 288)
OUTDOOR_BACK = (4, 12, 24, 48, 96)
NEIGHBOURS_BACK = (4, 12, 24, 96)
SUPPLY_BACK = (1, 4, 12, 96)
DAYS_BEFORE = (1, 2)
HARMONICS = (1, 2, 3)
FEATURES = 47
KINDS = 4  # of homes: those that are calm, and those that are stirred, which move by other rules; with a heat balance,
UNBALANCED = 2  # and from this kind on without one, as supply is not known: of these the whole change is learned
STIRRED_K, STIRRED_STEPS = 1.5, 12 * HOUR  # a home that moved so far meanwhile is stirred
BORROWED = 0.05  # what calm homes teach counts as so much for stirred ones, and the other way round
# What each feature is of, in the order of `features`: own past 0, neighbours 1, outdoors 2, supply 3, rhythm 4
GROUPS = np.array([0] * 14 + [2] * 6 + [1] * 5 + [3] * 7 + [4] * 6 + [4, 1, 4, 1, 2, 2] + [3] * 3)
BEYOND = slice(FEATURES - 3, FEATURES)  # the place of what supply does beyond the weather
BEYOND_STEPS = (HOUR, 4 * HOUR, DAY)  # before a lead, over which that is a mean; never back beyond now
TYPICAL_KELVIN = 20.0  # indoors above outdoors, so that what is not known stands for something usual
LEAST_SCALE_K = 0.15


def features(window: Window, beyond: Floats) -> Floats:
    """Return [home, lead, feature], without NaN: what is not known is as usual, which is 0.

    `beyond`: [step 1 to 24 h], kelvin that supply is to rise beyond what the weather asks for (`supply.py`).
    """
    now = window.seen[:, -1]
    others = mean_of_others(window.seen, window.building)
    common = [*_own(window.seen), *_around(window, others, now), *_clock(window, len(now))]
    warmer = warmth_ahead(window)
    ahead = [
        np.stack(each, axis=1)
        for each in zip(*(_ahead(window, others, warmer, place) for place in range(len(LEADS))), strict=True)
    ]
    table = np.empty((len(now), len(LEADS), FEATURES))
    table[:, :, BEYOND] = of_beyond(beyond)
    for place, each in enumerate(common):
        table[:, :, place] = np.reshape(each, (-1, 1))
    for place, each in enumerate(ahead, len(common)):
        table[:, :, place] = each
    return np.nan_to_num(table, copy=False, posinf=0.0, neginf=0.0)


def _own(seen: Floats) -> list[Floats]:
    now = seen[:, -1]
    return [now - seen[:, -1 - back] for back in BACK] + [now - _mean(seen[:, -steps:]) for steps in MEANS]


def _around(window: Window, others: Floats, now: Floats) -> list[Floats]:
    outdoor, supply, flow = window.outdoor, window.supply, window.flow
    return [
        now - outdoor[-1] - TYPICAL_KELVIN,
        *(np.array(outdoor[-1] - outdoor[-1 - back]) for back in OUTDOOR_BACK),
        others[:, -1] - now,
        *(others[:, -1] - others[:, -1 - back] for back in NEIGHBOURS_BACK),
        *(np.array(supply[-1] - supply[-1 - back]) for back in SUPPLY_BACK),
        np.array(supply[-1] - _mean(supply)),
        np.array(flow[-1] / _mean(flow) - 1),
        np.where(window.heated, 0.0, 1.0),
    ]


def _clock(window: Window, homes: int) -> list[Floats]:
    angle = window.day_share * 2 * np.pi
    waves = [wave(nth * angle) for nth in HARMONICS for wave in (np.sin, np.cos)]
    return [np.full(homes, wave) for wave in waves]


def warmth_ahead(window: Window) -> tuple[Floats, Floats]:
    """Return [lead]: by how much it is to become warmer outside, and how much of it the days before did not tell."""
    at = [(-1 - days * DAY, LEADS - 1 - days * DAY) for days in DAYS_BEFORE]
    cycle = _mean(np.stack([window.outdoor[to] - window.outdoor[since] for since, to in at], axis=1))
    told = window.outdoor_ahead - window.outdoor[-1]
    return np.where(np.isfinite(told), told, cycle), np.where(np.isfinite(told), told - cycle, 0.0)


def of_beyond(beyond: Floats) -> Floats:
    """Return [lead, feature] of `beyond`, as `features` has them."""
    return np.stack([[_mean(beyond[max(lead - back, 0) : lead]) for back in BEYOND_STEPS] for lead in LEADS])


def _ahead(window: Window, others: Floats, warmth: tuple[Floats, Floats], place: int) -> list[Floats]:
    """Return what followed after this time of days before, and how much warmer it is to become outside."""
    homes, lead = len(window.seen), LEADS[place]
    at = [(-1 - days * DAY, lead - 1 - days * DAY) for days in DAYS_BEFORE]
    followed = [series[..., to] - series[..., since] for since, to in at for series in (window.seen, others)]
    return [*followed, *(np.full(homes, each[place]) for each in warmth)]


def _mean(values: Floats) -> Floats:
    """Return the mean along the last axis of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=-1)
    return np.asarray(np.where(known, values, 0.0).sum(axis=-1) / np.where(count == 0, np.nan, count))


def scale(seen: Floats) -> Floats:
    """Return [home]: how far a home usually moves in six hours, kelvin; never nothing."""
    moved = seen[:, 6 * HOUR :] - seen[:, : -6 * HOUR]
    typical = np.sqrt(_mean(np.square(moved)))
    return np.nan_to_num(typical, nan=LEAST_SCALE_K) + LEAST_SCALE_K


def kind(seen: Floats) -> Ints:
    """Return [home]: 1 for those that are stirred, by a fault or after one, 0 for those that are calm."""
    recent = seen[:, -STIRRED_STEPS:]
    known = np.isfinite(recent)
    moved = np.where(known, recent, -np.inf).max(axis=1) - np.where(known, recent, np.inf).min(axis=1)
    return np.asarray(moved > STIRRED_K, np.int64)


@dataclass(frozen=True)
class Learned:
    """The sums that weights follow from: of products of features, and with the changes that followed."""

    squares: Floats  # [kind, lead, feature, feature]
    products: Floats  # [kind, lead, feature]

    @classmethod
    def of(cls, table: Floats, change: Floats, worth: Floats, kinds: Ints) -> Self:
        """Sum up features [home, lead, feature] and changes [home, lead] in kelvin; NaN changes do not count.

        `worth` [home, lead] is how much each counts, `kinds` [home] which homes are alike.
        """
        root = np.sqrt(np.where(np.isfinite(change), worth, 0.0))
        weighed, followed = table * root[..., None], np.nan_to_num(change) * root
        squares, products = np.empty((KINDS, *table.shape[1:], table.shape[2])), np.empty((KINDS, *table.shape[1:]))
        for each in range(KINDS):
            by_lead = weighed[kinds == each].transpose(1, 2, 0)
            squares[each] = by_lead @ by_lead.transpose(0, 2, 1)
            products[each] = (by_lead @ followed[kinds == each].T[..., None])[..., 0]
        return cls(squares, products)

    @classmethod
    def nothing(cls) -> Self:
        """Return the sums of nothing."""
        return cls(np.zeros((KINDS, len(LEADS), FEATURES, FEATURES)), np.zeros((KINDS, len(LEADS), FEATURES)))

    def __add__(self, other: "Learned") -> "Learned":
        """Add what another span taught."""
        return Learned(self.squares + other.squares, self.products + other.products)

    def faded(self, share: float) -> "Learned":
        """Return it with less weight, as it is older."""
        return Learned(self.squares * share, self.products * share)

    def weights(self, penalty: float = PENALTY) -> Floats:
        """Return [kind, lead, feature]: kelvin for each unit of a feature. One that was never seen weighs nothing."""
        other = np.arange(KINDS) ^ 1
        squares, products = (sums + BORROWED * sums[other] for sums in (self.squares, self.products))
        size = np.einsum("klff->klf", squares)
        np.einsum("klff->klf", squares)[:] += penalty * np.where(size > 0, size, 1.0)
        return np.asarray(np.linalg.solve(squares, products[..., None])[..., 0], np.float64)


def expected(table: Floats, weights: Floats) -> Floats:
    """Return [home, lead]: the change to expect, kelvin, from features and weights [home, lead, feature]."""
    return np.asarray(np.einsum("hlf,hlf->hl", table, weights))

"""Foresee homes by their heat balance, what was learned of the rest, and how forecasts came out so far."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from domain.foresight import WARN_FROM, ChillReason
from insight import chance, forecast, reason, supply
from insight.balance import Balance
from insight.belief import belief
from insight.chance import Experience
from insight.forecast import LEADS, Learned
from insight.reason import ORDER
from insight.supply import Futures, Outages
from insight.window import Floats, Ints, Window

TWELVE_HOURS = chance.HORIZONS_H.index(12)

FORM = 2.0  # of what is kept: weights are of what the heat balance leaves
HALF_LIFE_DAYS = 14.0  # in which what was learned loses half of its weight


class Forecast(NamedTuple):
    """The forecast of some homes. NaN: not foreseen, as a home says nothing now, or nothing was learned yet."""

    now: Floats  # [home] °C
    change: Floats  # [home, lead] kelvin to expect from now
    scale: Floats  # [home] kelvin that it usually moves
    interval: Floats  # [lead, 2], in scales around what is expected; the change lies between in 90 % of the cases
    margin_now: Floats  # [home, horizon] kelvin above the limits at the coldest if all stays; below is negative
    chance: Floats  # [home, horizon] of being under a limit at any time until then

    @property
    def celsius(self) -> Floats:
        """[home, lead] °C to expect."""
        return self.now[:, None] + self.change

    @property
    def ends(self) -> Floats:
        """[home, lead, 2] °C: the ends of the 90 % interval."""
        return self.celsius[..., None] + self.scale[:, None, None] * self.interval


class Lesson(NamedTuple):
    """A forecast a day later: what it was made of, what it said, and what came."""

    window: Window
    told: Forecast
    after: Floats  # [home, step from then to 24 h] °C
    supply: Floats  # [step from then to 24 h] °C
    limits: Floats  # [home, step from then to 24 h] °C


@dataclass(frozen=True)
class Model:
    """A model that learns as time goes by; `weights` follow from what was learned."""

    learned: Learned
    experience: Experience
    outages: Outages
    weights: Floats  # [kind, lead, feature], of what the heat balance leaves

    @classmethod
    def of(cls, learned: Learned, experience: Experience, outages: Outages) -> Self:
        """Solve for the weights."""
        return cls(learned, experience, outages, learned.weights())

    @classmethod
    def new(cls) -> Self:
        """Return a model that has learned nothing: it says that all stays as it is."""
        return cls.of(Learned.nothing(), Experience(), Outages())

    def packed(self) -> bytes:
        """Return what was learned as little-endian float64."""
        return b"".join(each.astype("<f8").tobytes() for each in self._sums())

    def _sums(self) -> tuple[Floats, ...]:
        learned, told = self.learned, self.experience
        return (
            np.array([FORM]),
            learned.squares,
            learned.products,
            told.errors,
            told.margins,
            told.outside,
            self.outages.ends,
        )

    @classmethod
    def unpacked(cls, packed: bytes) -> Self:
        """Return the model of what was learned; a new one if that was of another form."""
        new = cls.new()
        sums = new._sums()
        ends = np.cumsum([each.size for each in sums])
        if len(packed) != 8 * ends[-1] or packed[:8] != new.packed()[:8]:
            return new
        parts = np.split(np.frombuffer(packed, "<f8").astype(np.float64), ends[:-1])
        _, squares, products, *rest, ends = (part.reshape(each.shape) for part, each in zip(parts, sums, strict=True))
        return cls.of(Learned(squares, products), Experience(*rest), Outages(ends))

    def foresee(self, window: Window, limits: Floats) -> Forecast:
        """Foresee the homes of a window; `limits` are °C, [home, step from now to 24 h], NaN where none holds."""
        filled, futures = window.held(), self.outages.futures(window)
        now, scale, commonly = filled.seen[:, -1], forecast.scale(filled.seen), futures.commonly
        balance = Balance.of(filled)
        kinds = _kinds(filled, balance)
        ways = [balance.carried(beyond) for beyond in futures.beyond]
        usual = np.tensordot(futures.chance, ways, 1)
        change = usual + forecast.expected(forecast.features(filled, commonly), self.weights[kinds])
        change[~np.isfinite(now)] = np.nan
        margin_now = chance.margins(now[:, None], limits)
        probability, moves = np.zeros(margin_now.shape), self.weights[kinds][..., forecast.BEYOND]
        for likely, beyond, carried in zip(futures.chance, futures.beyond, ways, strict=True):
            then = change + carried - usual + np.einsum("hlf,lf->hl", moves, forecast.of_beyond(beyond - commonly))
            probability += likely * self.experience.probability(self._sure(now, then, scale, limits), margin_now)
        return Forecast(now, change, scale, self.experience.interval(), margin_now, probability)

    def _sure(self, now: Floats, change: Floats, scale: Floats, limits: Floats) -> Floats:
        """Return [home, horizon]: the margins above limits, in deviations of forecasts so far ahead."""
        deviation = self.experience.deviation()
        usual = np.where(np.isfinite(deviation), deviation, 1.0)
        off = chance.path(np.full(1, usual[0] / 2), usual[None] - usual[0] / 2)
        return chance.margins(chance.path(now, change), limits, scale[:, None] * off + chance.LEAST_OFF_K)

    def warnings(
        self, homes: npt.NDArray[np.int32], window: Window, told: Forecast, limits: Floats
    ) -> list[dict[str, float | int | str]]:
        """Return a row for each home that is likely to be under a limit within twelve hours, and is not now."""
        chance_then, now = told.chance[:, TWELVE_HOURS], told.now
        sure = (chance_then >= WARN_FROM) & (now >= np.nan_to_num(limits[:, 0], nan=-np.inf))
        picked = np.flatnonzero(sure)
        filled, futures = window.held(), self.outages.futures(window)
        balance = Balance.of(filled)
        table, weights = forecast.features(filled, futures.commonly), self.weights[_kinds(filled, balance)]
        why = reason.reasons(table, weights, _parts(balance, futures))
        ahead = chance.path(now, told.change)[picked, : chance.HORIZONS[TWELVE_HOURS]]
        under = limits[picked, : chance.HORIZONS[TWELVE_HOURS]]
        worst = np.nan_to_num(ahead - under, nan=np.inf).argmin(axis=1)
        return [
            {
                "home_id": int(homes[home]),
                "celsius": float(now[home]),
                "lowest": float(ahead[nth, worst[nth]]),
                "limit_celsius": float(under[nth, worst[nth]]),
                "chance": float(chance_then[home]),
                "reason": why[home].value,
            }
            for nth, home in enumerate(picked)
        ]

    def taught(self, lessons: Iterable[Lesson], share: float) -> "Model":
        """Return the model after some more lessons; what it knew before counts for `share` of what it did.

        A home counts by how little it commonly moves, so that none is drowned by one that swings; and what was further
        off than commonly counts less, as a fault that nobody can foresee teaches nothing of homes without one. What
        supply did is foreseen no better, but known a day later: homes are learned as they follow it.
        """
        usual = self.experience.deviation()
        learned, experience = self.learned.faded(share), self.experience.faded(share)
        outages = self.outages.faded(share)
        for window, told, after, supplied, limits in lessons:
            filled, now = window.held(), told.now
            further, balance = supply.beyond(filled, supplied), Balance.of(filled)
            kinds, carried = _kinds(filled, balance), balance.carried(further)
            table = forecast.features(filled, further)
            change, scale = changes(now, after), told.scale[:, None]
            rest = forecast.expected(table, self.weights[kinds])
            knowing = carried + rest  # what is told by who knows the supply to come
            worth = belief((change - knowing) / scale / usual) / scale**2
            learned += Learned.of(table, change - carried, worth, kinds)
            experience = experience.with_errors((change - told.change) / scale, told.interval)
            said = knowing if supply.is_off(window)[-1] else told.change
            sure = self._sure(now, said, told.scale, limits)
            experience = experience.with_margins(sure, chance.margins(after, limits), told.margin_now)
            outages = outages.seen(window)
        return Model.of(learned, experience, outages)


def _kinds(window: Window, balance: Balance) -> Ints:
    """Return [home]: its kind, by whether it is calm and has a heat balance."""
    return np.asarray(forecast.kind(window.seen) + forecast.UNBALANCED * ~np.isfinite(balance.share))


def _parts(balance: Balance, futures: Futures) -> Floats:
    """Return [home, group of features]: kelvin of the heat balance in twelve hours, by what moves it."""
    carried, own = (each[:, reason.LEAD] for each in (balance.carried(futures.commonly), balance.settling()))
    parts = np.zeros((len(carried), len(ORDER)))
    if len(futures.chance) > 1:  # supply is off
        parts[:, ORDER.index(ChillReason.SUPPLY)] = carried
    else:
        parts[:, ORDER.index(ChillReason.FALLING)] = own
        parts[:, ORDER.index(ChillReason.OUTDOOR)] = carried - own
    return parts


def changes(now: Floats, after: Floats) -> Floats:
    """Return [home, lead]: by how much it changed, from temperatures now and [home, step from now to 24 h] after."""
    return after[:, LEADS - 1] - now[:, None]

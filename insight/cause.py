"""The cause of a cold home, from hours of its own temperature, its neighbours, its substation and the weather.

Evidence is looked for from the widest place to the narrowest: weather and substation, building, riser, home. A cause is
named with what speaks for it, and how sure that is; it opens nothing and judges nobody. That a window is open says that
a room is cooled by outdoor air, not who is there or why.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import NamedTuple

import numpy as np

from insight.rates import Floats
from insight.unmeasured import NONE, HomePlaces, Mask, Whole

FELL_K = 1.0  # below what a home usually has
SHARE = 0.5  # of the measured homes of a place fell
FEWEST_RISER, FEWEST_BUILDING, FEWEST_SUBSTATION = 1, 3, 4  # other homes that are measured there
LEARNED_BEFORE_H = 12.0  # the curve of a substation is learned from what is older
LOST_SHARE = 0.12  # of what supply has above a room, by its own curve
DESIGN_MARGIN_K = 1.0
ROOM_CELSIUS = 20.0
WARM_CELSIUS = 18.0
JUMP_K = 6.0  # within one step: no room cools so fast
FROZEN_STEPS = 36  # that are equal to the thousandth
FIT_STEPS = 30  # that are looked at around the fall
FAST_H = 0.7  # how long the air of a room takes: an opening makes it faster, a shut pipe slower
HOURS = np.array([0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.4, 2.0])


class ColdCause(StrEnum):
    """Cause of a cold home, as far as measurements tell."""

    OPENING = "opening"  # a window or door, or what the user did
    RADIATOR = "radiator"  # one radiator or valve
    RISER = "riser"
    BUILDING = "building"  # the balance of the building
    SUBSTATION = "substation"
    WEATHER = "weather"  # colder than the network is designed for
    SENSOR = "sensor"


class ColdEvidence(NamedTuple):
    """A cause and its evidence: homes that fell of those measured beside it, hours of the fall, shares and kelvin."""

    cause: ColdCause
    sure: float  # 0 to 1
    fell_k: float
    beside: int  # other measured homes of the place that speaks
    beside_fell: int
    homes: tuple[int, ...]  # of those that fell, at most MOST_NAMED
    since_h: float  # before now
    supply_lost: float  # share of what supply has above a room
    outdoor: float


class JointCause(NamedTuple):
    """Evidence of several cold homes together: the cause of most of them, in medians of these."""

    cause: ColdCause
    sure: float  # of their evidence, by the share of homes that say so
    homes: tuple[int, ...]  # positions in the evidence of those that say so
    of: int
    fell_k: float
    since_h: float
    supply_lost: float
    outdoor: float


class Fall(NamedTuple):
    """A fall of a home: hours since it began, and hours that the air took."""

    since_h: float
    air_h: float


WIDEST_LEADING = (
    ColdCause.SUBSTATION, ColdCause.WEATHER, ColdCause.BUILDING, ColdCause.RISER, ColdCause.RADIATOR,
    ColdCause.OPENING, ColdCause.SENSOR,
)  # fmt: skip


@dataclass(frozen=True)
class HeatRecord:
    """A record of what was measured: rows of time, equally far apart, the last one now; NaN where nothing was.

    `celsius` of homes; `supply` and `outdoor` of substations; `design`: the outdoor one of the network's design.
    """

    celsius: Floats
    supply: Floats
    outdoor: Floats
    step_h: float
    design: float = -19.0


MOST_NAMED = 5


def explain(places: HomePlaces, recording: HeatRecord, cold: Whole) -> list[ColdEvidence]:
    """Explain why homes, named by their positions, are cold now."""
    fell = usual(recording.celsius) - recording.celsius[-1]
    lost = np.array([_lost(recording, nth) for nth in range(recording.supply.shape[1])])
    return [_explained(places, recording, int(home), fell, lost) for home in cold]


def together(found: Sequence[ColdEvidence]) -> JointCause:
    """Return the cause that most of several cold homes have; of two that as many have, that of the wider place.

    Raises:
        ValueError: there is no evidence.
    """
    if not found:
        raise ValueError("no home to explain")
    counts = Counter(one.cause for one in found)
    cause = max(WIDEST_LEADING, key=lambda one: counts[one])
    homes = tuple(nth for nth, one in enumerate(found) if one.cause is cause)
    middle = {
        name: float(np.median([getattr(found[nth], name) for nth in homes]))
        for name in ("sure", "fell_k", "since_h", "supply_lost", "outdoor")
    }
    sure = middle.pop("sure") * len(homes) / len(found)
    return JointCause(cause, sure, homes, len(found), **middle)


def usual(celsius: Floats) -> Floats:
    """Return what each home has when nothing is the matter: its upper quartile over the time looked at."""
    known = ~np.isnan(celsius)
    found = np.full(celsius.shape[1], np.nan)
    for home in np.flatnonzero(known.any(0)):
        found[home] = np.quantile(celsius[known[:, home], home], 0.75)
    return found


def _lost(recording: HeatRecord, substation: int) -> float:
    """Return the largest share of its usual heat that supply lacked of late, for the outdoor temperature."""
    supply, outdoor = recording.supply[:, substation], recording.outdoor[:, substation]
    known = ~(np.isnan(supply) | np.isnan(outdoor))
    fit = known & (np.arange(len(known)) < len(known) - round(LEARNED_BEFORE_H / recording.step_h))
    before = fit
    if fit.sum() < 10:
        return 0.0
    for _ in range(5):  # what is far below the line is not of the curve
        slope, level = np.polyfit(outdoor[fit], supply[fit], 1)
        short = level + slope * outdoor - supply
        fit = before & (short < max(1.0, 1.5 * float(np.median(np.abs(short[before])))))
        if fit.sum() < 10:
            return 0.0
    late = np.flatnonzero(known)[-max(1, round(3 / recording.step_h)) :]
    expected = level + slope * outdoor[late]
    return float(np.max((expected - supply[late]) / np.maximum(expected - ROOM_CELSIUS, 5.0)))


def _explained(places: HomePlaces, recording: HeatRecord, home: int, fell: Floats, lost: Floats) -> ColdEvidence:
    own, substation = recording.celsius[:, home], int(places.substation[home])
    outdoor = float(recording.outdoor[-1, substation])
    base = ColdEvidence(ColdCause.RADIATOR, 0.5, float(fell[home]), 0, 0, (), 0.0, float(lost[substation]), outdoor)
    if _is_broken(own):
        return base._replace(cause=ColdCause.SENSOR, sure=0.9)
    here = places.substation == substation
    wide = _beside(home, here, fell)
    if fell[home] + recording.celsius[-1, home] < WARM_CELSIUS:  # it is cold on its best hours, too
        return _always_cold(places, recording, home, fell, base)
    many = len(wide) >= FEWEST_SUBSTATION
    together = float(np.median(fell[wide])) if many else 0.0
    if fell[home] > 2 * together + FELL_K and many:  # whatever all have lost, this one has lost more
        return _within_building(places, recording, home, fell - max(together, 0.0), base)
    if lost[substation] >= LOST_SHARE and (not many or together >= FELL_K):
        return _with(base, ColdCause.SUBSTATION, 0.95, wide, fell)
    if many and together >= FELL_K:
        if outdoor < recording.design - DESIGN_MARGIN_K:
            return _with(base, ColdCause.WEATHER, 0.8, wide, fell)
        return _with(base, ColdCause.SUBSTATION, 0.8, wide, fell)
    return _within_building(places, recording, home, fell, base)


def _always_cold(
    places: HomePlaces, recording: HeatRecord, home: int, fell: Floats, base: ColdEvidence
) -> ColdEvidence:
    """Explain a home that did not fall: the building is out of balance if most of its homes are cold, too."""
    near = _beside(home, places.building == places.building[home], fell)
    usually = fell[near] + recording.celsius[-1, near]
    if len(near) >= FEWEST_BUILDING and float(np.mean(usually < WARM_CELSIUS)) >= SHARE:
        return _with(base, ColdCause.BUILDING, 0.7, near, fell)
    return _with(base, ColdCause.RADIATOR, 0.8 if len(near) else 0.6, near, fell)


def _within_building(
    places: HomePlaces, recording: HeatRecord, home: int, fell: Floats, base: ColdEvidence
) -> ColdEvidence:
    if fell[home] < FELL_K:
        return _always_cold(places, recording, home, fell, base)
    near = _beside(home, places.building == places.building[home], fell)
    riser = _beside(home, (places.riser == places.riser[home]) & (places.riser != NONE), fell)
    others = near[~np.isin(near, riser)]
    if len(near) >= FEWEST_BUILDING and _share(near, fell) >= SHARE and len(others) and _share(others, fell) >= SHARE:
        return _with(base, ColdCause.BUILDING, 0.8, near, fell)
    since, hours = fall(recording.celsius[:, home], recording.step_h)
    base = base._replace(since_h=since)
    if len(riser) >= FEWEST_RISER:
        share = _share(riser, fell)
        cause = ColdCause.RISER if share >= SHARE else ColdCause.OPENING
        return _with(base, cause, 0.9 if len(riser) > 1 else 0.8, riser, fell)
    return _with(base, ColdCause.OPENING if hours < FAST_H else ColdCause.RISER, 0.6, near, fell)


def _beside(home: int, where: Mask, fell: Floats) -> Whole:
    """Return the other measured homes of a place."""
    some = np.flatnonzero(where & ~np.isnan(fell))
    return np.asarray(some[some != home])


def _share(some: Whole, fell: Floats) -> float:
    return float(np.mean(fell[some] >= FELL_K)) if len(some) else 0.0


def _with(base: ColdEvidence, cause: ColdCause, sure: float, beside: Whole, fell: Floats) -> ColdEvidence:
    down = beside[fell[beside] >= FELL_K]
    named = tuple(int(one) for one in down[:MOST_NAMED])
    return base._replace(cause=cause, sure=sure, beside=len(beside), beside_fell=len(down), homes=named)


def _is_broken(own: Floats) -> bool:
    """Return whether a sensor jumped as no room does, or has not moved at all."""
    known = own[~np.isnan(own)]
    last = known[-FROZEN_STEPS:]
    is_frozen = len(last) == FROZEN_STEPS and float(np.ptp(last)) == 0
    return is_frozen or (len(known) > 1 and float(np.abs(np.diff(known)).max()) >= JUMP_K)


def fall(own: Floats, step_h: float) -> Fall:
    """Tell the steepest fall of a home, [step] °C, by the best of some exponentials."""
    known = np.flatnonzero(~np.isnan(own))
    if len(known) < FIT_STEPS:
        return Fall(0.0, FAST_H)
    is_known, own = ~np.isnan(own), np.interp(np.arange(len(own)), known, own[known])
    wide = max(1, round(0.5 / step_h))
    steepest = int(np.argmin(own[wide:] - own[:-wide]))
    first = max(0, steepest - FIT_STEPS // 3)
    part = own[first : first + FIT_STEPS]
    if is_known[first : first + FIT_STEPS].sum() < FIT_STEPS // 3 or len(part) < FIT_STEPS // 2:
        return Fall((len(own) - steepest) * step_h, FAST_H)
    shapes = _shapes(len(part), step_h)
    part = part - part.mean()
    best = int(np.argmax(((shapes.explain @ part) ** 2).sum(axis=1)))
    return Fall((len(own) - 1 - first) * step_h - float(shapes.begin_h[best]), float(shapes.air_h[best]))


class _Shapes(NamedTuple):
    """Ways in which a fall may go."""

    begin_h: Floats  # [way]
    air_h: Floats
    explain: Floats  # [way, direction, step]: orthogonal directions, or none


@cache
def _shapes(steps: int, step_h: float) -> _Shapes:
    at = np.arange(steps) * step_h
    begin, hours = (
        each.ravel() for each in np.meshgrid(np.arange(0, at[steps // 2], step_h / 2), HOURS, indexing="ij")
    )
    after = np.maximum(at - begin[:, None], 0)
    columns = (np.ones(after.shape), 1 - np.exp(-after / hours[:, None]), after, np.broadcast_to(at, after.shape))
    left, sizes, _ = np.linalg.svd(np.stack(columns, axis=-1), full_matrices=False)
    sound = sizes > sizes[:, :1] * steps * np.finfo(float).eps  # a fall that begins at once has two columns alike
    return _Shapes(begin, hours, (left * sound[:, None]).transpose(0, 2, 1))


def covered(recording: HeatRecord, measured: Mask) -> HeatRecord:
    """Return a recording in which the other homes are not measured."""
    return replace(recording, celsius=np.where(measured, recording.celsius, np.nan))

"""Causes of cold homes of simulated towns: how often the one that is named is the fault that was set."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from bench.without_sensors import BEGIN_US, places
from insight.cause import ColdCause, HeatRecord, covered, explain
from insight.unmeasured import Mask
from sim import faults
from sim.faults import FaultKind
from sim.town import Town

HOMES = 480
SEEDS = range(7_300, 7_312)  # towns that nothing was chosen by
STEP_S = 600
BEFORE_H, LATER_H, LOOKS = 48, 9, 4
LIMIT = 18.0


def truth(town: Town, comfortable: Mask) -> list[ColdCause | None]:
    """Return the one fault that makes each home cold; None: there are several, or it is recovering."""
    active, layout = town.calendar.active(town.at_us), town.layout
    of = {
        ColdCause.SUBSTATION: faults.struck(active[FaultKind.SUBSTATION], len(layout.substations)),
        ColdCause.RISER: faults.struck(active[FaultKind.RISER], layout.risers),
        ColdCause.OPENING: faults.struck(active[FaultKind.WINDOW], len(layout.homes)),
    }
    found: list[ColdCause | None] = []
    for nth, home in enumerate(layout.homes):
        at = {ColdCause.SUBSTATION: layout.buildings[home.building].substation, ColdCause.RISER: home.riser}
        some = [cause for cause, struck in of.items() if struck[at.get(cause, nth)]]
        some += [] if comfortable[nth] else [ColdCause.RADIATOR]
        found.append(some[0] if len(some) == 1 else None)
    return found


def looks(seed: int) -> Iterator[tuple[Town, HeatRecord, list[ColdCause | None], Mask]]:
    """Look at a town now and then, with two days of readings behind each look."""
    town = Town(seed, HOMES, STEP_S, epoch_us=BEGIN_US, uneven=True)
    comfortable = town.air >= 19
    heated = np.array([not home.stopped for home in town.layout.homes])
    rng = np.random.default_rng([seed, 20])
    air, supply, outdoor = [], [], []
    for step in range((BEFORE_H + LOOKS * LATER_H) * 3600 // STEP_S):
        town.advance()
        channels = town.channels()
        air.append(town.air + rng.normal(0, 0.04, HOMES))
        supply.append(channels.supply_temperature)
        outdoor.append(channels.outdoor_temperature)
        past_h = (step + 1) * STEP_S / 3600 - BEFORE_H
        if past_h > 0 and past_h % LATER_H == 0:
            some = slice(-BEFORE_H * 3600 // STEP_S, None)
            recording = HeatRecord(np.array(air[some]), np.array(supply[some]), np.array(outdoor[some]), STEP_S / 3600)
            yield town, recording, truth(town, comfortable), heated


def accuracy(share: float) -> tuple[float, Counter[tuple[str, str]]]:
    """Return the share of right causes where so many homes are measured, and the confusion table."""
    table: Counter[tuple[str, str]] = Counter()
    for seed in SEEDS:
        rng = np.random.default_rng([seed, 21])
        measured = rng.random(HOMES) < share
        for town, recording, true, heated in looks(seed):
            at = places(town.layout, np.zeros(len(town.layout.substations)))
            asked = np.array([cause is not None for cause in true])
            cold = np.flatnonzero((recording.celsius[-1] < LIMIT) & measured & heated & asked)
            for home, found in zip(cold, explain(at, covered(recording, measured), cold), strict=True):
                table[str(true[home]), str(found.cause)] += 1
    right = sum(count for (true, found), count in table.items() if true == found)
    return right / max(1, sum(table.values())), table


def figures() -> dict[str, float | int | None]:
    """Return how often the cause is right with few homes measured, and with all."""
    return {
        "cause_accuracy_few": round(accuracy(0.04)[0], 4),
        "cause_accuracy": round(accuracy(1.0)[0], 4),
    }

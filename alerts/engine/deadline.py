"""The next instant at which the clock alone may change something for a home."""

import numpy as np
from numpy.typing import NDArray

from alerts.engine.runs import classify, piece_at
from alerts.engine.schedule import Schedules
from alerts.engine.track import Int, Milli
from domain.instants import EVER_US, NONE_US
from domain.states import Severity

NEVER_US = EVER_US
LOOK_AHEAD_PIECES = 8  # two days; a later change is found when the home is judged at the last of these edges


def deadline(state: NDArray[np.void], schedules: Schedules, schedule: Int, at: Int, milli: Milli, expires: Int) -> Int:
    """Return when the clock alone may next change the state of each home, if no reading arrives.

    Args:
        state: MACHINE per home, advanced to `at`.
        schedule: index of each home's schedule.
        at: µs per home.
        milli: m°C in force at `at`; NONE_MILLI if unknown.
        expires: µs at which the first held reading expires; NEVER_US if none is held.
    Returns:
        µs per home, after `at`; NEVER_US if nothing can change.
    """
    piece = piece_at(schedules, schedule, at)
    due = np.minimum(_timers(state, schedules.pieces[piece]), _edge(state, schedules, schedule, piece, milli))
    return np.minimum(due, np.where(expires > at, expires, NEVER_US))


def _timers(state: NDArray[np.void], piece: NDArray[np.void]) -> Int:
    """Return when the first running timer of each home is full: confirm, severe or clear, µs."""
    severity = state["severity"]
    timers = (
        ("breach_since", severity == 0, piece["confirm"]),
        ("severe_since", severity == Severity.COLD, piece["confirm"]),
        ("warm_since", severity > 0, piece["clear"]),
    )
    due = np.full(len(state), NEVER_US)
    for name, counts, length in timers:
        runs = counts & (state[name] != NONE_US)
        due = np.minimum(due, np.where(runs, state[name] + np.where(runs, length, 0), NEVER_US))
    return due


def _edge(state: NDArray[np.void], schedules: Schedules, schedule: Int, piece: Int, milli: Milli) -> Int:
    """Return the next edge of each schedule at which the temperature in force maps to another state, µs."""
    pieces, end = schedules.pieces, schedules.first[schedule + 1]
    level = classify(milli, pieces[piece])
    due = np.full(len(piece), NEVER_US)
    for ahead in range(1, LOOK_AHEAD_PIECES + 1):
        there = np.minimum(piece + ahead, end - 1)
        then = pieces[there]
        changes = classify(milli, then) != level
        changes |= (state["suspended_at"] != NONE_US) & then["windowed"]
        changes |= ahead == LOOK_AHEAD_PIECES
        changes &= (piece + ahead < end) & (due == NEVER_US)
        due[changes] = then["start"][changes]
    return due

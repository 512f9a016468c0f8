"""The next instant at which the clock alone may change something for a home."""

import numpy as np
from numpy.typing import NDArray

from alerts.engine.runs import classify, piece_at, rules_of
from alerts.engine.schedule import Schedules
from alerts.engine.track import Int, Milli
from domain.instants import EVER_US, NONE_US
from domain.states import Severity

NEVER_US = EVER_US
LOOK_AHEAD_PIECES = 8  # two days; a later change is found when the home is judged at the last of these edges
AHEAD = np.arange(1, LOOK_AHEAD_PIECES + 1)[:, None]


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
    ahead = AHEAD + piece  # (edge, home)
    beyond = ahead - schedules.first[schedule + 1]
    there = ahead - np.maximum(beyond + 1, 0)  # the last piece of a schedule has no edge after it
    pieces = schedules.pieces
    changes = classify(np.broadcast_to(milli, there.shape), rules_of(schedules, there))
    changes = changes != classify(milli, rules_of(schedules, piece))
    suspended = state["suspended_at"] != NONE_US
    if suspended.any():
        changes |= suspended & pieces["windowed"][there]
    changes[-1] = True
    changes &= beyond < 0
    first = changes.argmax(axis=0)
    mine = np.arange(len(piece))
    return np.where(changes[first, mine], pieces["start"][there[first, mine]], NEVER_US)

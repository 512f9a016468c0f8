"""The flag machine: folds the runs of each home into flags, from any state it left off in.

It is a fold, so judging a day at once and judging it reading by reading give the same flags. Timers count while a run
lasts and fire at the very instant they are full, before whatever begins at that instant. Silence stops them.
"""

import numpy as np
from numpy.typing import NDArray

from alerts.engine.schedule import NONE_US
from domain.states import Severity, State

MACHINE = np.dtype(
    [
        ("breach_since", np.int64),  # µs, NONE_US: not in breach
        ("severe_since", np.int64),
        ("warm_since", np.int64),
        ("lowest", np.float32),  # °C of the breach or the flag; +inf: neither
        ("severity", np.int8),  # of the open flag; 0: none
        ("flag", np.int64),  # the flag's number; 0: opened here, not yet stored
        ("cold_since", np.int64),  # of the open flag
        ("confirmed_at", np.int64),
        ("severe_at", np.int64),
        ("suspended_at", np.int64),
        ("limit", np.float32),  # °C that the flag broke
        ("version", np.int16),  # of the policy that raised the flag
        ("cleared_at", np.int64),  # only in the flags that ended
        ("reason", np.int8),  # why it ended: 0 recovered, else NotJudged
    ]
)


def idle(homes: int) -> NDArray[np.void]:
    """The machine of homes of which nothing is known yet."""
    state = np.zeros(homes, MACHINE)
    for name in MACHINE.names or ():
        if MACHINE[name] == np.int64 and name != "flag":
            state[name] = NONE_US
    state["lowest"] = np.inf
    return state


def fold(state: NDArray[np.void], runs: NDArray[np.void], pieces: NDArray[np.void]) -> NDArray[np.void]:
    """Advance machines over their runs, in place.

    Args:
        state: MACHINE per home.
        runs: RUN sorted by (home, start).
        pieces: PIECE that `runs["piece"]` points into.
    Returns:
        ENDED: every flag that ended, in the order of time for each home.
    """
    runs = _telling(state, runs)
    begin = np.searchsorted(runs["home"], np.arange(len(state)))
    count = np.diff(np.append(begin, len(runs)))
    order = np.argsort(-count, kind="stable")
    ended = [np.empty(0, ENDED)]
    for nth in range(int(count.max(initial=0))):
        order = order[: int(np.searchsorted(-count[order], -nth))]
        run = runs[begin[order] + nth]
        now = state[order]
        over = step(now, run, pieces[run["piece"]])
        state[order] = now
        if len(over):
            over["home"] = order[over["home"]]
            ended.append(over)
    return np.concatenate(ended)


def _telling(state: NDArray[np.void], runs: NDArray[np.void]) -> NDArray[np.void]:
    """The runs of homes that have a flag or a breach; the others, nearly all, have nothing to tell."""
    quiet = (state["severity"] == 0) & (state["breach_since"] == NONE_US)
    quiet[runs["home"][runs["state"] >= State.COLD]] = False
    telling: NDArray[np.void] = runs[~quiet[runs["home"]]]
    return telling


ENDED = np.dtype([("home", np.int64), ("flag", MACHINE)])


def step(state: NDArray[np.void], run: NDArray[np.void], piece: NDArray[np.void]) -> NDArray[np.void]:
    """Advance each machine over one run, in place; returns ENDED for flags that ended, homes by position."""
    start, level = run["start"], run["state"]
    breach, severe, warm = level >= State.COLD, level == State.SEVERE, level == State.WARM
    told = (level > State.UNKNOWN) & ~np.isnan(run["lowest"])
    known_low = np.where(told, run["lowest"], np.float32(np.inf))
    going = (state["severity"] > 0) | (breach & (state["breach_since"] != NONE_US))
    lowest = np.where(going, np.minimum(state["lowest"], known_low), known_low)
    state["lowest"] = np.where(going | breach, lowest, np.float32(np.inf))
    # Warmth is timed only to end a flag.
    warm &= state["severity"] > 0
    for name, on in (("breach_since", breach), ("severe_since", severe), ("warm_since", warm)):
        since = np.where(state[name] == NONE_US, start, state[name])
        state[name] = np.where(on, since, NONE_US)
    _resume(state, run)
    _open(state, run, piece)
    _worsen(state, run, piece)
    return _end(state, run, piece)


def _resume(state: NDArray[np.void], run: NDArray[np.void]) -> None:
    """Suspend when the window has closed on a home under the day limit; resume when it opens, or on a breach."""
    open_flag, paused = state["severity"] > 0, state["suspended_at"] != NONE_US
    resumes = open_flag & paused & ((run["state"] >= State.COLD) | run["windowed"])
    suspends = open_flag & ~paused & (run["state"] == State.SHORT) & ~run["windowed"]
    state["suspended_at"][resumes] = NONE_US
    state["suspended_at"][suspends] = run["start"][suspends]


def _open(state: NDArray[np.void], run: NDArray[np.void], piece: NDArray[np.void]) -> None:
    """Raise a flag when a breach has lasted for the policy's confirm time."""
    pending = (state["severity"] == 0) & (run["state"] >= State.COLD)
    at = np.maximum(run["start"], state["breach_since"] + np.where(pending, piece["confirm"], 0))
    opens = pending & (at <= run["end"])
    state["severity"][opens] = Severity.COLD
    state["flag"][opens] = 0
    state["cold_since"][opens] = state["breach_since"][opens]
    state["confirmed_at"][opens] = at[opens]
    state["limit"][opens] = np.maximum(piece["cold"], piece["severe"])[opens]
    state["version"][opens] = piece["version"][opens]


def _worsen(state: NDArray[np.void], run: NDArray[np.void], piece: NDArray[np.void]) -> None:
    """Make a flag severe when the home has been under the severe limit for the confirm time."""
    pending = (state["severity"] == Severity.COLD) & (run["state"] == State.SEVERE)
    at = np.maximum(run["start"], state["severe_since"] + np.where(pending, piece["confirm"], 0))
    worsens = pending & (at <= run["end"])
    state["severity"][worsens] = Severity.SEVERE
    state["severe_at"][worsens] = np.maximum(at, state["confirmed_at"])[worsens]
    state["limit"][worsens] = piece["severe"][worsens]


def _end(state: NDArray[np.void], run: NDArray[np.void], piece: NDArray[np.void]) -> NDArray[np.void]:
    """End flags of homes that have been warm for the policy's clear time, or are no longer judged."""
    flagged = state["severity"] > 0
    warm = flagged & (run["state"] == State.WARM)
    at = np.maximum(run["start"], state["warm_since"] + np.where(warm, piece["clear"], 0))
    recovers = warm & (at <= run["end"])
    stops = flagged & (run["state"] == State.NOT_JUDGED)
    over = np.flatnonzero(recovers | stops)
    ended = np.zeros(len(over), ENDED)
    state["cleared_at"][over] = np.where(stops, run["start"], at)[over]
    state["reason"][over] = np.where(stops, piece["reason"], 0)[over]
    ended["home"], ended["flag"] = over, state[over]
    state[over] = idle(len(over))
    return ended

"""The flag machine: folds the runs of each home into flags, from any state it left off in.

It is a fold, so judging a day at once and judging it reading by reading give the same flags. Timers count while a run
lasts and fire at the very instant they are full, before whatever begins at that instant. Silence stops them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.instants import NONE_US
from domain.states import Severity, State

# As plain numbers numpy compares them without a detour, and `step` does little else.
UNKNOWN, WARM, SHORT, COLD, SEVERE = (
    int(state) for state in (State.UNKNOWN, State.WARM, State.SHORT, State.COLD, State.SEVERE)
)
NOT_JUDGED = int(State.NOT_JUDGED)
IS_COLD, IS_SEVERE = int(Severity.COLD), int(Severity.SEVERE)

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


ENDED = np.dtype([("home", np.int64), ("flag", MACHINE)])
KEPT = np.dtype([("run", np.int64), ("machine", MACHINE)])


class Episodes(NamedTuple):
    """Runs of one home each, over which a machine is folded; before and after them it has nothing to tell."""

    home: NDArray[np.int64]
    first: NDArray[np.int64]  # index of the first run
    length: NDArray[np.int64]
    machine: NDArray[np.void]  # MACHINE; where it stands
    home_goes_on: NDArray[np.bool_]  # the home has runs after these


def fold(state: NDArray[np.void], runs: NDArray[np.void], pieces: NDArray[np.void]) -> NDArray[np.void]:
    """Advance machines over their runs, in place.

    Args:
        state: MACHINE per home.
        runs: RUN sorted by (home, start).
        pieces: PIECE that `runs["piece"]` points into.
    Returns:
        ENDED: every flag that ended, by home and time.
    """
    return fold_and_keep(state, runs, pieces, np.zeros(len(runs), bool))[0]


def fold_and_keep(
    state: NDArray[np.void], runs: NDArray[np.void], pieces: NDArray[np.void], keep: NDArray[np.bool_]
) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """As `fold`; returns also where the machines that were not idle stood after the runs to `keep`, as KEPT."""
    home, first, length, machine, home_goes_on = _episodes(state, runs, pieces)
    ended, kept = [np.empty(0, ENDED)], [np.empty(0, KEPT)]
    ended_by = [np.empty(0, np.int64)]
    for nth in range(int(length.max(initial=0))):
        going = int(np.searchsorted(-length, -nth))  # the longest come first
        at = first[:going] + nth
        run = runs[at]
        over = step(machine[:going], run, pieces[run["piece"]])
        if len(over):
            ended_by.append(at[over["home"]])
            over["home"] = home[over["home"]]
            ended.append(over)
        if keep[at].any():
            kept.append(_not_idle(at, machine[:going], keep[at]))
    state[home[~home_goes_on]] = machine[~home_goes_on]
    return np.concatenate(ended)[np.argsort(np.concatenate(ended_by))], np.concatenate(kept)


def _not_idle(at: NDArray[np.int64], machine: NDArray[np.void], keep: NDArray[np.bool_]) -> NDArray[np.void]:
    which = np.flatnonzero(keep & ((machine["severity"] > 0) | (machine["breach_since"] != NONE_US)))
    kept = np.empty(len(which), KEPT)
    kept["run"], kept["machine"] = at[which], machine[which]
    return kept


def _episodes(state: NDArray[np.void], runs: NDArray[np.void], pieces: NDArray[np.void]) -> Episodes:
    """Split the runs of homes where the machine is idle whatever was before, and take those that have a flag to tell.

    It is idle after warmth that lasts for the clear time, and where a home is not judged. Homes that have neither flag
    nor breach, nearly all, have nothing to tell; in `state` they become idle where they were not.
    """
    level = runs["state"]
    rests = (level == WARM) & (runs["end"] - runs["start"] >= pieces["clear"][runs["piece"]])
    rests |= level == NOT_JUDGED
    begins = np.ones(len(runs), bool)
    new_home = runs["home"][1:] != runs["home"][:-1]
    begins[1:] = rests[:-1] | new_home
    first = np.flatnonzero(begins)
    end, home = np.append(first[1:], len(runs))[: len(first)], runs["home"][first]
    breach = np.append(np.flatnonzero(level >= COLD), len(runs))
    first_breach = breach[np.searchsorted(breach, first)]
    opening = np.append(True, home[1:] != home[:-1])[: len(first)]
    closing = np.append(home[1:] != home[:-1], True)[: len(first)]
    busy = opening & ((state["severity"] > 0) | (state["breach_since"] != NONE_US))[home]
    tells = np.flatnonzero(busy | (first_breach < end))
    first = np.where(busy, first, first_breach)[tells]
    length = end[tells] - first
    order = np.argsort(-length, kind="stable")
    tells = tells[order]
    machine = idle(len(tells))
    machine[busy[tells]] = state[home[tells][busy[tells]]]
    state[home[closing & ~opening]] = idle(1)
    return Episodes(home[tells], first[order], length[order], machine, ~closing[tells])


def step(state: NDArray[np.void], run: NDArray[np.void], piece: NDArray[np.void]) -> NDArray[np.void]:
    """Advance each machine over one run, in place; returns ENDED for flags that ended, homes by position."""
    start, level = run["start"], run["state"]
    breach, severe, warm = level >= COLD, level == SEVERE, level == WARM
    told = (level > UNKNOWN) & ~np.isnan(run["lowest"])
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
    if not open_flag.any():
        return
    resumes = open_flag & paused & (run["state"] != NOT_JUDGED) & ((run["state"] >= COLD) | run["windowed"])
    suspends = open_flag & ~paused & (run["state"] == SHORT) & ~run["windowed"]
    state["suspended_at"][resumes] = NONE_US
    state["suspended_at"][suspends] = run["start"][suspends]


def _open(state: NDArray[np.void], run: NDArray[np.void], piece: NDArray[np.void]) -> None:
    """Raise a flag when a breach has lasted for the policy's confirm time."""
    pending = (state["severity"] == 0) & (run["state"] >= COLD)
    if not pending.any():
        return
    at = np.maximum(run["start"], state["breach_since"] + np.where(pending, piece["confirm"], 0))
    opens = pending & (at <= run["end"])
    state["severity"][opens] = IS_COLD
    state["flag"][opens] = 0
    state["cold_since"][opens] = state["breach_since"][opens]
    state["confirmed_at"][opens] = at[opens]
    state["limit"][opens] = np.maximum(piece["cold"], piece["severe"])[opens]
    state["version"][opens] = piece["version"][opens]


def _worsen(state: NDArray[np.void], run: NDArray[np.void], piece: NDArray[np.void]) -> None:
    """Make a flag severe when the home has been under the severe limit for the confirm time."""
    pending = (state["severity"] == IS_COLD) & (run["state"] == SEVERE)
    if not pending.any():
        return
    at = np.maximum(run["start"], state["severe_since"] + np.where(pending, piece["confirm"], 0))
    worsens = pending & (at <= run["end"])
    state["severity"][worsens] = IS_SEVERE
    state["severe_at"][worsens] = np.maximum(at, state["confirmed_at"])[worsens]
    state["limit"][worsens] = piece["severe"][worsens]


def _end(state: NDArray[np.void], run: NDArray[np.void], piece: NDArray[np.void]) -> NDArray[np.void]:
    """End flags of homes that have been warm for the policy's clear time, or are no longer judged."""
    flagged = state["severity"] > 0
    warm, stops = flagged & (run["state"] == WARM), flagged & (run["state"] == NOT_JUDGED)
    if not (warm.any() or stops.any()):
        return np.empty(0, ENDED)
    at = np.maximum(run["start"], state["warm_since"] + np.where(warm, piece["clear"], 0))
    over = np.flatnonzero(warm & (at <= run["end"]) | stops)
    state["cleared_at"][over] = np.where(stops, run["start"], at)[over]
    state["reason"][over] = np.where(stops, piece["reason"], 0)[over]
    ended = np.empty(len(over), ENDED)
    ended["home"], ended["flag"] = over, state[over]
    state[over] = idle(len(over))
    return ended

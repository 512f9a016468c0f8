"""The flag machine: folds the runs of each home into flags, from any state it left off in.

It is a fold, so judging a day at once and judging it reading by reading give the same flags. Timers count while a run
lasts and fire at the very instant they are full, before whatever begins at that instant. Silence stops them.

It is not walked run by run: whether a timer is full in a run does not depend on the flag, so all timers are read off at
once, the last full one says whether there is a flag, and what the flag came to is looked up where somebody asks.
"""

import numpy as np
from numpy.typing import NDArray

from alerts.engine.track import NONE, Int, Milli
from domain.instants import NONE_US
from domain.states import HomeState, Severity

UNKNOWN, WARM, SHORT, COLD, SEVERE = (
    int(state) for state in (HomeState.UNKNOWN, HomeState.WARM, HomeState.SHORT, HomeState.COLD, HomeState.SEVERE)
)
NOT_JUDGED = int(HomeState.NOT_JUDGED)
IS_COLD, IS_SEVERE = int(Severity.COLD), int(Severity.SEVERE)

MACHINE = np.dtype(
    [
        ("breach_since", np.int64),  # µs, NONE_US: not in breach
        ("severe_since", np.int64),
        ("warm_since", np.int64),
        ("lowest", np.int32),  # m°C of the breach or the flag; NONE_MILLI: neither
        ("severity", np.int8),  # of the open flag; 0: none
        ("flag", np.int64),  # the flag's number; 0: opened here, not yet stored
        ("cold_since", np.int64),  # of the open flag
        ("confirmed_at", np.int64),
        ("severe_at", np.int64),
        ("suspended_at", np.int64),
        ("limit", np.int32),  # m°C that the flag broke
        ("version", np.int16),  # of the policy that raised the flag
        ("cleared_at", np.int64),  # only in the flags that ended
        ("reason", np.int8),  # why it ended: 0 recovered, else Ended or NotJudged
    ]
)


def idle(homes: int) -> NDArray[np.void]:
    """The machine of homes of which nothing is known yet."""
    state = np.zeros(homes, MACHINE)
    for name in MACHINE.names or ():
        if MACHINE[name] == np.int64 and name != "flag":
            state[name] = NONE_US
    state["lowest"] = NONE
    return state


ENDED = np.dtype([("home", np.int64), ("flag", MACHINE)])
KEPT = np.dtype([("run", np.int64), ("machine", MACHINE)])


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
    mine = _telling(state, runs)
    past = _Past(state, runs[mine], pieces)
    over = np.flatnonzero(past.ends_at != NONE_US)
    over = over[past.before[over]]
    ended = np.empty(len(over), ENDED)
    ended["home"], ended["flag"] = past.home[over], past.ended(over)
    stays = np.flatnonzero(keep[mine] & (past.after | past.breach))
    kept = np.empty(len(stays), KEPT)
    kept["run"], kept["machine"] = mine[stays], past.machines(stays, past.after[stays])
    last = np.flatnonzero(np.append(past.new[1:], True)[: len(mine)])
    state[past.home[last]] = past.machines(last, past.after[last])
    return ended, kept


def _telling(state: NDArray[np.void], runs: NDArray[np.void]) -> Int:
    """The runs of homes with a flag or a breach. The others, nearly all, are idle and stay so."""
    tells = (state["severity"] > 0) | (state["breach_since"] != NONE_US)
    tells[runs["home"][runs["state"] >= COLD]] = True
    return np.flatnonzero(tells[runs["home"]])


class _Past:
    """What was going on in runs: arrays over them. Instants are µs, NONE_US where there is none."""

    def __init__(self, state: NDArray[np.void], runs: NDArray[np.void], pieces: NDArray[np.void]) -> None:
        self.state, self.runs, self.pieces = state, runs, pieces
        self.home, self.start, level = runs["home"], runs["start"], runs["state"]
        self.new = np.append(True, self.home[1:] != self.home[:-1])[: len(runs)]
        self.head = np.maximum.accumulate(np.where(self.new, np.arange(len(runs)), 0))  # the first run of the home
        self.breach, severe, warm, stops = level >= COLD, level == SEVERE, level == WARM, level == NOT_JUDGED
        self.breach_from, self.breach_since = self._since("breach_since", self.breach)
        _, self.severe_since = self._since("severe_since", severe)
        _, self.warm_since = self._since("warm_since", warm)
        self.opens_at = self._full(self.breach, self.breach_since, "confirm")
        self.worsens_at = self._full(severe, self.severe_since, "confirm")
        self.ends_at = self._full(warm, self.warm_since, "clear")
        self.ends_at[stops] = self.start[stops]
        piece = pieces[runs["piece"]]
        self.told = np.where(piece["start"] == self.start, piece["ends"], 0)  # somebody measured that it is over
        self.ends_at[self.told != 0] = self.start[self.told != 0]
        self.before, self.after = self._flagged()
        # The window has closed on a home under the day limit; it opens again, or there is a breach.
        self.suspends = np.flatnonzero((level == SHORT) & ~runs["windowed"])
        self.resumes = np.flatnonzero((self.breach | runs["windowed"]) & ~stops)

    def _since(self, name: str, on: NDArray[np.bool_]) -> tuple[Int, Int]:
        """The run in which what is `on` began, and the instant, which may lie before all runs."""
        begins = on & (self.new | ~np.append(False, on[:-1])[: len(on)])
        begin = np.maximum.accumulate(np.where(begins, np.arange(len(on)), 0))
        since, carried = self.start.copy(), self.state[name][self.home[self.new]]
        since[self.new] = np.where(carried != NONE_US, carried, since[self.new])
        return begin, np.where(on, since[begin], NONE_US)

    def _full(self, on: NDArray[np.bool_], since: Int, timer: str) -> Int:
        """When the timer of what is `on` was full, in each run in which it was; it may have been before that run."""
        out, which = np.full(len(on), NONE_US), np.flatnonzero(on)
        length = self.pieces[timer][self.runs["piece"][which]]
        at = np.maximum(self.start[which], since[which] + length)
        out[which] = np.where(at <= self.runs["end"][which], at, NONE_US)
        return out

    def _flagged(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Whether there is a flag before each run, and after it: the last timer that was full decides."""
        opens, carried = self.opens_at != NONE_US, self.state["severity"][self.home] > 0
        full = opens | (self.ends_at != NONE_US)
        last = np.maximum.accumulate(np.where(full, np.arange(len(full)), -1))
        after = np.where(last >= self.head, opens[last], carried)
        before = np.where(self.new, carried, np.append(False, after[:-1])[: len(after)])
        return before, after

    def ended(self, at: Int) -> NDArray[np.void]:
        """MACHINE of the flags that ended in runs."""
        flags = self.machines(at, np.ones(len(at), bool))
        flags["cleared_at"] = self.ends_at[at]
        reason = self.pieces["reason"][self.runs["piece"][at]]  # JUDGED: warm again
        flags["reason"] = np.where(self.told[at] != 0, self.told[at], reason)
        return flags

    def machines(self, at: Int, flagged: NDArray[np.bool_]) -> NDArray[np.void]:
        """MACHINE after runs, with a flag open then or not."""
        out = idle(len(at))
        opening = np.flatnonzero((self.opens_at != NONE_US) & ~self.before)
        opened = _last(opening, at)
        carried = flagged & (opened < self.head[at])
        new = flagged & ~carried
        out[carried] = self.state[self.home[at[carried]]]
        out[new] = self._opened(opened[new])
        begin = np.where(carried, self.head[at], opened)
        self._worsen(out, flagged, begin, at)
        self._suspend(out, flagged, carried, begin, at)
        out["breach_since"], out["severe_since"] = self.breach_since[at], self.severe_since[at]
        out["warm_since"] = np.where(flagged, self.warm_since[at], NONE_US)  # warmth is timed only to end a flag
        begin = np.where(carried, begin, self.breach_from[np.where(new, opened, at)])
        out["lowest"] = np.where(flagged | self.breach[at], self._lowest(begin, at), NONE)
        return out

    def _opened(self, at: Int) -> NDArray[np.void]:
        """Flags as a breach raised them when it had lasted for the policy's confirm time."""
        out, piece = idle(len(at)), self.pieces[self.runs["piece"][at]]
        out["severity"] = IS_COLD
        out["cold_since"], out["confirmed_at"] = self.breach_since[at], self.opens_at[at]
        out["limit"], out["version"] = np.maximum(piece["cold"], piece["severe"]), piece["version"]
        return out

    def _worsen(self, out: NDArray[np.void], flagged: NDArray[np.bool_], begin: Int, at: Int) -> None:
        """Make flags severe whose home has been under the severe limit for the confirm time."""
        worse = _first(np.flatnonzero(self.worsens_at != NONE_US), begin)
        worsens = flagged & (out["severity"] == IS_COLD) & (worse <= at)
        worse = worse[worsens]
        out["severity"][worsens] = IS_SEVERE
        out["severe_at"][worsens] = np.maximum(self.worsens_at[worse], out["confirmed_at"][worsens])
        out["limit"][worsens] = self.pieces["severe"][self.runs["piece"][worse]]

    def _suspend(
        self, out: NDArray[np.void], flagged: NDArray[np.bool_], carried: NDArray[np.bool_], begin: Int, at: Int
    ) -> None:
        """Suspend flags from the first run after the last one that resumes them."""
        resumed = _last(self.resumes, at)
        suspended = _first(self.suspends, np.maximum(begin, resumed))
        still = carried & (out["suspended_at"] != NONE_US) & (resumed < begin)
        suspends = flagged & ~still & (suspended <= at)
        out["suspended_at"][flagged & ~still] = NONE_US
        out["suspended_at"][suspends] = self.start[suspended[suspends]]

    def _lowest(self, begin: Int, at: Int) -> Milli:
        """m°C of runs from `begin` to `at`, both included, and of what is carried into the first run of a home."""
        level, lowest = self.runs["state"], self.runs["lowest"]
        known = np.append(np.where(level > UNKNOWN, lowest, NONE), NONE)
        spans = np.stack((begin, at + 1), axis=1).ravel()
        carried = self.state[self.home[at]]
        busy = (carried["severity"] > 0) | (carried["breach_since"] != NONE_US)
        before = np.where(busy & (begin == self.head[at]), carried["lowest"], NONE)
        return np.minimum(np.minimum.reduceat(known, spans)[::2], before)


def _last(runs: Int, at: Int) -> Int:
    """The last of some runs, rising, that is not after each of others; -1: there is none."""
    return np.append(-1, runs)[np.searchsorted(runs, at, "right")]


def _first(runs: Int, at: Int) -> Int:
    """The first of some runs, rising, that is not before each of others; an index beyond all runs: there is none."""
    return np.append(runs, np.iinfo(np.int64).max)[np.searchsorted(runs, at)]

"""The flag machine: folds the runs of each home into flags, from any state it left off in.

It is a fold, so judging a day at once and judging it reading by reading give the same flags. Timers run for as long as
a run lasts and fire at the instant they are full, before anything that begins at that instant. Silence stops them.

The fold is vectorised: whether a timer fires in a run does not depend on the flag, so all timers are evaluated at once,
the last one to fire decides whether a flag is open, and the flag itself is computed only for the runs that need it.
"""

import numpy as np
from numpy.typing import NDArray

from alerts.engine.track import NONE, Int, Milli
from domain import groups, rows
from domain.instants import NONE_US
from domain.states import HomeState, Severity

WARM, SHORT, COLD, SEVERE = (
    int(state) for state in (HomeState.WARM, HomeState.SHORT, HomeState.COLD, HomeState.SEVERE)
)
NOT_JUDGED = int(HomeState.NOT_JUDGED)
IS_COLD, IS_SEVERE = int(Severity.COLD), int(Severity.SEVERE)

MACHINE = np.dtype(
    [
        ("breach_since", np.int64),  # µs, NONE_US: not in breach
        ("severe_since", np.int64),
        ("warm_since", np.int64),
        ("lowest", np.int32),  # m°C of the breach or the flag, while not warm; NONE_MILLI: neither
        ("severity", np.int8),  # of the open flag; 0: none
        ("flag", np.int64),  # the flag's number; 0: opened here, not yet stored
        ("cold_since", np.int64),  # of the open flag
        ("confirmed_at", np.int64),
        ("severe_at", np.int64),
        ("suspended_at", np.int64),
        ("limit", np.int32),  # m°C that the flag broke
        ("version", np.int16),  # of the policy that raised the flag
        ("cleared_at", np.int64),  # of a flag that ended
        ("reason", np.int8),  # why it ended: 0 recovered, else Ended or NotJudged
    ]
)


def _idle() -> NDArray[np.void]:
    state = np.zeros(1, MACHINE)
    for name in MACHINE.names or ():
        if MACHINE[name] == np.int64 and name != "flag":
            state[name] = NONE_US
    state["lowest"] = NONE
    return state


IDLE = _idle()


def idle(homes: int) -> NDArray[np.void]:
    """Return the machines of homes without any history."""
    return rows.take(IDLE, np.zeros(homes, np.intp))


def idle_homes(state: NDArray[np.void]) -> NDArray[np.bool_]:
    """Mask the machines without a flag or a breach."""
    return np.asarray((state["severity"] == 0) & (state["breach_since"] == NONE_US))


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
    """Advance machines as `fold` does, and keep some of the states on the way.

    Args:
        keep: mask of the runs after which the state of the machine is wanted.
    Returns:
        ENDED, and KEPT for the wanted runs after which the machine was not idle.
    """
    mine = _telling(state, runs)
    if not len(mine):  # as of most batches
        return np.empty(0, ENDED), np.empty(0, KEPT)
    line = _Timeline(state, rows.take(runs, mine), pieces)
    over = np.flatnonzero((line.ends_at != NONE_US) & line.before)
    ended = np.empty(len(over), ENDED)
    if len(over):
        ended["home"] = line.home[over]
        rows.put(ended["flag"], slice(None), line.ended(over))
    busy = np.flatnonzero(keep[mine] & (line.after | line.breach))
    kept = np.empty(len(busy), KEPT)
    if len(busy):
        kept["run"] = mine[busy]
        rows.put(kept["machine"], slice(None), line.machines(busy, line.after[busy]))
    last = groups.lasts(line.home)
    rows.put(state, line.home[last], line.machines(last, line.after[last]))
    return ended, kept


def _telling(state: NDArray[np.void], runs: NDArray[np.void]) -> Int:
    """Return the indices of the runs of homes with a flag or a breach; all others are idle and stay so."""
    tells = ~idle_homes(state)
    tells[runs["home"][runs["state"] >= COLD]] = True
    return np.flatnonzero(tells[runs["home"]])


class _Timeline:
    """The runs of homes beside the timers and flags that go with them: arrays with one element per run.

    Instants are µs, NONE_US where there is none. Six runs of an idle home, in minutes; `confirm` and `clear` are 30:

        run            0       1       2       3       4       5
                    |------|=======|#######|=======|------|------|
        start          0      10      50      90     100     120     (the last one ends at 140)
        level        WARM    COLD   SEVERE   COLD    WARM    WARM
        new           yes       -       -       -       -       -    first run of its home
        head            0       0       0       0       0       0    index of that run
        breach          -     yes     yes     yes       -       -
        breach_from     0       1       1       1       1       1    run in which the breach began
        breach_since    -      10      10      10       -       -
        severe_since    -       -      50       -       -       -
        warm_since      0       -       -       -     100     100
        opens_at        -      40      50      90       -       -    confirm is full: a flag opens or stays open
        worsens_at      -       -      80       -       -       -    confirm is full under the severe limit
        ends_at         -       -       -       -       -     130    clear is full, not judged, or measured to be over
        measured        0       0       0       0       0       0    FlagEndCause of a measurement that ends all here
        before          -       -     yes     yes     yes     yes    a flag is open when the run begins
        after           -     yes     yes     yes     yes       -    a flag is open when the run ends

    So a flag opens at 40, is severe from 80 on and ends at 130. `suspends` and `resumes` are indices of runs, not
    arrays over them: where the window closes on a home under the day limit, and where it opens or a breach begins.
    """

    def __init__(self, state: NDArray[np.void], runs: NDArray[np.void], pieces: NDArray[np.void]) -> None:
        self.state, self.pieces = state, pieces
        columns = ("home", "start", "end", "piece", "lowest", "state", "windowed")
        self.home, self.start, self.end, self.piece, self.lowest, level, windowed = map(
            np.ascontiguousarray, (runs[name] for name in columns)
        )
        self.level = level
        self.new = groups.is_first(self.home)
        self.head = groups.last_marked(self.new)
        # A flag that began at this very instant is of the breach after the measurement.
        ends_here = pieces["start"][self.piece] == self.start
        ends_here &= state["cold_since"][self.home] != self.start
        self.measured = np.where(ends_here, pieces["ends"][self.piece], 0)
        self.breach, severe, warm, stops = level >= COLD, level == SEVERE, level == WARM, level == NOT_JUDGED
        self.breach_from, self.breach_since = self._since("breach_since", self.breach)
        _, self.severe_since = self._since("severe_since", severe)
        _, self.warm_since = self._since("warm_since", warm)
        self.opens_at = self._full(self.breach, self.breach_since, "confirm")
        self.worsens_at = self._full(severe, self.severe_since, "confirm")
        self.ends_at = self._full(warm, self.warm_since, "clear")
        self.ends_at[stops] = self.start[stops]
        self.ends_at[self.measured != 0] = self.start[self.measured != 0]
        self.before, self.after = self._flagged()
        self.suspends = np.flatnonzero((level == SHORT) & ~windowed)
        self.resumes = np.flatnonzero((self.breach | windowed) & ~stops)

    def _since(self, name: str, on: NDArray[np.bool_]) -> tuple[Int, Int]:
        """Find where each series of runs in the mask `on` began: nothing breaks it but a measurement.

        Args:
            name: the column of MACHINE with the instant at which a series that is carried in began.
        Returns:
            the run in which the series began, and the instant, which may lie before all runs.
        """
        begins = on.copy()
        begins[1:] &= self.new[1:] | ~on[:-1] | (self.measured[1:] != 0)
        begin = groups.last_marked(begins)
        since, carried = self.start.copy(), self.state[name][self.home[self.new]]
        goes_on = (carried != NONE_US) & (self.measured[self.new] == 0)
        since[self.new] = np.where(goes_on, carried, since[self.new])
        return begin, np.where(on, since[begin], NONE_US)

    def _full(self, on: NDArray[np.bool_], since: Int, timer: str) -> Int:
        """Return when the timer of each series in `on` fires in each run: at its start if it was full before."""
        out, which = np.full(len(on), NONE_US), np.flatnonzero(on)
        length = self.pieces[timer][self.piece[which]]
        at = np.maximum(self.start[which], since[which] + length)
        out[which] = np.where(at <= self.end[which], at, NONE_US)
        return out

    def _flagged(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return masks of the runs before and after which a flag is open: the last timer to fire decides."""
        opens, carried = self.opens_at != NONE_US, self.state["severity"][self.home] > 0
        full = opens | (self.ends_at != NONE_US)
        last = groups.last_marked(full, -1)
        after = np.where(last >= self.head, opens[last], carried)
        before = carried.copy()
        before[1:][~self.new[1:]] = after[:-1][~self.new[1:]]
        return before, after

    def ended(self, at: Int) -> NDArray[np.void]:
        """Return MACHINE rows of the flags that ended in the runs `at`."""
        measured = self.measured[at] != 0
        last = at - measured  # what is cold from a measurement on is another breach
        inside = last >= self.head[at]
        flags = rows.take(self.state, self.home[at])
        rows.put(flags, inside, self.machines(last[inside], np.ones(int(inside.sum()), bool)))
        flags["cleared_at"] = self.ends_at[at]
        reason = self.pieces["reason"][self.piece[at]]  # JUDGED: the home recovered
        flags["reason"] = np.where(measured, self.measured[at], reason)
        return flags

    def machines(self, at: Int, flagged: NDArray[np.bool_]) -> NDArray[np.void]:
        """Return MACHINE rows as they stand after the runs `at`; `flagged` tells whether a flag is open then."""
        out = idle(len(at))
        opening = np.flatnonzero((self.opens_at != NONE_US) & (~self.before | (self.measured != 0)))
        opened = _last(opening, at)
        carried = flagged & (opened < self.head[at])
        new = flagged & ~carried
        begin = np.where(carried, self.head[at], opened)
        if flagged.any():
            rows.put(out, carried, rows.take(self.state, self.home[at[carried]]))
            rows.put(out, new, self._opened(opened[new]))
            self._worsen(out, flagged, begin, at)
            self._suspend(out, flagged, carried, begin, at)
        out["breach_since"], out["severe_since"] = self.breach_since[at], self.severe_since[at]
        out["warm_since"] = np.where(flagged, self.warm_since[at], NONE_US)  # warmth is timed only to end a flag
        begin = np.where(carried, begin, self.breach_from[np.where(new, opened, at)])
        out["lowest"] = np.where(flagged | self.breach[at], self._lowest(begin, at), NONE)
        return out

    def _opened(self, at: Int) -> NDArray[np.void]:
        """Return MACHINE rows of the flags that were opened in the runs `at`."""
        out, piece = idle(len(at)), rows.take(self.pieces, self.piece[at])
        out["severity"] = IS_COLD
        out["cold_since"], out["confirmed_at"] = self.breach_since[at], self.opens_at[at]
        out["limit"] = np.maximum(piece["cold"], piece["severe"])
        out["version"] = piece["version"]
        return out

    def _worsen(self, out: NDArray[np.void], flagged: NDArray[np.bool_], begin: Int, at: Int) -> None:
        """Make the flags severe whose homes stayed under the severe limit for the confirm time."""
        worsening = np.flatnonzero(self.worsens_at != NONE_US)
        if not len(worsening):
            return
        worse = _first(worsening, begin)
        worsens = flagged & (out["severity"] == IS_COLD) & (worse <= at)
        worse = worse[worsens]
        out["severity"][worsens] = IS_SEVERE
        confirmed_at = out["confirmed_at"][worsens]
        out["severe_at"][worsens] = np.maximum(self.worsens_at[worse], confirmed_at)
        out["limit"][worsens] = self.pieces["severe"][self.piece[worse]]

    def _suspend(
        self, out: NDArray[np.void], flagged: NDArray[np.bool_], carried: NDArray[np.bool_], begin: Int, at: Int
    ) -> None:
        """Suspend flags from the first suspending run after the last run that resumed them."""
        carries = out["suspended_at"] != NONE_US
        if not len(self.suspends) and not carries.any():
            return
        resumed = _last(self.resumes, at)
        suspended = _first(self.suspends, np.maximum(begin, resumed))
        still = carried & carries & (resumed < begin)
        suspends = flagged & ~still & (suspended <= at)
        out["suspended_at"][flagged & ~still] = NONE_US
        out["suspended_at"][suspends] = self.start[suspended[suspends]]

    def _lowest(self, begin: Int, at: Int) -> Milli:
        """Return the lowest m°C of the runs from `begin` to `at`, both included, and of the state carried into them.

        Warm runs do not count: a flag may end within one, which goes on, and under a lower limit that has come into
        force since the breach, what is warm may be colder than what was cold.
        """
        known = np.append(np.where(self.level > WARM, self.lowest, NONE), NONE)
        spans = np.stack((begin, at + 1), axis=1).ravel()
        carried = rows.take(self.state, self.home[at])
        busy = (carried["severity"] > 0) | (carried["breach_since"] != NONE_US)
        goes_on = busy & (begin == self.head[at]) & (self.measured[begin] == 0)
        before = np.where(goes_on, carried["lowest"], NONE)
        return np.minimum(np.minimum.reduceat(known, spans)[::2], before)


def _last(runs: Int, at: Int) -> Int:
    """Return for each of `at` the last of the rising `runs` that is not after it; -1 if there is none."""
    return np.append(-1, runs)[np.searchsorted(runs, at, "right")]


def _first(runs: Int, at: Int) -> Int:
    """Return for each of `at` the first of the rising `runs` not before it; beyond all runs if there is none."""
    return np.append(runs, np.iinfo(np.int64).max)[np.searchsorted(runs, at)]

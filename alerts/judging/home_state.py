"""The state of homes after judging: which, since when, how far they are judged, and their next deadline.

Live judging and re-judging both derive it here, so that they leave the same rows.
"""

import numpy as np
from numpy.typing import NDArray

from alerts.engine.deadline import NEVER_US, deadline
from alerts.engine.schedule import Schedules
from alerts.engine.track import NONE, Held, Int
from domain import groups
from domain.instants import NONE_US

UNKNOWN_STATE = -1  # of a home that was never judged: its first run always begins a state


def current_state(runs: NDArray[np.void], homes: Int, before: Int, since: Int) -> tuple[Int, Int]:
    """Return the state of homes after their runs, and since when they have been in it, µs.

    Runs also end at midnight and at the edges of rules; a state lasts through them.

    Args:
        runs: RUN sorted by (home, start); at least one of each of the homes.
        homes: index of each home in `runs`, rising.
        before: the state of each home before its first run; UNKNOWN_STATE if there is none.
        since: µs, since when each was in that state.
    """
    first, last = _first_and_last(runs, homes)
    previous = np.append(0, runs["state"][:-1]).astype(np.int64)
    previous[first] = before
    change = groups.last_marked(runs["state"] != previous, -1)[last]
    began = np.where(change >= first, runs["start"][np.maximum(change, 0)], since)
    return runs["state"][last], began


def last_change(runs: NDArray[np.void], homes: Int, machines: NDArray[np.void], ended: NDArray[np.void]) -> Int:
    """Return the instant after which nothing is decided yet about each home, µs.

    Args:
        machines: MACHINE of each of the homes after the runs.
        ended: ENDED, every flag that ended, of these homes.
    """
    reached = runs["start"][_first_and_last(runs, homes)[1]]
    flagged = machines["severity"] > 0
    for name in ("confirmed_at", "severe_at", "suspended_at"):
        since = np.where(flagged, machines[name], NONE_US)
        reached = np.maximum(reached, since)
    np.maximum.at(reached, np.searchsorted(homes, ended["home"]), ended["flag"]["cleared_at"])
    return reached


def next_deadline(machines: NDArray[np.void], schedules: Schedules, schedule: Int, end: Int, held: Held) -> Int:
    """Return when the clock alone may next change something about each home, µs; NEVER_US if nothing can.

    Args:
        machines: MACHINE per home, advanced to `end`.
        schedule: index of each home's schedule.
        end: µs per home.
        held: the readings of the homes; those that are in force at `end` are among them.
    """
    open_end = held.until > end[held.home]
    home, until = held.home[open_end], held.until[open_end]
    expires = np.full(len(end), NEVER_US)
    np.minimum.at(expires, home, until)
    coldest = np.full(len(end), NONE)
    in_force = held.start[open_end] <= end[home]
    np.minimum.at(coldest, home[in_force], held.milli[open_end][in_force])
    return deadline(machines, schedules, schedule, end, coldest, expires)


def _first_and_last(runs: NDArray[np.void], homes: Int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return np.searchsorted(runs["home"], homes), np.searchsorted(runs["home"], homes, "right") - 1

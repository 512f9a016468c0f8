"""From temperature to runs: spans of a home in which its state, the rules and the local day stay the same."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.engine.keys import Keys
from alerts.engine.schedule import Schedules
from alerts.engine.track import Celsius, Int, Track
from domain.states import NotJudged, State

RUN = np.dtype(
    [
        ("home", np.int64),
        ("start", np.int64),  # µs
        ("end", np.int64),  # µs; the start of the home's next run, or where judging ends
        ("state", np.uint8),  # domain.states.State
        ("windowed", np.bool_),  # a cold limit is in force
        ("piece", np.int64),  # index into Schedules.pieces, of the first instant
        ("lowest", np.float32),  # °C; NaN if unknown
        ("heat", np.int64),  # sum of temperature times time in m°C·µs: exact, so that sums of parts are the sum
    ]
)


class Cut(NamedTuple):
    """A track cut wherever the rules change. Sorted by (home, start)."""

    home: Int
    start: Int
    celsius: Celsius
    piece: Int  # index into Schedules.pieces


def cut(track: Track, schedules: Schedules, schedule: Int, begin: Int, end: Int) -> Cut:
    """Cut a track at every edge of its home's schedule.

    Args:
        schedule: index of the schedule of each home.
        begin, end: µs per home; the first step of each home stands at its begin.
    """
    edge_home, edge_start, edge_piece = _edges(schedules, schedule, begin, end)
    keys = Keys.over(len(begin), track.start, edge_start)
    steps, edges = keys.of(track.home, track.start), keys.of(edge_home, edge_start)
    at = np.searchsorted(steps, edges)
    there = np.zeros(len(edges), bool)
    there[at < len(steps)] = steps[at[at < len(steps)]] == edges[at < len(steps)]
    new = ~there
    # An edge inside a step repeats that step's value from the edge on.
    home = np.insert(track.home, at[new], edge_home[new])
    start = np.insert(track.start, at[new], edge_start[new])
    celsius = np.insert(track.celsius, at[new], track.celsius[at[new] - 1])
    where = at + np.cumsum(new) - new
    lengths = np.diff(np.append(where, len(home)))
    return Cut(home, start, celsius, np.repeat(edge_piece, lengths))


def _edges(schedules: Schedules, schedule: Int, begin: Int, end: Int) -> tuple[Int, Int, Int]:
    """Where pieces begin for each home in [begin, end]: home, µs, piece. The first edge of a home is its begin."""
    low, high = piece_at(schedules, schedule, begin), piece_at(schedules, schedule, end)
    count = high - low + 1
    home = np.repeat(np.arange(len(begin)), count)
    nth = np.arange(len(home)) - np.repeat(np.cumsum(count) - count, count)
    piece = low[home] + nth
    return home, np.maximum(schedules.pieces["start"][piece], begin[home]), piece


def piece_at(schedules: Schedules, schedule: Int, instant: Int) -> Int:
    """The piece in force at an instant, one per (schedule, instant) pair; the first piece holds from ever."""
    of = np.repeat(np.arange(len(schedules.first) - 1), np.diff(schedules.first))
    starts = schedules.pieces["start"]
    keys = Keys.over(len(schedules.first), starts, instant)
    at = np.searchsorted(keys.of(of, starts), keys.of(schedule, instant), "right") - 1
    return np.maximum(at, schedules.first[schedule])


RULES = ("warm", "target", "cold", "severe", "reason")


def classify(celsius: Celsius, pieces: NDArray[np.void] | dict[str, NDArray[Any]]) -> NDArray[np.uint8]:
    """The State of temperatures under the pieces in force, of one length with them."""
    state = np.full(celsius.shape, State.WARM, np.uint8)
    state[celsius < pieces["warm"]] = State.FAIR
    state[celsius < pieces["target"]] = State.SHORT
    state[celsius < pieces["cold"]] = State.COLD
    state[celsius < pieces["severe"]] = State.SEVERE
    state[np.isnan(celsius)] = State.UNKNOWN
    state[pieces["reason"] != NotJudged.JUDGED] = State.NOT_JUDGED
    return state


def runs(steps: Cut, schedules: Schedules, end: Int) -> NDArray[np.void]:
    """Join neighbouring steps that mean the same.

    Returns:
        RUN array sorted by (home, start).
    """
    state = _states(steps, schedules)
    first = np.ones(len(state), bool)
    first[1:] = (state[1:] != state[:-1]) | (steps.piece[1:] != steps.piece[:-1]) | (steps.home[1:] != steps.home[:-1])
    at = np.flatnonzero(first)
    out = np.empty(len(at), RUN)
    out["home"], out["start"], out["piece"] = steps.home[at], steps.start[at], steps.piece[at]
    out["state"], out["windowed"] = state[at], schedules.pieces["windowed"][out["piece"]]
    last = np.append(out["home"][1:] != out["home"][:-1], True)[: len(at)]
    out["end"] = np.where(last, end[out["home"]], np.append(out["start"][1:], 0)[: len(at)])
    if len(at):
        out["lowest"] = np.fmin.reduceat(steps.celsius, at)
        out["heat"] = _heat(steps, at, out["end"])
    return out


def _states(steps: Cut, schedules: Schedules) -> NDArray[np.uint8]:
    """The State of every step. The rules are looked up once for each stretch of steps under one piece."""
    edge = np.ones(len(steps.piece), bool)
    edge[1:] = steps.piece[1:] != steps.piece[:-1]
    at = np.flatnonzero(edge)
    length = np.diff(np.append(at, len(steps.piece)))
    rules = schedules.pieces[steps.piece[at]]
    return classify(steps.celsius, {name: np.repeat(rules[name], length) for name in RULES})


def _heat(steps: Cut, at: NDArray[np.intp], end: Int) -> Int:
    """Temperature times time of each run, in m°C·µs."""
    length = np.empty(len(steps.start), np.int64)
    length[:-1] = steps.start[1:] - steps.start[:-1]
    length[np.append(at[1:], len(length)) - 1] = end - steps.start[np.append(at[1:], len(length)) - 1]
    return np.add.reduceat(milli(steps.celsius) * length, at)


def milli(celsius: NDArray[np.float32]) -> Int:
    """Thousandths of a degree as integers; unknown is 0."""
    known = np.where(np.isnan(celsius), np.float32(0), celsius)
    return np.rint(known * np.float64(1000)).astype(np.int64)

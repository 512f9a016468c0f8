"""From temperature to runs: spans of a home in which its state, the rules and the local day stay the same."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.engine.keys import HomeTimeKeys
from alerts.engine.schedule import Schedules
from alerts.engine.track import NONE, Int, Milli, Track, ranges
from domain.states import HomeState, NotJudged

BLOCK_READINGS = 1 << 17  # what is worked on at a time: it stays in the processor's cache
RUN = np.dtype(
    [
        ("home", np.int64),
        ("start", np.int64),  # µs
        ("end", np.int64),  # µs; the start of the home's next run, or where judging ends
        ("state", np.uint8),  # domain.states.State
        ("windowed", np.bool_),  # a cold limit is in force
        ("piece", np.int64),  # index into Schedules.pieces, of the first instant
        ("lowest", np.int32),  # m°C; NONE_MILLI if unknown
        ("heat", np.int64),  # sum of temperature times time in m°C·µs: exact, so that sums of parts are the sum
    ]
)


class Cut(NamedTuple):
    """A track cut wherever a run may begin. Sorted by (home, start); the first step of a home stands at its begin."""

    home: Int
    start: Int  # µs; a step lasts until the next one of its home
    piece: Int  # index into Schedules.pieces
    milli: Milli  # at the start; NONE_MILLI is unknown
    lowest: Milli  # of the whole step; NONE_MILLI if all of it is unknown
    heat: Int  # of the whole step, m°C·µs


class Edges(NamedTuple):
    """Where pieces of the rules begin for homes, the begin of judging among them. Sorted by (home, start)."""

    home: Int
    start: Int  # µs
    piece: Int


def cut(track: Track, schedules: Schedules, schedule: Int, begin: Int, end: Int) -> Cut:
    """Cut a track at every edge of its home's schedule, and where its temperature may mean something else.

    Most readings mean what the one before them meant: what comes out is a few per cent of what went in.

    Args:
        schedule: index of the schedule of each home.
        begin, end: µs per home, which the track does not leave.
    """
    edges = _edges(schedules, schedule, begin, end)
    keys = HomeTimeKeys.over(len(begin), begin, end)
    homes = np.arange(len(begin) + 1)
    first, first_edge = np.searchsorted(track.home, homes), np.searchsorted(edges.home, homes)
    parts = []
    for low, high in _blocks(first):
        mine = track.part(first[low], first[high])
        there = Edges(*(column[first_edge[low] : first_edge[high]] for column in edges))
        last = np.unique(first[low + 1 : high + 1]) - first[low] - 1  # of each home that has any
        parts.append(_cut(mine, last[last >= 0], there, schedules.pieces, keys, end))
    return parts[0] if len(parts) == 1 else Cut(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _edges(schedules: Schedules, schedule: Int, begin: Int, end: Int) -> Edges:
    """Where pieces begin for each home in [begin, end]."""
    low, high = piece_at(schedules, schedule, begin), piece_at(schedules, schedule, end)
    count = high - low + 1
    home = np.repeat(np.arange(len(begin)), count)
    piece = ranges(low, count)
    return Edges(home, np.maximum(schedules.pieces["start"][piece], begin[home]), piece)


def piece_at(schedules: Schedules, schedule: Int, instant: Int) -> Int:
    """The piece in force at an instant, one per (schedule, instant) pair; the first piece holds from ever."""
    of = np.repeat(np.arange(len(schedules.first) - 1), np.diff(schedules.first))
    starts = schedules.pieces["start"]
    keys = HomeTimeKeys.over(len(schedules.first), starts, instant)
    at = np.searchsorted(keys.of(of, starts), keys.of(schedule, instant), "right") - 1
    return np.maximum(at, schedules.first[schedule])


def _blocks(first: NDArray[np.intp]) -> Iterator[tuple[int, int]]:
    """Ranges of homes with about BLOCK_READINGS each, given where the readings of each home begin."""
    homes, low = len(first) - 1, 0
    while low < homes or low == 0:
        high = int(np.searchsorted(first, first[low] + BLOCK_READINGS, "right")) - 1
        high = min(max(high, low + 1), homes)
        yield low, high
        low = max(high, 1)


def _cut(
    track: Track, last: NDArray[np.intp], edges: Edges, pieces: NDArray[np.void], keys: HomeTimeKeys, end: Int
) -> Cut:
    """Cut the track of a few homes; `last` is the last reading of each."""
    if not len(track.home):
        unknown = np.full(len(edges.home), NONE)
        return Cut(*edges, unknown, unknown, np.zeros(len(edges.home), np.int64))
    key, edge_key = keys.of(track.home, track.start), keys.of(edges.home, edges.start)
    at = np.searchsorted(key, edge_key)  # of each edge: how many readings began before it
    there, rest = _at_edges(track, edges, key, edge_key, at, end)
    silent = _silent(track, last, end)
    tells = _tells(track, edges, pieces, at, there, last, silent)

    # Edges come first where they meet others, so that every step knows its piece.
    silent_key = key[silent] + (track.until[silent] - track.start[silent])
    order = np.argsort(np.concatenate((edge_key, silent_key, key[tells])), kind="stable")
    edge = np.cumsum(order < len(at)) - 1
    start = np.concatenate((edges.start, track.until[silent], track.start[tells]))[order]
    now = np.concatenate((there, np.full(len(silent), NONE), track.milli[tells]))[order]
    began = np.concatenate((at, silent + 1, tells))[order]
    rest = np.concatenate((rest, np.zeros(len(silent) + len(tells), np.int64)))[order]
    heat = _reduce(np.add, _heat(track, last, end), began, 0) + rest
    heat[:-1] -= rest[1:]
    lowest = np.minimum(now, _reduce(np.minimum, track.milli, began, NONE))
    return Cut(edges.home[edge], start, edges.piece[edge], now, lowest, heat)


def _at_edges(track: Track, edges: Edges, key: Int, edge_key: Int, at: Int, end: Int) -> tuple[Milli, Int]:
    """At each edge: the temperature in force, and the heat that its reading still gives if it began before."""
    begins = key[np.minimum(at, len(key) - 1)] == edge_key
    reading = at - 1 + begins
    known = (reading >= 0) & (track.home[reading] == edges.home) & (track.until[reading] > edges.start)
    milli = track.milli[reading]
    left = np.minimum(track.until[reading], end[edges.home]) - edges.start
    return np.where(known, milli, NONE), np.where(known & ~begins, milli * left, 0)


def _silent(track: Track, last: NDArray[np.intp], end: Int) -> NDArray[np.intp]:
    """Readings that are not held until the next one, or to the end."""
    silent = np.empty(len(track.home), bool)
    np.less(track.until[:-1], track.start[1:], out=silent[:-1])
    silent[last] = track.until[last] <= end[track.home[last]]
    return np.flatnonzero(silent)


def _heat(track: Track, last: NDArray[np.intp], end: Int) -> Int:
    """Temperature times time of each reading, m°C·µs."""
    heat = track.milli.astype(np.int64)
    length = track.until - track.start
    length[last] = np.minimum(track.until[last], end[track.home[last]]) - track.start[last]
    heat *= length
    return heat


def _tells(
    track: Track,
    edges: Edges,
    pieces: NDArray[np.void],
    at: NDArray[np.intp],
    there: Milli,
    last: NDArray[np.intp],
    silent: NDArray[np.intp],
) -> NDArray[np.intp]:
    """Readings that may mean something else than what was before them.

    Where a home never leaves the warm side between two edges, that is only the first one after a silence.
    """
    after = silent[silent < len(track.home) - 1] + 1
    resumed = after[track.home[after] == track.home[after - 1]]
    lowest = np.minimum(there, _reduce(np.minimum, track.milli, at, NONE))
    low = lowest < pieces["warm"][edges.piece]
    low &= pieces["reason"][edges.piece] == NotJudged.JUDGED
    count = np.diff(np.append(at, len(track.home)))[low]
    reading = ranges(at[low], count)
    level, value = np.zeros(len(reading), np.uint8), track.milli[reading]
    for limit in LIMITS:
        level += value < np.repeat(pieces[limit][edges.piece[low]], count)
    differs = np.ones(len(reading), bool)
    np.not_equal(level[1:], level[:-1], out=differs[1:])
    differs[(np.cumsum(count) - count)[count > 0]] = True
    return np.concatenate((last[:-1] + 1, [0], resumed, reading[differs]))


def _reduce(how: np.ufunc, values: NDArray[Any], at: NDArray[np.intp], none: int | np.int32) -> NDArray[Any]:
    """Reduce values[at[i]:at[i + 1]], the last one to the end; `none` where that is empty."""
    out = np.full(len(at), none, values.dtype)
    some = at < np.append(at[1:], len(values))
    if some.any():
        out[some] = how.reduceat(values, at[some])
    return out


LIMITS = ("warm", "target", "cold", "severe")


def classify(milli: Milli, pieces: NDArray[np.void] | dict[str, NDArray[Any]]) -> NDArray[np.uint8]:
    """The State of temperatures under the pieces in force, of one length with them."""
    state = np.full(milli.shape, HomeState.WARM, np.uint8)
    state[milli < pieces["warm"]] = HomeState.FAIR
    state[milli < pieces["target"]] = HomeState.SHORT
    state[milli < pieces["cold"]] = HomeState.COLD
    state[milli < pieces["severe"]] = HomeState.SEVERE
    state[milli == NONE] = HomeState.UNKNOWN
    state[pieces["reason"] != NotJudged.JUDGED] = HomeState.NOT_JUDGED
    return state


def runs(steps: Cut, schedules: Schedules, end: Int) -> NDArray[np.void]:
    """Join neighbouring steps that mean the same.

    Returns:
        RUN array sorted by (home, start).
    """
    state = classify(steps.milli, {name: schedules.pieces[name][steps.piece] for name in (*LIMITS, "reason")})
    first = np.ones(len(state), bool)
    first[1:] = (state[1:] != state[:-1]) | (steps.piece[1:] != steps.piece[:-1]) | (steps.home[1:] != steps.home[:-1])
    at = np.flatnonzero(first)
    out = np.empty(len(at), RUN)
    out["home"], out["start"], out["piece"] = steps.home[at], steps.start[at], steps.piece[at]
    out["state"], out["windowed"] = state[at], schedules.pieces["windowed"][out["piece"]]
    last = np.append(out["home"][1:] != out["home"][:-1], True)[: len(at)]
    out["end"] = np.where(last, end[out["home"]], np.append(out["start"][1:], 0)[: len(at)])
    if len(at):
        out["lowest"] = np.minimum.reduceat(steps.lowest, at)
        out["heat"] = np.add.reduceat(steps.heat, at)
    return out

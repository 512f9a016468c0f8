"""From temperature to runs: spans of a home in which its state, the rules and the local day stay the same."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.engine.keys import HomeTimeKeys
from alerts.engine.schedule import Schedules
from domain import groups
from domain.states import HomeState, NotJudged
from tests.unit.engine.oracle.track import NONE, Int, Milli, Track, ranges

BLOCK_READINGS = 1 << 17  # processed at a time; fits in the processor's cache
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
    """A track cut into steps wherever a run may begin, sorted by (home, start).

    The first step of a home starts where judging begins.
    """

    home: Int
    start: Int  # µs; a step lasts until the next one of its home
    piece: Int  # index into Schedules.pieces
    milli: Milli  # at the start; NONE_MILLI is unknown
    lowest: Milli  # of the whole step; NONE_MILLI if all of it is unknown
    heat: Int  # of the whole step, m°C·µs


class Edges(NamedTuple):
    """The beginnings of schedule pieces per home, and the begin of judging, sorted by (home, start)."""

    home: Int
    start: Int  # µs
    piece: Int


class EdgeReadings(NamedTuple):
    """The readings at the edges of a block."""

    at: NDArray[np.intp]  # how many readings of the block began before each edge
    milli: Milli  # in force at each edge; NONE_MILLI is unknown
    rest: Int  # m°C·µs that the reading in force gives from the edge on, if it began before


def cut(track: Track, schedules: Schedules, schedule: Int, begin: Int, end: Int) -> Cut:
    """Cut a track at every edge of its home's schedule, and where its temperature may map to another state.

    Most readings map to the state of the one before: a few per cent of them begin a step.

    Args:
        schedule: index of the schedule of each home.
        begin, end: µs per home; the track lies within.
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
    """List the pieces that each home meets in [begin, end]."""
    low, high = piece_at(schedules, schedule, begin), piece_at(schedules, schedule, end)
    count = high - low + 1
    home = np.repeat(np.arange(len(begin)), count)
    piece = ranges(low, count)
    return Edges(home, np.maximum(schedules.pieces["start"][piece], begin[home]), piece)


def piece_at(schedules: Schedules, schedule: Int, instant: Int) -> Int:
    """Return the index of the piece in force for each (schedule, instant) pair.

    Before its first edge a schedule is in its first piece.
    """
    of = np.repeat(np.arange(len(schedules.first) - 1), np.diff(schedules.first))
    starts = schedules.pieces["start"]
    keys = HomeTimeKeys.over(len(schedules.first), starts, instant)
    at = np.searchsorted(keys.of(of, starts), keys.of(schedule, instant), "right") - 1
    return np.maximum(at, schedules.first[schedule])


def _blocks(first: NDArray[np.intp]) -> Iterator[tuple[int, int]]:
    """Yield half-open ranges of homes with at most BLOCK_READINGS readings each, or a single home that has more.

    Args:
        first: index of the first reading of each home, then the number of readings.
    """
    homes, low = len(first) - 1, 0
    if not homes:
        yield 0, 0  # one empty block, which has all columns
    while low < homes:
        fits = int(np.searchsorted(first, first[low] + BLOCK_READINGS, "right")) - 1
        high = max(fits, low + 1)
        yield low, high
        low = high


def _cut(
    track: Track, last: NDArray[np.intp], edges: Edges, pieces: NDArray[np.void], keys: HomeTimeKeys, end: Int
) -> Cut:
    """Cut the track of a block of homes; `last` is the index of the last reading of each."""
    if not len(track.home):
        unknown = np.full(len(edges.home), NONE)
        return Cut(*edges, unknown, unknown, np.zeros(len(edges.home), np.int64))
    key, edge_key = keys.of(track.home, track.start), keys.of(edges.home, edges.start)
    at, there, rest = at_edges = _at_edges(track, edges, key, edge_key, end)
    silent = _silent(track, last, end)
    tells = _tells(track, edges, at_edges, pieces, last, silent)

    # At equal instants edges sort first, so that every step takes the piece that begins there.
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


def _at_edges(track: Track, edges: Edges, key: Int, edge_key: Int, end: Int) -> EdgeReadings:
    """Look up the reading in force at each edge."""
    at = np.searchsorted(key, edge_key)
    begins = key[np.minimum(at, len(key) - 1)] == edge_key
    reading = at - 1 + begins
    known = (reading >= 0) & (track.home[reading] == edges.home) & (track.until[reading] > edges.start)
    milli = track.milli[reading]
    left = np.minimum(track.until[reading], end[edges.home]) - edges.start
    return EdgeReadings(at, np.where(known, milli, NONE), np.where(known & ~begins, milli * left, 0))


def _silent(track: Track, last: NDArray[np.intp], end: Int) -> NDArray[np.intp]:
    """Return the indices of readings that expire before the next one of their home, or by the end."""
    silent = np.empty(len(track.home), bool)
    np.less(track.until[:-1], track.start[1:], out=silent[:-1])
    silent[last] = track.until[last] <= end[track.home[last]]
    return np.flatnonzero(silent)


def _heat(track: Track, last: NDArray[np.intp], end: Int) -> Int:
    """Return temperature times time of each reading, m°C·µs."""
    heat = track.milli.astype(np.int64)
    length = track.until - track.start
    length[last] = np.minimum(track.until[last], end[track.home[last]]) - track.start[last]
    heat *= length
    return heat


def _tells(
    track: Track,
    edges: Edges,
    at_edges: EdgeReadings,
    pieces: NDArray[np.void],
    last: NDArray[np.intp],
    silent: NDArray[np.intp],
) -> NDArray[np.intp]:
    """Return the indices of readings that may map to another state than the one before.

    Between two edges over which a home stays warm, only the first reading after a silence does.
    """
    at = at_edges.at
    after = silent[silent < len(track.home) - 1] + 1
    resumed = after[track.home[after] == track.home[after - 1]]
    lowest = np.minimum(at_edges.milli, _reduce(np.minimum, track.milli, at, NONE))
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
    """Reduce values[at[i]:at[i + 1]], the last slice to the end; `none` for empty slices."""
    out = np.full(len(at), none, values.dtype)
    some = at < np.append(at[1:], len(values))
    if some.any():
        out[some] = how.reduceat(values, at[some])
    return out


LIMITS = ("warm", "target", "cold", "severe")


def classify(milli: Milli, pieces: NDArray[np.void] | dict[str, NDArray[Any]]) -> NDArray[np.uint8]:
    """Return the HomeState of each temperature under the piece in force; arrays of equal length."""
    state = np.full(milli.shape, HomeState.WARM, np.uint8)
    state[milli < pieces["warm"]] = HomeState.FAIR
    state[milli < pieces["target"]] = HomeState.SHORT
    state[milli < pieces["cold"]] = HomeState.COLD
    state[milli < pieces["severe"]] = HomeState.SEVERE
    state[milli == NONE] = HomeState.UNKNOWN
    state[pieces["reason"] != NotJudged.JUDGED] = HomeState.NOT_JUDGED
    return state


def runs(steps: Cut, schedules: Schedules, end: Int) -> NDArray[np.void]:
    """Join neighbouring steps of equal state and piece.

    Returns:
        RUN array sorted by (home, start).
    """
    state = classify(steps.milli, {name: schedules.pieces[name][steps.piece] for name in (*LIMITS, "reason")})
    at = groups.firsts(state, steps.piece, steps.home)
    out = np.empty(len(at), RUN)
    out["home"], out["start"], out["piece"] = steps.home[at], steps.start[at], steps.piece[at]
    out["state"], out["windowed"] = state[at], schedules.pieces["windowed"][out["piece"]]
    out["end"] = np.where(groups.is_last(out["home"]), end[out["home"]], np.append(out["start"][1:], 0)[: len(at)])
    if len(at):
        out["lowest"] = np.minimum.reduceat(steps.lowest, at)
        out["heat"] = np.add.reduceat(steps.heat, at)
    return out

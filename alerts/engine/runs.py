"""From temperature to runs: spans of a home in which its state, the rules and the local day stay the same."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from alerts.engine.keys import HomeTimeKeys
from alerts.engine.schedule import Schedules
from alerts.engine.scratch import Scratch
from alerts.engine.track import NONE, Int, Milli, Track, bisect, ranges
from domain import groups
from domain.states import HomeState, NotJudged

BLOCK_READINGS = 1 << 17  # processed at a time; fits in the processor's cache
FEW_READINGS = 16  # between two edges: to sum them up first costs more than to look at each
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
    key: Int  # of home and start
    keys: HomeTimeKeys

    @classmethod
    def of(cls, schedules: Schedules, schedule: Int, begin: Int, end: Int) -> Self:
        """List the pieces that each home meets in [begin, end]."""
        low, high = piece_at(schedules, schedule, begin), piece_at(schedules, schedule, end)
        count = high - low + 1
        home, keys = np.repeat(np.arange(len(begin)), count), HomeTimeKeys.over(len(begin), begin, end)
        piece = ranges(low, count)
        start = np.maximum(schedules.pieces["start"][piece], begin[home])
        return cls(home, start, piece, keys.of(home, start), keys)

    def of_homes(self, low: int, high: int) -> Self:
        """Return the edges of the homes low..high-1."""
        mine = slice(*np.searchsorted(self.home, (low, high)).tolist())
        return type(self)(self.home[mine], self.start[mine], self.piece[mine], self.key[mine], self.keys)


class KeptReadings(NamedTuple):
    """The readings between edges over which the state may change, in order."""

    milli: NDArray[np.signedinteger]  # m°C
    heat: Int  # m°C·µs
    tells: Int  # indices of those that begin a step: on another level than the one before, or after silence
    key: Int  # of home and instant of each of `tells`


class EdgeSums(NamedTuple):
    """The sums of readings from each edge to the next, and the readings that may begin a step between."""

    milli: Milli  # in force at the edge; NONE_MILLI is unknown
    rest: Int  # m°C·µs that the reading in force gives from the edge on, if it began before
    lowest: Milli  # of the readings that begin from the edge on; NONE_MILLI: none, or they are kept
    heat: Int  # m°C·µs of the same; 0: none, or they are kept
    number: Int  # how many are kept: all or none
    kept: KeptReadings
    silent: Int  # key of each instant from which the temperature is unknown, rising
    silent_at: Int  # how many of the kept readings began before


def cut(track: Track, schedules: Schedules, schedule: Int, begin: Int, end: Int, scratch: Scratch | None = None) -> Cut:
    """Cut a track at every edge of its home's schedule, and where its temperature may map to another state.

    Most readings map to the state of the one before: a few per cent of them begin a step.

    Args:
        schedule: index of the schedule of each home.
        begin, end: µs per home; the track lies within.
    """
    edges = Edges.of(schedules, schedule, begin, end)
    parts = list[EdgeSums]()
    for low, high in blocks(track.first):
        # What is kept of a block may live in its scratch.
        mine = scratch if scratch and not parts else Scratch()
        sums = sum_up(track.of_homes(low, high), edges.of_homes(low, high), end[low:high], schedules.pieces, mine)
        parts.append(sums)
    return steps(edges, parts)


def piece_at(schedules: Schedules, schedule: Int, instant: Int) -> Int:
    """Return the index of the piece in force for each (schedule, instant) pair.

    Before its first edge a schedule is in its first piece.
    """
    starts = schedules.pieces["start"]
    if len(schedules.first) == 2:  # all homes have the same rules
        return np.maximum(np.searchsorted(starts, instant, "right") - 1, 0)
    of = np.repeat(np.arange(len(schedules.first) - 1), np.diff(schedules.first))
    keys = HomeTimeKeys.over(len(schedules.first), starts, instant)
    at = np.searchsorted(keys.of(of, starts), keys.of(schedule, instant), "right") - 1
    return np.maximum(at, schedules.first[schedule])


def blocks(first: Int, most: int | None = None) -> Iterator[tuple[int, int]]:
    """Yield half-open ranges of homes with few enough readings each, or a single home that has more.

    Args:
        first: index of the first reading of each home, then the number of readings.
        most: the readings of a range; None: BLOCK_READINGS.
    """
    homes, low, most = len(first) - 1, 0, most or BLOCK_READINGS
    if not homes:
        yield 0, 0  # one empty block, which has all columns
    while low < homes:
        fits = int(np.searchsorted(first, first[low] + most, "right")) - 1
        high = max(fits, low + 1)
        yield low, high
        low = high


class Opened(NamedTuple):
    """A block of readings with what they come to at the edges of their homes."""

    heat: Int  # m°C·µs, per reading
    opens: Int  # the readings before which the temperature is unknown
    silences: Int  # key of each instant from which the temperature is unknown, rising
    at: Int  # the first reading of each edge
    milli: Milli  # in force at the edge; NONE_MILLI is unknown
    carried: NDArray[np.bool_]  # whether the reading in force began before the edge
    rest: Int  # m°C·µs that such a reading gives from the edge on


class Totals(NamedTuple):
    """Readings of homes summed up from each edge to the next."""

    lowest: Milli  # of the readings that begin there; NONE_MILLI: none
    heat: Int  # m°C·µs of the same
    busy: NDArray[np.bool_]  # whether the state may change before the next edge


def opened(track: Track, edges: Edges, end: Int, scratch: Scratch) -> Opened:
    """Look at the readings of a block of homes one by one.

    Args:
        edges: of the same homes, whatever the number of the first.
        end: µs per home.
        scratch: has what is returned of single readings.
    """
    first, silent = track.first, track.silent
    some = np.flatnonzero(first[1:] > first[:-1])
    last = first[some + 1] - 1
    home = int(edges.home[0]) if len(end) else 0
    heat = scratch.whole("heat", len(track.start))
    np.multiply(track.length, track.milli, out=heat)
    heat[last] = np.minimum(track.length[last], end[some] - track.start[last]) * track.milli[last]
    opens = np.concatenate((first[some], silent[silent < len(heat) - 1] + 1))
    of_silent = np.searchsorted(first, silent, "right") - 1 + home
    silences = of_silent * edges.keys.span + track.start[silent] + track.length[silent]
    at = _first_at(track, edges, home)
    return Opened(heat, opens, silences, at, *_at_edges(track, edges, at, home, end))


def _first_at(track: Track, edges: Edges, home: int) -> Int:
    """Return the first reading of its home that begins at or after each edge; `home` is the first one of the block."""
    first = track.first
    if len(track.start) > FEW_READINGS * len(edges.start):
        mine = edges.home - home
        return bisect(track.start, edges.start, first[mine], first[mine + 1])
    spans = np.arange(home, home + len(first) - 1) * edges.keys.span
    return np.searchsorted(np.repeat(spans, _counts(first)) + track.start, edges.key)


def total_up(all_: Opened, track: Track, edges: Edges, pieces: NDArray[np.void]) -> Totals:
    """Sum up readings between edges, and find where nothing but the sums counts: where a home is known and warm."""
    heat, opens, silences, at, milli, _, _ = all_
    lowest, total = _reduce(np.minimum, track.milli, at, NONE), _reduce(np.add, heat, at, 0)
    busy = np.minimum(milli, lowest) < pieces["warm"][edges.piece]
    busy &= pieces["reason"][edges.piece] == JUDGED
    busy[np.searchsorted(edges.key, silences, "right") - 1] = True
    busy[np.searchsorted(at, opens, "right") - 1] = True
    return Totals(lowest, total, busy)


def _counts(first: Int) -> Int:
    """Return how many rows each group has; the last of `first` is the number of rows."""
    return np.subtract(first[1:], first[:-1])


def sum_up(track: Track, edges: Edges, end: Int, pieces: NDArray[np.void], scratch: Scratch) -> EdgeSums:
    """Sum up the readings of a block of homes between its edges, and keep those that may begin a step."""
    all_ = opened(track, edges, end, scratch)
    heat, opens, silences, at, milli, _, rest = all_
    count, value = _counts(np.append(at, len(heat))), track.milli
    lowest, total = np.full(len(at), NONE), np.zeros(len(at), np.int64)
    if len(heat) >= FEW_READINGS * len(at):
        lowest, total, busy = total_up(all_, track, edges, pieces)
        count[~busy], lowest[busy], total[busy] = 0, NONE, 0
        value, heat = _slices(at, count, value, heat)
    first = np.cumsum(count) - count
    differs = _differs(value, count, edges.piece, pieces)
    edge = np.searchsorted(at, opens, "right") - 1
    differs[first[edge] + opens - at[edge]] = True
    tells = np.flatnonzero(differs)
    edge = np.searchsorted(first, tells, "right") - 1
    key = edges.keys.of(edges.home[edge], track.start[at[edge] + tells - first[edge]])
    edge = np.searchsorted(at, track.silent, "right") - 1
    silent_at = first[edge] + np.minimum(track.silent + 1 - at[edge], count[edge])
    return EdgeSums(milli, rest, lowest, total, count, KeptReadings(value, heat, tells, key), silences, silent_at)


def _slices(at: Int, count: Int, *columns: NDArray[Any]) -> list[NDArray[Any]]:
    """Gather column[at[i] : at[i] + count[i]], one after the other."""
    some = np.flatnonzero(count)
    begins, ends = at[some], at[some] + count[some]
    new = np.append(True, begins[1:] != ends[:-1])[: len(some)]
    low, high = begins[new], ends[np.append(new[1:], True)[: len(some)]]
    bounds = list(zip(low.tolist(), high.tolist(), strict=True))
    return [np.concatenate([column[a:b] for a, b in bounds] or [column[:0]]) for column in columns]


def _at_edges(track: Track, edges: Edges, at: Int, home: int, end: Int) -> tuple[Milli, NDArray[np.bool_], Int]:
    """Return the m°C in force at each edge, whether that reading began before, and the m°C·µs it then gives after."""
    if not len(track.start):
        return np.full(len(at), NONE), np.zeros(len(at), bool), np.zeros(len(at), np.int64)
    mine = edges.home - home
    begins = (at < track.first[mine + 1]) & (track.start[np.minimum(at, len(track.start) - 1)] == edges.start)
    reading = at - 1 + begins
    until = track.start[reading] + track.length[reading]
    known = (reading >= track.first[mine]) & (until > edges.start)
    milli, carried = np.where(known, track.milli[reading], NONE), known & ~begins
    return milli, carried, np.where(carried, milli * (np.minimum(until, end[mine]) - edges.start), 0)


def steps(edges: Edges, blocks: Sequence[EdgeSums]) -> Cut:
    """Lay out the steps of homes by the sums of their blocks."""
    milli, rest, lowest, total, count, kept, silent, silent_at = blocks[0] if len(blocks) == 1 else _joined(blocks)
    value, heat, tells, key = kept
    # At equal instants edges sort first, so that every step takes the piece that begins there.
    keys = np.concatenate((edges.key, silent, key))
    order = np.argsort(keys, kind="stable")
    at_edge = np.flatnonzero(order < len(edges.key))
    edge = np.cumsum(order < len(edges.key)) - 1
    home = edges.home[edge]
    began = np.concatenate((np.cumsum(count) - count, silent_at, tells))[order]
    now = np.full(len(order), NONE)
    now[at_edge], now[order >= len(order) - len(tells)] = milli, value[tells]
    least, sums = _reduce(np.minimum, value, began, NONE), _reduce(np.add, heat, began, 0)
    least[at_edge] = np.minimum(least[at_edge], lowest)
    sums[at_edge] += total + rest
    sums[at_edge[1:] - 1] -= rest[1:]
    return Cut(home, keys[order] - home * edges.keys.span, edges.piece[edge], now, np.minimum(now, least), sums)


def _joined(blocks: Sequence[EdgeSums]) -> EdgeSums:
    """Lay the homes of blocks end to end."""
    columns: list[tuple[Any, ...]] = list(zip(*blocks, strict=True))
    milli, rest, lowest, heat, count, silent = (np.concatenate(columns[nth]) for nth in (0, 1, 2, 3, 4, 6))
    before = np.cumsum([0, *(len(kept.milli) for kept in columns[5])])[:-1].tolist()
    silent_at = np.concatenate([at + n for at, n in zip(columns[7], before, strict=True)])
    numbered = [kept._replace(tells=kept.tells + n) for kept, n in zip(columns[5], before, strict=True)]
    kept = KeptReadings(*(np.concatenate(column) for column in zip(*numbered, strict=True)))
    return EdgeSums(milli, rest, lowest, heat, count, kept, silent, silent_at)


def _differs(milli: NDArray[np.signedinteger], count: Int, piece: Int, pieces: NDArray[np.void]) -> NDArray[np.bool_]:
    """Mask the readings on another level than the one before; the first one from an edge on always is.

    Args:
        count: the number of readings from each edge on; they are sorted by edge.
        piece: of each edge.
    """
    level = np.zeros(len(milli), np.uint8)
    for limit in LIMITS:
        level += milli < np.repeat(pieces[limit][piece].astype(milli.dtype), count)
    differs = groups.is_first(level)
    differs[(np.cumsum(count) - count)[count > 0]] = True
    return differs


def _reduce(how: np.ufunc, values: NDArray[Any], at: NDArray[np.intp], none: int | np.int32) -> NDArray[Any]:
    """Reduce values[at[i]:at[i + 1]], the last slice to the end; `none` for empty slices."""
    out = np.full(len(at), none, values.dtype)
    some = np.flatnonzero(np.append(at[1:], len(values))[: len(at)] > at)
    if len(some):
        out[some] = how.reduceat(values, at[some])
    return out


# The state under each limit; a later one counts more. Plain numbers: numpy asks an enumeration what it is each time.
BELOW = {"warm": int(HomeState.FAIR), "target": int(HomeState.SHORT), "cold": int(HomeState.COLD),
         "severe": int(HomeState.SEVERE)}  # fmt: skip
LIMITS = tuple(BELOW)
WARM, UNKNOWN, NOT_JUDGED = int(HomeState.WARM), int(HomeState.UNKNOWN), int(HomeState.NOT_JUDGED)
JUDGED = int(NotJudged.JUDGED)


def classify(milli: Milli, pieces: NDArray[np.void] | Mapping[str, NDArray[Any]]) -> NDArray[np.uint8]:
    """Return the HomeState of each temperature under the piece in force; arrays of equal shape."""
    state = np.full(milli.shape, WARM, np.uint8)
    for limit, below in BELOW.items():
        np.putmask(state, milli < pieces[limit], below)
    np.putmask(state, milli == NONE, UNKNOWN)
    np.putmask(state, pieces["reason"] != JUDGED, NOT_JUDGED)
    return state


def rules_of(schedules: Schedules, piece: Int) -> dict[str, NDArray[Any]]:
    """Return what `classify` needs of the pieces at some indices."""
    pieces = schedules.pieces
    return {name: pieces[name][piece] for name in (*LIMITS, "reason")}


def runs(steps: Cut, schedules: Schedules, end: Int) -> NDArray[np.void]:
    """Join neighbouring steps of equal state and piece.

    Returns:
        RUN array sorted by (home, start).
    """
    state = classify(steps.milli, rules_of(schedules, steps.piece))
    at = groups.firsts(state, steps.piece, steps.home)
    out = np.empty(len(at), RUN)
    out["home"], out["start"], out["piece"] = steps.home[at], steps.start[at], steps.piece[at]
    out["state"], out["windowed"] = state[at], schedules.pieces["windowed"][out["piece"]]
    next_start = np.append(out["start"][1:], 0)[: len(at)]
    out["end"] = np.where(groups.is_last(out["home"]), end.take(out["home"]), next_start)
    if len(at):
        out["lowest"] = np.minimum.reduceat(steps.lowest, at)
        out["heat"] = np.add.reduceat(steps.heat, at)
    return out

"""From runs to ledger days: how long a home was in which state on each local day, in integer microseconds."""

import numpy as np
from numpy.typing import NDArray

from alerts.engine.keys import HomeTimeKeys
from alerts.engine.track import NONE, Int
from domain import groups, rows
from domain.states import HomeState

LEDGER = np.dtype(
    [
        ("home", np.int64),
        ("day", np.int32),  # local date, proleptic ordinal
        ("compliant", np.int64),  # µs, and so are the next five; the five states add up to the time covered
        ("cold", np.int64),
        ("severe", np.int64),
        ("unknown", np.int64),
        ("not_judged", np.int64),
        ("shortfall", np.int64),  # part of compliant: under the day limit while its window is closed
        ("heat", np.int64),  # temperature times judged and known time, m°C·µs
        ("deficit", np.int64),  # kelvin under the limit times time in breach, mK·µs
        ("lowest", np.int32),  # m°C in judged time; NONE_MILLI: none known
        ("version", np.int16),  # of the policy
    ]
)
SUMS = ("compliant", "cold", "severe", "unknown", "not_judged", "shortfall", "heat", "deficit")
_STATES = {  # column → first and last of its states
    "not_judged": (HomeState.NOT_JUDGED, HomeState.NOT_JUDGED),
    "unknown": (HomeState.UNKNOWN, HomeState.UNKNOWN),
    "compliant": (HomeState.WARM, HomeState.SHORT),
    "cold": (HomeState.COLD, HomeState.COLD),
    "severe": (HomeState.SEVERE, HomeState.SEVERE),
}


def ledger(runs: NDArray[np.void], pieces: NDArray[np.void]) -> NDArray[np.void]:
    """Sum runs up by home and local day.

    Args:
        runs: RUN sorted by (home, start).
        pieces: PIECE that `runs["piece"]` points into.
    Returns:
        LEDGER sorted by (home, day), one row per home and day that the runs touch.
    """
    day = pieces["day"][runs["piece"]].astype(np.int64)
    keys = HomeTimeKeys.over(int(runs["home"].max(initial=0)) + 1, day)
    key = keys.of(runs["home"], day)
    if (key[1:] < key[:-1]).any():
        # A local day comes in two parts where a zone sets its clocks back over midnight.
        order = np.argsort(key, kind="stable")
        runs, key = rows.take(runs, order), key[order]
    first = groups.firsts(key)
    out = np.zeros(len(first), LEDGER)
    if len(first):
        out["home"], out["day"] = keys.split(key[first])
        out["version"] = pieces["version"].take(runs["piece"][first])
        _sum_up(out, runs, pieces, first)
    return out


def _sum_up(out: NDArray[np.void], runs: NDArray[np.void], pieces: NDArray[np.void], first: NDArray[np.intp]) -> None:
    """Sum the runs of each row; `first` is the first run of each."""

    def total(amount: Int, where: NDArray[np.bool_]) -> Int:
        return np.asarray(np.add.reduceat(np.where(where, amount, 0), first))

    state = np.ascontiguousarray(runs["state"])
    length = runs["end"] - runs["start"]
    for column, (low, high) in _STATES.items():
        out[column] = total(length, (state >= low) & (state <= high))
    out["shortfall"] = total(length, state == HomeState.SHORT)
    judged, breach = state >= HomeState.WARM, state >= HomeState.COLD
    out["heat"] = total(runs["heat"], judged)
    limit = np.where(breach, np.maximum(pieces["cold"], pieces["severe"])[runs["piece"]], 0)
    out["deficit"] = total(limit * length - runs["heat"], breach)
    out["lowest"] = np.minimum.reduceat(np.where(judged & (length > 0), runs["lowest"], NONE), first)

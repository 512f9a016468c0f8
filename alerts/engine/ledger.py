"""From runs to ledger days: how long a home was in which state on each local day, in integer microseconds."""

import numpy as np
from numpy.typing import NDArray

from alerts.engine.keys import Keys
from alerts.engine.runs import milli
from alerts.engine.track import Int
from domain.states import State

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
        ("lowest", np.float32),  # °C in judged time; +inf: none known
        ("version", np.int16),  # of the policy
    ]
)
SUMS = ("compliant", "cold", "severe", "unknown", "not_judged", "shortfall", "heat", "deficit")
_COLUMN = {
    State.NOT_JUDGED: "not_judged",
    State.UNKNOWN: "unknown",
    State.WARM: "compliant",
    State.FAIR: "compliant",
    State.SHORT: "compliant",
    State.COLD: "cold",
    State.SEVERE: "severe",
}


def ledger(runs: NDArray[np.void], pieces: NDArray[np.void]) -> NDArray[np.void]:
    """Sum runs up by home and local day.

    Args:
        runs: RUN sorted by (home, start).
        pieces: PIECE that `runs["piece"]` points into.
    Returns:
        LEDGER sorted by (home, day), one row per home and day that the runs touch.
    """
    rules = pieces[runs["piece"]]
    day = rules["day"].astype(np.int64)
    keys = Keys.over(int(runs["home"].max(initial=0)) + 1, day)
    # A local day may come in two parts where a zone sets its clocks back over midnight, so group by value.
    key = keys.of(runs["home"], day)
    found, group = np.unique(key, return_inverse=True)
    out = np.zeros(len(found), LEDGER)
    out["home"], days = keys.split(found)
    out["day"] = days
    length = runs["end"] - runs["start"]
    for state, column in _COLUMN.items():
        _add(out[column], group, length, runs["state"] == state)
    _add(out["shortfall"], group, length, runs["state"] == State.SHORT)
    judged = runs["state"] >= State.WARM
    _add(out["heat"], group, runs["heat"], judged)
    breach = runs["state"] >= State.COLD
    limit = milli(np.where(breach, np.maximum(rules["cold"], rules["severe"]), np.float32(0)))
    _add(out["deficit"], group, limit * length - runs["heat"], breach)
    out["lowest"] = np.inf
    some = judged & (length > 0)
    np.minimum.at(out["lowest"], group[some], runs["lowest"][some])
    out["version"][group] = rules["version"]
    return out


def _add(column: Int, group: NDArray[np.intp], amount: Int, where: NDArray[np.bool_]) -> None:
    np.add.at(column, group[where], amount[where])

"""The six runs that are drawn in the docstring of the machine's timeline."""

import numpy as np

from alerts.engine.machine import COLD, SEVERE, WARM, _Timeline, fold, idle
from alerts.engine.runs import RUN
from alerts.engine.schedule import PIECE
from domain.instants import NONE_US

MINUTE = 60_000_000
NO = NONE_US // MINUTE


def example() -> tuple[np.ndarray, np.ndarray]:
    """Return the runs of the drawing and the one piece of rules that they are judged by."""
    runs, pieces = np.zeros(6, RUN), np.zeros(1, PIECE)
    runs["start"] = np.array([0, 10, 50, 90, 100, 120]) * MINUTE
    runs["end"] = np.append(runs["start"][1:], 140 * MINUTE)
    runs["state"], runs["windowed"] = (WARM, COLD, SEVERE, COLD, WARM, WARM), True
    runs["lowest"] = (20_000, 17_000, 15_000, 17_000, 20_000, 20_000)
    pieces["start"], pieces["cold"], pieces["severe"] = NONE_US, 18_000, 16_000
    pieces["confirm"] = pieces["clear"] = 30 * MINUTE
    return runs, pieces


def test_the_arrays_are_those_of_the_drawing() -> None:
    line = _Timeline(idle(1), *example())
    minutes = {
        "breach_since": [NO, 10, 10, 10, NO, NO],
        "severe_since": [NO, NO, 50, NO, NO, NO],
        "warm_since": [0, NO, NO, NO, 100, 100],
        "opens_at": [NO, 40, 50, 90, NO, NO],
        "worsens_at": [NO, NO, 80, NO, NO, NO],
        "ends_at": [NO, NO, NO, NO, NO, 130],
    }
    assert {name: (getattr(line, name) // MINUTE).tolist() for name in minutes} == minutes
    others = {
        "new": [1, 0, 0, 0, 0, 0],
        "head": [0, 0, 0, 0, 0, 0],
        "breach": [0, 1, 1, 1, 0, 0],
        "breach_from": [0, 1, 1, 1, 1, 1],
        "measured": [0, 0, 0, 0, 0, 0],
        "before": [0, 0, 1, 1, 1, 1],
        "after": [0, 1, 1, 1, 1, 0],
    }
    assert {name: getattr(line, name).tolist() for name in others} == others


def test_the_flag_of_the_drawing() -> None:
    state = idle(1)
    (ended,) = fold(state, *example())
    instants = [
        int(ended["flag"][name]) // MINUTE for name in ("cold_since", "confirmed_at", "severe_at", "cleared_at")
    ]
    assert instants == [10, 40, 80, 130]
    assert (ended["flag"]["lowest"], ended["flag"]["limit"]) == (15_000, 16_000)
    assert state["severity"].tolist() == [0]

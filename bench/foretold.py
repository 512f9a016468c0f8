"""The section of forecasts in `bench.foresight`: eight recorded rooms, and a simulated town with its faults."""

import csv
import gzip
from datetime import datetime
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

import sim

Floats = npt.NDArray[np.float64]

RECORDING = files(sim) / "recordings/rooms_2016.csv.gz"
RECORDED_SECONDS = 600
TRAIN_SHARE = 0.6
LEADS_H = (3, 6, 12)


class Recording(NamedTuple):
    """Rooms of a house: temperatures [time, room], of the air outside [time], and Unix seconds [time]."""

    rooms: Floats
    outdoor: Floats
    seconds: npt.NDArray[np.int64]


def recording() -> Recording:
    """Read the recorded rooms."""
    with RECORDING.open("rb") as packed, gzip.open(packed, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rooms = [name for name in rows[0] if name not in ("measured_at", "outdoor")]
    return Recording(
        np.array([[float(row[room]) for room in rooms] for row in rows]),
        np.array([float(row["outdoor"]) for row in rows]),
        np.array([int(datetime.fromisoformat(row["measured_at"]).timestamp()) for row in rows]),
    )


def figures() -> dict[str, float | int | None]:
    """Return the figures of forecasts."""
    rooms = recording().rooms
    rest = rooms[int(len(rooms) * TRAIN_SHARE) :]
    figures: dict[str, float | int | None] = {}
    for lead in LEADS_H:
        steps = lead * 3600 // RECORDED_SECONDS
        figures[f"persistence_mae_{lead}h"] = round(float(np.abs(rest[steps:] - rest[:-steps]).mean()), 3)
    return figures

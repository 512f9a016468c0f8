"""Hold what was told against what happened: sums for each horizon and lead, and a lesson for the model."""

from datetime import date
from typing import Any

import numpy as np

from alerts.insight import packing
from insight import chance
from insight.chance import HORIZONS_H
from insight.forecast import LEADS_H
from insight.model import Forecast, Lesson, changes
from insight.score import Chances
from insight.window import Floats
from store.insight.foresight_rows import Told


def unpacked(row: Told, now: Floats, limits: Floats) -> Forecast:
    """Return what was told as it was then, of homes whose temperature was `now`."""
    homes = len(now)
    change = packing.of_hundredths(row.change).reshape(homes, -1)
    stays = chance.margins(now[:, None], limits)
    scale, ends = packing.of_hundredths(row.scale), np.array(row.ends).reshape(-1, 2)
    return Forecast(now, change, scale, ends, stays, packing.of_per_cent(row.chance).reshape(homes, -1))


def chance_sums(lesson: Lesson, day: date) -> list[dict[str, Any]]:
    """Return the sums of each horizon, as they are kept."""
    came, told = chance.margins(lesson.after, lesson.limits), lesson.told
    sums = []
    for place, horizon in enumerate(HORIZONS_H):
        probability = np.where(np.isfinite(came[:, place]), told.chance[:, place], np.nan)
        found = Chances.of(probability, came[:, place] < 0, told.margin_now[:, place] < 0)
        sums.append({**vars(found), "bins": found.bins.ravel().tolist(), "horizon": horizon, "day": day})
    return [row for row in sums if row["pairs"]]


def error_sums(lesson: Lesson, day: date) -> list[dict[str, Any]]:
    """Return the sums of each lead, as they are kept."""
    told, change = lesson.told, changes(lesson.told.now, lesson.after)
    error = change - told.change
    scaled = error / told.scale[:, None]
    covered = (scaled >= told.interval[:, 0]) & (scaled <= told.interval[:, 1])
    known = np.isfinite(error)
    return [
        {
            "day": day,
            "lead": lead,
            "pairs": int(known[:, place].sum()),
            "error": float(np.abs(error[known[:, place], place]).sum()),
            "error_persistence": float(np.abs(change[known[:, place], place]).sum()),
            "covered": int((covered & known)[:, place].sum()),
        }
        for place, lead in enumerate(LEADS_H)
        if known[:, place].any()
    ]

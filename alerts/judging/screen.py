"""Suspect readings on record, by the same rules as judging of a history."""

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.judging.placing import placed
from alerts.judging.weigh import ReadingRules
from archives.history import TABLE_ALONE, OneHistory
from domain.instants import to_datetime
from domain.quality import Quality
from store.readings import stays


def suspects(
    conn: Connection, weights: ReadingRules, homes: NDArray[np.int32], fresh: NDArray[np.void]
) -> NDArray[np.bool_]:
    """Mask the suspect ones among the readings that this transaction has stored.

    Args:
        homes: home_id; they are locked, so that all their stored readings are visible.
        fresh: store.readings.PLACED of judged rooms of the homes.
    """
    at = fresh["measured_at"]
    sensors = np.unique(fresh["sensor_id"])
    rows = between(conn, weights, homes.tolist(), (int(at.min()), int(at.max())), sensors)
    found = set(zip(rows["sensor_id"].tolist(), rows["measured_at"].tolist(), strict=True))
    asked = zip(fresh["sensor_id"].tolist(), at.tolist(), strict=True)
    return np.fromiter((reading in found for reading in asked), bool, len(fresh))


def between(
    conn: Connection,
    weights: ReadingRules,
    homes: list[int],
    span_us: tuple[int, int],
    sensors: NDArray[np.int32] | None = None,
    readings: OneHistory = TABLE_ALONE,
) -> NDArray[np.void]:
    """Return the suspect readings of homes from one instant to another, both included.

    Args:
        sensors: only of these; None: of all that ever stood in the homes.
    """
    places = stays.stays(conn, homes)
    if sensors is None:
        sensors = np.unique(places["sensor_id"])
    back_us = weights.look_back_us(int(places["interval_s"].max(initial=1)))
    start, end = to_datetime(span_us[0] - back_us), to_datetime(span_us[1] + 1)
    rows = weights.screen(placed(readings.said(conn, sensors.tolist(), start, end), places), span_us[0])
    return np.asarray(rows[rows["quality"] == Quality.SUSPECT])

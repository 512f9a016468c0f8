"""Which readings of a batch are suspect: found from the table by what judging a history goes by."""

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.engine.schedule import to_datetime
from alerts.history import placed
from alerts.weigh import Weights
from domain.quality import Quality
from store import stays


def suspects(
    conn: Connection, weights: Weights, homes: NDArray[np.int32], fresh: NDArray[np.void]
) -> NDArray[np.bool_]:
    """Mask of the suspect ones among readings that this transaction has stored.

    Args:
        homes: home_id; the homes are locked, so that all that is stored of them is in sight.
        fresh: store.readings.PLACED of judged rooms of the homes.
    """
    places = stays.stays(conn, homes.tolist())
    at = fresh["measured_at"]
    since = int(at.min())
    back_us = weights.look_back_us(int(places["interval_s"].max(initial=1)))
    start, end = to_datetime(since - back_us), to_datetime(int(at.max()) + 1)
    rows = placed(stays.said(conn, np.unique(fresh["sensor_id"]).tolist(), start, end), places)
    rows = weights.screen(rows, since)
    rows = rows[rows["quality"] == Quality.SUSPECT]
    found = set(zip(rows["sensor_id"].tolist(), rows["measured_at"].tolist(), strict=True))
    asked = zip(fresh["sensor_id"].tolist(), at.tolist(), strict=True)
    return np.fromiter((reading in found for reading in asked), bool, len(fresh))

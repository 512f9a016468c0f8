"""Estimates of the homes of a substation without a sensor, as pages and routes take them."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from psycopg import Connection

from alerts.insight.past import STEP, past_of, quarter
from api.homes.home_places import places_of
from insight.fallen import PAST_STEPS, fallen
from insight.rates import Floats
from insight.unmeasured import Estimates, estimate
from store.insight import foresight_rows
from store.sensors.estimate_rows import PlacedHome


def estimated(conn: Connection, substation: str, found: Sequence[PlacedHome], now: datetime) -> Estimates:
    """Estimate homes of a substation without a sensor from those with one, and from what these did of late."""
    homes = places_of(found)
    celsius = np.array([np.nan if home.celsius is None else home.celsius for home in found], np.float64)
    return estimate(homes, celsius, fallen=fallen(homes, _seen(conn, substation, found, celsius, now)))


def _seen(conn: Connection, substation: str, found: Sequence[PlacedHome], celsius: Floats, now: datetime) -> Floats:
    """Return [home, step] °C of the last days and now, as far as watch has kept them; NaN elsewhere."""
    last, measured = quarter(now), ~np.isnan(celsius)
    first = last - (PAST_STEPS - 2) * STEP
    ids = np.array([home.home_id for home in found], np.int32)[measured]
    rows = foresight_rows.seen_of(conn, substation, first, last)
    seen = np.full((len(found), PAST_STEPS), np.nan)
    seen[measured, :-1] = past_of(rows, ids, np.zeros(len(ids), np.int64), (first, PAST_STEPS - 1)).seen
    seen[:, -1] = celsius
    return seen

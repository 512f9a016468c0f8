"""Schemas of exported tables: readings and the ledger of a home."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from alerts.engine.track import NONE
from alerts.judging.weigh import judged_milli
from domain.milli import milli
from domain.quality import Quality
from store.base import wire

BATCH_ROWS = 50_000
INSTANT = pa.timestamp("us", "UTC")
READINGS = pa.schema(
    {
        "sensor": pa.string(),
        "room": pa.string(),
        "measured_at": INSTANT,
        "received_at": INSTANT,
        "temperature": pa.float32(),
        "raw": pa.float32(),
        "offset": pa.float32(),
        "humidity": pa.float32(),
        "battery": pa.float32(),
        "quality": pa.string(),
    }
)
SECONDS = ("compliant_s", "cold_s", "severe_s", "unknown_s", "not_judged_s", "shortfall_s")
LEDGER = pa.schema(
    {
        "day": pa.date32(),
        **dict.fromkeys(SECONDS, pa.float64()),
        "min": pa.float32(),
        "mean": pa.float64(),
        "kelvin_hours": pa.float64(),
        "policy": pa.string(),
        "closed": pa.bool_(),
    }
)
QUALITIES = pa.array([quality.name.lower() for quality in Quality])


def judged_celsius(raw: NDArray[np.float32], offset_k: float) -> NDArray[np.float32]:
    """Add a sensor's offset to raw temperatures, exactly as judging does.

    NaN means no reading. A value outside the range of any thermometer is not rounded to thousandths.
    """
    judged = judged_milli(raw, milli(offset_k))
    return np.where(judged == NONE, raw + np.float32(offset_k), wire.celsius(judged))


def celsius_column(values: NDArray[np.float32]) -> pa.Array:
    """Return temperatures as a column in which NaN is null."""
    return pa.array(np.ascontiguousarray(values), pa.float32(), from_pandas=True)

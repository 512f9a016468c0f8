"""Schemas of exported tables: readings and the ledger of a home."""

from functools import lru_cache
from typing import Any

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
    values = np.ascontiguousarray(values, np.float32)
    # Past pa.array, which looks for pandas each time.
    there = np.packbits(~np.isnan(values), bitorder="little")
    return pa.Array.from_buffers(pa.float32(), len(values), [pa.py_buffer(there), pa.py_buffer(values)])


def instant_column(us: NDArray[np.int64]) -> pa.Array:
    """Return instants in µs as a column."""
    return pa.Array.from_buffers(INSTANT, len(us), [None, pa.py_buffer(np.ascontiguousarray(us))])


@lru_cache(maxsize=64)
def word(text: str) -> pa.Array:
    """Return one word for `word_column`; kept, as an array of a list costs as much as some thousand rows."""
    return pa.array([text])


def word_column(number: NDArray[np.integer[Any]] | int, words: pa.Array, rows: int) -> pa.Array:
    """Return words by their numbers as a column that a writer need not look through."""
    numbers = np.full(rows, number, np.int32) if isinstance(number, int) else number.astype(np.int32)
    buffers = pa.Array.from_buffers(pa.int32(), rows, [None, pa.py_buffer(numbers)])
    return pa.DictionaryArray.from_arrays(buffers, words)

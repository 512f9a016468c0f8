"""Schemas of exported tables: readings and the ledger of a home, and labelled cases of none."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from alerts.engine.track import NONE
from alerts.judging.weigh import judged_milli
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
READINGS_OF_BUILDING = pa.schema([pa.field("home", pa.string()), *READINGS])
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
CASES = pa.schema(dict.fromkeys(("outdoor", "since", "fell", "beside", "supply", "likely", "found"), pa.string()))
QUALITIES = pa.array([quality.name.lower() for quality in Quality])


def judged_celsius(
    raw: NDArray[np.float32], offset: NDArray[np.float32], offset_milli: NDArray[np.int32] | int
) -> NDArray[np.float32]:
    """Add the offsets of sensors (K, and the same in thousandths) to raw temperatures, exactly as judging does.

    NaN means no reading. A value outside the range of any thermometer is not rounded to thousandths.
    """
    judged = judged_milli(raw, offset_milli)
    celsius = wire.celsius(judged)
    outside = judged == NONE
    return np.where(outside, raw + offset, celsius) if outside.any() else celsius


def celsius_column(values: NDArray[np.float32]) -> pa.Array:
    """Return temperatures as a column in which NaN is null."""
    values = np.ascontiguousarray(values, np.float32)
    # Past pa.array, which looks for pandas each time.
    there = np.packbits(~np.isnan(values), bitorder="little")
    return pa.Array.from_buffers(pa.float32(), len(values), [pa.py_buffer(there), pa.py_buffer(values)])


def instant_column(us: NDArray[np.int64]) -> pa.Array:
    """Return instants in µs as a column."""
    return pa.Array.from_buffers(INSTANT, len(us), [None, pa.py_buffer(np.ascontiguousarray(us))])


def repeated(texts: Sequence[str], rows: Sequence[int]) -> pa.Array:
    """Return texts, each for so many rows, as a column that a writer need not look through."""
    numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    chosen = np.repeat(np.array([numbers[text] for text in texts], np.int32), rows)
    return word_column(chosen, pa.array(list(numbers), pa.string()))


def word_column(numbers: NDArray[np.integer[Any]], words: pa.Array) -> pa.Array:
    """Return words by their numbers as such a column."""
    chosen = numbers.astype(np.int32, copy=False)
    buffers = pa.Array.from_buffers(pa.int32(), len(chosen), [None, pa.py_buffer(chosen)])
    return pa.DictionaryArray.from_arrays(buffers, words)

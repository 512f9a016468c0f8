"""The readings of a dossier, by column: a season of them takes seconds."""

from collections.abc import Callable
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from store.base.wire import celsius, milli

NUMBERS = ("raw", "offset", "temperature")
COLUMNS = ("sensor", "measured_at", "received_at", *NUMBERS)
BLOCK = 1 << 20  # no line is longer
MOST_STRETCHES = 100_000  # a sensor's readings stand together; more than that is no dossier of one home


class ReadingsCheck:
    """Looks through readings.csv; `count` and `newest` (the last received_at) of what was seen so far."""

    def __init__(self, fault: Callable[[str], None]) -> None:
        self._fault = fault
        self._last: dict[str, str] = {}
        self._stretches = 0
        self.count, self.newest = 0, ""

    def look(self, file: IO[bytes]) -> None:
        """Each temperature is the raw one and the offset, and the readings of a sensor are in order.

        Raises:
            pa.ArrowInvalid (a ValueError), KeyError: it is not of its form.
        """
        told = csv.ConvertOptions(
            column_types=dict.fromkeys(COLUMNS, pa.string()), include_columns=list(COLUMNS), strings_can_be_null=False
        )
        read = csv.ReadOptions(use_threads=False, block_size=BLOCK)
        with csv.open_csv(file, read_options=read, convert_options=told) as reader:
            for batch in reader:
                if batch.num_rows:
                    self._batch({name: batch.column(name) for name in COLUMNS})

    def _batch(self, columns: dict[str, pa.Array]) -> None:
        self.count += len(columns["sensor"])
        self.newest = max(self.newest, pc.max(columns["received_at"]).as_py())
        raw, offset, temperature = (_numbers(columns[name]) for name in NUMBERS)
        with np.errstate(all="ignore"):
            # To the thousandth; dossiers that are older were added in 32 bits.
            judged = celsius(milli(raw) + milli(offset))
            other = (judged != temperature) & (raw + offset != temperature) & _said(columns["raw"])
        for nth in np.flatnonzero(other).tolist():
            self._fault(f"{_where(columns, nth)}: raw + offset is another")
        for nth in np.flatnonzero(self._behind(columns["sensor"], columns["measured_at"])).tolist():
            self._fault(f"{_where(columns, nth)}: is not in order")

    def _behind(self, sensors: pa.Array, instants: pa.Array) -> NDArray[np.bool_]:
        """Mask of readings that are not later than the one before of their sensor."""
        rises = pc.greater(instants[1:], instants[:-1]).to_numpy(zero_copy_only=False)
        other = pc.not_equal(sensors[1:], sensors[:-1]).to_numpy(zero_copy_only=False)
        starts = np.append(0, np.flatnonzero(other) + 1)
        behind = np.append(False, ~(rises | other))
        self._stretches += len(starts)
        if self._stretches > MOST_STRETCHES:
            raise ValueError("the readings of a sensor do not stand together")
        for start, end in zip(starts.tolist(), [*(starts[1:] - 1).tolist(), len(sensors) - 1], strict=True):
            sensor = sensors[start].as_py()
            behind[start] = self._last.get(sensor, "") >= instants[start].as_py()
            self._last[sensor] = instants[end].as_py()
        return behind


def _said(texts: pa.Array) -> NDArray[np.bool_]:
    """Mask of the cells that are not empty."""
    return np.asarray(pc.not_equal(texts, "").to_numpy(zero_copy_only=False))


def _numbers(texts: pa.Array) -> NDArray[np.float32]:
    """Cells as 32-bit numbers; an empty one is NaN."""
    return np.asarray(pc.cast(pc.if_else(pc.equal(texts, ""), "nan", texts), pa.float32()).to_numpy())


def _where(columns: dict[str, pa.Array], nth: int) -> str:
    return f"readings.csv: {columns['sensor'][nth]} {columns['measured_at'][nth]}"

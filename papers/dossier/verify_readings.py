"""Columnar check of a dossier's readings: a season takes seconds."""

from collections.abc import Callable, Iterator
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv

from store.base.wire import celsius, milli

NUMBERS = ("raw", "offset", "temperature")
COLUMNS = ("sensor", "measured_at", "received_at", *NUMBERS)
BLOCK = 1 << 20  # bytes; no line is longer
LONGEST_HEADER = 4096  # bytes
MOST_STRETCHES = 100_000  # runs of one sensor; more do not come from the dossier of one home


class ReadingsCheck:
    """Checks readings.csv; `count` and `newest` (the last received_at) cover the rows read so far."""

    def __init__(self, fault: Callable[[str], None]) -> None:
        self._fault = fault
        self._last: dict[str, str] = {}
        self._stretches = 0
        self.count, self.newest = 0, ""

    def look(self, file: IO[bytes]) -> None:
        """Check that each temperature is raw plus offset, and that the readings of a sensor are in order.

        Raises:
            ValueError (pa.ArrowInvalid is one): it is malformed.
        """
        told = csv.ConvertOptions(
            column_types=dict.fromkeys(COLUMNS, pa.string()), include_columns=list(COLUMNS), strings_can_be_null=False
        )
        names: list[str] = []
        for block in _whole_lines(file):
            if not names:
                header, _, block = block.partition(b"\n")
                names = _names(header)
            read = csv.ReadOptions(use_threads=False, block_size=BLOCK, column_names=names)
            # Arrow reads ahead in a thread of its own: never from Python, which may have ended by then.
            for batch in csv.read_csv(pa.BufferReader(block), read, convert_options=told).to_batches() if block else ():
                self._batch({name: batch.column(name) for name in COLUMNS})

    def _batch(self, columns: dict[str, pa.Array]) -> None:
        self.count += len(columns["sensor"])
        self.newest = max(self.newest, pc.max(columns["received_at"]).as_py())
        raw, offset, temperature = (_numbers(columns[name]) for name in NUMBERS)
        with np.errstate(all="ignore"):
            # In thousandths; older dossiers added 32-bit floats.
            judged = celsius(milli(raw) + milli(offset))
            other = (judged != temperature) & (raw + offset != temperature) & _said(columns["raw"])
        for nth in np.flatnonzero(other).tolist():
            self._fault(f"{_where(columns, nth)}: is not raw + offset")
        for nth in np.flatnonzero(self._behind(columns["sensor"], columns["measured_at"])).tolist():
            self._fault(f"{_where(columns, nth)}: is not in order")

    def _behind(self, sensors: pa.Array, instants: pa.Array) -> NDArray[np.bool_]:
        """Return a mask of readings that are not later than their sensor's previous one."""
        rises = pc.greater(instants[1:], instants[:-1]).to_numpy(zero_copy_only=False)
        other = pc.not_equal(sensors[1:], sensors[:-1]).to_numpy(zero_copy_only=False)
        starts = np.append(0, np.flatnonzero(other) + 1)
        behind = np.append(False, ~(rises | other))
        self._stretches += len(starts)
        if self._stretches > MOST_STRETCHES:
            raise ValueError("the readings of a sensor are scattered")
        for start, end in zip(starts.tolist(), [*(starts[1:] - 1).tolist(), len(sensors) - 1], strict=True):
            sensor = sensors[start].as_py()
            behind[start] = self._last.get(sensor, "") >= instants[start].as_py()
            self._last[sensor] = instants[end].as_py()
        return behind


def _whole_lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield a file in blocks of whole lines."""
    rest = b""
    while more := file.read(BLOCK):
        rest += more
        if len(rest) > 2 * BLOCK:
            raise ValueError("a line is too long")
        end = rest.rfind(b"\n") + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
    if rest:
        yield rest


def _names(header: bytes) -> list[str]:
    names = header[:LONGEST_HEADER].decode("utf-8").rstrip("\r").split(",")
    if missing := set(COLUMNS) - set(names):
        raise ValueError(f"there is no column {min(missing)}")
    return names


def _said(texts: pa.Array) -> NDArray[np.bool_]:
    """Return a mask of the cells that are not empty."""
    return np.asarray(pc.not_equal(texts, "").to_numpy(zero_copy_only=False))


def _numbers(texts: pa.Array) -> NDArray[np.float32]:
    """Parse cells as 32-bit floats; an empty cell is NaN."""
    return np.asarray(pc.cast(pc.if_else(pc.equal(texts, ""), "nan", texts), pa.float32()).to_numpy())


def _where(columns: dict[str, pa.Array], nth: int) -> str:
    return f"readings.csv: {columns['sensor'][nth]} {columns['measured_at'][nth]}"

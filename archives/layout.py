"""Form of a file in the archive: its columns, how they are packed, and where it lies.

A file has the readings of one kind, one calendar month (UTC) and one shard of sensors, sorted by sensor and time. It is
lossless to the stored bits. An instant is two columns, because sensors that tell milliseconds are common and those that
tell microseconds are not: `measured_at` in whole milliseconds, a timestamp that every reader of Parquet knows, and
`measured_us`, the microseconds beyond it. The time of receipt is told as its distance in microseconds. A value that is
absent is NaN, and no column has nulls.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from store.base import wire
from store.readings import reading_rows

ROWS_OF_GROUP = 65_536  # or more, to hold sensors whole; decoded in a millisecond or two
MOST_ROWS_OF_GROUP = 4 * ROWS_OF_GROUP
MILLISECOND = 1_000
COMPRESSION = {"compression": "zstd", "compression_level": 6, "data_page_version": "2.0"}
# What may be smallest; the first rows of a file decide. PLAIN is what a dictionary falls back to where it does not pay.
DELTA, SPLIT, DICTIONARY, PLAIN = "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT", "DICTIONARY", "PLAIN"
WHOLE, FRACTION = (DELTA, SPLIT, DICTIONARY), (PLAIN, SPLIT, DICTIONARY)
DICTIONARY_BYTES = 65_536  # of a larger one, the numbers take more than the values
Arrays: TypeAlias = Mapping[str, NDArray[Any]]  # fields of readings by their name, of one length


@dataclass(frozen=True)
class ArchiveKind:
    """A kind of readings: a table of the database, and its files."""

    name: str
    layout: wire.Layout
    quantities: tuple[str, ...]
    code: str  # what is said of the values as a whole: a small number

    @cached_property
    def dtype(self) -> np.dtype[np.void]:
        """A reading in memory: as the table's rows are read."""
        return wire.native(self.layout)

    @cached_property
    def schema(self) -> pa.Schema:
        """The columns of a file."""
        return pa.schema(
            [
                _column("sensor_id", pa.int32()),
                _column("measured_at", pa.timestamp("ms", "UTC")),
                _column("measured_us", pa.int16()),
                _column("received_after_us", pa.int64()),
                *(_column(name, pa.float32()) for name in self.quantities),
                _column(self.code, pa.int16()),
                _column("self_timed", pa.bool_()),
            ]
        )

    def stored(self, names: Iterable[str]) -> list[str]:
        """Return the columns of a file that fields of readings in memory are made of."""
        wanted = set(names)
        if "received_at" in wanted:
            wanted |= {"measured_at", "received_after_us"}
        if "measured_at" in wanted:
            wanted |= {"measured_us"}
        return [name for name in self.schema.names if name in wanted]


READINGS = ArchiveKind("reading", reading_rows.READING, reading_rows.HOME_QUANTITIES, "quality")
SUBSTATION_READINGS = ArchiveKind(
    "substation_reading", reading_rows.SUBSTATION_READING, reading_rows.SUBSTATION_QUANTITIES, "implausible"
)
KINDS = {kind.name: kind for kind in (READINGS, SUBSTATION_READINGS)}


def _column(name: str, of: pa.DataType) -> pa.Field:
    return pa.field(name, of, nullable=False)


def folder(kind: ArchiveKind, month: str, shard: int) -> str:
    """Return the folder of the files of a month and a shard, below that of the utility."""
    return f"kind={kind.name}/month={month}/shard={shard:03}"


def to_table(kind: ArchiveKind, rows: NDArray[np.void]) -> pa.Table:
    """Return readings as the columns of a file."""
    measured = np.ascontiguousarray(rows["measured_at"])
    milliseconds = np.floor_divide(measured, MILLISECOND)
    columns = {
        "sensor_id": rows["sensor_id"],
        "measured_at": milliseconds.astype("M8[ms]"),
        "measured_us": (measured - milliseconds * MILLISECOND).astype(np.int16),
        "received_after_us": rows["received_at"] - measured,
        **{name: _known(rows[name]) for name in kind.quantities},
        kind.code: rows[kind.code],
        "self_timed": rows["self_timed"],
    }
    schema = kind.schema
    return pa.table([pa.array(np.ascontiguousarray(columns[of.name]), of.type) for of in schema], schema=schema)


def _known(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return values with one of the many NaN as the one for none."""
    return np.where(np.isnan(values), np.float32(np.nan), values)


def to_columns(kind: ArchiveKind, table: pa.Table, fields: Sequence[str] | None = None) -> Arrays:
    """Return the readings of a file's rows, an array for each field; of those that are named alone, if any are."""
    names = list(fields or kind.layout)
    columns = {name: numbers(table.column(name)) for name in kind.stored(names)}
    if {"measured_at", "received_at"} & set(names):
        columns["measured_at"] = columns["measured_at"] * MILLISECOND + columns["measured_us"]
    if "received_at" in names:
        columns["received_at"] = columns["measured_at"] + columns["received_after_us"]
    return {name: columns[name].astype(kind.dtype[name], copy=False) for name in names}


def to_rows(kind: ArchiveKind, columns: Arrays) -> NDArray[np.void]:
    """Return columns as rows."""
    dtype = np.dtype([(name, kind.dtype[name]) for name in columns])
    rows = np.empty(len(columns["measured_at"]), dtype)
    for name, values in columns.items():
        rows[name] = values
    return rows


def numbers(column: pa.ChunkedArray) -> NDArray[Any]:
    """Return the values of a column; of an instant, the count of its unit since 1970."""
    values = np.asarray(column.to_numpy())  # a cast in Arrow would import all functions that it has
    return values.view(np.int64) if values.dtype.kind == "M" else values


def encodings(kind: ArchiveKind, sample: pa.Table) -> Mapping[str, str]:
    """Return the encoding of each column that makes a sample smallest."""
    return {
        of.name: min(_candidates(of), key=lambda encoding: _packed(sample, of.name, encoding)) for of in kind.schema
    }


def _candidates(column: pa.Field) -> tuple[str, ...]:
    if pa.types.is_boolean(column.type):
        return (PLAIN,)
    if pa.types.is_floating(column.type):
        return FRACTION
    return (DELTA, DICTIONARY) if column.type == pa.int16() else WHOLE


def _packed(sample: pa.Table, name: str, encoding: str) -> int:
    out = BytesIO()
    with writer(out, sample.select([name]).schema, {name: encoding}) as file:
        file.write_table(sample.select([name]))
    return out.tell()


def writer(out: Any, schema: pa.Schema, chosen: Mapping[str, str]) -> pq.ParquetWriter:
    """Open a file of the archive for writing, with an encoding for each column."""
    dictionaries = [name for name, encoding in chosen.items() if encoding == DICTIONARY]
    rest = {name: encoding for name, encoding in chosen.items() if encoding != DICTIONARY}
    return pq.ParquetWriter(
        out,
        schema,
        use_dictionary=dictionaries or False,
        column_encoding=rest or None,
        dictionary_pagesize_limit=DICTIONARY_BYTES,
        write_statistics=True,
        write_page_checksum=True,
        max_rows_per_page=MOST_ROWS_OF_GROUP,  # what sensors share is packed once in a page
        data_page_size=MOST_ROWS_OF_GROUP * 8,
        store_schema=False,
        **COMPRESSION,
    )

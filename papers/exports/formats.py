"""Tables as CSV, JSON lines or Parquet, written batch by batch with constant memory."""

import io
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from enum import StrEnum
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from domain.spreadsheets import FORMULA

Blocks = Iterator[bytes]
# Rows converted to text at a time: each writing thread keeps the memory they took.
ROWS_AT_ONCE = 4_000
WORDS = pa.dictionary(pa.int32(), pa.string())


class Format(StrEnum):
    """File format of a table."""

    CSV = "csv"
    LINES = "jsonl"
    PARQUET = "parquet"


MEDIA = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.LINES: "application/x-ndjson",
    Format.PARQUET: "application/vnd.apache.parquet",
}


def write(chosen: Format, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Blocks:
    """Yield the bytes of a table in blocks; an empty table still has its header."""
    return WRITERS[chosen](schema, batches)


def _csv(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Blocks:
    yield (",".join(schema.names) + "\n").encode()
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
    texts = [at for at, field in enumerate(schema) if pa.types.is_string(field.type)]
    for rows in _texts(batches):
        for at in texts:
            rows = rows.set_column(at, rows.schema.names[at], harmless(rows.column(at)))
        sink = io.BytesIO()
        pyarrow.csv.write_csv(rows, sink, options)
        yield sink.getvalue()


def harmless(texts: pa.Array) -> pa.Array:
    """Escape texts that a spreadsheet would take for a formula with a leading apostrophe."""
    return pc.replace_substring_regex(texts, FORMULA, r"'\1")


def _lines(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Blocks:
    line = msgspec.defstruct("Line", schema.names)
    encoder = msgspec.json.Encoder()
    for rows in _texts(batches):
        columns = [_plain(column) for column in rows.columns]
        yield encoder.encode_lines([line(*values) for values in zip(*columns, strict=True)])


def _parquet(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Blocks:
    drain = _Drain()
    packing: Future[None] | None = None
    # Packing takes most of the time and lets other threads go on, so the next batch is read meanwhile.
    with _opened(drain, schema) as writer, ThreadPoolExecutor(1, "pack") as packer:
        for batch in batches:
            if packing:
                packing.result()
                yield drain.taken()
            packing = packer.submit(_pack, writer, batch)
        if packing:
            packing.result()
    yield drain.taken()


def _opened(drain: "_Drain", schema: pa.Schema) -> pq.ParquetWriter:
    instants = [field.name for field in schema if pa.types.is_timestamp(field.type)]
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    return pq.ParquetWriter(
        drain,
        pa.schema([field.with_type(WORDS) if field.name in texts else field for field in schema]),
        # Instants are packed by their encoding: another pass took a quarter of all time, for a hundredth of the bytes.
        compression={name: "NONE" if name in instants else "ZSTD" for name in schema.names},
        # Numbers cost a fifth of all time as words of a dictionary, and are no shorter; bounds are for those who look
        # for a time.
        use_dictionary=texts,
        column_encoding=dict.fromkeys(instants, "DELTA_BINARY_PACKED"),
        write_statistics=instants or True,
        store_schema=False,  # texts are texts to their reader
    )


def _pack(writer: pq.ParquetWriter, batch: pa.RecordBatch) -> None:
    writer.write_batch(_with(batch, pa.types.is_string, lambda texts: texts.dictionary_encode()))


WRITERS: dict[Format, Callable[[pa.Schema, Iterable[pa.RecordBatch]], Blocks]] = {
    Format.CSV: _csv,
    Format.LINES: _lines,
    Format.PARQUET: _parquet,
}


class _Drain(io.RawIOBase):
    """A write-only file that hands over its bytes and remembers only their number."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._at += len(part)
        return len(part)

    def tell(self) -> int:
        return self._at

    def taken(self) -> bytes:
        """Return the bytes written since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def _texts(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the rows in small batches, with instants as RFC 3339."""
    for batch in batches:
        batch = _with(batch, pa.types.is_dictionary, lambda words: words.dictionary_decode())
        for at in range(0, len(batch), ROWS_AT_ONCE):
            columns = batch.slice(at, ROWS_AT_ONCE).columns
            texts = [_instants(column) if pa.types.is_timestamp(column.type) else column for column in columns]
            yield pa.RecordBatch.from_arrays(texts, batch.schema.names)


def _with(
    batch: pa.RecordBatch, chosen: Callable[[pa.DataType], bool], change: Callable[[pa.Array], pa.Array]
) -> pa.RecordBatch:
    """Return a batch with other columns in place of those of some types."""
    columns = [change(column) if chosen(column.type) else column for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def _instants(column: pa.Array) -> pa.Array:
    at = column.to_numpy(zero_copy_only=False).astype("M8[us]")
    return pa.array(np.datetime_as_string(at, unit="us", timezone="UTC"))


def _plain(column: pa.Array) -> list[Any]:
    """Convert a column to Python values; a 32-bit float as its shortest decimal: 17.996, not 17.99600029."""
    if pa.types.is_float32(column.type):
        column = pc.cast(pc.cast(column, pa.string()), pa.float64())
    values: list[Any] = column.to_pylist()
    return values

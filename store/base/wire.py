"""Columns between numpy and PostgreSQL in binary, by COPY or as arrays; a structured array serves as the buffer.

Instants are int64 microseconds since 1970. The extremes of int64 stand for -infinity ("none") and infinity; SQL turns
them into NULL where a table has it. NaN is written as NULL. Data that is read has no NULLs: SQL replaces them by NaN.

Judged temperatures have the kind `milli`: int32 thousandths of a degree here, the nearest 32-bit float in the table.
The conversion is exact both ways up to 8,000 °C. NONE_MILLI corresponds to infinity.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from struct import Struct
from typing import Any, LiteralString

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import Cursor
from psycopg.adapt import Dumper
from psycopg.pq import Format

from domain.instants import EVER_US, NONE_US
from domain.milli import NONE_MILLI, PER_DEGREE
from domain.rows import take

KINDS = {
    "int2": ">i2",
    "int4": ">i4",
    "int8": ">i8",
    "float4": ">f4",
    "milli": ">f4",
    "float8": ">f8",
    "timestamptz": ">i8",
    "bool": "?",
}
NATIVE = {
    "int2": "i2",
    "int4": "i4",
    "int8": "i8",
    "float4": "f4",
    "milli": "i4",
    "float8": "f8",
    "timestamptz": "i8",
    "bool": "?",
}
PG_EPOCH_US = 946_684_800_000_000  # 2000-01-01 in microseconds since 1970
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"

# The number by which the server knows the type of an element.
OIDS = {
    "int2": 21,
    "int4": 23,
    "int8": 20,
    "float4": 700,
    "milli": 700,
    "float8": 701,
    "timestamptz": 1184,
    "bool": 16,
}
SQL_TYPES = {"milli": "float4"}  # the others are their own
ELEMENTS = {kind: np.dtype([("bytes", ">i4"), ("value", of)]) for kind, of in KINDS.items()}
_ARRAY_HEADER = Struct(">5i")  # dimensions, NULL flag, element type, length, lower bound

Layout = Mapping[str, str]  # column → type
Columns = tuple[tuple[str, str], ...]  # the same, as what a cache is asked for: a dtype is dear to make


@cache
def _blank(columns: Columns) -> NDArray[np.void]:
    """Return one tuple of COPY without its values."""
    fields = [(":columns", ">i2")]
    for name, kind in columns:
        fields += [(f"{name}:bytes", ">i4"), (name, KINDS[kind])]
    out = np.zeros(1, np.dtype(fields))
    out[":columns"] = len(columns)
    for name, _ in columns:
        out[f"{name}:bytes"] = out.dtype[name].itemsize
    return out


@cache
def _native(columns: Columns) -> np.dtype[np.void]:
    return np.dtype([(name, NATIVE[kind]) for name, kind in columns])


def native(layout: Layout) -> np.dtype[np.void]:
    """Return the dtype of rows that `read` returns and `write` takes without copying."""
    return _native(tuple(layout.items()))


class ArrayParameter(bytes):
    """An array as the server takes it in binary; its type is that of the cast in the statement."""


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: ArrayParameter) -> bytes:
        return obj


psycopg.adapters.register_dumper(ArrayParameter, _ArrayDumper)


def unnest(layout: Layout) -> LiteralString:
    """Return what a statement selects from where it is given the columns of rows by `arrays`: the rows, as `given`."""
    types = ", ".join(f"%({name})s::{SQL_TYPES.get(kind, kind)}[]" for name, kind in layout.items())
    return f"unnest({types}) AS given ({', '.join(layout)})"


def arrays(layout: Layout, rows: NDArray[np.void]) -> dict[str, ArrayParameter]:
    """Return the columns of rows as parameters for `unnest`; the array needs at least the layout's fields.

    NaN stays NaN. A statement with them is planned once, and needs no temporary table, which is emptied at each commit.
    """
    return {name: _array(kind, rows[name]) for name, kind in layout.items()}


def _array(kind: str, values: NDArray[Any]) -> ArrayParameter:
    framed = np.empty(len(values), ELEMENTS[kind])
    framed["bytes"], framed["value"] = ELEMENTS[kind]["value"].itemsize, _sent(kind, values)
    return ArrayParameter(_ARRAY_HEADER.pack(1, 0, OIDS[kind], len(values), 1) + framed.tobytes())


def encode(layout: Layout, rows: NDArray[np.void]) -> bytes:
    """Encode rows as binary COPY data; the array needs at least the layout's fields; NaN becomes NULL."""
    out = take(_blank(tuple(layout.items())), np.zeros(len(rows), np.intp))
    for name, kind in layout.items():
        out[name] = _sent(kind, rows[name])
    return _HEADER + _nulled(out, layout) + _TRAILER


def _nulled(out: NDArray[np.void], layout: Layout) -> bytes:
    """Serialise tuples with each NaN as a NULL field: length -1 and no data."""
    kept = None
    for name in (n for n, kind in layout.items() if kind.startswith("float")):
        absent = np.isnan(out[name])
        if absent.any():
            kept = np.ones(out.nbytes, np.uint8) if kept is None else kept
            kept.view(out.dtype)[name][absent] = 0
            out[f"{name}:bytes"][absent] = -1
    return out.tobytes() if kept is None else out.view(np.uint8)[kept.view(bool)].tobytes()


def decode(layout: Layout, data: bytes) -> NDArray[np.void]:
    """Decode binary COPY data.

    Raises:
        ValueError: the data has NULLs or other columns.
    """
    dtype = _blank(tuple(layout.items())).dtype
    body = memoryview(data)[len(_HEADER) : -len(_TRAILER)]
    if len(body) % dtype.itemsize:
        raise ValueError("binary COPY rows are not of the expected width")
    raw = np.frombuffer(body, dtype)
    out = np.empty(len(raw), native(layout))
    for name, kind in layout.items():
        if len(raw) and not np.all(raw[f"{name}:bytes"] == dtype[name].itemsize):
            raise ValueError(f"column {name} has NULLs or another type")
        out[name] = _got(kind, raw[name])
    return out


def milli(celsius: NDArray[np.floating[Any]]) -> NDArray[np.int32]:
    """Round to thousandths of a degree, half to even; NaN and infinity become NONE_MILLI."""
    scaled = celsius.astype(np.float64)
    scaled *= PER_DEGREE
    # A float64 of this magnitude has no fraction bits: the addition rounds half to even and leaves the result as an
    # integer in the low bits. A cast would take twice as long.
    known = np.abs(scaled) < NONE_MILLI
    scaled += _ROUNDS
    whole = scaled.view(np.int64)
    whole -= _ROUNDS.view(np.int64)
    return np.where(known, whole, NONE_MILLI).astype(np.int32)


_ROUNDS = np.float64(1.5 * 2**52)


def celsius(of_milli: NDArray[np.int32]) -> NDArray[np.float32]:
    """Convert thousandths of a degree to the nearest 32-bit floats; NONE_MILLI becomes infinity."""
    return np.where(of_milli == NONE_MILLI, np.float32(np.inf), (of_milli / PER_DEGREE).astype(np.float32))


def _sent(kind: str, values: NDArray[Any]) -> NDArray[Any]:
    """Convert values to their representation in the table."""
    if kind == "timestamptz":
        return _shift(values, -PG_EPOCH_US)
    return celsius(values) if kind == "milli" else values


def _got(kind: str, values: NDArray[Any]) -> NDArray[Any]:
    """Convert values from their representation in the table."""
    if kind == "timestamptz":
        return _shift(values.astype(np.int64), PG_EPOCH_US)
    return milli(values) if kind == "milli" else values


def _shift(instants: NDArray[np.int64], by: int) -> NDArray[np.int64]:
    """Convert instants between the two epochs; the extremes stand for -infinity and infinity and are kept."""
    shifted = instants + by
    np.copyto(shifted, instants, where=(instants == NONE_US) | (instants == EVER_US))
    return shifted


def ids(keys: NDArray[np.integer[Any]] | Sequence[int]) -> str:
    """Format keys as the text of an SQL array, at a fraction of the cost of a list, which is adapted item by item."""
    return "{" + str(keys.tolist() if isinstance(keys, np.ndarray) else list(keys))[1:-1] + "}"


def array(values: Iterable[object]) -> str:
    """Format any values as `ids` does keys: each as its text, None as NULL."""
    return "{" + ",".join("NULL" if value is None else _quoted(str(value)) for value in values) + "}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def write(cur: Cursor[Any], statement: LiteralString, layout: Layout, rows: NDArray[np.void]) -> None:
    """Run `COPY … FROM STDIN (FORMAT BINARY)` with the rows."""
    with cur.copy(statement) as copy:
        copy.write(encode(layout, rows))


def read(cur: Cursor[Any], statement: LiteralString, layout: Layout, params: Mapping[str, Any]) -> NDArray[np.void]:
    """Run `COPY (SELECT …) TO STDOUT (FORMAT BINARY)` and return its rows."""
    with cur.copy(statement, params) as copy:
        return decode(layout, b"".join(bytes(block) for block in copy))


def read_arrays(
    cur: Cursor[Any], statement: LiteralString, layout: Layout, params: Mapping[str, Any]
) -> NDArray[np.void]:
    """Read rows whose columns are arrays of one length; a scalar column applies to all elements of its row."""
    with cur.copy(statement, params) as copy:
        data = b"".join(bytes(block) for block in copy)
    return decode_arrays(layout, data)


def select_arrays(
    cur: Cursor[Any], statement: LiteralString, layout: Layout, params: Mapping[str, Any]
) -> NDArray[np.void]:
    """Read what `read_arrays` reads by a plain SELECT: the server keeps its plan, which COPY makes each time."""
    cur.execute(statement, params, binary=True)
    found = cur.pgresult
    assert found is not None
    parts = []
    for number in range(found.ntuples):
        fields = [found.get_value(number, column) or b"" for column in range(found.nfields)]
        parts.append(_rows(layout, [(value, 0, len(value)) for value in fields]))
    return _joined(layout, parts)


def select_columns(
    cur: Cursor[Any], statement: LiteralString, layout: Layout, params: Mapping[str, Any]
) -> dict[str, NDArray[Any]]:
    """Read a single row of arrays that may have different lengths; NULL is an empty one."""
    cur.execute(statement, params, binary=True)
    found = cur.pgresult
    assert found is not None
    columns = {}
    for column, (name, kind) in enumerate(layout.items()):
        field = found.get_value(0, column)
        values = np.empty(0, KINDS[kind]) if field is None else _elements(kind, field, 0, len(field))
        columns[name] = _got(kind, values)
    return columns


def decode_arrays(layout: Layout, data: bytes) -> NDArray[np.void]:
    """Decode binary COPY data with array columns, and sort the tuples by the first element of their first column.

    Raises:
        ValueError: the data has NULLs or other columns.
    """
    parts, at, end = [], len(_HEADER), len(data) - len(_TRAILER)
    while at < end:
        fields, at = [], at + 2
        for _ in layout:
            size = int.from_bytes(data[at : at + 4], "big", signed=True)
            fields.append((data, at + 4, size))
            at += 4 + max(size, 0)
        parts.append(_rows(layout, fields))
    return _joined(layout, parts)


def _joined(layout: Layout, parts: list[NDArray[np.void]]) -> NDArray[np.void]:
    first = next(iter(layout))
    if len(parts) == 1:
        return parts[0]
    parts.sort(key=lambda part: int(part[first][0]) if len(part) else 0)
    return np.concatenate([np.empty(0, native(layout)), *parts])


def _rows(layout: Layout, fields: Sequence[tuple[bytes, int, int]]) -> NDArray[np.void]:
    """Return the rows of one tuple of arrays, of which each field is bytes, an offset and a size."""
    named = zip(layout.items(), fields, strict=True)
    columns = {name: _elements(kind, *field) for (name, kind), field in named}
    rows = np.empty(max(len(column) for column in columns.values()), native(layout))
    for name, kind in layout.items():
        rows[name] = _got(kind, columns[name])
    return rows


def _elements(kind: str, data: bytes, at: int, size: int) -> NDArray[Any]:
    """Return the elements of an array field; a scalar field has one element."""
    framed = ELEMENTS[kind]
    dtype = framed["value"]
    if size == dtype.itemsize:
        return np.frombuffer(data, dtype, 1, at)
    count, rest = divmod(size - _ARRAY_HEADER.size, framed.itemsize)
    elements = np.frombuffer(data, framed, max(count, 0), at + _ARRAY_HEADER.size if count > 0 else at)
    if rest or count < 0 or (elements["bytes"] != dtype.itemsize).any():
        raise ValueError("an array has NULLs or another type")
    return np.asarray(elements["value"])

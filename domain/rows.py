"""Rows of columns, moved as bytes: numpy would copy them field by field, which takes seventy times as long."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.void]


def take(rows: Rows, which: NDArray[np.intp] | NDArray[np.bool_]) -> Rows:
    """Select rows by index or mask."""
    return np.asarray(_raw(rows)[which].view(rows.dtype))


def join(parts: Sequence[Rows]) -> Rows:
    """Lay one or more parts of the same columns end to end."""
    return np.concatenate([_raw(part) for part in parts]).view(parts[0].dtype)


def put(rows: Rows, which: NDArray[np.intp] | NDArray[np.bool_] | slice, values: Rows) -> None:
    """Write over the rows at an index, a mask or a slice."""
    _raw(rows)[which] = _raw(values)


def _raw(rows: Rows) -> NDArray[Any]:
    return rows.view(f"V{rows.dtype.itemsize}")

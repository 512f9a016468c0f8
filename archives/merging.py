"""Readings from several sources as one history, by the rule of the table: the first value of each quantity stays."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from archives.layout import ArchiveKind, Arrays, to_rows
from domain import groups


def merge(kind: ArchiveKind, parts: Sequence[NDArray[np.void]]) -> NDArray[np.void]:
    """Return the readings of parts by sensor and time, each once.

    Args:
        parts: each by sensor and time, with the same fields, `sensor_id` and `measured_at` among them; what an earlier
            one says stays. What is said of a reading as a whole needs `temperature` beside it.
    """
    told = [part for part in parts if len(part)]
    if not told:
        return parts[0] if parts else np.empty(0, kind.dtype)
    rows = told[0] if len(told) == 1 else _interleaved(told)
    sensor, at = rows["sensor_id"], rows["measured_at"]
    same = sensor[1:] == sensor[:-1]
    if not (same & (at[1:] <= at[:-1])).any():
        return rows
    rows = rows[np.lexsort((at, sensor))]  # stable: of one instant, the earlier part comes first
    return _first_stays(kind, rows)


def end_to_end(kind: ArchiveKind, pieces: Sequence[Arrays]) -> list[Arrays]:
    """Return pieces of one sensor as pieces that follow each other in time; what an earlier one says stays.

    What follows each other is laid end to end and never compared. From the first instant that two tell of, readings are
    merged one by one.

    Args:
        pieces: each by time, with the same fields, as `merge` takes them.
    """
    told = [piece for piece in pieces if len(piece["measured_at"])]
    ordered = sorted(told, key=lambda piece: int(piece["measured_at"][0]))
    reached, doubt = np.iinfo(np.int64).min, np.iinfo(np.int64).max
    for piece in ordered:
        first = int(piece["measured_at"][0])
        doubt = min(doubt, first) if first <= reached else doubt
        reached = max(reached, int(piece["measured_at"][-1]))
    if doubt > reached:
        return ordered
    before = [_cut(piece, slice(int(np.searchsorted(piece["measured_at"], doubt)))) for piece in ordered]
    after = [_cut(piece, slice(int(np.searchsorted(piece["measured_at"], doubt)), None)) for piece in told]
    rows = merge(kind, [to_rows(kind, piece) for piece in after])
    kept = [piece for piece in before if len(piece["measured_at"])]
    return [*kept, {name: rows[name] for name in rows.dtype.names or ()}]


def _cut(piece: Arrays, part: slice) -> Arrays:
    return {name: values[part] for name, values in piece.items()}


def _interleaved(parts: Sequence[NDArray[np.void]]) -> NDArray[np.void]:
    """Return parts sensor by sensor, of each sensor in their order: sorted, where they follow each other in time."""
    found = [groups.bounds(part["sensor_id"]) for part in parts]
    sensors = np.concatenate([part["sensor_id"][starts] for part, (starts, _) in zip(parts, found, strict=True)])
    counts = np.concatenate([ends - starts for starts, ends in found])
    order = np.argsort(sensors, kind="stable")
    if (sensors[1:] >= sensors[:-1]).all():
        return np.concatenate(parts)
    begins = np.empty(len(counts), np.intp)
    begins[order] = np.concatenate(([0], np.cumsum(counts[order])[:-1]))
    rows, at = np.empty(int(counts.sum()), parts[0].dtype), 0
    for part, (starts, ends) in zip(parts, found, strict=True):
        mine = slice(at, at + len(starts))
        rows[np.repeat(begins[mine] - starts, ends - starts) + np.arange(len(part))] = part
        at = mine.stop
    return rows


def _first_stays(kind: ArchiveKind, rows: NDArray[np.void]) -> NDArray[np.void]:
    """Fold readings of the same sensor and instant, which are neighbours, into one."""
    fields = rows.dtype.names or ()
    starts = groups.firsts(rows["sensor_id"], rows["measured_at"])
    told = {name: _first_told(rows[name], starts) for name in kind.quantities if name in fields}
    folded, none = rows[starts], len(rows)
    for name, at in told.items():
        folded[name] = np.where(at < none, rows[name][np.minimum(at, none - 1)], np.nan)
    if kind.code == "implausible" and kind.code in fields:  # a bit for each quantity
        code = rows[kind.code]
        bits = [(at < none) * (code[np.minimum(at, none - 1)] & _bit(kind, name)) for name, at in told.items()]
        folded[kind.code] = np.sum(bits, axis=0)
    elif "temperature" in told:  # all that is said of a reading as a whole goes with its temperature
        chosen = np.where(told["temperature"] < none, told["temperature"], starts)
        for name in {kind.code, "received_at", "self_timed"} & set(fields):
            folded[name] = rows[name][chosen]
    return folded


def _first_told(values: NDArray[np.float32], starts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the index of the first value of each group; none: the length of the values."""
    at = np.where(np.isnan(values), len(values), np.arange(len(values)))
    return np.asarray(np.minimum.reduceat(at, starts))


def _bit(kind: ArchiveKind, name: str) -> int:
    return 1 << kind.quantities.index(name)

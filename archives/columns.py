"""Readings of shards for judging, column by column, sensor after sensor: as the engine takes them.

What follows each other in time is laid end to end and never compared. Only where a sensor is told of twice, by an
amendment or by rows of the table, are its readings merged one by one.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from archives import layout, manifest
from archives.layout import READINGS
from archives.manifest import ArchiveFile
from archives.merging import merge
from archives.place import ArchivePlace
from archives.reading import JUDGED, Shard, footer_of, has_any, read_groups
from domain import groups
from domain.instants import to_us
from domain.quality import Quality
from store.readings import stays

ALWAYS = ("sensor_id", "measured_at", "temperature")
IF_ANY = ("measured_us", "quality")  # nearly always 0, which the bounds in a file's footer tell
JUDGED_ROW = np.dtype([(name, READINGS.dtype[name]) for name in JUDGED])


class ReadingColumns(NamedTuple):
    """Readings by sensor and time."""

    sensor: NDArray[np.int32]
    measured_at: NDArray[np.int64]  # µs
    temperature: NDArray[np.float32]
    quality: NDArray[np.int16] | None  # None: all are good

    def part(self, low: int, high: int) -> "ReadingColumns":
        """Select a range of readings."""
        mine = slice(low, high)
        quality = None if self.quality is None else self.quality[mine]
        return ReadingColumns(self.sensor[mine], self.measured_at[mine], self.temperature[mine], quality)

    def take(self, which: NDArray[np.bool_]) -> "ReadingColumns":
        """Select readings by mask."""
        quality = None if self.quality is None else self.quality[which]
        return ReadingColumns(self.sensor[which], self.measured_at[which], self.temperature[which], quality)

    def copy(self) -> "ReadingColumns":
        """Return the readings in memory of their own."""
        quality = None if self.quality is None else self.quality.copy()
        return ReadingColumns(self.sensor.copy(), self.measured_at.copy(), self.temperature.copy(), quality)

    @property
    def told_quality(self) -> NDArray[np.int16]:
        """The quality of each reading."""
        return np.full(len(self.sensor), Quality.GOOD, np.int16) if self.quality is None else self.quality

    @property
    def good(self) -> "ReadingColumns":
        """The good temperatures."""
        # A sum is none where any of its terms is.
        if self.quality is None and np.isfinite(self.temperature.sum()):
            return self
        return self.take((self.told_quality == Quality.GOOD) & ~np.isnan(self.temperature))

    @classmethod
    def join(cls, parts: Sequence["ReadingColumns"]) -> "ReadingColumns":
        """Lay readings end to end."""
        parts = parts or [_columns_of(np.empty(0, JUDGED_ROW))]
        return cls(
            np.concatenate([part.sensor for part in parts]),
            np.concatenate([part.measured_at for part in parts]),
            np.concatenate([part.temperature for part in parts]),
            None if all(part.quality is None for part in parts) else np.concatenate([p.told_quality for p in parts]),
        )

    @property
    def rows(self) -> NDArray[np.void]:
        """The readings as JUDGED rows."""
        found = np.empty(len(self.sensor), JUDGED_ROW)
        for name, column in zip(JUDGED, (*self[:3], self.told_quality), strict=True):
            found[name] = column
        return found


class _Piece(NamedTuple):
    """Readings of one sensor from one source."""

    sensor: int
    source: int  # what an earlier one says stays
    told: ReadingColumns

    def reaches(self, other: "_Piece") -> bool:
        """Return whether a later one begins before this one has ended."""
        return bool(self.told.measured_at[-1] >= other.told.measured_at[0])


class ShardReader:
    """Reads the sensors of shards in their order: of each file the last group is kept, where the next ones begin."""

    def __init__(self, shards: Sequence[Shard]) -> None:
        self._files = [
            (shard, file)
            for part in (manifest.BASE, manifest.AMENDMENT)  # amendments were sealed later
            for shard in shards
            for file in shard.files
            if file.part == part
        ]
        self._kept: dict[str, tuple[int, ReadingColumns]] = {}

    def good(
        self, sensors: NDArray[np.int32], start: datetime, end: datetime, more: NDArray[np.void]
    ) -> ReadingColumns:
        """Return the good temperatures of sensors (rising) in [start, end), each once.

        Args:
            more: JUDGED rows by sensor and time beside those of the files, which say first.
        """
        span = (to_us(start), to_us(end))
        pieces = list[_Piece]()
        for nth, (shard, file) in enumerate(self._files):
            inside = file.measured[0] < span[1] and file.measured[1] >= span[0]
            if inside and has_any(sensors, *file.sensors):
                for told in self._blocks(shard, file, sensors, span):
                    pieces += _pieces(told, sensors, span, nth)
        pieces += _pieces(_columns_of(more), sensors, span, len(self._files))
        return _end_to_end(pieces).good

    def _blocks(
        self, shard: Shard, file: ArchiveFile, sensors: NDArray[np.int32], span: tuple[int, int]
    ) -> Iterator[ReadingColumns]:
        """Yield the groups of a file that have any of the sensors."""
        name = f"{manifest.home(shard.utility)}/{file.path}"
        low, high = span[0] // layout.MILLISECOND, span[1] // layout.MILLISECOND
        footer = footer_of(shard.place, name)
        wanted = [
            nth
            for nth, (first, last, begins, ends) in enumerate(footer.bounds)
            if begins <= high and ends >= low and has_any(sensors, first, last)
        ]
        kept, told = self._kept.get(name, (-1, None))
        if told is not None and kept in wanted:
            wanted.remove(kept)
            yield told
        if not wanted:
            return
        told = _columns(read_groups(shard.place, name, tuple(wanted), _stored(shard.place, name)))
        tail = footer.metadata.row_group(wanted[-1]).num_rows
        last = told.part(len(told.sensor) - tail, len(told.sensor))
        self._kept[name] = (wanted[-1], last.copy())  # so that the others may go
        yield told


@lru_cache(maxsize=512)
def _stored(place: ArchivePlace, name: str) -> tuple[str, ...]:
    """Return the columns of a file that tell anything."""
    metadata = footer_of(place, name).metadata
    at = {metadata.schema.column(nth).name: nth for nth in range(metadata.num_columns)}
    bounds = {
        column: {
            bound
            for nth in range(metadata.num_row_groups)
            for told in [metadata.row_group(nth).column(at[column]).statistics]
            for bound in (told.min, told.max)
        }
        for column in IF_ANY
    }
    return (*ALWAYS, *(column for column in IF_ANY if bounds[column] != {0}))


def _columns(table: pa.Table) -> ReadingColumns:
    """Return the columns of groups of a file."""
    told = {name: table.column(name) for name in table.column_names}
    at = np.multiply(told["measured_at"].cast(pa.int64()).to_numpy(), layout.MILLISECOND)
    if "measured_us" in told:
        at += told["measured_us"].to_numpy()
    quality = told["quality"].to_numpy() if "quality" in told else None
    return ReadingColumns(told["sensor_id"].to_numpy(), at, told["temperature"].to_numpy(), quality)


def judged_rows(said: NDArray[np.void]) -> NDArray[np.void]:
    """Return good temperatures of the table (store.stays.SAID) as JUDGED rows."""
    rows = np.empty(len(said), JUDGED_ROW)
    for name in stays.SAID:
        rows[name] = said[name]
    rows["quality"] = Quality.GOOD
    return rows


def _columns_of(rows: NDArray[np.void]) -> ReadingColumns:
    return ReadingColumns(rows["sensor_id"], rows["measured_at"], rows["temperature"], rows["quality"])


def _pieces(told: ReadingColumns, sensors: NDArray[np.int32], span: tuple[int, int], source: int) -> Iterator[_Piece]:
    """Yield the readings of each of the sensors in a span."""
    first, end = groups.bounds(told.sensor)
    there = told.sensor[first]
    which = np.flatnonzero(np.isin(there, sensors))
    for sensor, low, high in zip(there[which].tolist(), first[which].tolist(), end[which].tolist(), strict=True):
        low, high = (low + int(at) for at in np.searchsorted(told.measured_at[low:high], span))
        if low < high:
            yield _Piece(sensor, source, told.part(low, high))


def _end_to_end(pieces: list[_Piece]) -> ReadingColumns:
    """Lay pieces end to end by sensor and time; those of a sensor that do not follow each other are merged."""
    pieces.sort(key=lambda piece: (piece.sensor, piece.told.measured_at[0], piece.source))
    twice = {one.sensor for one, other in pairwise(pieces) if one.sensor == other.sensor and one.reaches(other)}
    return ReadingColumns.join([piece.told for piece in (_merged(pieces, twice) if twice else pieces)])


def _merged(pieces: list[_Piece], twice: set[int]) -> list[_Piece]:
    """Return pieces with one of each of the sensors that several tell of."""
    several: dict[int, list[_Piece]] = {sensor: [] for sensor in twice}
    for piece in pieces:
        if piece.sensor in twice:
            several[piece.sensor].append(piece)
    out = [piece for piece in pieces if piece.sensor not in twice]
    for sensor, mine in several.items():
        mine.sort(key=lambda piece: piece.source)
        out.append(_Piece(sensor, 0, _columns_of(merge(READINGS, [piece.told.rows for piece in mine]))))
    return sorted(out, key=lambda piece: piece.sensor)

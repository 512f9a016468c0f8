"""Readings of shards for judging, column by column, sensor after sensor: as the engine takes them.

What follows each other in time is laid end to end; only where a sensor is told of twice, by an amendment or by rows of
the table, are its readings merged one by one.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from archives import layout, manifest
from archives.footers import Footer, read_footer
from archives.layout import READINGS, Arrays
from archives.manifest import ArchiveFile
from archives.merging import end_to_end
from archives.reading import JUDGED, Shard, has_any, read_groups
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

    def arrays(self, names: Sequence[str]) -> Arrays:
        """Return columns by their names, of JUDGED."""
        every: Arrays = {"sensor_id": self.sensor, "measured_at": self.measured_at, "temperature": self.temperature}
        return {name: self.told_quality if name == "quality" else every[name] for name in names}

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


class ReadSpan(NamedTuple):
    """Good temperatures that were read and are still in memory: all that sensors said in a span."""

    sensors: NDArray[np.int32]  # rising
    begin: int  # µs
    end: int  # µs
    told: ReadingColumns


class _FileInTurn:
    """A file that is read from its first sensors to its last."""

    def __init__(self, shard: Shard, file: ArchiveFile) -> None:
        self._place, self._name = shard.place, manifest.file_name(shard.utility, file.path)
        self._footer = read_footer(self._place, self._name)
        self._columns = _stored(self._footer)
        self._last: tuple[int, ReadingColumns] | None = None  # the number of the group that was read last

    def groups(self, sensors: NDArray[np.int32], span: tuple[int, int]) -> Iterator[ReadingColumns]:
        """Yield the groups that have any of the sensors."""
        wanted = list(self._footer.groups_of(sensors, span))
        if self._last is not None and self._last[0] in wanted:
            wanted.remove(self._last[0])
            yield self._last[1]
        if not wanted:
            return
        told = _columns(read_groups(self._place, self._name, self._footer.metadata, wanted, self._columns))
        tail = self._footer.metadata.row_group(wanted[-1]).num_rows
        last = told.part(len(told.sensor) - tail, len(told.sensor))
        self._last = (wanted[-1], last.copy())  # so that the others may go
        yield told


class ShardReader:
    """Reads the sensors of shards in their order: of each file the last group is kept, where the next ones begin.

    Nothing is kept of files that none of the sensors asked for last is in.
    """

    def __init__(self, shards: Sequence[Shard]) -> None:
        self._files = [
            (shard, file)
            for part in (manifest.BASE, manifest.AMENDMENT)  # amendments were sealed later
            for shard in shards
            for file in shard.files
            if file.part == part
        ]
        self._open: dict[int, _FileInTurn] = {}  # by position

    def good(
        self, sensors: NDArray[np.int32], start: datetime, end: datetime, more: NDArray[np.void]
    ) -> ReadingColumns:
        """Return the good temperatures of sensors (rising) in [start, end), each once.

        Args:
            more: JUDGED rows by sensor and time beside those of the files, which say first.
        """
        span = (to_us(start), to_us(end))
        pieces: dict[int, list[ReadingColumns]] = {}
        having = [nth for nth, (_, file) in enumerate(self._files) if has_any(sensors, *file.sensors)]
        self._open = {nth: self._open[nth] for nth in having if nth in self._open}
        for nth in having:
            shard, file = self._files[nth]
            if file.measured[0] < span[1] and file.measured[1] >= span[0]:
                if nth not in self._open:
                    self._open[nth] = _FileInTurn(shard, file)
                for block in self._open[nth].groups(sensors, span):
                    for sensor, told in _pieces(block, sensors, span):
                        pieces.setdefault(sensor, []).append(told)
        for sensor, told in _pieces(_columns_of(more), sensors, span):
            pieces.setdefault(sensor, []).append(told)
        return ReadingColumns.join([told for _, some in sorted(pieces.items()) for told in _in_time(some)]).good


def _stored(footer: Footer) -> tuple[str, ...]:
    """Return the columns of a file that tell anything."""
    metadata = footer.metadata
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
    at = np.multiply(layout.numbers(told["measured_at"]), layout.MILLISECOND)
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


def _pieces(
    told: ReadingColumns, sensors: NDArray[np.int32], span: tuple[int, int]
) -> Iterator[tuple[int, ReadingColumns]]:
    """Yield the readings of each of the sensors in a span."""
    first, end = groups.bounds(told.sensor)
    there = told.sensor[first]
    which = np.flatnonzero(np.isin(there, sensors))
    for sensor, low, high in zip(there[which].tolist(), first[which].tolist(), end[which].tolist(), strict=True):
        low, high = (low + int(at) for at in np.searchsorted(told.measured_at[low:high], span))
        if low < high:
            yield sensor, told.part(low, high)


def _in_time(pieces: Sequence[ReadingColumns]) -> Iterator[ReadingColumns]:
    """Yield pieces of one sensor so that they follow each other; what an earlier one says stays."""
    if len(pieces) == 1:
        yield from pieces
        return
    names = JUDGED if any(piece.quality is not None for piece in pieces) else ALWAYS
    for found in end_to_end(READINGS, [piece.arrays(names) for piece in pieces]):
        yield ReadingColumns(found["sensor_id"], found["measured_at"], found["temperature"], found.get("quality"))

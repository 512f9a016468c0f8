"""Readings out of an archive: of some sensors, or of a whole shard, without a database."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from archives import layout, manifest
from archives.footers import footer_of
from archives.layout import READINGS, ArchiveKind, Arrays
from archives.manifest import ArchiveFile, ManifestEntry, Reached
from archives.merging import merge
from archives.place import ArchivePlace
from domain.instants import to_datetime, to_us

JUDGED = ("sensor_id", "measured_at", "temperature", "quality")  # what judging needs
GROUPS_KEPT = 16  # of 65,536 rows: 40 MB at most
GROUPS_KEPT_AT_ONCE = 4  # who asks for more wants whole files
MANY_SENSORS = 64
Sensors = Sequence[int] | NDArray[np.integer[Any]]


class Shard(NamedTuple):
    """The files of a shard of sensors, as another process reads them: it needs nothing but this."""

    place: ArchivePlace
    utility: str
    kind: str
    number: int
    sensors: tuple[tuple[int, int], ...]  # ranges, inclusive, rising
    files: tuple[ArchiveFile, ...]  # in the order of the manifest

    @property
    def sensor_ids(self) -> NDArray[np.int32]:
        """All sensors of the shard, rising."""
        ranges = [np.arange(low, high + 1, dtype=np.int32) for low, high in self.sensors]
        return np.concatenate([np.empty(0, np.int32), *ranges])

    @property
    def rows(self) -> int:
        """Rows of all files: readings, those of amendments too."""
        return sum(file.rows for file in self.files)

    def read(
        self,
        start: datetime,
        end: datetime,
        fields: Sequence[str] | None = None,
        sensors: NDArray[np.int32] | None = None,
    ) -> NDArray[np.void]:
        """Return the readings in [start, end) by sensor and time; of all sensors, or of some (rising)."""
        return _read(self, sensors, (to_us(start), to_us(end)), fields)


class _Indexed(NamedTuple):
    """A shard, and the bounds of its ranges as arrays."""

    shard: Shard
    lows: NDArray[np.int64]
    highs: NDArray[np.int64]

    @classmethod
    def of(cls, shard: Shard) -> "_Indexed":
        """Index a shard."""
        bounds = np.array(shard.sensors, np.int64).reshape(-1, 2)
        return cls(shard, bounds[:, 0], bounds[:, 1])

    def holding(self, wanted: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return those of the sensors, rising, that are of this shard."""
        at = np.searchsorted(self.lows, wanted, "right") - 1
        return wanted[(at >= 0) & (wanted <= self.highs[np.maximum(at, 0)])]


@dataclass(frozen=True)
class ReadingArchive:
    """An archive of a utility as its manifest tells; another one is returned where there is more of it."""

    place: ArchivePlace
    utility: str
    entries: tuple[ManifestEntry, ...] = ()

    @classmethod
    def open(cls, place: ArchivePlace, utility: str) -> "ReadingArchive":
        """Read the manifest.

        Raises:
            ArchiveBroken: it is not as it was written.
            OSError: the place cannot be reached.
        """
        return cls(place, utility).refreshed()

    def followed_by(self, entry: ManifestEntry) -> "ReadingArchive":
        """Return the archive with one more entry."""
        return replace(self, entries=(*self.entries, entry))

    def refreshed(self) -> "ReadingArchive":
        """Return the archive with what was added since."""
        more = tuple(manifest.entries(self.place, self.utility, self.number, self.root))
        return replace(self, entries=self.entries + more) if more else self

    @property
    def number(self) -> int:
        """The number of the last entry."""
        return len(self.entries)

    @property
    def root(self) -> str:
        """The digest of the last entry, which stands for the whole archive."""
        return self.entries[-1].root if self.entries else manifest.FIRST

    def files(self, kind: ArchiveKind = READINGS) -> list[ArchiveFile]:
        """Return the files of a kind in the order of the manifest, without those that others have replaced."""
        replaced = {path for entry in self.entries for path in entry.replaces}
        every = (file for entry in self.entries for file in entry.files)
        return [file for file in every if file.kind == kind.name and file.path not in replaced]

    def reached(self, kind: ArchiveKind = READINGS) -> Reached | None:
        """Return how far a kind is sealed; None: nothing is."""
        told = [entry.reached[kind.name] for entry in self.entries if kind.name in entry.reached]
        return told[-1] if told else None

    def shards(self, kind: ArchiveKind = READINGS) -> list[Shard]:
        """Return all shards with their files."""
        ranges: dict[int, list[tuple[int, int]]] = {}
        for entry in self.entries:
            for number, some in entry.shards.items():
                ranges.setdefault(int(number), []).extend(some)
        files: dict[int, list[ArchiveFile]] = {}
        for file in self.files(kind):
            files.setdefault(file.shard, []).append(file)
        return [
            Shard(self.place, self.utility, kind.name, number, tuple(sorted(some)), tuple(files.get(number, ())))
            for number, some in sorted(ranges.items())
        ]

    def read(
        self,
        sensors: Sensors,
        start: datetime,
        end: datetime,
        fields: Sequence[str] | None = None,
        kind: ArchiveKind = READINGS,
    ) -> NDArray[np.void]:
        """Return the readings of sensors in [start, end) by sensor and time, each once: what was said first stays.

        Args:
            fields: of `kind.layout`, all by default; sensor_id and measured_at are among them.
        """
        span = (to_us(start), to_us(end))
        parts = [_read(shard, mine, span, fields) for shard, mine in self._holding(kind, sensors)]
        return merge(kind, [_nothing(kind, fields), *parts])

    def parts(self, sensors: Sensors, start: datetime, end: datetime, fields: Sequence[str]) -> list[Arrays]:
        """Return the readings of homes' sensors in [start, end) as columns, those of each file by sensor and time.

        What a part says stays, whatever a later one says.
        """
        span = (to_us(start), to_us(end))
        return [
            part
            for shard, mine in self._holding(READINGS, sensors)
            for file in _files(shard, mine, span)
            if (part := _read_file(shard, file, mine, span, fields)) is not None
        ]

    def estimate(self, sensors: NDArray[np.int32], start: datetime, end: datetime) -> NDArray[np.int64]:
        """Return roughly how many readings of each of homes' sensors are read for [start, end)."""
        span, found = (to_us(start), to_us(end)), np.zeros(len(sensors))
        for shard, mine in self._holding(READINGS, sensors):
            for file in _files(shard, mine, span):
                first, last, share = _shares(shard.place, manifest.file_name(shard.utility, file.path))
                upto = np.concatenate(([0.0], np.cumsum(share)))
                low, high = np.searchsorted(last, sensors), np.searchsorted(first, sensors, "right")
                found += upto[np.maximum(low, high)] - upto[low]
        return found.astype(np.int64)

    def first(self, sensors: Sensors, start: datetime) -> datetime | None:
        """Return an instant from `start` on before which none of the sensors has a reading; None: there is none."""
        wanted, start_us = np.unique(np.asarray(sensors, np.int32)), to_us(start)
        found = [
            max(file.measured[0], start_us)
            for indexed in self._indexed[READINGS.name]
            if len(mine := indexed.holding(wanted))
            for file in indexed.shard.files
            if file.measured[1] >= start_us and has_any(mine, *file.sensors)
        ]
        return to_datetime(min(found)) if found else None

    def _holding(self, kind: ArchiveKind, sensors: Sensors) -> Iterator[tuple[Shard, NDArray[np.int32]]]:
        """Yield the shards that hold any of the sensors, and those, rising."""
        wanted = np.unique(np.asarray(sensors, np.int32))
        for indexed in self._indexed[kind.name]:
            if len(mine := indexed.holding(wanted)):
                yield indexed.shard, mine

    @cached_property
    def _indexed(self) -> Mapping[str, Sequence[_Indexed]]:
        return {kind.name: [_Indexed.of(shard) for shard in self.shards(kind)] for kind in layout.KINDS.values()}


def _nothing(kind: ArchiveKind, fields: Sequence[str] | None) -> NDArray[np.void]:
    dtype = np.dtype([(name, kind.dtype[name]) for name in fields or kind.layout])
    return np.empty(0, dtype)


def _read(
    shard: Shard, sensors: NDArray[np.int32] | None, span: tuple[int, int], fields: Sequence[str] | None
) -> NDArray[np.void]:
    """Return the readings of a shard in a span; of some sensors (rising), or of all."""
    kind = layout.KINDS[shard.kind]
    told = (_read_file(shard, file, sensors, span, fields) for file in _files(shard, sensors, span))
    parts = [layout.to_rows(kind, part) for part in told if part is not None]
    return merge(kind, parts or [_nothing(kind, fields)]) if len(parts) != 1 else parts[0]


def _files(shard: Shard, sensors: NDArray[np.int32] | None, span: tuple[int, int]) -> Iterator[ArchiveFile]:
    """Yield the files that may tell of sensors in a span. What an earlier one says stays."""
    # Amendments come behind all files of base: they were sealed later, and what they say again stays as it was.
    for part in (manifest.BASE, manifest.AMENDMENT):
        for file in shard.files:
            inside = file.measured[0] < span[1] and file.measured[1] >= span[0]
            if file.part == part and inside and has_any(sensors, *file.sensors):
                yield file


def has_any(sensors: NDArray[np.int32] | None, low: int, high: int) -> bool:
    """Return whether some of the sensors, rising, are within bounds."""
    if sensors is None:
        return True
    at = int(np.searchsorted(sensors, low))
    return at < len(sensors) and int(sensors[at]) <= high


@lru_cache(maxsize=512)
def _shares(place: ArchivePlace, name: str) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return the first and the last sensor of each group of rows, and how many rows one of its sensors has."""
    footer = footer_of(place, name)
    rows = [footer.metadata.row_group(nth).num_rows for nth in range(len(footer.first))]
    return footer.first, footer.last, np.array(rows) / (footer.last - footer.first + 1)


def _read_file(
    shard: Shard,
    file: ArchiveFile,
    sensors: NDArray[np.int32] | None,
    span: tuple[int, int],
    fields: Sequence[str] | None,
) -> Arrays | None:
    """Return the readings of a file in a span; of some sensors (rising), or of all. None: it has none."""
    kind, name = layout.KINDS[shard.kind], manifest.file_name(shard.utility, file.path)
    wanted = footer_of(shard.place, name).groups_of(sensors, span)
    if not wanted:
        return None
    stored = tuple(kind.stored(fields or kind.layout))
    if sensors is None:
        table = _groups(shard.place, name, wanted, stored)
    elif len(wanted) > GROUPS_KEPT_AT_ONCE:
        table = _of_sensors(_groups(shard.place, name, wanted, stored), sensors)
    else:
        kept = (_kept_group(shard.place, name, nth, stored) for nth in wanted)
        table = pa.concat_tables([_of_sensors(group, sensors) for group in kept])
    columns = layout.to_columns(kind, table, fields)
    if file.measured[0] >= span[0] and file.measured[1] < span[1]:
        return columns
    inside = (columns["measured_at"] >= span[0]) & (columns["measured_at"] < span[1])
    return {field: values[inside] for field, values in columns.items()}


def read_groups(
    place: ArchivePlace, name: str, metadata: pq.FileMetaData, wanted: Sequence[int], columns: Sequence[str]
) -> pa.Table:
    """Read groups of rows of a file. A page that is not as it was written is an error, not other values.

    Raises:
        OSError: the file cannot be read, or is not as it was written.
    """
    # Over a network, other threads ask for all parts at once. From a disk, waiting for them takes longer than reading
    # where the cores are busy.
    ahead = not place.is_on_disk
    with (
        place.open(name) as source,
        pq.ParquetFile(source, metadata=metadata, pre_buffer=ahead, page_checksum_verification=True) as opened,
    ):
        return opened.read_row_groups(wanted, columns=list(columns), use_threads=False)


@lru_cache(maxsize=GROUPS_KEPT)
def _kept_group(place: ArchivePlace, name: str, nth: int, columns: tuple[str, ...]) -> pa.Table:
    """Read a group of rows. Homes of a building, and the pages of a history, are asked for one after the other."""
    return _groups(place, name, (nth,), columns)


def _groups(place: ArchivePlace, name: str, wanted: tuple[int, ...], columns: tuple[str, ...]) -> pa.Table:
    return read_groups(place, name, footer_of(place, name).metadata, wanted, columns)


def _of_sensors(table: pa.Table, sensors: NDArray[np.int32]) -> pa.Table:
    """Return the rows of sensors, rising, of a table that is sorted by sensor."""
    there = table.column("sensor_id").to_numpy()
    if len(sensors) > MANY_SENSORS:
        mine = sensors[np.minimum(np.searchsorted(sensors, there), len(sensors) - 1)] == there
        return table if mine.all() else table.filter(pa.array(mine))
    lows, highs = np.searchsorted(there, sensors), np.searchsorted(there, sensors, "right")
    slices = [table.slice(low, high - low) for low, high in zip(lows, highs, strict=True) if low < high]
    return pa.concat_tables(slices) if slices else table.slice(0, 0)

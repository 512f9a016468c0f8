"""Files of single days joined to one for a month: smaller, and quicker to read where a season is read.

The entry that adds a month's file says which files it replaces. Nothing that was sealed changes: the readings are the
same, and amendments stay as they are. Replaced files lie there for a day, for readers that know the manifest as it was.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from secrets import token_hex
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from archives import manifest, verifying
from archives.layout import KINDS, ArchiveKind
from archives.manifest import ArchiveFile
from archives.reading import ReadingArchive, Shard
from archives.writing import Target, write
from domain.instants import to_datetime

BLOCK_READINGS = 1_000_000
STRAY_AFTER = timedelta(days=1)


class Join(NamedTuple):
    """A month of a kind that lies in files of single days."""

    kind: ArchiveKind
    month: str
    shards: Sequence[Shard]  # each with those files alone


def to_join(archive: ReadingArchive) -> Join | None:
    """Return the first month that is sealed to its end and lies in several files of a shard; None: there is none."""
    for kind in KINDS.values():
        reached = archive.reached(kind)
        upto = date.fromisoformat(reached.upto) if reached else date.min
        for month in sorted({file.month for file in archive.files(kind)}):
            if f"{upto:%Y-%m}" > month and (shards := _scattered(archive, kind, month)):
                return Join(kind, month, shards)
    return None


def _scattered(archive: ReadingArchive, kind: ArchiveKind, month: str) -> list[Shard]:
    found = []
    for shard in archive.shards(kind):
        files = tuple(file for file in shard.files if file.month == month and file.part == manifest.BASE)
        if len(files) > 1:
            found.append(shard._replace(files=files))
    return found


def join(todo: Join, number: int) -> Iterator[ArchiveFile]:
    """Write a file for each shard."""
    for shard in todo.shards:
        name = f"{manifest.BASE}-{number:08}-{token_hex(4)}"
        file = write(
            Target(shard.place, shard.utility, todo.kind, todo.month, shard.number, manifest.BASE, name), _blocks(shard)
        )
        if file is not None:
            assert file.rows == shard.rows  # each reading is in one file of base
            yield file


def _blocks(shard: Shard) -> Iterator[NDArray[np.void]]:
    sensors, rows = shard.sensor_ids, shard.rows
    at_once = max(1, len(sensors) * BLOCK_READINGS // max(rows, 1))
    span = (
        to_datetime(min(file.measured[0] for file in shard.files)),
        to_datetime(max(file.measured[1] for file in shard.files) + 1),
    )
    for low in range(0, len(sensors), at_once):
        yield shard.read(*span, sensors=sensors[low : low + at_once])


def sweep(archive: ReadingArchive, now: datetime) -> int:
    """Delete what no entry has needed for a day: attempts that were cut off, and files that were replaced."""
    before = now.astimezone(UTC) - STRAY_AFTER
    old = [name for name in verifying.strays(archive) if archive.place.written_at(name) < before]
    for name in old:
        archive.place.delete(name)
    return len(old)

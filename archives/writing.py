"""Files into an archive: readings by sensor and time, a group of rows at a time, hashed on their way."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from archives import layout, manifest
from archives.layout import ArchiveKind
from archives.manifest import ArchiveFile
from archives.place import ArchivePlace, HashedStream


class Target(NamedTuple):
    """Destination of a file."""

    place: ArchivePlace
    utility: str
    kind: ArchiveKind
    month: str  # YYYY-MM of measured_at, UTC
    shard: int
    part: str
    name: str  # of the file, without its ending; no other file of the shard and month has it

    @property
    def path(self) -> str:
        """The path below the folder of the utility."""
        return f"{layout.folder(self.kind, self.month, self.shard)}/{self.name}.parquet"


def write(target: Target, blocks: Iterable[NDArray[np.void]]) -> ArchiveFile | None:
    """Write a file of readings by sensor and time; None: there are none. No manifest names it yet."""
    groups = _groups(blocks)
    first = next(groups, None)
    if first is None:
        return None
    table = layout.to_table(target.kind, first)
    chosen = layout.encodings(target.kind, table)
    rows, sensors, measured = 0, list[int](), list[int]()
    with (
        target.place.writing(manifest.file_name(target.utility, target.path)) as out,
        layout.writer(out, target.kind.schema, chosen) as file,
    ):
        for group in chain([first], groups):
            file.write_table(layout.to_table(target.kind, group), row_group_size=layout.MOST_ROWS_OF_GROUP)
            rows += len(group)
            sensors += [int(group["sensor_id"][0]), int(group["sensor_id"][-1])]
            measured += [int(group["measured_at"].min()), int(group["measured_at"].max())]
    return _file(target, out, rows, (sensors[0], sensors[-1]), (min(measured), max(measured)))


def _file(
    target: Target, out: HashedStream, rows: int, sensors: tuple[int, int], measured: tuple[int, int]
) -> ArchiveFile:
    return ArchiveFile(
        path=target.path,
        kind=target.kind.name,
        month=target.month,
        shard=target.shard,
        part=target.part,
        rows=rows,
        size=out.size,
        sha256=out.sha256,
        sensors=sensors,
        measured=measured,
    )


def _groups(blocks: Iterable[NDArray[np.void]]) -> Iterator[NDArray[np.void]]:
    """Yield groups of rows: of whole sensors, because what sensors of one gateway share is packed once in a group."""
    waiting, size = list[NDArray[np.void]](), 0
    for block in blocks:
        waiting.append(block)
        size += len(block)
        if size < 2 * layout.ROWS_OF_GROUP:
            continue
        rows = np.concatenate(waiting)
        while len(rows) >= 2 * layout.ROWS_OF_GROUP:
            end = _end(rows)
            yield rows[:end]
            rows = rows[end:]
        waiting, size = [rows], len(rows)
    if size:
        yield np.concatenate(waiting)


def _end(rows: NDArray[np.void]) -> int:
    """Return where the first group ends: with a sensor, unless that has too many readings for one."""
    last = rows["sensor_id"][layout.ROWS_OF_GROUP - 1]
    return min(int(np.searchsorted(rows["sensor_id"], last, "right")), layout.MOST_ROWS_OF_GROUP)

"""Footers of the files of an archive: where each group of rows begins and ends, and how it is read.

Files never change, so the footers that were asked for lately are kept, as many as have so many groups together: a
footer of a season's file with 500 of them takes 4 MB in memory, and 5 ms to read.
"""

import threading
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from archives import layout
from archives.place import ArchivePlace

FOOTER_GROUPS = 16_384  # some 8 KB each


class Footer(NamedTuple):
    """The metadata of a file, and the bounds of its groups of rows: sensors, milliseconds."""

    metadata: pq.FileMetaData
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]

    def groups_of(self, sensors: NDArray[np.int32] | None, span: tuple[int, int]) -> tuple[int, ...]:
        """Return the numbers of the groups that may tell of sensors (rising), or of any, in a span (µs)."""
        inside = (self.begins <= span[1] // layout.MILLISECOND) & (self.ends >= span[0] // layout.MILLISECOND)
        if sensors is not None:
            inside &= np.searchsorted(sensors, self.first) < np.searchsorted(sensors, self.last, "right")
        return tuple(np.flatnonzero(inside).tolist())


def read_footer(place: ArchivePlace, name: str) -> Footer:
    """Read the footer of a file."""
    with place.open(name) as source:
        metadata = pq.read_metadata(source)
    bounds = np.empty((4, metadata.num_row_groups), np.int64)
    for nth in range(metadata.num_row_groups):
        group = metadata.row_group(nth)
        sensor, at = group.column(0).statistics, group.column(1).statistics
        bounds[:, nth] = sensor.min, sensor.max, int(at.min_raw), int(at.max_raw)
    return Footer(metadata, *bounds)


class KeptFooters:
    """Footers that were asked for last, by any thread."""

    def __init__(self, groups: int) -> None:
        self._most, self._groups = groups, 0
        self._kept: OrderedDict[tuple[ArchivePlace, str], Footer] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, place: ArchivePlace, name: str) -> Footer:
        """Return the footer of a file."""
        with self._lock:
            if (found := self._kept.get((place, name))) is not None:
                self._kept.move_to_end((place, name))
                return found
        found = read_footer(place, name)
        with self._lock:
            if (place, name) not in self._kept:
                self._kept[place, name] = found
                self._groups += found.metadata.num_row_groups
            while self._groups > self._most and len(self._kept) > 1:
                _, gone = self._kept.popitem(last=False)
                self._groups -= gone.metadata.num_row_groups
        return found


footer_of = KeptFooters(FOOTER_GROUPS).of

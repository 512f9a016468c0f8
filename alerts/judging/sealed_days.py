"""The past of homes out of the archive, as far as days are sealed, and out of the table from there on.

Read in a transaction that has the homes locked: what comes for them late is stored before it or after it, and of what
is stored before, the archive's amendments and the notes of what came late tell all.
"""

from datetime import UTC, date, datetime, time

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.judging.briefs import ShardBrief
from alerts.judging.from_archive import NO_ROWS, BriefSource
from alerts.judging.history import Source
from archives import manifest
from archives.columns import JUDGED_ROW, ShardReader, judged_rows
from archives.layout import READINGS
from archives.manifest import ArchiveBroken
from archives.merging import merge
from archives.reading import JUDGED, ReadingArchive
from store.evidence import archive_rows, reading_digests
from store.readings import stays


class SealedDays:
    """An archive of the database, read by one process."""

    def __init__(self, archive: ReadingArchive) -> None:
        self._archive = archive.refreshed()
        self._reader = ShardReader(self._archive.shards())

    def source(self, conn: Connection, brief: ShardBrief) -> Source:
        """Return the readings of homes on record; the homes are locked.

        Raises:
            ArchiveBroken: the archive is another one than the database knows.
        """
        archive = self._archive.refreshed()
        if archive is not self._archive:
            self._archive, self._reader = archive, ShardReader(archive.shards())
        reached = archive.reached(READINGS)
        upto = date.fromisoformat(reached.upto) if reached else date.min
        late = _late(conn, archive, upto, np.unique(brief.stays["sensor_id"]))
        sealed = datetime.combine(upto, time(0), UTC)

        def beside(sensors: list[int], start: datetime, end: datetime) -> NDArray[np.void]:
            if end <= sealed:
                return late
            return merge(READINGS, [NO_ROWS, late, judged_rows(stays.said(conn, sensors, max(start, sealed), end))])

        return BriefSource(brief, self._reader, beside, keeps=True)


def _late(conn: Connection, archive: ReadingArchive, upto: date, sensors: NDArray[np.int32]) -> NDArray[np.void]:
    """Return what came late for sealed days and is not in the archive yet, of some sensors."""
    noted = [row for row in archive_rows.entries(conn) if row.number <= archive.number]
    if noted and archive.entries[noted[-1].number - 1].root != noted[-1].root.hex():
        name = manifest.entry_name(archive.utility, noted[-1].number)
        raise ArchiveBroken(f"{name}: is not the one that the database knows")
    after = max((row.late for row in noted if row.kind == READINGS.name), default=0)
    return late_rows(conn, after, upto, sensors)


def late_rows(conn: Connection, after: int, upto: date, sensors: NDArray[np.int32] | None = None) -> NDArray[np.void]:
    """Return what came late for days before one, of all sensors or of some: JUDGED rows by sensor and time.

    Args:
        after: the number of the last late reading that is in a file.
    """
    told = archive_rows.late(conn, reading_digests.HOMES, (after, archive_rows.LAST), upto)
    mine = [rows if sensors is None else rows[np.isin(rows["sensor_id"], sensors)] for rows in told]
    return merge(READINGS, [rows.astype(READINGS.dtype) for rows in mine])[list(JUDGED)].astype(JUDGED_ROW)

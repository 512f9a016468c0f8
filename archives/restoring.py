"""Archived days put back into the table: a piece at a time, so that it may be cut off and begun again."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np
from psycopg import Connection

from archives.layout import KINDS, READINGS, ArchiveKind
from archives.merging import merge
from archives.reading import ReadingArchive
from domain.instants import to_datetime
from store.evidence import archive_rows, reading_digests
from store.evidence.reading_digests import ReadingTable
from store.readings import retention

SENSORS_AT_ONCE = 200
DAY = timedelta(days=1)
TABLES = {table.name: table for table in reading_digests.KINDS}


class RestoreOutcome(NamedTuple):
    """Outcome of a piece: readings that the archive has, and those that the table lacked, or lacked in part."""

    archived: int
    restored: int


class RestorePiece(NamedTuple):
    """The readings of some sensors on a day (UTC)."""

    kind: ArchiveKind
    day: date
    sensors: Sequence[int]


def pieces(archive: ReadingArchive, first: date, end: date, sensors: Sequence[int] | None) -> list[RestorePiece]:
    """Return what there is to restore of days in [first, end): of some sensors, or of all and of both kinds."""
    return [piece for kind in KINDS.values() for piece in _of_kind(archive, kind, first, end, sensors)]


def _of_kind(
    archive: ReadingArchive, kind: ArchiveKind, first: date, end: date, sensors: Sequence[int] | None
) -> Iterator[RestorePiece]:
    reached = archive.reached(kind)
    if reached is None:
        return
    day, last = max(first, date.fromisoformat(reached.begins)), min(end, date.fromisoformat(reached.upto))
    wanted = [np.sort(np.array(sensors, np.int32))] if sensors is not None else _sensors(archive, kind)
    while day < last:
        for some in wanted:
            for low in range(0, len(some), SENSORS_AT_ONCE):
                yield RestorePiece(kind, day, some[low : low + SENSORS_AT_ONCE].tolist())
        day += DAY


def _sensors(archive: ReadingArchive, kind: ArchiveKind) -> list[np.ndarray[tuple[int], np.dtype[np.int32]]]:
    return [shard.sensor_ids for shard in archive.shards(kind) if shard.files]


def restore(conn: Connection, archive: ReadingArchive, piece: RestorePiece, dry_run: bool = False) -> RestoreOutcome:
    """Put what the archive has of a piece into the table, as history says it: what was said first stays."""
    start = to_datetime(reading_digests.midnight_us(piece.day))
    old = archive.read(piece.sensors, start, start + DAY, kind=piece.kind)
    if not len(old):
        return RestoreOutcome(0, 0)
    table: ReadingTable = TABLES[piece.kind.name]
    with conn.transaction(force_rollback=dry_run):
        there = reading_digests.said(conn, table, piece.day, piece.sensors).astype(old.dtype)
        whole = merge(piece.kind, [old, there])
        known = {row.tobytes() for row in there}
        lacking = whole[[row.tobytes() not in known for row in whole]]
        archive_rows.put_back(conn, table, lacking)
    return RestoreOutcome(len(old), len(lacking))


def hold(conn: Connection, first: date, days: int, now: datetime) -> datetime:
    """Keep what is put back of days from one (UTC) on for some days; return until when."""
    until = now + days * DAY
    retention.hold(conn, _midnight(first), until, now)
    return until


def keep_from(conn: Connection, first: date) -> None:
    """Note that the table has all again that was measured from a day (UTC) on."""
    retention.keep_from(conn, _midnight(first))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def is_contiguous(conn: Connection, archive: ReadingArchive, end: date) -> bool:
    """Return whether days up to one, restored whole, leave no gap to what the table has."""
    kept, reached = retention.kept_since(conn), archive.reached(READINGS)
    return kept is not None and reached is not None and end >= kept.astimezone(UTC).date()

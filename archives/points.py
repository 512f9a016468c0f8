"""Readings of points out of archive and table, point by point and by time, as columns.

Files are read for some points at a time, and nothing is merged but where two sources tell of the same time.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import numpy as np
from psycopg import Connection

from archives.layout import READINGS, Arrays
from archives.merging import end_to_end
from archives.reading import ReadingArchive
from domain.instants import to_us
from store.readings import reading_history
from store.readings.reading_history import SAID, ReachedPoint

MONTH = timedelta(days=32)
BATCH_ROWS = 100_000  # of the table
READINGS_AT_ONCE = 200_000  # of the archive, of several points; one that has more is read by months
Span: TypeAlias = tuple[datetime, datetime]
Behind: TypeAlias = tuple[ReadingArchive, datetime]  # the archive, and the instant from which the table has all
PointColumns: TypeAlias = tuple[ReachedPoint, Arrays]  # a piece of its readings: SAID


def of_points(
    conn: Connection, behind: Behind | None, points: Sequence[ReachedPoint], span: Span, most: int = BATCH_ROWS
) -> Iterator[PointColumns]:
    """Yield all readings of points in a span, raw, in the order of the points, of each by time, in pieces.

    Args:
        most: of the table at a time.
    """
    if behind is None:
        for point in points:
            yield from of_table(conn, point, span, most)
        return
    archive, kept = behind
    recent = (max(span[0], kept), span[1])
    for some, spans in _portions(archive, points, (span[0], min(span[1], kept))):
        for stretch in spans:
            for point, pieces in zip(some, of_both(conn, archive, some, stretch), strict=True):
                yield from ((point, piece) for piece in pieces)
                if stretch == spans[-1]:
                    yield from of_table(conn, point, recent, most)


def of_table(conn: Connection, point: ReachedPoint, span: Span, most: int = BATCH_ROWS) -> Iterator[PointColumns]:
    """Yield the readings of a point in a span that the table has, at most so many at a time."""
    for rows in reading_history.said(conn, point.point_id, *span, most):
        yield point, {name: rows[name] for name in SAID}


def _portions(
    archive: ReadingArchive, points: Sequence[ReachedPoint], span: Span
) -> Iterator[tuple[list[ReachedPoint], list[Span]]]:
    """Yield the points in portions that fit into memory, each with the spans that it is read by."""
    sizes = archive.estimate(np.array([point.sensor_id for point in points], np.int32), *span).tolist()
    some, size = list[ReachedPoint](), 0
    for point, more in zip(points, sizes, strict=True):
        if some and size + more > READINGS_AT_ONCE:
            yield some, [span]
            some, size = [], 0
        if more > READINGS_AT_ONCE:
            yield [point], list(months(*span))
        else:
            some.append(point)
            size += more
    if some:
        yield some, [span]


def of_both(
    conn: Connection,
    archive: ReadingArchive,
    points: Sequence[ReachedPoint],
    span: Span,
    fields: Collection[str] = SAID,
) -> Iterator[list[Arrays]]:
    """Yield the pieces of each point for a time of which the table may have lost some.

    Args:
        fields: of SAID; measured_at is among them.
    """
    parts = archive.parts([point.sensor_id for point in points], *span, ("sensor_id", *fields))
    rows = reading_history.said_by(conn, [point.point_id for point in points], *span)
    for point in points:
        low, high = point.within(*span)
        if low >= high:
            yield []
            continue
        pieces = [_slice(part, point.sensor_id, to_us(low), to_us(high)) for part in parts]
        mine = rows[slice(*np.searchsorted(rows["point_id"], (point.point_id, point.point_id + 1)))]
        told = {name: mine[name] for name in fields}
        yield end_to_end(READINGS, [*pieces, {"sensor_id": np.full(len(mine), point.sensor_id, np.int32), **told}])


def _slice(part: Arrays, sensor_id: int, low: int, high: int) -> Arrays:
    """Return the readings of a sensor in a span (µs) out of a part that is sorted by sensor and time."""
    begin, end = np.searchsorted(part["sensor_id"], (sensor_id, sensor_id + 1))
    begin, end = begin + np.searchsorted(part["measured_at"][begin:end], (low, high))
    return {name: values[begin:end] for name, values in part.items()}


def months(start: datetime, end: datetime) -> Iterator[Span]:
    """Yield the calendar months of a span, which are those of files and bound what is in memory."""
    while start < end:
        day = start.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0) + MONTH
        following = min(day.replace(day=1), end)
        yield start, following
        start = following

"""One history of readings: the table first, the archive behind it.

The table has all that was measured since `readings_kept.since`; of what is older it may have lost any part, and the
archive has it. So what is younger is read from the table alone, as if there were no archive; what is older from both,
merged by the rule that the first value stays. Both are asked by the same functions for every reader of readings.

Row-level reach is the database's: the API comes to a sensor through `reached_point` alone, in the table as in a file.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from archives.layout import KINDS, READINGS
from archives.merging import merge
from archives.reading import JUDGED, ReadingArchive
from domain.instants import to_datetime
from domain.measurement import LivingReading
from domain.milli import NONE_MILLI, milli
from domain.quality import Quality
from store.base import wire
from store.evidence import dossier_rows, reading_digests
from store.evidence.reading_digests import ReadingTable
from store.readings import reading_history, retention, stays
from store.readings.reading_history import Columns, HistoryPage, HomePoint
from store.sensors import agreement_rows

MONTH = timedelta(days=32)
BATCH_ROWS = 100_000
Behind: TypeAlias = tuple[ReadingArchive, datetime]  # the archive, and the instant from which the table has all
WHILE_DROPPING = timedelta(days=2)  # the table may lose more while it is being read, a day at a time


class OneHistory:
    """All readings on record."""

    def __init__(self, archive: ReadingArchive | None = None) -> None:
        self._archive = archive

    @property
    def is_table_alone(self) -> bool:
        """True where there is no archive."""
        return self._archive is None

    def whole_since(self, conn: Connection, start: datetime) -> datetime | None:
        """Return the instant from which the table has all; None: it has all from `start` on, or there is no archive."""
        behind = self._behind(conn, start)
        return behind[1] if behind else None

    def _behind(self, conn: Connection, start: datetime) -> Behind | None:
        """Return the archive, and the instant from which the table has all; None: the table has all from `start` on."""
        kept = self.table_since(conn)
        if self._archive is None or kept is None or kept <= start:
            return None
        self._archive = self._archive.refreshed()
        return self._archive, kept + WHILE_DROPPING

    def table_since(self, conn: Connection) -> datetime | None:
        """Return the instant from which the table has all that is answered; None: it always has."""
        return retention.kept_since(conn) if self._archive is not None else None

    def kept_since(self, conn: Connection) -> datetime | None:
        """Return the instant before which readings may be gone; None: none ever were."""
        behind = self._behind(conn, to_datetime(0))
        reached = behind[0].reached() if behind else None
        if reached is None:
            return retention.kept_since(conn)
        return None if reached.whole else _midnight(date.fromisoformat(reached.begins))

    def judged_from(self, conn: Connection) -> datetime | None:
        """Return the first instant from which days can be judged again; None: unbounded."""
        kept = self.kept_since(conn)
        return kept + retention.MARGIN if kept else None

    def said(self, conn: Connection, sensors: list[int], start: datetime, end: datetime) -> NDArray[np.void]:
        """Return store.stays.SAID rows: good temperatures of sensors in [start, end), by sensor and time."""
        rows, behind = stays.said(conn, sensors, start, end), self._behind(conn, start)
        if behind is None:
            return rows
        archive, kept = behind
        return good_of(archive.read(sensors, start, min(end, kept), JUDGED), rows)

    def said_in_reach(self, conn: Connection, sensors: list[int], start: datetime, end: datetime) -> NDArray[np.void]:
        """Return what `said` does, in the API's role: as far as the caller reaches the homes of the sensors."""
        rows, behind = dossier_rows.said(conn, sensors, start, end), self._behind(conn, start)
        if behind is None:
            return rows
        archive, kept = behind
        parts = [archive.read([], start, start, JUDGED)]
        for place in reading_history.reached_of(conn, sensors):
            low, high = place.within(start, min(end, kept))
            parts.append(archive.read([place.sensor_id], low, max(low, high), JUDGED))
        return good_of(merge(READINGS, parts), rows)

    def beside(self, conn: Connection, home_id: int, at: datetime, hold_intervals: float) -> list[LivingReading]:
        """Return the values that the sensors of a home, in any room, held at an instant.

        The connection has the API's role, or that of watch.
        """
        found = agreement_rows.beside(conn, home_id, at, hold_intervals)
        behind = self._behind(conn, min((one.since for one in found), default=at))
        if behind is not None:
            archive, kept = behind
            end = min(at + timedelta(microseconds=1), kept)
            found = [
                one.after(good_of(archive.read([one.sensor_id], one.since, max(one.since, end), JUDGED), NONE_SAID))
                for one in found
            ]
        return [one.living() for one in found if one.measured_at is not None]

    def first_said(self, conn: Connection, sensors: list[int], start: datetime) -> datetime | None:
        """Return the time of the first reading of any of the sensors from an instant on; a file's bound may do."""
        first, behind = stays.first_said(conn, sensors, start), self._behind(conn, start)
        if behind is None:
            return first
        archived = behind[0].first(sensors, start)
        return min(filter(None, (first, archived)), default=None)

    def of_day(self, conn: Connection, kind: ReadingTable, day: date, sensors: list[int]) -> NDArray[np.void]:
        """Return all that is said by sensors on a UTC day, by sensor and time."""
        rows, behind = reading_digests.said(conn, kind, day, sensors), self._behind(conn, _midnight(day))
        if behind is None:
            return rows
        archive = behind[0]
        of = KINDS[kind.name]
        old = archive.read(sensors, _midnight(day), _midnight(day + timedelta(days=1)), kind=of)
        return merge(of, [old, rows.astype(of.dtype)])

    def of_point(
        self, conn: Connection, point_id: int, start: datetime, end: datetime, most: int = BATCH_ROWS
    ) -> Iterator[NDArray[np.void]]:
        """Yield all readings of a point in [start, end) as reading_history.SAID rows, raw, by time, in batches.

        The connection has the API's role: nothing comes of a point that the caller does not reach.
        """
        yield from _of_point(conn, self._behind(conn, start), point_id, (start, end), most)

    def page(self, conn: Connection, stretch: HistoryPage) -> list[Columns]:
        """Return the readings of a page, possibly more: each point contributes up to a full page."""
        behind = self._behind(conn, stretch.start)
        if behind is None:
            return reading_history.readings(conn, stretch)
        told, found = stretch.parameters(), []
        for point in reading_history.points(conn, stretch.home_id, told["start"], stretch.end):
            shown = told["shown"] is not None and point.point_id <= told["shown"]
            start = told["start"] + timedelta(microseconds=1) if shown else told["start"]
            batches = _of_point(conn, behind, point.point_id, (start, stretch.end))
            rows = _first_rows(batches, stretch.limit)
            if len(rows):
                found.append(_columns(point, rows))
        return found

    def good(self, conn: Connection, home_id: int, start: datetime, end: datetime) -> NDArray[np.void]:
        """Return good readings of a home in [start, end) as GOOD rows, calibrated, by point and time."""
        behind = self._behind(conn, start)
        if behind is None:
            return reading_history.good(conn, home_id, start, end)
        parts = [np.empty(0, wire.native(reading_history.GOOD))]
        for point in reading_history.points(conn, home_id, start, end):
            for rows in _of_point(conn, behind, point.point_id, (start, end)):
                rows = rows[(rows["quality"] == Quality.GOOD) & ~np.isnan(rows["temperature"])]
                part = np.empty(len(rows), parts[0].dtype)
                part["point_id"], part["measured_at"] = point.point_id, rows["measured_at"]
                part["milli"] = wire.milli(rows["temperature"]) + milli(point.offset_k)
                parts.append(part)
        return np.concatenate(parts)


def _of_point(
    conn: Connection, behind: Behind | None, point_id: int, span: tuple[datetime, datetime], most: int = BATCH_ROWS
) -> Iterator[NDArray[np.void]]:
    """Yield all readings of a point in a span as OneHistory.of_point does, looking at the archive as it was found."""
    start, end = span
    if behind is not None:
        archive, kept = behind
        for low, high in _months(start, min(end, kept)):
            rows = _archived(conn, archive, point_id, low, high)
            if len(rows):
                yield rows
        start = max(start, kept)
    yield from reading_history.said(conn, point_id, start, end, most)


def _first_rows(batches: Iterator[NDArray[np.void]], most: int) -> NDArray[np.void]:
    """Return the first rows of batches; no more of them are read than needed."""
    parts = [np.empty(0, wire.native(reading_history.SAID))]
    for batch in batches:
        parts.append(batch)
        if sum(map(len, parts)) >= most:
            break
    return np.concatenate(parts)[:most]


def _columns(point: HomePoint, rows: NDArray[np.void]) -> Columns:
    """Return raw readings of a point as a page shows them."""
    raw = rows["temperature"]
    rounded = wire.milli(raw)
    judged = wire.celsius(rounded + np.int32(milli(point.offset_k)))
    warm = np.where(rounded == NONE_MILLI, raw + np.float32(point.offset_k), judged)
    values = {"temperature": warm, "humidity": rows["humidity"], "battery": rows["battery"]}
    return Columns(
        point.point_id,
        point.sensor,
        point.room,
        point.offset_k,
        [to_datetime(us) for us in rows["measured_at"].tolist()],
        **{name: [None if x != x else x for x in some.tolist()] for name, some in values.items()},
        quality=rows["quality"].tolist(),
    )


def good_of(archived: NDArray[np.void], table: NDArray[np.void]) -> NDArray[np.void]:
    """Return store.stays.SAID rows of what the archive says (JUDGED) and of good readings of the table behind it."""
    rows = np.empty(len(table), archived.dtype)
    for name in stays.SAID:
        rows[name] = table[name]
    rows["quality"] = Quality.GOOD
    both = merge(READINGS, [archived, rows]) if len(rows) else archived
    both = both[(both["quality"] == Quality.GOOD) & ~np.isnan(both["temperature"])]
    found = np.empty(len(both), wire.native(stays.SAID))
    for name in stays.SAID:
        found[name] = both[name]
    return found


def _archived(
    conn: Connection, archive: ReadingArchive, point_id: int, start: datetime, end: datetime
) -> NDArray[np.void]:
    """Return SAID rows of a point for a time of which the table may have lost some."""
    place = reading_history.reached(conn, point_id)
    found = np.empty(0, wire.native(reading_history.SAID))
    if place is None:
        return found
    start, end = place.within(start, end)
    if start >= end:
        return found
    parts = [archive.read([place.sensor_id], start, end)]
    for rows in reading_history.said(conn, point_id, start, end, BATCH_ROWS):
        late = np.zeros(len(rows), READINGS.dtype)
        late["sensor_id"] = place.sensor_id
        for name in reading_history.SAID:
            late[name] = rows[name]
        parts.append(late)
    both = merge(READINGS, parts)
    found = np.empty(len(both), found.dtype)
    for name in reading_history.SAID:
        found[name] = both[name]
    return found


def _months(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the calendar months of a span, which are those of files and bound what is in memory."""
    while start < end:
        day = start.astimezone(UTC).date().replace(day=1) + MONTH
        following = min(_midnight(day.replace(day=1)), end)
        yield start, following
        start = following


def _midnight(day: date) -> datetime:
    return to_datetime(reading_digests.midnight_us(day))


NONE_SAID = np.empty(0, wire.native(stays.SAID))
TABLE_ALONE = OneHistory()

"""One history of readings: the table first, the archive behind it.

The table has all that was measured since `readings_kept.since`; of what is older it may have lost any part, and the
archive has it. So what is younger is read from the table alone, as if there were no archive; what is older from both,
merged by the rule that the first value stays. Both are asked by the same functions for every reader of readings.

Row-level reach is the database's: the API comes to a sensor through `reached_point` alone, in the table as in a file.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from archives.columns import ReadSpan, judged_rows
from archives.layout import KINDS, READINGS, Arrays
from archives.merging import merge
from archives.points import BATCH_ROWS, Behind, PointColumns, Span, months, of_both, of_points, of_table
from archives.reading import JUDGED, ReadingArchive
from domain.instants import to_datetime, to_us
from domain.measurement import LivingReading
from domain.milli import NONE_MILLI, milli
from domain.quality import Quality
from store.base import wire
from store.evidence import dossier_rows, reading_digests
from store.evidence.reading_digests import ReadingTable
from store.readings import reading_history, retention, stays
from store.readings.reading_history import Columns, HistoryPage, HomePoint, ReachedPoint
from store.sensors import agreement_rows

SHOWN = ("measured_at", "temperature", "humidity", "battery", "quality")  # on a page
WHILE_DROPPING = timedelta(days=2)  # the table may lose more while it is being read, a day at a time


class OneHistory:
    """All readings on record."""

    def __init__(self, archive: ReadingArchive | None = None, read: Sequence[ReadSpan] = ()) -> None:
        self._archive, self.read = archive, read

    def having_read(self, read: Sequence[ReadSpan]) -> "OneHistory":
        """Return the same for who has some of it in memory."""
        return OneHistory(self._archive, read)

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
        if self._archive is None:
            return None
        kept, entries = retention.kept_and_archived(conn)
        if kept is None or kept <= start:
            return None
        if self._archive.number < max(entries, 1):  # the table loses nothing before the database knows its entry
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
    ) -> Iterator[Arrays]:
        """Yield all readings of a point in [start, end) as columns (reading_history.SAID), raw, by time, in pieces.

        The connection has the API's role: nothing comes of a point that the caller does not reach.
        """
        place = reading_history.reached(conn, point_id)
        told = self.of_points(conn, [place] if place else [], start, end, most)
        yield from (columns for _, columns in told)

    def of_points(
        self, conn: Connection, places: Sequence[ReachedPoint], start: datetime, end: datetime, most: int = BATCH_ROWS
    ) -> Iterator[PointColumns]:
        """Yield all readings of points in [start, end) as `of_point` does, one point after the other."""
        yield from of_points(conn, self._behind(conn, start), places, (start, end), most)

    def page(self, conn: Connection, stretch: HistoryPage) -> list[Columns]:
        """Return the readings of a page, possibly more: each point contributes up to a full page."""
        behind = self._behind(conn, stretch.start)
        if behind is None:
            return reading_history.readings(conn, stretch)
        told = stretch.parameters()
        points = reading_history.points(conn, [stretch.home_id], told["start"], stretch.end)
        shown = {point.point_id for point in points if told["shown"] and point.point_id <= told["shown"]}
        pages = [_Page(point, to_us(told["start"]) + (point.point_id in shown), stretch.limit) for point in points]
        _fill(conn, behind, pages, (told["start"], stretch.end))
        return [_columns(page.point, page.rows()) for page in pages if page.count]

    def good(self, conn: Connection, home_id: int, start: datetime, end: datetime) -> NDArray[np.void]:
        """Return good readings of a home in [start, end) as GOOD rows, calibrated, by point and time."""
        behind = self._behind(conn, start)
        if behind is None:
            return reading_history.good(conn, home_id, start, end)
        points = {point.point_id: point for point in reading_history.points(conn, [home_id], start, end)}
        parts = [np.empty(0, wire.native(reading_history.GOOD))]
        places = [point.reached for point in points.values()]
        for place, told in of_points(conn, behind, places, (start, end)):
            good = (told["quality"] == Quality.GOOD) & ~np.isnan(told["temperature"])
            part = np.empty(int(good.sum()), parts[0].dtype)
            part["point_id"], part["measured_at"] = place.point_id, told["measured_at"][good]
            part["milli"] = wire.milli(told["temperature"][good]) + milli(points[place.point_id].offset_k)
            parts.append(part)
        return np.concatenate(parts)


@dataclass
class _Page:
    """The share of a point in a page, as far as it is read."""

    point: HomePoint
    begin: int  # µs
    limit: int
    pieces: list[Arrays] = field(default_factory=list)
    count: int = 0

    def add(self, piece: Arrays) -> None:
        """Take readings that are later than those before."""
        at = slice(int(np.searchsorted(piece["measured_at"], self.begin)), None)
        self.pieces.append({name: piece[name][at] for name in reading_history.SAID if name in piece})
        self.count += len(self.pieces[-1]["measured_at"])

    def rows(self) -> Arrays:
        """Return all that was taken, up to the limit."""
        names = self.pieces[0]
        return {name: np.concatenate([piece[name] for piece in self.pieces])[: self.limit] for name in names}


def _fill(conn: Connection, behind: Behind, pages: Sequence[_Page], span: Span) -> None:
    """Read into pages until they are full: by months what the table may have lost, then from the table alone."""
    archive, kept = behind
    for low, high in months(span[0], min(span[1], kept)):
        lacking = [page for page in pages if page.count < page.limit]
        told = of_both(conn, archive, [page.point.reached for page in lacking], (low, high), SHOWN)
        for page, pieces in zip(lacking, told, strict=True):
            for piece in pieces:
                page.add(piece)
    recent = (max(span[0], kept), span[1])
    for page in pages:
        if page.count < page.limit:
            for _, piece in islice(of_table(conn, page.point.reached, recent, page.limit + 1), 1):
                page.add({name: piece[name] for name in SHOWN})


def _columns(point: HomePoint, rows: Arrays) -> Columns:
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
    both = merge(READINGS, [archived, judged_rows(table)]) if len(table) else archived
    both = both[(both["quality"] == Quality.GOOD) & ~np.isnan(both["temperature"])]
    found = np.empty(len(both), wire.native(stays.SAID))
    for name in stays.SAID:
        found[name] = both[name]
    return found


def _midnight(day: date) -> datetime:
    return to_datetime(reading_digests.midnight_us(day))


NONE_SAID = np.empty(0, wire.native(stays.SAID))
TABLE_ALONE = OneHistory()

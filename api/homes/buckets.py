"""Readings aggregated by time bucket (`every=`). The work per page is bounded, however long the span."""

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from alerts.engine.resample import resample
from api.http.session import Session
from domain.instants import to_datetime, to_us
from domain.milli import PER_DEGREE, celsius
from store.base.rows import Row
from store.readings import reading_history
from store.readings.reading_history import HistoryPage, HomePoint

AT_A_TIME = timedelta(days=31)
DAY = timedelta(days=1)


class Every(StrEnum):
    """The widths of a bucket; P1D is a local day."""

    TEN_MINUTES = "PT10M"
    HOUR = "PT1H"
    DAY = "P1D"


WIDTHS = {Every.TEN_MINUTES: timedelta(minutes=10), Every.HOUR: timedelta(hours=1)}


def edges(every: Every, start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return the edges of the buckets that cover [start, end), ascending, at least two.

    Buckets of up to an hour align with UTC. A local day has 23 or 25 hours when the clocks change.
    """
    if every is not Every.DAY:
        width = WIDTHS[every] // timedelta(microseconds=1)
        low = to_us(start) // width * width
        return [to_datetime(us) for us in range(low, max(to_us(end), low + 1) + width, width)]
    day = start.astimezone(zone).date()
    found: list[datetime] = []
    while not found or found[-1] < end:
        found.append(datetime.combine(day, time(0), zone))
        day += DAY
    return found if len(found) > 1 else [*found, datetime.combine(day, time(0), zone)]


def buckets(asking: Session, stretch: HistoryPage, every: Every, zone: ZoneInfo) -> list[Row]:
    """Read the buckets of a page in order of (start, point), up to its limit.

    `coverage` is the share of the requested, elapsed part of a bucket during which a reading of the sensor held: until
    the next one, at most as long as the policy allows.
    """
    low = max(stretch.start, stretch.after[0]) if stretch.after else stretch.start
    rows: list[Row] = []
    while low < stretch.end and len(rows) < stretch.limit:
        marks = edges(every, low, min(stretch.end, low + AT_A_TIME), zone)
        window = _window(asking, stretch, marks)
        rows += [row for row in window if stretch.after is None or (row["start"], row["point_id"]) > stretch.after]
        low = marks[-1]
    return rows[: stretch.limit]


def _window(asking: Session, stretch: HistoryPage, marks: Sequence[datetime]) -> list[Row]:
    """Read all buckets between some edges."""
    low, high = max(stretch.start, marks[0]), min(stretch.end, marks[-1])
    points = reading_history.points(asking.conn, [stretch.home_id], low, high)
    intervals = max(version.hold_intervals for version in asking.policy.versions)
    longest = timedelta(seconds=intervals * max((point.interval_s for point in points), default=0))
    rows = asking.history.good(asking.conn, stretch.home_id, low - longest, high)
    found = [bucket for point in points for bucket in _of_point(asking, point, rows, marks, (low, high))]
    return sorted(found, key=lambda bucket: (bucket["start"], bucket["point_id"]))


def _of_point(
    asking: Session,
    point: HomePoint,
    rows: NDArray[np.void],
    marks: Sequence[datetime],
    span: tuple[datetime, datetime],
) -> Iterator[dict[str, Any]]:
    mine = rows[rows["point_id"] == point.point_id]
    over = min(span[1], asking.now)
    ends = (over, point.valid_to) if point.valid_to else (over,)
    until = np.minimum(mine["measured_at"] + _holds_us(asking, point, mine["measured_at"]), to_us(min(ends)))
    # The first and the last bucket are clipped to the span.
    inner = np.clip([to_us(mark) for mark in marks], to_us(span[0]), to_us(span[1]))
    for found in resample(mine["measured_at"], until, mine["milli"], inner):
        n = int(found["bucket"])
        length = min(int(inner[n + 1]), to_us(over)) - int(inner[n])
        yield {
            "sensor": point.sensor,
            "room": point.room,
            "interval_s": point.interval_s,
            "start": marks[n],
            "min": celsius(int(found["lowest"])),
            "mean": float(found["mean"]) / PER_DEGREE,
            "max": celsius(int(found["highest"])),
            "count": int(found["count"]),
            "coverage": min(1.0, int(found["known_us"]) / length) if length > 0 else 0.0,
            "point_id": point.point_id,
        }


def _holds_us(asking: Session, point: HomePoint, at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for how long (µs) a reading at each instant may be held, by the policy in force then."""
    versions = asking.policy.versions
    starts = [to_us(datetime.combine(v.valid_from, time(0), asking.policy.zone)) for v in versions]
    number = np.maximum(np.searchsorted(starts, at, "right") - 1, 0)
    return (np.array([v.hold_intervals for v in versions])[number] * point.interval_s * 1e6).astype(np.int64)

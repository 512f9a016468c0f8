"""Readings that flags of old days rest on, where the table has lost them: taken from all that is on record."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.engine.track import Int, bisect, ranges
from archives.columns import ReadSpan
from archives.history import OneHistory
from domain import groups
from domain.instants import to_datetime, to_us
from store.base import wire
from store.judging.rooms_then import NOTHING_OLD, OldReadings
from store.readings import stays

DAY_US = 86_400_000_000
AT_ONCE = 256  # instants of homes, whose sensors are read for a month at most


def days_of(asked: Sequence[tuple[int, int]]) -> Iterator[tuple[list[int], int, int]]:
    """Yield the homes of each day (UTC) of (home_id, µs), and the first and the last instant."""
    days: dict[int, list[tuple[int, int]]] = {}
    for home, at in asked:
        days.setdefault(at // DAY_US, []).append((home, at))
    for some in days.values():
        instants = [at for _, at in some]
        yield sorted({home for home, _ in some}), min(instants), max(instants)


def old_readings(
    conn: Connection, readings: OneHistory, asked: Sequence[tuple[int, int]], hold_intervals: float
) -> OldReadings:
    """Return what homes' sensors said within the hold before instants of which the table may have lost some.

    Args:
        asked: (home_id, µs).
        hold_intervals: upper bound of the hold, in intervals of a sensor.
    """
    if not asked or readings.is_table_alone:
        return NOTHING_OLD
    places = stays.stays(conn, sorted({home for home, _ in asked}))
    hold_us = round(hold_intervals * int(places["interval_s"].max(initial=1)) * 1e6)
    since = readings.whole_since(conn, to_datetime(min(at for _, at in asked) - hold_us))
    if since is None:
        return NOTHING_OLD
    old = [(home, at) for home, at in asked if to_datetime(at - hold_us) < since]
    old, found = _in_memory(readings.read, old, places, hold_us)
    for some in _by_month(old):
        mine = places[np.isin(places["home_id"], [home for home, _ in some])]
        first, last = min(at for _, at in some), max(at for _, at in some)
        end = min(to_datetime(last + 1), since)
        said = readings.said(conn, np.unique(mine["sensor_id"]).tolist(), to_datetime(first - hold_us), end)
        found.append(said[_held(said["sensor_id"], said["measured_at"], mine, some, hold_us)])
    rows = np.concatenate(found)
    rows = rows[rows["measured_at"] < to_us(since)]
    return OldReadings(rows["sensor_id"].tolist(), rows["measured_at"].tolist(), rows["temperature"].tolist(), since)


def _in_memory(
    read: Sequence[ReadSpan], asked: Sequence[tuple[int, int]], places: NDArray[np.void], hold_us: int
) -> tuple[list[tuple[int, int]], list[NDArray[np.void]]]:
    """Return what has to be read, of (home_id, µs), and the rows that were read already for the others."""
    left, found = list(asked), [np.empty(0, wire.native(stays.SAID))]
    for span in read:
        unread = set(places["home_id"][~np.isin(places["sensor_id"], span.sensors)].tolist())
        mine = [(home, at) for home, at in left if span.begin < at - hold_us and at < span.end and home not in unread]
        if not mine:
            continue
        there = places[np.isin(places["home_id"], [home for home, _ in mine])]
        which = _held(span.told.sensor, span.told.measured_at, there, mine, hold_us)
        rows = np.empty(len(which), wire.native(stays.SAID))
        rows["sensor_id"], rows["measured_at"] = span.told.sensor[which], span.told.measured_at[which]
        rows["temperature"] = span.told.temperature[which]
        found.append(rows)
        left = sorted(set(left) - set(mine))
    return left, found


def _by_month(asked: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Yield (home_id, µs) of a month, as files are, some at a time: of fewer days, groups of rows are read again."""
    months: dict[str, list[tuple[int, int]]] = {}
    for home, at in sorted(asked):
        months.setdefault(f"{to_datetime(at):%Y-%m}", []).append((home, at))
    for some in months.values():
        yield from (some[low : low + AT_ONCE] for low in range(0, len(some), AT_ONCE))


def _held(
    sensors: NDArray[np.int32], measured: Int, places: NDArray[np.void], asked: Sequence[tuple[int, int]], hold_us: int
) -> NDArray[np.intp]:
    """Return the positions of readings that may be held at an instant, by any sensor that ever stood in its home."""
    homes, instants = np.array(asked, np.int64).reshape(-1, 2).T
    places = places[np.argsort(places["home_id"], kind="stable")]
    low, high = (np.searchsorted(places["home_id"], homes, side) for side in ("left", "right"))
    sensor, at = places["sensor_id"][ranges(low, high - low)], np.repeat(instants, high - low)
    first, end = groups.bounds(sensors)
    there = np.isin(sensor, sensors[first])
    at, nth = at[there], np.searchsorted(sensors[first], sensor[there])
    begins = bisect(measured, at - hold_us + 1, first[nth], end[nth])
    ends = bisect(measured, at + 1, first[nth], end[nth])
    return np.unique(ranges(begins, ends - begins))

"""Readings that flags of old days rest on, where the table has lost them: taken from all that is on record."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

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
HOMES_AT_ONCE = 64  # whose sensors are read for a month at most


class _Asked(NamedTuple):
    """Instants of homes that readings are asked for."""

    nth: Int  # the number of the question
    home: Int  # home_id
    at: Int  # µs

    def take(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> "_Asked":
        """Select questions by mask or index."""
        return _Asked(self.nth[which], self.home[which], self.at[which])


class _Found(NamedTuple):
    """Readings that may be held at the instants of questions: of each question its own."""

    nth: Int  # the number of the question
    rows: NDArray[np.void]  # store.stays.SAID


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
    every = _Asked(np.arange(len(asked)), *np.array(asked, np.int64).T)
    old, found = _in_memory(readings.read, every.take(every.at - hold_us < to_us(since)), places, hold_us)
    for some in _by_month(old):
        mine = places[np.isin(places["home_id"], some.home)]
        first, last = int(some.at.min()), int(some.at.max())
        end = min(to_datetime(last + 1), since)
        said = readings.said(conn, np.unique(mine["sensor_id"]).tolist(), to_datetime(first - hold_us), end)
        which, nth = _held(said["sensor_id"], said["measured_at"], mine, some, hold_us)
        found.append(_Found(nth, said[which]))
    nth, rows = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(nth, kind="stable")
    order = order[rows["measured_at"][order] < to_us(since)]
    rows, upto = rows[order], np.searchsorted(nth[order], every.nth, "right")
    sensor, at, celsius = (rows[name].tolist() for name in ("sensor_id", "measured_at", "temperature"))
    return OldReadings(sensor, at, celsius, upto.tolist(), since)


def _in_memory(
    read: Sequence[ReadSpan], asked: _Asked, places: NDArray[np.void], hold_us: int
) -> tuple[_Asked, list[_Found]]:
    """Return what has to be read, and the rows that were read already for the others."""
    found = [_Found(asked.nth[:0], np.empty(0, wire.native(stays.SAID)))]
    for span in read:
        unread = places["home_id"][~np.isin(places["sensor_id"], span.sensors)]
        known = (span.begin < asked.at - hold_us) & (asked.at < span.end) & ~np.isin(asked.home, unread)
        if not known.any():
            continue
        mine, asked = asked.take(known), asked.take(~known)
        there = places[np.isin(places["home_id"], mine.home)]
        which, nth = _held(span.told.sensor, span.told.measured_at, there, mine, hold_us)
        rows = np.empty(len(which), wire.native(stays.SAID))
        rows["sensor_id"], rows["measured_at"] = span.told.sensor[which], span.told.measured_at[which]
        rows["temperature"] = span.told.temperature[which]
        found.append(_Found(nth, rows))
    return asked, found


def _by_month(asked: _Asked) -> Iterator[_Asked]:
    """Yield the questions of a month, as files are, some homes at a time: of fewer, groups of rows are read again."""
    month = asked.at.astype("M8[us]").astype("M8[M]")
    for one in np.unique(month):
        mine = asked.take(month == one)
        homes = np.unique(mine.home)
        for low in range(0, len(homes), HOMES_AT_ONCE):
            yield mine.take(np.isin(mine.home, homes[low : low + HOMES_AT_ONCE]))


def _held(
    sensors: NDArray[np.int32], measured: Int, places: NDArray[np.void], asked: _Asked, hold_us: int
) -> tuple[NDArray[np.intp], Int]:
    """Return the positions of readings that may be held at an instant, by any sensor that ever stood in its home.

    And the number of the question of each.
    """
    places = places[np.argsort(places["home_id"], kind="stable")]
    low, high = (np.searchsorted(places["home_id"], asked.home, side) for side in ("left", "right"))
    sensor, question = places["sensor_id"][ranges(low, high - low)], np.repeat(np.arange(len(asked.at)), high - low)
    first, end = groups.bounds(sensors)
    there = np.isin(sensor, sensors[first])
    question, of = question[there], np.searchsorted(sensors[first], sensor[there])
    at = asked.at[question]
    begins = bisect(measured, at - hold_us + 1, first[of], end[of])
    count = bisect(measured, at + 1, first[of], end[of]) - begins
    return ranges(begins, count), np.repeat(asked.nth[question], count)

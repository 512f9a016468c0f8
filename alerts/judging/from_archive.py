"""Homes judged by the files of an archive: a brief and its shards go in, verdicts come out.

No database is asked, and nothing is known but what is given, so it runs in any process on any machine. Homes are judged
in the order of their sensors, some at a time: as many as their readings over the span fit in memory.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime

import numpy as np
from numpy.typing import NDArray

from alerts.engine.schedule import Terms
from alerts.judging.briefs import ShardBrief
from alerts.judging.history import History
from alerts.judging.placing import SensorReadings
from alerts.judging.verdict import SpanVerdict, StartGroup, judge_span
from archives.columns import JUDGED_ROW, ReadSpan, ShardReader
from archives.reading import Shard
from domain.instants import to_datetime, to_us
from domain.policy import Policy

BATCH_READINGS = 4_000_000  # judged at a time
AT_ONCE = 2 * BATCH_READINGS  # of fewer homes over a longer span, in stretches
NO_ROWS = np.empty(0, JUDGED_ROW)
Beside = Callable[[list[int], datetime, datetime], NDArray[np.void]]  # of sensors in [start, end), by sensor and time


class BriefSource:
    """A brief, the shards that its sensors are in, and rows that are in no file yet, as a source of judging."""

    def __init__(self, brief: ShardBrief, reader: ShardReader, beside: Beside, keeps: bool = False) -> None:
        self._brief, self._reader, self._beside = brief, reader, beside
        self._keeps, self._read = keeps, list[ReadSpan]()

    @property
    def read(self) -> Sequence[ReadSpan]:
        """Return what was read so far, if it is kept."""
        return self._read

    def stays(self, homes: list[int]) -> NDArray[np.void]:
        """Return the stays of sensors in homes."""
        return self._brief.stays[np.isin(self._brief.stays["home_id"], homes)]

    def terms(self, homes: list[int]) -> list[Terms]:
        """Return the terms of homes."""
        return [self._brief.terms[nth] for nth in np.searchsorted(self._brief.homes, homes).tolist()]

    def said(self, sensors: list[int], start: datetime, end: datetime) -> SensorReadings:
        """Return the good temperatures of sensors (rising) in [start, end)."""
        wanted = np.array(sensors, np.int32)
        found = self._reader.good(wanted, start, end, self._beside(sensors, start, end))
        if self._keeps:
            self._read.append(ReadSpan(wanted, to_us(start), to_us(end), found))
        return SensorReadings(found.measured_at, found.temperature, found.sensor)


def judge_shard(
    brief: ShardBrief,
    shards: Sequence[Shard],
    policy: Policy,
    to_day: date,
    now: datetime,
    more: NDArray[np.void] = NO_ROWS,
) -> Iterator[SpanVerdict]:
    """Judge the homes of a brief up to the start of a day, some homes at a time.

    Args:
        shards: all that hold sensors of the homes.
        more: archives.columns.JUDGED_ROW by sensor and time: what no file has. Files say first.
    """
    history = History(policy, at_once=AT_ONCE)
    end = to_datetime(history.midnight_us(to_day))
    source = BriefSource(brief, ShardReader(shards), lambda *_: more)
    for group in brief.groups:
        for some in in_batches(group, brief.stays, (to_day - group.first_day).days):
            yield judge_span(history, source, some, end, now)


def in_batches(group: StartGroup, stays: NDArray[np.void], days: int) -> Iterator[StartGroup]:
    """Yield the homes of a group in the order of their sensors, some at a time."""
    mine = stays[np.isin(stays["home_id"], group.homes)]
    at = np.searchsorted(group.homes, mine["home_id"])
    first, per_day = np.full(len(group.homes), np.iinfo(np.int32).max), np.zeros(len(group.homes))
    np.minimum.at(first, at, mine["sensor_id"])
    np.add.at(per_day, at, 86_400 / np.maximum(mine["interval_s"], 1))
    order = np.argsort(first, kind="stable")
    number = (np.cumsum(per_day[order]) * max(days, 1)) // BATCH_READINGS
    for homes in np.split(group.homes[order], np.flatnonzero(np.diff(number)) + 1):
        homes.sort()
        known = {home: group.known[home] for home in homes.tolist() if home in group.known}
        yield StartGroup(group.first_day, homes, known)

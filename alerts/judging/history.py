"""Judging of stored readings: the same engine as live, fed from the table, a stretch of days at a time.

Memory is bounded by the stretch: readings go in, runs come out, and only ledger rows, ended flags and the machines of
homes that are not idle are kept.
"""

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.engine.days import runs_of
from alerts.engine.lanes import Lanes, held, held_from
from alerts.engine.ledger import LEDGER, ledger
from alerts.engine.machine import ENDED, fold_and_keep, idle, idle_homes
from alerts.engine.runs import RUN
from alerts.engine.schedule import Schedules, Terms
from alerts.engine.track import Held, Int
from alerts.judging.home_state import UNKNOWN_STATE, current_state
from alerts.judging.placing import SensorReadings, lanes_of
from alerts.judging.terms import ScheduleCache, first_days, schedules_of
from alerts.judging.weigh import ReadingRules
from archives.columns import ReadSpan
from archives.history import TABLE_ALONE, OneHistory
from domain import groups, rows
from domain.instants import EVER_US, NONE_US, midnight_us, to_datetime, to_us
from domain.policy import Policy
from store.readings import stays

STRETCH_READINGS = 1_500_000
AHEAD_US = 3_600_000_000  # readings may be stamped a little later than now
DAY = timedelta(days=1)


Said: TypeAlias = Callable[[Connection, list[int], datetime, datetime], NDArray[np.void]]


class Source(Protocol):
    """The readings of homes, and what judging needs beside them."""

    @property
    def read(self) -> Sequence[ReadSpan]:
        """Return what was read so far, as far as it is kept."""

    def stays(self, homes: list[int]) -> NDArray[np.void]:
        """Return store.stays.STAY rows: every stay of a sensor in the homes, by sensor and time."""

    def terms(self, homes: list[int]) -> list[Terms]:
        """Return the terms of each of the homes."""

    def said(self, sensors: list[int], start: datetime, end: datetime) -> SensorReadings:
        """Return the good temperatures of sensors (rising) in [start, end)."""


class Tables:
    """The tables of the database, read in the transaction of its connection."""

    def __init__(self, conn: Connection, cache: ScheduleCache, said: Said) -> None:
        self._conn, self._cache, self._said = conn, cache, said

    @property
    def read(self) -> Sequence[ReadSpan]:
        """Return nothing: it is not kept."""
        return ()

    def stays(self, homes: list[int]) -> NDArray[np.void]:
        """Return the stays of sensors in homes."""
        return stays.stays(self._conn, homes)

    def terms(self, homes: list[int]) -> list[Terms]:
        """Return the terms of homes."""
        return self._cache.look_up(self._conn, homes)

    def said(self, sensors: list[int], start: datetime, end: datetime) -> SensorReadings:
        """Return the readings of sensors."""
        return SensorReadings.of(self._said(self._conn, sensors, start, end))


@dataclass
class JudgedStretch:
    """The result of a stretch of days."""

    days: NDArray[np.void]  # LEDGER, homes by position
    ended: NDArray[np.void]  # ENDED
    machines: list[tuple[int, int, bytes]]  # (home by position, day ordinal, MACHINE) of those not idle at day's end
    lanes: Lanes  # the readings that were judged, homes by position; the last ones may reach beyond the stretch
    end: int  # µs


class JudgedSpan(NamedTuple):
    """The span of a stretch in which each home is judged."""

    begin: Int  # µs per home
    end: Int  # µs per home
    to_now: bool  # the end is now, and its instant is judged too


@dataclass
class Past:
    """Homes on their way through their history, and their state after the last stretch."""

    homes: NDArray[np.int32]  # home_id, rising
    machines: NDArray[np.void]  # MACHINE per home
    entered: NDArray[np.bool_]  # homes with a reading so far
    end: Int = field(default_factory=lambda: np.empty(0, np.int64))  # µs per home: judged up to here
    last: NDArray[np.void] = field(default_factory=lambda: np.empty(0, RUN))  # runs of the last stretch
    held: Held | None = None  # the last reading of each lane
    terms: list[Terms] = field(default_factory=list)
    first_us: Int = field(default_factory=lambda: np.empty(0, np.int64))  # since when the registry tells of each home
    state: Int = field(default_factory=lambda: np.empty(0, np.int64))  # per home; UNKNOWN_STATE: never judged
    since: Int = field(default_factory=lambda: np.empty(0, np.int64))  # µs per home: in that state since then
    readings: int = 0

    @classmethod
    def unheard(cls, homes: NDArray[np.int32]) -> "Past":
        """Return homes without any history."""
        never = np.full(len(homes), UNKNOWN_STATE)
        machines, entered = idle(len(homes)), np.zeros(len(homes), bool)
        return cls(homes, machines, entered, state=never, since=np.full(len(homes), NONE_US))


class History:
    """Judges readings on record by one policy.

    About `at_once` of them are in memory at a time. `said` reads them where the caller may not read all: (connection,
    sensors, start, end) to rows of store.stays.SAID sorted by sensor and time.
    """

    def __init__(
        self,
        policy: Policy,
        readings: OneHistory = TABLE_ALONE,
        at_once: int = STRETCH_READINGS,
        said: Said | None = None,
    ) -> None:
        self.policy, self.readings = policy, readings
        self._said = said or readings.said
        self._at_once = at_once
        self.weights = ReadingRules(policy)
        self.terms = ScheduleCache(policy)
        self._hold_intervals = max(version.hold_intervals for version in policy.versions)

    def midnight_us(self, day: date) -> int:
        """Return the µs at which a local day begins."""
        return midnight_us(day, self.policy.zone)

    def day_of(self, instant: datetime) -> date:
        """Return the local day of an instant."""
        return instant.astimezone(self.policy.zone).date()

    def earliest_day(self, now: datetime) -> date:
        """Return the first local day from which readings are accepted; older ones may have any date."""
        return self.day_of(now - timedelta(days=self.policy.past_days))

    def first_day(self, conn: Connection, homes: NDArray[np.int32], earliest: date) -> date | None:
        """Return the local day of the homes' first reading at or after a day."""
        sensors = np.unique(stays.stays(conn, homes.tolist())["sensor_id"])
        first = self.readings.first_said(conn, sensors.tolist(), to_datetime(self.midnight_us(earliest)))
        return self.day_of(first) if first else None

    def tables(self, conn: Connection) -> Tables:
        """Return the tables as a source."""
        return Tables(conn, self.terms, self._said)

    def having_read(self, read: Sequence[ReadSpan]) -> "History":
        """Return the same for who has some of the readings in memory: flags are explained by these."""
        other = copy(self)
        other.readings = self.readings.having_read(read)
        return other

    def walk(
        self, conn: Connection, past: Past, first_day: date, end: datetime, whole: bool
    ) -> Iterator[JudgedStretch]:
        """Judge homes by the tables, as `walk_from` does."""
        return self.walk_from(self.tables(conn), past, first_day, end, whole)

    def walk_from(
        self, source: Source, past: Past, first_day: date, end: datetime, whole: bool
    ) -> Iterator[JudgedStretch]:
        """Judge homes from the start of a local day to an instant, a stretch of days at a time.

        Args:
            past: where the homes stood when the day began; advanced in place.
            whole: `end` is a midnight that ends the walk without looking at its first instant; otherwise `end` is now,
                and readings stamped a little later are taken in.
        """
        places = source.stays(past.homes.tolist())
        sensors = np.unique(places["sensor_id"]).tolist()
        longest_us = int(self._hold_intervals * int(places["interval_s"].max(initial=1)) * 1_000_000)
        back_us = self.weights.look_back_us(int(places["interval_s"].max(initial=1)))
        past.terms = source.terms(past.homes.tolist())
        past.first_us = first_days(past.terms)
        for days in self._stretches(places, first_day, end):
            low, high = self.midnight_us(days[0]), min(self.midnight_us(days[-1] + DAY), to_us(end))
            final = high == to_us(end)
            reach, since = AHEAD_US if final and not whole else 0, low - longest_us
            fresh = source.said(sensors, to_datetime(since - back_us), to_datetime(high + reach))
            lanes = lanes_of(self.weights, fresh, places, past.homes, since)
            if days[0] == first_day:
                past.readings += len(fresh.start)
            else:  # what was said before is read again as far back as it may be held
                past.readings += int((fresh.start >= low - back_us).sum())
                lanes = held_from(lanes, np.full(len(past.homes), low))
            span = self._enter(past, lanes, low, high, final and not whole)
            yield self._judge(past, lanes, span, days)
            past.held = held(lanes.part(lanes.ends_lane).last)

    def _stretches(self, places: NDArray[np.void], first_day: date, end: datetime) -> Iterator[list[date]]:
        """Whole days, as many at a time as fit in memory."""
        per_day = float(np.sum(86_400 / np.maximum(places["interval_s"], 1)))
        most = int(max(1, min(366, self._at_once / max(per_day, 1))))
        last = self.day_of(end - timedelta(microseconds=1))
        days = [first_day + timedelta(days=i) for i in range((last - first_day).days + 1)]
        return (days[i : i + most] for i in range(0, len(days), most))

    def _enter(self, past: Past, lanes: Lanes, low: int, high: int, to_now: bool) -> JudgedSpan:
        """Return the span of judging in a stretch; a new home begins on the day of its first reading."""
        begin, end = np.full(len(past.homes), low), np.full(len(past.homes), high)
        earliest = np.full(len(past.homes), EVER_US)
        np.minimum.at(earliest, lanes.home, lanes.start[lanes.first])
        for home in np.flatnonzero(~past.entered & (earliest != EVER_US)).tolist():
            at = max(int(earliest[home]), int(past.first_us[home]))
            if at < high or to_now:
                begin[home] = max(low, self.midnight_us(self.day_of(to_datetime(at))))
                past.entered[home] = True
        if to_now:
            np.maximum.at(end, lanes.home, lanes.start[lanes.end - 1])
        return JudgedSpan(begin, end, to_now)

    def _judge(self, past: Past, lanes: Lanes, span: JudgedSpan, days: list[date]) -> JudgedStretch:
        begin, end, to_now = span
        past.end, there = end, np.flatnonzero(past.entered)
        mine = lanes.part(past.entered[lanes.home])
        mine = mine._replace(home=np.searchsorted(there, mine.home))
        begin, end, terms = begin[there], end[there], [past.terms[home] for home in there.tolist()]
        schedules, schedule = schedules_of(
            self.policy, terms, int(begin.min(initial=span.end.max())), int(span.end.max())
        )
        quiet = idle_homes(past.machines[there])
        ledgers, ended, last = [np.empty(0, LEDGER)], [np.empty(0, ENDED)], [np.empty(0, RUN)]
        machines = list[tuple[int, int, bytes]]()
        for found in runs_of(mine, schedules, schedule, begin, end, quiet):
            if not to_now:
                # The instant that ends the stretch belongs to the next one, which knows the readings of that instant.
                found = rows.take(found, found["start"] < end[found["home"]])
            found["home"] = there.take(found["home"])
            flags, kept = self._fold(past, found, schedules, days)
            ledgers.append(ledger(found, schedules.pieces))
            ended.append(flags)
            last.append(found)
            machines += kept
        past.last = rows.join(last)
        told = np.unique(past.last["home"])
        past.state[told], past.since[told] = current_state(past.last, told, past.state[told], past.since[told])
        return JudgedStretch(rows.join(ledgers), rows.join(ended), machines, lanes, int(span.end.max()))

    def _fold(
        self, past: Past, found: NDArray[np.void], schedules: Schedules, days: list[date]
    ) -> tuple[NDArray[np.void], list[tuple[int, int, bytes]]]:
        """Fold runs, keeping the machines at the end of each day."""
        marks = np.array([self.midnight_us(day + DAY) for day in days[:-1]], np.int64)
        day = np.searchsorted(marks, found["start"], "right")
        home = found["home"]
        ended, kept = fold_and_keep(past.machines, found, schedules.pieces, groups.is_last(home, day))
        run = kept["run"]
        ordinals = days[0].toordinal() + day.take(run)
        raw = [machine.tobytes() for machine in kept["machine"]]
        return ended, list(zip(home.take(run).tolist(), ordinals.tolist(), raw, strict=True))

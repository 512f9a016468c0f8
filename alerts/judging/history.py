"""Judging of stored readings: the same engine as live, fed from the table, a stretch of days at a time.

Memory is bounded by the stretch: readings go in, runs come out, and only ledger rows, ended flags and the machines of
homes that are not idle are kept.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.engine.ledger import LEDGER, ledger
from alerts.engine.machine import ENDED, fold_and_keep, idle
from alerts.engine.runs import RUN, cut, runs
from alerts.engine.schedule import Schedules, Terms
from alerts.engine.track import Held, Int, Readings, coldest, hold
from alerts.judging.terms import ScheduleCache, first_days, schedules_of
from alerts.judging.weigh import Lanes, ReadingRules, Weighed, lanes
from domain import groups
from domain.instants import to_datetime, to_us
from domain.policy import Policy
from domain.quality import Quality
from store.readings import stays

STRETCH_READINGS = 1_500_000
BLOCK_READINGS = 1 << 15  # what is weighed at a time
AHEAD_US = 3_600_000_000  # readings may be stamped a little later than now
DAY = timedelta(days=1)


# The columns of store.readings.PLACED that weighing needs.
PLACED = np.dtype(
    [
        ("sensor_id", np.int32),
        ("measured_at", np.int64),
        ("temperature", np.float32),
        ("quality", np.int16),
        ("home_id", np.int32),
        ("room_kind", np.int16),
        ("interval_s", np.int32),
        ("offset", np.int32),
        ("stays_until", np.int64),
    ]
)
Said: TypeAlias = Callable[[Connection, list[int], datetime, datetime], NDArray[np.void]]
FirstSaid: TypeAlias = Callable[[Connection, list[int], datetime], datetime | None]
NOTHING = np.empty(0, np.int64)
NOTHING_SAID = Readings(NOTHING, NOTHING, NOTHING, NOTHING, np.empty(0, np.int32))


class Source(Protocol):
    """The readings of homes, and what judging needs beside them."""

    def stays(self, homes: list[int]) -> NDArray[np.void]:
        """Return store.stays.STAY rows: every stay of a sensor in the homes, by sensor and time."""

    def terms(self, homes: list[int]) -> list[Terms]:
        """Return the terms of each of the homes."""

    def said(self, sensors: list[int], start: datetime, end: datetime) -> NDArray[np.void]:
        """Return store.stays.SAID rows: good temperatures of sensors in [start, end), by sensor and time."""


class Tables:
    """The tables of the database, read in the transaction of its connection."""

    def __init__(self, conn: Connection, cache: ScheduleCache, said: Said) -> None:
        self._conn, self._cache, self._said = conn, cache, said

    def stays(self, homes: list[int]) -> NDArray[np.void]:
        """Return the stays of sensors in homes."""
        return stays.stays(self._conn, homes)

    def terms(self, homes: list[int]) -> list[Terms]:
        """Return the terms of homes."""
        return self._cache.look_up(self._conn, homes)

    def said(self, sensors: list[int], start: datetime, end: datetime) -> NDArray[np.void]:
        """Return the readings of sensors."""
        return self._said(self._conn, sensors, start, end)


@dataclass
class JudgedStretch:
    """The result of a stretch of days."""

    days: NDArray[np.void]  # LEDGER, homes by position
    ended: NDArray[np.void]  # ENDED
    machines: list[tuple[int, int, bytes]]  # (home by position, day ordinal, MACHINE) of those not idle at day's end
    held: Held  # the readings that were judged, homes by position; the last of each lane may reach beyond the stretch
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
    readings: int = 0

    @classmethod
    def unheard(cls, homes: NDArray[np.int32]) -> "Past":
        """Return homes without any history."""
        return cls(homes, idle(len(homes)), np.zeros(len(homes), bool))


class History:
    """Judges stored readings by one policy.

    `said` reads them: (connection, sensors, start, end) to rows of store.stays.SAID sorted by sensor and time; about
    `at_once` of them are in memory at a time.
    """

    def __init__(
        self,
        policy: Policy,
        said: Said = stays.said,
        at_once: int = STRETCH_READINGS,
        first_said: FirstSaid = stays.first_said,
    ) -> None:
        self.policy = policy
        self._said, self._first_said = said, first_said
        self._at_once = at_once
        self.weights = ReadingRules(policy)
        self.terms = ScheduleCache(policy)
        self._hold_intervals = max(version.hold_intervals for version in policy.versions)

    def midnight_us(self, day: date) -> int:
        """Return the µs at which a local day begins."""
        return to_us(datetime.combine(day, time(0), self.policy.zone))

    def day_of(self, instant: datetime) -> date:
        """Return the local day of an instant."""
        return instant.astimezone(self.policy.zone).date()

    def earliest_day(self, now: datetime) -> date:
        """Return the first local day from which readings are accepted; older ones may have any date."""
        return self.day_of(now - timedelta(days=self.policy.past_days))

    def first_day(self, conn: Connection, homes: NDArray[np.int32], earliest: date) -> date | None:
        """Return the local day of the homes' first reading at or after a day."""
        sensors = np.unique(stays.stays(conn, homes.tolist())["sensor_id"])
        first = self._first_said(conn, sensors.tolist(), to_datetime(self.midnight_us(earliest)))
        return self.day_of(first) if first else None

    def tables(self, conn: Connection) -> Tables:
        """Return the tables as a source."""
        return Tables(conn, self.terms, self._said)

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
        carry, past.first_us = NOTHING_SAID, first_days(past.terms)
        for days in self._stretches(places, first_day, end):
            low, high = self.midnight_us(days[0]), min(self.midnight_us(days[-1] + DAY), to_us(end))
            final = high == to_us(end)
            reach = AHEAD_US if final and not whole else 0
            since = low - longest_us if days[0] == first_day else low
            fresh = source.said(sensors, to_datetime(since - back_us), to_datetime(high + reach))
            past.readings += len(fresh)
            parts = [self._weigh(part, mine, since, past.homes) for part, mine in _blocks(fresh, places)]
            held = hold(*Readings.join([carry, *parts]))
            span = self._enter(past, held, low, high, final and not whole)
            yield self._judge(past, held, span, days)
            past.held = held.take(held.tail)
            carry = past.held.take(past.held.until > high)

    def _stretches(self, places: NDArray[np.void], first_day: date, end: datetime) -> Iterator[list[date]]:
        """Whole days, as many at a time as fit in memory."""
        per_day = float(np.sum(86_400 / np.maximum(places["interval_s"], 1)))
        most = int(max(1, min(366, self._at_once / max(per_day, 1))))
        last = self.day_of(end - timedelta(microseconds=1))
        days = [first_day + timedelta(days=i) for i in range((last - first_day).days + 1)]
        return (days[i : i + most] for i in range(0, len(days), most))

    def _weigh(
        self, said: NDArray[np.void], places: NDArray[np.void], since: int, homes: NDArray[np.int32]
    ) -> Readings:
        """Select and weigh the judged readings, homes by position; the lane of a reading is its sensor_id."""
        if not self.weights.screens and (alike := lanes(said, places)) is not None:
            weighed = self.weights.weigh_lanes(said["measured_at"], said["temperature"], alike)
            if weighed is not None:
                home = np.searchsorted(homes, alike.places["home_id"])
                return _of_lanes(said, alike, home, weighed)
        rows = self.weights.screen(placed(said, places), since)
        judged, milli, until = self.weights.weigh(rows)
        home = np.searchsorted(homes, rows["home_id"])
        sensor = rows["sensor_id"].astype(np.int64)
        readings = Readings(home, sensor, rows["measured_at"], until, milli)
        return readings if judged.all() else readings.take(judged)

    def _enter(self, past: Past, held: Held, low: int, high: int, to_now: bool) -> JudgedSpan:
        """Return the span of judging in a stretch; a new home begins on the day of its first reading."""
        begin = np.full(len(past.homes), low)
        new = np.flatnonzero(~past.entered)
        first = np.searchsorted(held.home, new)
        heard = (
            (first < len(held.home)) & (held.home[np.minimum(first, max(len(held.home) - 1, 0))] == new)
            if len(held.home)
            else np.zeros(len(new), bool)
        )
        for home, at in zip(new[heard].tolist(), first[heard].tolist(), strict=True):
            earliest = int(held.start[at : np.searchsorted(held.home, home, "right")].min())
            earliest = max(earliest, int(past.first_us[home]))
            if earliest < high or to_now:
                begin[home] = max(low, self.midnight_us(self.day_of(to_datetime(earliest))))
                past.entered[home] = True
        end = np.full(len(past.homes), high)
        if to_now:
            np.maximum.at(end, held.home[held.tail], held.start[held.tail])
        return JudgedSpan(begin, end, to_now)

    def _judge(self, past: Past, held: Held, span: JudgedSpan, days: list[date]) -> JudgedStretch:
        begin, end, to_now = span
        there = np.flatnonzero(past.entered)
        past.end = end
        if not len(there):
            past.last = np.empty(0, RUN)
            return JudgedStretch(np.empty(0, LEDGER), np.empty(0, ENDED), [], held, int(end.max()))
        mine = held
        if len(there) < len(past.homes):
            number = np.full(len(past.homes), -1)
            number[there] = np.arange(len(there))
            mine = held.take(past.entered[held.home])
            mine = mine._replace(home=number[mine.home])
        begin, end = begin[there], end[there]
        terms = [past.terms[home] for home in there.tolist()]
        schedules, schedule = schedules_of(self.policy, terms, int(begin.min()), int(end.max()))
        found = runs(cut(coldest(mine, begin, end), schedules, schedule, begin, end), schedules, end)
        if not to_now:
            # The instant that ends the stretch belongs to the next one, which knows the readings of that instant.
            found = found[found["start"] < end[found["home"]]]
        found["home"] = there[found["home"]]
        past.last = found
        ended, machines = self._fold(past, found, schedules, days)
        return JudgedStretch(ledger(found, schedules.pieces), ended, machines, held, int(end.max()))

    def _fold(
        self, past: Past, found: NDArray[np.void], schedules: Schedules, days: list[date]
    ) -> tuple[NDArray[np.void], list[tuple[int, int, bytes]]]:
        """Fold runs, keeping the machines at the end of each day."""
        marks = np.array([self.midnight_us(day + DAY) for day in days[:-1]], np.int64)
        day = np.searchsorted(marks, found["start"], "right")
        home = found["home"]
        ended, kept = fold_and_keep(past.machines, found, schedules.pieces, groups.is_last(home, day))
        ordinals = days[0].toordinal() + day[kept["run"]]
        raw = [machine.tobytes() for machine in kept["machine"]]
        return ended, list(zip(home[kept["run"]].tolist(), ordinals.tolist(), raw, strict=True))


def _blocks(said: NDArray[np.void], places: NDArray[np.void]) -> Iterator[tuple[NDArray[np.void], NDArray[np.void]]]:
    """Yield the readings of whole sensors, few enough for the processor's cache, and the places of these sensors."""
    sensor, of_place, low = said["sensor_id"], places["sensor_id"], 0
    while low < len(said):
        last = sensor[min(low + BLOCK_READINGS, len(said)) - 1]
        high = int(np.searchsorted(sensor, last, "right"))
        mine = slice(np.searchsorted(of_place, sensor[low]), np.searchsorted(of_place, last, "right"))
        yield said[low:high], places[mine]
        low = high


def _of_lanes(said: NDArray[np.void], alike: Lanes, home: NDArray[np.intp], weighed: Weighed) -> Readings:
    """Join what holds for each sensor with what was weighed for each reading."""
    judged, milli, until = weighed
    sensor = alike.places["sensor_id"].astype(np.int64)
    readings = Readings(
        np.repeat(home, alike.readings), np.repeat(sensor, alike.readings), said["measured_at"].copy(), until, milli
    )
    return readings if judged is None else readings.take(judged)


def placed(said: NDArray[np.void], places: NDArray[np.void]) -> NDArray[np.void]:
    """Give readings the places of their sensors; readings of a sensor without a place then are left out.

    Args:
        said: store.stays.SAID sorted by sensor.
        places: store.stays.STAY sorted by sensor and time.
    """
    if not len(said) or not len(places):
        return np.empty(0, PLACED)
    at = _place_at(said, places)
    inside = (at >= 0) & (places["sensor_id"][at] == said["sensor_id"])
    inside &= said["measured_at"] < places["valid_to"][at]
    if not inside.all():
        said, at = said[inside], at[inside]
    there = np.zeros(len(places), PLACED)
    for name in ("sensor_id", "home_id", "room_kind", "interval_s", "offset"):
        there[name] = places[name]
    there["quality"], there["stays_until"] = Quality.GOOD, _stays_until(places)
    rows = np.take(there.view(f"V{PLACED.itemsize}"), at).view(PLACED)  # as bytes: not field by field
    rows["measured_at"], rows["temperature"] = said["measured_at"], said["temperature"]
    return rows


def _place_at(said: NDArray[np.void], places: NDArray[np.void]) -> NDArray[np.intp]:
    """Return the index of the last place of each reading's sensor that had begun by then; -1 if none had."""
    if len(np.unique(places["sensor_id"])) == len(places):
        first = groups.firsts(said["sensor_id"])
        place = np.searchsorted(places["sensor_id"], said["sensor_id"][first])
        at = np.repeat(np.minimum(place, len(places) - 1), np.diff(np.append(first, len(said))))
        return np.where(said["measured_at"] >= places["valid_from"][at], at, -1)
    order = np.lexsort((said["measured_at"], said["sensor_id"]))
    both = np.concatenate((places["sensor_id"], said["sensor_id"][order]))
    when = np.concatenate((places["valid_from"], said["measured_at"][order]))
    kind = np.concatenate((np.zeros(len(places), np.int8), np.ones(len(said), np.int8)))
    merged = np.lexsort((kind, when, both))
    begun = np.cumsum(kind[merged] == 0) - 1
    at = np.empty(len(said), np.intp)
    at[order[merged[kind[merged] == 1] - len(places)]] = begun[kind[merged] == 1]
    return at


def _stays_until(places: NDArray[np.void]) -> Int:
    """Return the µs at which each sensor left its room, across consecutive places in the same room."""
    until: Int = places["valid_to"].copy()
    for i in range(len(places) - 2, -1, -1):
        a, b = places[i], places[i + 1]
        same = a["sensor_id"] == b["sensor_id"] and a["home_id"] == b["home_id"] and a["room"] == b["room"]
        if same and a["valid_to"] == b["valid_from"]:
            until[i] = until[i + 1]
    return until

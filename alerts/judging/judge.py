"""The judging step of a transaction: readings (or the clock) in, home state, flags and tickets out.

It loads the machines of the homes, advances them with the engine, and writes back what changed. The caller owns the
transaction; homes are locked in the order of their key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.engine.deadline import NEVER_US
from alerts.engine.machine import fold
from alerts.engine.runs import cut, runs
from alerts.engine.schedule import Schedules
from alerts.engine.track import Held, Int, Milli, coldest, hold
from alerts.judging import flagging, homes_left
from alerts.judging.closing import closed_to
from alerts.judging.home_state import UNKNOWN_STATE, current_state, last_change, next_deadline
from alerts.judging.locked_homes import LockedHomes, load, only, some
from alerts.judging.screen import suspects
from alerts.judging.terms import ScheduleCache
from alerts.judging.weigh import ReadingRules
from domain import groups
from domain.instants import EVER_US, NONE_US, to_us
from domain.policy import Policy
from store.base import wire
from store.judging import state_rows

# Delayed readings arrive in a stream: it has to end before the clock draws conclusions from gaps in it.
SETTLE_US = 10_000_000


@dataclass(frozen=True)
class Advance:
    """Homes advanced over a span."""

    machines: NDArray[np.void]  # MACHINE, afterwards
    runs: NDArray[np.void]  # RUN
    ended: NDArray[np.void]  # ENDED
    due: Int  # µs; the next deadline


class Span(NamedTuple):
    """From when to when each of some homes is judged."""

    begin: Int  # µs per home
    end: Int  # µs per home
    to_last_change: bool  # judging then stands at the last change, so that later readings of the span still count


class AdvancePlan(NamedTuple):
    """Some locked homes that are to be advanced, and all that this needs."""

    homes: LockedHomes
    held: Held
    span: Span
    schedules: Schedules
    schedule: Int  # index of each home's schedule


class WeighedReadings(NamedTuple):
    """The worth of readings, an element per reading."""

    judged: NDArray[np.bool_]
    milli: Milli
    until: Int  # µs; when each expires

    def take(self, which: NDArray[np.bool_]) -> "WeighedReadings":
        """Select readings by mask."""
        return WeighedReadings(self.judged[which], self.milli[which], self.until[which])


NO_INSTANTS = np.empty(0, np.int64)
NOTHING_WEIGHED = WeighedReadings(np.empty(0, bool), np.empty(0, np.int32), NO_INSTANTS)


class Judge:
    """Judges by one policy; keeps nothing but look-ups between calls."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.terms = ScheduleCache(policy)
        self.weights = ReadingRules(policy)

    def readings(self, conn: Connection, rows: NDArray[np.void]) -> "PendingReadings":
        """Lock the homes of judged readings, before the readings are stored.

        Args:
            rows: store.readings.PLACED, sorted by sensor and time.
        """
        judged, milli, until = self.weights.weigh(rows)
        homes = load(conn, np.unique(rows["home_id"][judged])) if judged.any() else None
        return PendingReadings(self, conn, rows, WeighedReadings(judged, milli, until), homes)

    def clock(self, conn: Connection, home_ids: Sequence[int], now: datetime) -> int:
        """Advance homes by the clock alone: window edges, dwell, silence, season, status.

        Returns:
            the number of homes that exist.
        """
        homes = load(conn, np.unique(np.asarray(home_ids, np.int32)))
        if not len(homes.rows):
            return 0
        now_us = to_us(now)
        # A home may have been judged beyond now, by readings of a clock that is ahead: it stays where it is.
        begin = np.where(homes.frontier == NONE_US, now_us, homes.frontier)
        held = _held(homes, NO_INSTANTS, NO_INSTANTS, NO_INSTANTS, NOTHING_WEIGHED)
        streaming = self._streaming(conn, homes, held, begin, now_us)
        end = np.where(streaming, begin, np.maximum(begin, now_us))
        plan = self.plan(conn, homes, np.arange(len(end)), held, Span(begin, end, to_last_change=True))
        self.write(conn, plan, self.advanced(plan), now)
        return len(homes.rows)

    def _streaming(
        self, conn: Connection, homes: LockedHomes, held: Held, begin: Int, now_us: int
    ) -> NDArray[np.bool_]:
        """Return a mask of the homes that are receiving delayed readings right now."""
        heard = np.full(len(begin), NONE_US)
        np.maximum.at(heard, homes.at, homes.held["received_at"])
        recent = heard > now_us - SETTLE_US
        if not recent.any():
            return recent
        span = Span(begin, begin, to_last_change=True)
        still = self.advanced(self.plan(conn, homes, np.arange(len(begin)), held, span))
        return recent & (still.due < heard)

    def plan(
        self, conn: Connection, homes: LockedHomes, moves: NDArray[np.intp], held: Held, span: Span
    ) -> AdvancePlan:
        """Bring together what advancing some of the locked homes over a span needs.

        Args:
            moves: indices of these homes; at least one.
            held: readings of any of the homes.
        """
        part = homes if len(moves) == len(homes.rows) else some(homes, moves)
        held = held if part is homes else _renumber(held, moves, len(homes.rows))
        span = span._replace(begin=span.begin[moves], end=span.end[moves])
        first_us, last_us = int(span.begin.min()), int(span.end.max())
        schedules, schedule = self.terms.schedules(conn, part.ids, first_us, last_us, homes.registry)
        return AdvancePlan(part, held, span, schedules, schedule)

    def advanced(self, plan: AdvancePlan) -> Advance:
        """Advance homes. Asks no database."""
        machines, (begin, end, _) = plan.homes.machines.copy(), plan.span
        steps = cut(coldest(plan.held, begin, end), plan.schedules, plan.schedule, begin, end)
        run = runs(steps, plan.schedules, end)
        ended = fold(machines, run, plan.schedules.pieces)
        return Advance(machines, run, ended, next_deadline(machines, plan.schedules, plan.schedule, end, plan.held))

    def write(self, conn: Connection, plan: AdvancePlan, advanced: Advance, now: datetime) -> None:
        """Write what changed of homes that were advanced."""
        rows = _rows(plan.homes, advanced, None if plan.span.to_last_change else plan.span.end)
        step = flagging.MachineStep(plan.homes.ids, plan.homes.machines, advanced.machines, advanced.ended)
        rows["flag_id"] = flagging.settle(conn, self.policy, step, now)
        _write(conn, plan.homes, rows, advanced.due, now)


class PendingReadings:
    """Readings about to be stored, in one transaction, which locks the homes that they are judged in until it ends."""

    def __init__(
        self,
        judge: Judge,
        conn: Connection,
        rows: NDArray[np.void],
        weighed: WeighedReadings,
        homes: LockedHomes | None,
    ) -> None:
        self._judge = judge
        self._conn = conn
        self._rows = rows  # store.readings.PLACED, sorted by sensor and time
        self._weighed = weighed
        self._homes = homes  # None: nothing is judged
        self._closed_us = NO_INSTANTS  # per home that is judged, before which days may be closed in the ledger

    @property
    def last_us(self) -> Int:
        """Per row, µs of the last stored reading of its sensor; EVER_US: the locked homes do not tell."""
        last = np.full(len(self._rows), EVER_US)
        if self._homes:
            row = state_rows.of_sensors(self._homes.held, self._rows["sensor_id"])
            known = row >= 0
            last[known] = self._homes.held["measured_at"][row[known]]
        return last

    def settle(self, rows: NDArray[np.void], brought: NDArray[np.bool_], now: datetime) -> int:
        """Judge the values that have been stored.

        Args:
            rows: the pending rows, with the values that are new; NaN elsewhere.
            brought: mask of the rows that have any.

        Returns:
            the number of readings behind the point that judging had reached; their homes are queued for re-judging.
        """
        if not brought.any():
            return 0
        fresh, weighed = rows[brought], self._weighed.take(brought)
        judged = weighed.judged & ~np.isnan(fresh["temperature"])
        late = np.zeros(len(fresh), bool)
        homes = None
        if self._homes and judged.any():
            homes = only(self._homes, np.unique(fresh["home_id"][judged]))
            self._closed_us = closed_to(self._conn, self._judge.policy, homes.ids, now)
            if self._judge.weights.screens:
                late[judged] = self._queue_screened_again(fresh[judged], now)
                judged[judged] = ~suspects(self._conn, self._judge.weights, homes.ids, fresh[judged])
            homes_left.queue(self._conn, homes.held, fresh[judged], now)
        latest = _latest(fresh, weighed._replace(judged=judged))
        if homes is None:
            state_rows.put_sensors(self._conn, latest)
        else:
            late[judged] |= self._advance(homes, fresh[judged], weighed.take(judged), latest, now)
        return int(late.sum())

    def _queue_screened_again(self, fresh: NDArray[np.void], now: datetime) -> NDArray[np.bool_]:
        """Queue the homes of readings that came behind a later one of their sensor, which may be suspect by now.

        Returns:
            mask of these readings, suspect themselves or not.
        """
        latest_us = state_rows.latest(self._conn, np.unique(fresh["sensor_id"]))
        said = zip(fresh["sensor_id"].tolist(), fresh["measured_at"].tolist(), strict=True)
        behind = np.fromiter((at < latest_us.get(sensor, at) for sensor, at in said), bool, len(fresh))
        if behind.any():
            state_rows.queue_rejudge(self._conn, fresh["home_id"][behind], fresh["measured_at"][behind], now)
        return behind

    def _advance(
        self,
        homes: LockedHomes,
        fresh: NDArray[np.void],
        weighed: WeighedReadings,
        latest: NDArray[np.void],
        now: datetime,
    ) -> NDArray[np.bool_]:
        """Advance homes over judged readings, while the server takes the latest of each sensor.

        Returns:
            a mask of the readings that came too late, whose homes are queued.
        """
        home = np.searchsorted(homes.ids, fresh["home_id"])
        at, frontier = fresh["measured_at"], homes.frontier[home]
        # A second reading of the very instant at which the state changed: the change may be undone by it.
        behind = (at < frontier) | ((at == frontier) & (homes.rows["state_since"][home] == at))
        ahead = ~behind
        end = homes.frontier.copy()
        np.maximum.at(end, home[ahead], at[ahead])
        begin = np.where(homes.frontier == NONE_US, NEVER_US, homes.frontier)
        np.minimum.at(begin, home[ahead], at[ahead])
        moves = np.flatnonzero(end != NONE_US)
        held = _held(homes, home[ahead], fresh["sensor_id"][ahead], at[ahead], weighed.take(ahead))
        plan = self._judge.plan(self._conn, homes, moves, held, Span(begin, end, to_last_change=False))
        # Before flags are raised: their numbers keep other workers' flags waiting.
        with state_rows.putting_sensors(self._conn, latest):
            advanced = self._judge.advanced(plan)
        self._judge.write(self._conn, plan, advanced, now)
        # What comes for a closed day is not counted yet, whatever the flags make of the reading.
        past = behind | (at < self._closed_us[home])
        if past.any():
            state_rows.queue_rejudge(self._conn, fresh["home_id"][past], at[past], now)
        return np.asarray(past)


def _held(homes: LockedHomes, home: Int, sensor: Int, start: Int, weighed: WeighedReadings) -> Held:
    """Join the readings held so far with new ones; each sensor is a lane of its home."""
    all_home = np.concatenate((homes.at, home)).astype(np.int64)
    all_sensor = np.concatenate((homes.held["sensor_id"], sensor)).astype(np.int64)
    pair = all_home << 32 | all_sensor
    pairs, place = np.unique(pair, return_inverse=True)
    first = np.searchsorted(pairs >> 32, all_home)
    return hold(
        all_home,
        place - first,
        np.concatenate((homes.held["judged_at"], start)),
        np.concatenate((homes.held["expires_at"], weighed.until)),
        np.concatenate((homes.held["milli"], weighed.milli)),
    )


def _renumber(held: Held, which: NDArray[np.intp], homes: int) -> Held:
    number = np.full(homes, -1)
    number[which] = np.arange(len(which))
    kept = held.take(number[held.home] >= 0)
    return kept._replace(home=number[kept.home])


def _rows(homes: LockedHomes, moved: Advance, reached: Int | None) -> NDArray[np.void]:
    """Return the new HOME_STATE rows of homes; `check_at` is still the old one.

    Args:
        reached: µs per home, up to which it is judged; None: up to the last change.
    """
    rows = np.empty(len(homes.rows), wire.native(state_rows.HOME_STATE))
    for name in state_rows.HOME_STATE:
        rows[name] = homes.rows[name]
    positions, after = np.arange(len(rows)), moved.machines
    before = np.where(rows["judged_to"] == NONE_US, UNKNOWN_STATE, rows["state"].astype(np.int64))
    rows["state"], rows["state_since"] = current_state(moved.runs, positions, before, rows["state_since"])
    for name in ("breach_since", "severe_since", "warm_since", "lowest"):
        rows[name] = after[name]
    if reached is None:
        reached = np.maximum(homes.frontier, last_change(moved.runs, positions, after, moved.ended))
        reached = np.where(homes.frontier == NONE_US, NONE_US, reached)
    rows["judged_to"] = reached
    return rows


def _write(conn: Connection, homes: LockedHomes, rows: NDArray[np.void], due: Int, now: datetime) -> None:
    """Write the rows of homes whose state or deadline changed; a row that only moved on in time is not written."""
    now_us = to_us(now)
    due = np.where(due == NEVER_US, NONE_US, np.where(due <= now_us, now_us + SETTLE_US, due))
    old = homes.rows
    quiet = ("judged_to", "check_at", "home_id")
    changed = np.logical_or.reduce([rows[n] != old[n] for n in state_rows.HOME_STATE if n not in quiet])
    stored = old["check_at"]
    # A deadline that moved later is left for watch to find; one that is earlier, or past, is written.
    changed |= (due != NONE_US) & ((stored == NONE_US) | (due < stored)) | ((stored != NONE_US) & (stored <= now_us))
    rows["check_at"] = due
    if changed.any():
        state_rows.put_homes(conn, rows[changed])


def _latest(fresh: NDArray[np.void], weighed: WeighedReadings) -> NDArray[np.void]:
    """Return SENSOR_NOW rows: the last reading of each sensor, its last battery and its last judged temperature."""
    first, end = groups.bounds(fresh["sensor_id"])
    last = end - 1
    number, unknown = np.arange(len(fresh)), np.isnan(fresh["battery"])
    good = np.maximum.reduceat(np.where(weighed.judged, number, -1), first)
    powered = np.maximum.reduceat(np.where(unknown, -1, number), first)
    rows = np.empty(len(last), wire.native(state_rows.SENSOR_NOW))
    for name in ("sensor_id", "measured_at", "received_at", "home_id"):
        rows[name] = fresh[name][last]
    rows["battery"] = fresh["battery"][powered]
    rows["battery_at"] = np.where(powered >= 0, fresh["measured_at"][powered], NONE_US)
    rows["milli"] = weighed.milli[good]
    rows["judged_at"] = np.where(good >= 0, fresh["measured_at"][good], NONE_US)
    rows["expires_at"] = np.where(good >= 0, weighed.until[good], NONE_US)
    return rows

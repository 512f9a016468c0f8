"""The judging step of a transaction: readings (or the clock) in, home state, flags and tickets out.

It loads where the homes' machines left off, advances them with the engine, and writes back what changed. The caller
owns the transaction; homes are locked in the order of their key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.engine.deadline import NEVER_US, deadline
from alerts.engine.machine import MACHINE, fold
from alerts.engine.runs import cut, runs
from alerts.engine.schedule import Schedules
from alerts.engine.track import Held, Int, Milli, coldest, hold, in_force
from alerts.judging import flagging
from alerts.judging.screen import suspects
from alerts.judging.terms import ScheduleCache
from alerts.judging.weigh import ReadingRules
from domain.instants import EVER_US, NONE_US, to_us
from domain.policy import Policy
from store.base import wire
from store.judging import state_rows

# Data that comes in after its time comes in a stream: let it finish before the clock draws conclusions from gaps in it.
SETTLE_US = 10_000_000


@dataclass
class LockedHomes:
    """The homes of one transaction, sorted by id: where they stand, locked."""

    rows: NDArray[np.void]  # store.state.LOCKED
    held: NDArray[np.void]  # store.state.HELD
    at: Int  # index into rows of each held value
    frontier: Int  # µs; judged up to here
    machines: NDArray[np.void]  # MACHINE

    @property
    def ids(self) -> NDArray[np.int32]:
        """home_id, rising."""
        return self.rows["home_id"]


@dataclass(frozen=True)
class Advance:
    """Homes advanced over a span."""

    runs: NDArray[np.void]
    ended: NDArray[np.void]
    schedules: Schedules
    due: Int  # µs; the next deadline


@dataclass(frozen=True)
class PendingReadings:
    """Readings that are about to be stored; the homes that they judge are locked until the transaction ends."""

    judge: "Judge"
    conn: Connection
    rows: NDArray[np.void]  # store.readings.PLACED, sorted by sensor and time
    judged: NDArray[np.bool_]
    milli: Milli
    until: Int  # µs; when each may no longer be held
    homes: LockedHomes | None  # None: nothing is judged

    @property
    def last_us(self) -> Int:
        """Per row, when its sensor last said anything that is stored; EVER_US: the locked homes do not tell."""
        last = np.full(len(self.rows), EVER_US)
        if self.homes and len(held := self.homes.held):
            held = held[np.argsort(held["sensor_id"])]
            at = np.searchsorted(held["sensor_id"], self.rows["sensor_id"])
            at[at == len(held)] = 0
            known = held["sensor_id"][at] == self.rows["sensor_id"]
            last[known] = held["measured_at"][at[known]]
        return last

    def settle(self, rows: NDArray[np.void], brought: NDArray[np.bool_], now: datetime) -> int:
        """Judge what is stored now that was not before.

        Args:
            rows: those of the docket, with the values that are new; NaN elsewhere.
            brought: which of them have any.

        Returns:
            How many came behind the point that judging had reached; their homes are queued for re-judging.
        """
        if not brought.any():
            return 0
        fresh, milli, until = rows[brought], self.milli[brought], self.until[brought]
        judged = self.judged[brought] & ~np.isnan(fresh["temperature"])
        late = np.zeros(len(fresh), bool)
        homes = None
        if self.homes and judged.any():
            homes = _only(self.homes, np.unique(fresh["home_id"][judged]))
            if self.judge.weights.screens:
                late = self.judge._screen(self.conn, homes, fresh, judged, now)
        # Before flags are raised: their numbers keep other workers' flags waiting.
        state_rows.put_sensors(self.conn, _latest(fresh, judged, milli, until))
        if homes is not None:
            late[judged] |= self.judge._judge(self.conn, homes, fresh[judged], milli[judged], until[judged], now)
        return int(late.sum())


class Judge:
    """Judges by one policy; keeps nothing but look-ups between calls."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.terms = ScheduleCache(policy)
        self.weights = ReadingRules(policy)

    def readings(self, conn: Connection, rows: NDArray[np.void]) -> PendingReadings:
        """Lock the homes that readings judge, before the readings are stored (PLACED rows, by sensor and time)."""
        judged, milli, until = self.weights.weigh(rows)
        homes = load(conn, np.unique(rows["home_id"][judged])) if judged.any() else None
        return PendingReadings(self, conn, rows, judged, milli, until, homes)

    def _screen(
        self, conn: Connection, homes: LockedHomes, fresh: NDArray[np.void], judged: NDArray[np.bool_], now: datetime
    ) -> NDArray[np.bool_]:
        """Take suspect readings out of the judged ones, in place.

        Returns:
            mask of what came behind a later reading of its sensor, which looks different now: its home is queued,
            whether the reading itself is suspect or not.
        """
        mine = fresh[judged]
        latest_us = state_rows.latest(conn, np.unique(mine["sensor_id"]))
        said = zip(mine["sensor_id"].tolist(), mine["measured_at"].tolist(), strict=True)
        behind = np.zeros(len(fresh), bool)
        behind[judged] = [at < latest_us.get(sensor, at) for sensor, at in said]
        if behind.any():
            home = np.searchsorted(homes.ids, fresh["home_id"][behind])
            _queue(conn, homes, home, fresh["measured_at"][behind], now)
        judged[judged] = ~suspects(conn, self.weights, homes.ids, mine)
        return behind

    def _judge(
        self,
        conn: Connection,
        homes: LockedHomes,
        fresh: NDArray[np.void],
        milli: Milli,
        until: Int,
        now: datetime,
    ) -> NDArray[np.bool_]:
        """Advance homes over judged readings; mask of those that came too late, whose homes are queued."""
        home = np.searchsorted(homes.ids, fresh["home_id"])
        at, frontier = fresh["measured_at"], homes.frontier[home]
        # A second reading of the very instant at which the state changed: the change may be undone by it.
        behind = (at < frontier) | ((at == frontier) & (homes.rows["state_since"][home] == at))
        end = homes.frontier.copy()
        np.maximum.at(end, home[~behind], at[~behind])
        begin = homes.frontier.copy()
        unheard = begin == NONE_US
        begin[unheard] = NEVER_US
        np.minimum.at(begin, home[~behind], at[~behind])
        moves = np.flatnonzero(end != NONE_US)
        ahead = ~behind
        held = _held(homes, home[ahead], fresh["sensor_id"][ahead], at[ahead], until[ahead], milli[ahead])
        self._settle(conn, homes, moves, held, begin, end, end, now)
        # Days that are over may be closed in the ledger already, whatever the flags make of the reading.
        past = behind | (at < self.midnight_us(now))
        if past.any():
            _queue(conn, homes, home[past], at[past], now)
        return np.asarray(past)

    def midnight_us(self, now: datetime) -> int:
        """When the local day began."""
        local = now.astimezone(self.policy.zone)
        return to_us(datetime.combine(local.date(), time(0), self.policy.zone))

    def clock(self, conn: Connection, home_ids: Sequence[int], now: datetime) -> int:
        """Advance homes by the clock alone: window edges, dwell, silence, season, status.

        Returns:
            How many homes there were to look at.
        """
        homes = load(conn, np.unique(np.asarray(home_ids, np.int32)))
        if not len(homes.rows):
            return 0
        now_us = to_us(now)
        begin = np.where(homes.frontier == NONE_US, now_us, np.minimum(homes.frontier, now_us))
        nothing = np.empty(0, np.int64)
        held = _held(homes, nothing, nothing, nothing, nothing, np.empty(0, np.int32))
        streaming = self._streaming(conn, homes, held, begin, now_us)
        end = np.where(streaming, begin, now_us)
        self._settle(conn, homes, np.arange(len(end)), held, begin, end, None, now)
        return len(homes.rows)

    def _streaming(
        self, conn: Connection, homes: LockedHomes, held: Held, begin: Int, now_us: int
    ) -> NDArray[np.bool_]:
        """Homes whose data is coming in after its time right now."""
        heard = np.full(len(begin), NONE_US)
        np.maximum.at(heard, homes.at, homes.held["received_at"])
        recent = heard > now_us - SETTLE_US
        if not recent.any():
            return recent
        still = self._advance(conn, homes, held, begin, begin, homes.machines.copy())
        return recent & (still.due < heard)

    def _settle(
        self,
        conn: Connection,
        homes: LockedHomes,
        moves: NDArray[np.intp],
        held: Held,
        begin: Int,
        end: Int,
        reached: Int | None,
        now: datetime,
    ) -> None:
        """Advance some of the homes from begin to end and write what changed.

        Args:
            reached: where judging stands afterwards; None: at the last change.
        """
        if not len(moves):
            return
        part = homes if len(moves) == len(homes.rows) else _some(homes, moves)
        held = held if part is homes else _renumber(held, moves, len(begin))
        before, begin, end = part.machines, begin[moves], end[moves]
        after = before.copy()
        moved = self._advance(conn, part, held, begin, end, after)
        rows = _rows(part, after, moved, end if reached is None else reached[moves], reached is None)
        rows["flag_id"] = flagging.settle(conn, self.policy, part.ids, before, after, moved.ended, now)
        _write(conn, part, rows, moved.due, now)

    def _advance(
        self, conn: Connection, homes: LockedHomes, held: Held, begin: Int, end: Int, machines: NDArray[np.void]
    ) -> Advance:
        """Advance machines in place."""
        schedules, schedule = self.terms.schedules(conn, homes.ids, int(begin.min()), int(end.max()))
        track = coldest(held, begin, end)
        steps = cut(track, schedules, schedule, begin, end)
        run = runs(steps, schedules, end)
        ended = fold(machines, run, schedules.pieces)
        expires = np.full(len(begin), NEVER_US)
        open_end = held.until > end[held.home]
        np.minimum.at(expires, held.home[open_end], held.until[open_end])
        due = deadline(machines, schedules, schedule, end, in_force(track, end), expires)
        return Advance(run, ended, schedules, due)


def load(conn: Connection, home_ids: NDArray[np.int32]) -> LockedHomes:
    """Lock homes and read where they stand."""
    rows = state_rows.lock(conn, home_ids)
    held = state_rows.held(conn, rows["home_id"])
    at = np.searchsorted(rows["home_id"], held["home_id"])
    frontier = rows["judged_to"].copy()
    np.maximum.at(frontier, at, held["judged_at"])
    return LockedHomes(rows, held, at, frontier, _machines(rows))


def _machines(rows: NDArray[np.void]) -> NDArray[np.void]:
    machines = np.zeros(len(rows), MACHINE)
    for name in (
        "breach_since",
        "severe_since",
        "warm_since",
        "lowest",
        "severity",
        "cold_since",
        "confirmed_at",
    ):
        machines[name] = rows[name]
    for name in ("severe_at", "suspended_at"):
        machines[name] = rows[name]
    machines["flag"], machines["limit"], machines["cleared_at"] = (
        rows["flag_id"],
        rows["limit"],
        NONE_US,
    )
    return machines


def _held(homes: LockedHomes, home: Int, sensor: Int, start: Int, until: Int, milli: Milli) -> Held:
    """The values held from before, followed by new ones; a sensor is a lane of its home."""
    all_home = np.concatenate((homes.at, home)).astype(np.int64)
    all_sensor = np.concatenate((homes.held["sensor_id"], sensor)).astype(np.int64)
    pair = all_home << 32 | all_sensor
    pairs, place = np.unique(pair, return_inverse=True)
    first = np.searchsorted(pairs >> 32, all_home)
    return hold(
        all_home,
        place - first,
        np.concatenate((homes.held["judged_at"], start)),
        np.concatenate((homes.held["expires_at"], until)),
        np.concatenate((homes.held["milli"], milli)),
    )


def _only(homes: LockedHomes, home_ids: NDArray[np.int32]) -> LockedHomes:
    """The homes of these ids, of which all are there."""
    return homes if len(home_ids) == len(homes.rows) else _some(homes, np.searchsorted(homes.ids, home_ids))


def _some(homes: LockedHomes, which: NDArray[np.intp]) -> LockedHomes:
    keep = np.isin(homes.at, which)
    return LockedHomes(
        homes.rows[which],
        homes.held[keep],
        np.searchsorted(which, homes.at[keep]),
        homes.frontier[which],
        homes.machines[which],
    )


def _renumber(held: Held, which: NDArray[np.intp], homes: int) -> Held:
    number = np.full(homes, -1)
    number[which] = np.arange(len(which))
    kept = held.take(number[held.home] >= 0)
    return kept._replace(home=number[kept.home])


def _rows(
    homes: LockedHomes, after: NDArray[np.void], moved: Advance, reached: Int, at_change: bool
) -> NDArray[np.void]:
    """HOME_STATE rows of the homes as they stand now; check_at still as it was."""
    rows = np.empty(len(homes.rows), wire.native(state_rows.HOME_STATE))
    for name in state_rows.HOME_STATE:
        rows[name] = homes.rows[name]
    run = moved.runs
    first = np.searchsorted(run["home"], np.arange(len(rows)))
    last = np.append(first[1:], len(run)) - 1
    before = np.append(0, run["state"][:-1]).astype(np.int64)
    before[first] = np.where(rows["judged_to"] == NONE_US, -1, rows["state"])
    changed = np.where(run["state"] != before, np.arange(len(run)), -1)
    change = np.maximum.reduceat(changed, first)
    rows["state"] = run["state"][last]
    rows["state_since"] = np.where(change >= 0, run["start"][np.maximum(change, 0)], rows["state_since"])
    for name in ("breach_since", "severe_since", "warm_since", "lowest"):
        rows[name] = after[name]
    if at_change:
        reached = np.maximum(homes.frontier, run["start"][last])
        for name in ("confirmed_at", "severe_at", "suspended_at"):
            reached = np.maximum(reached, np.where(after["severity"] > 0, after[name], NONE_US))
        np.maximum.at(reached, moved.ended["home"], moved.ended["flag"]["cleared_at"])
        reached = np.where(homes.frontier == NONE_US, NONE_US, reached)
    rows["judged_to"] = reached
    return rows


def _write(conn: Connection, homes: LockedHomes, rows: NDArray[np.void], due: Int, now: datetime) -> None:
    """Write the rows that mean something new; one that only moved on in time is left alone."""
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


def _latest(fresh: NDArray[np.void], judged: NDArray[np.bool_], milli: Milli, until: Int) -> NDArray[np.void]:
    """SENSOR_NOW rows: the last reading of each sensor, its last battery and its last judged temperature."""
    first = np.flatnonzero(np.append(True, fresh["sensor_id"][1:] != fresh["sensor_id"][:-1]))
    last = np.append(first[1:], len(fresh)) - 1
    good = np.maximum.reduceat(np.where(judged, np.arange(len(fresh)), -1), first)
    powered = np.maximum.reduceat(np.where(np.isnan(fresh["battery"]), -1, np.arange(len(fresh))), first)
    rows = np.empty(len(last), wire.native(state_rows.SENSOR_NOW))
    for name in ("sensor_id", "measured_at", "received_at", "home_id"):
        rows[name] = fresh[name][last]
    rows["battery"] = fresh["battery"][powered]
    rows["battery_at"] = np.where(powered >= 0, fresh["measured_at"][powered], NONE_US)
    rows["milli"] = milli[good]
    rows["judged_at"] = np.where(good >= 0, fresh["measured_at"][good], NONE_US)
    rows["expires_at"] = np.where(good >= 0, until[good], NONE_US)
    return rows


def _queue(conn: Connection, homes: LockedHomes, home: Int, at: Int, now: datetime) -> None:
    which, place = np.unique(home, return_inverse=True)
    earliest = np.full(len(which), NEVER_US)
    np.minimum.at(earliest, place, at)
    state_rows.queue_rejudge(conn, homes.ids[which], earliest, now)

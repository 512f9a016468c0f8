"""Homes whose past changed are judged again from there on, and what is on record is brought in line with it.

Nothing is deleted: a flag whose cause is gone is withdrawn, one that was missed is added (with a ticket that is born
closed if it is over by now), one that began or ended at another time is corrected. A second run changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.engine.deadline import NEVER_US, deadline
from alerts.engine.machine import MACHINE, idle
from alerts.engine.track import NONE
from alerts.judging import flagging
from alerts.judging.history import DAY, History, Past
from alerts.judging.reconciling import reconcile
from domain.instants import NONE_US, to_datetime
from store.base import wire
from store.judging import flag_rows, ledger_rows, state_rows

CLOSE_LAG = timedelta(seconds=60)  # after midnight, so that what came before it has been committed


@dataclass
class RejudgeOutcome:
    """What judging again changed."""

    homes: int = 0
    readings: int = 0
    days: int = 0  # ledger rows written
    raised: int = 0
    withdrawn: int = 0
    corrected: int = 0
    changes: list[flagging.FlagCorrection] = field(default_factory=list)

    def note(self, changes: flagging.Changes) -> None:
        """Count what was done to flags."""
        self.changes += changes.told
        for change in changes.told:
            setattr(self, change.kind.value, getattr(self, change.kind.value) + 1)

    def add(self, other: "RejudgeOutcome") -> None:
        """Add what other homes came to."""
        for name in ("homes", "readings", "days", "raised", "withdrawn", "corrected"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.changes += other.changes


@dataclass
class ReplayedHomes:
    """Homes after a walk, and the flags that ended on the way (home by position, MACHINE)."""

    past: Past
    ended: list[tuple[int, np.void]]


def judge_again(
    conn: Connection, history: History, home_ids: Sequence[int], from_day: date, now: datetime, *, dry: bool = False
) -> RejudgeOutcome:
    """Judge homes again from the start of a local day up to now; the caller owns the transaction.

    The homes are locked, so what arrives meanwhile waits. `dry`: flags and tickets are left as they are; the caller
    rolls the rest back.
    """
    homes = np.unique(np.asarray(home_ids, np.int32))
    locked = state_rows.lock(conn, homes)
    homes = locked["home_id"]
    out = RejudgeOutcome(homes=len(homes))
    walks = list[tuple[date, ReplayedHomes]]()
    for first_day, members, known in _starts(conn, history, homes, from_day, now):
        walked, days = _walk(conn, history, homes[members], first_day, known, now)
        out.days += days
        out.readings += walked.past.readings
        walks.append((first_day, walked))
    # After all that takes time: what is raised keeps others who raise flags waiting until the end.
    for first_day, walked in walks:
        _settle(conn, history, walked, first_day, now, out, dry)
    state_rows.unqueue(conn, homes.tolist())
    return out


def judge_days(
    conn: Connection,
    history: History,
    home_ids: Sequence[int],
    from_day: date,
    to_day: date,
    now: datetime,
    *,
    dry: bool = False,
) -> RejudgeOutcome:
    """Judge homes again over [from_day, to_day); those that leave it otherwise than on record, on to now.

    The caller owns the transaction. `dry`: as of `judge_again`.
    """
    end = to_datetime(history.midnight_us(to_day))
    if end >= now:
        return judge_again(conn, history, home_ids, from_day, now, dry=dry)
    homes = state_rows.lock(conn, np.unique(np.asarray(home_ids, np.int32)))["home_id"]
    on_record = ledger_rows.starts(conn, homes.tolist(), to_day)
    out, differs, spans = RejudgeOutcome(), list[int](), list[_Span]()
    for first_day, members, known in _starts(conn, history, homes, from_day, now):
        past, ended = resume(history, homes[members], known), list[tuple[int, np.void]]()
        rows = []
        for stretch in history.walk(conn, past, first_day, end, whole=True):
            rows.append(day_rows(history, past.homes, stretch.days, now))
            ended += [(int(e["home"]), e["flag"]) for e in stretch.ended]
        same = [_leaves_as_recorded(past, nth, on_record, to_day) for nth in range(len(past.homes))]
        differs += past.homes[~np.array(same, bool)].tolist()
        out.readings += past.readings
        spans.append(_Span(past, rows, ended, np.array(same, bool), to_datetime(history.midnight_us(first_day)), end))
    if differs:
        out.add(judge_again(conn, history, differs, from_day, now, dry=dry))
    for span in spans:
        _settle_days(conn, history, span, now, out, dry)
    out.homes = len(homes)
    return out


def _leaves_as_recorded(past: Past, nth: int, on_record: dict[int, tuple[date, bytes | None]], to_day: date) -> bool:
    """Whether a home's machine stands at the end of a span where the ledger says that it stood."""
    day, machine = on_record.get(int(past.homes[nth]), (None, None))
    if day is None or day + DAY != to_day:
        return not past.entered[nth]
    return bool(past.machines[nth].tobytes() == (machine or idle(1)[0].tobytes()))


class _Span(NamedTuple):
    """Homes judged over whole days."""

    past: Past
    rows: list[NDArray[np.void]]  # store.ledger.DAY_ROW
    ended: list[tuple[int, np.void]]  # flags: home by position, MACHINE
    same: NDArray[np.bool_]  # homes that leave it as recorded
    start: datetime
    end: datetime


def _settle_days(
    conn: Connection, history: History, span: _Span, now: datetime, out: RejudgeOutcome, dry: bool
) -> None:
    """Write the days and the flags that ended in them, of homes that leave the span as recorded."""
    kept = span.past.homes[span.same]
    days = np.concatenate([r[np.isin(r["home_id"], kept)] for r in span.rows]) if span.rows else None
    if days is not None and len(days):
        out.days += ledger_rows.put(conn, days, history.policy.labels)
    flags = flag_rows.since(conn, kept.tolist(), span.start)
    stored = [flag for flag in flags if flag.cleared_at and flag.cleared_at <= span.end]
    judged = [(home, flag) for home, flag in span.ended if span.same[home]]
    out.note(reconcile(conn, history.policy, span.past.homes, stored, judged, now, write=not dry))


def _starts(
    conn: Connection, history: History, homes: NDArray[np.int32], from_day: date, now: datetime
) -> list[tuple[date, NDArray[np.intp], dict[int, bytes | None]]]:
    """Groups of homes that can be judged from one day on: (day, positions, machine of homes known the day before).

    None begins before what was asked for and what is taken by now.
    """
    earliest = min(from_day, history.earliest_day(now))
    found = {
        home: (day, machine)
        for home, (day, machine) in ledger_rows.starts(conn, homes.tolist(), from_day).items()
        if day + DAY >= earliest
    }
    groups: dict[date, list[int]] = {}
    fresh: list[int] = []
    for nth, home in enumerate(homes.tolist()):
        if home in found:
            groups.setdefault(found[home][0] + DAY, []).append(nth)
        else:
            fresh.append(nth)
    out = [
        (day, np.array(members), {int(homes[m]): found[int(homes[m])][1] for m in members})
        for day, members in groups.items()
    ]
    if fresh:
        # Nothing closed before that day: they begin where their readings do, or today if there are none.
        first = history.first_day(conn, homes[fresh], earliest)
        out.append((first or from_day, np.array(fresh), {}))
    return out


def resume(history: History, homes: NDArray[np.int32], known: dict[int, bytes | None]) -> Past:
    """Homes where they stood at the end of a day; those not known then are unheard of."""
    past = Past.unheard(homes)
    for nth, home in enumerate(homes.tolist()):
        if home in known:
            past.entered[nth] = True
            machine = known[home]
            if machine is not None:
                past.machines[nth] = np.frombuffer(machine, MACHINE)[0]
    # Numbers of flags are not part of history: what is on record is found by time.
    past.machines["flag"] = 0
    return past


def _walk(
    conn: Connection,
    history: History,
    homes: NDArray[np.int32],
    first_day: date,
    known: dict[int, bytes | None],
    now: datetime,
) -> tuple[ReplayedHomes, int]:
    """Judge homes from a day up to now and write their ledger."""
    past = resume(history, homes, known)
    ended: list[tuple[int, np.void]] = []
    written = 0
    ledger_rows.forget_machines(conn, homes.tolist(), first_day)
    for stretch in history.walk(conn, past, first_day, now, whole=False):
        rows = day_rows(history, homes, stretch.days, now)
        written += ledger_rows.put(conn, rows, history.policy.labels)
        keep_machines(conn, history, homes, stretch.machines, now)
        ended += [(int(e["home"]), e["flag"]) for e in stretch.ended]
    return ReplayedHomes(past, ended), written


def day_rows(history: History, homes: NDArray[np.int32], days: NDArray[np.void], now: datetime) -> NDArray[np.void]:
    """LEDGER rows as store.ledger.DAY_ROW, closed if the day is over."""
    rows = np.empty(len(days), wire.native(ledger_rows.DAY_ROW))
    for name in ledger_rows.DAY_ROW:
        if name not in ("home_id", "closed"):
            rows[name] = days[name]
    rows["home_id"] = homes[days["home"]]
    rows["closed"] = days["day"] < history.day_of(now - CLOSE_LAG).toordinal()
    return rows


def keep_machines(
    conn: Connection, history: History, homes: NDArray[np.int32], machines: list[tuple[int, int, bytes]], now: datetime
) -> None:
    """Keep where machines stood at the end of closed days."""
    today = history.day_of(now - CLOSE_LAG).toordinal()
    kept = [(int(homes[home]), day, machine) for home, day, machine in machines if day < today]
    if kept:
        ids, days, raw = (list(column) for column in zip(*kept, strict=True))
        ledger_rows.put_machines(conn, ids, days, raw)


def _settle(
    conn: Connection,
    history: History,
    walked: ReplayedHomes,
    first_day: date,
    now: datetime,
    out: RejudgeOutcome,
    dry: bool,
) -> None:
    """Bring flags and state in line with the past."""
    past = walked.past
    start = to_datetime(history.midnight_us(first_day))
    stored = flag_rows.since(conn, past.homes.tolist(), start)
    open_now = np.flatnonzero(past.machines["severity"] > 0)
    judged = walked.ended + [(int(home), past.machines[home]) for home in open_now]
    changes = reconcile(conn, history.policy, past.homes, stored, judged, now, write=not dry)
    out.note(changes)
    if not dry:
        _put_state(conn, history, walked, changes.open_flags)


def _put_state(conn: Connection, history: History, walked: ReplayedHomes, open_flags: dict[int, int]) -> None:
    """Write where the homes stand now, so that live judging goes on from there."""
    past = walked.past
    there = np.flatnonzero(past.entered)
    if not len(there) or past.held is None:
        return
    rows = np.empty(len(there), wire.native(state_rows.HOME_STATE))
    rows["home_id"] = past.homes[there]
    machines, run = past.machines[there], past.last
    last = np.searchsorted(run["home"], there, "right") - 1
    rows["state"], rows["state_since"] = run["state"][last], _since(run, last)
    for name in ("breach_since", "severe_since", "warm_since", "lowest"):
        rows[name] = machines[name]
    reached = run["start"][last]
    for name in ("confirmed_at", "severe_at", "suspended_at"):
        reached = np.maximum(reached, np.where(machines["severity"] > 0, machines[name], NONE_US))
    cleared = np.full(len(past.homes), NONE_US)
    for home, flag in walked.ended:
        cleared[home] = max(cleared[home], int(flag["cleared_at"]))
    rows["judged_to"] = np.maximum(reached, cleared[there])
    rows["flag_id"] = [open_flags.get(home, 0) for home in rows["home_id"].tolist()]
    rows["check_at"] = _due(conn, history, past, there)
    state_rows.put_homes(conn, rows)
    state_rows.replace_held(conn, past.homes.tolist(), _held_rows(past))


def _since(run: NDArray[np.void], last: NDArray[np.intp]) -> NDArray[np.int64]:
    """When the state of each home's last run began; runs end at midnight, states need not."""
    first = last.copy()
    while True:
        before = np.maximum(first - 1, 0)
        same = (first > 0) & (run["home"][before] == run["home"][last]) & (run["state"][before] == run["state"][last])
        if not same.any():
            return np.asarray(run["start"][first])
        first = np.where(same, before, first)


def _due(conn: Connection, history: History, past: Past, there: NDArray[np.intp]) -> NDArray[np.int64]:
    """When the clock has to look at each home again."""
    end, held = past.end, past.held
    assert held is not None
    known = (held.start <= end[held.home]) & (held.until > end[held.home])
    milli = np.full(len(past.homes), NONE)
    expires = np.full(len(past.homes), NEVER_US)
    np.minimum.at(milli, held.home[known], held.milli[known])
    np.minimum.at(expires, held.home[known], held.until[known])
    at = end[there]
    schedules, schedule = history.terms.schedules(conn, past.homes[there], int(at.min()), int(at.max()))
    due = deadline(past.machines[there], schedules, schedule, at, milli[there], expires[there])
    return np.where(due == NEVER_US, NONE_US, due)


def _held_rows(past: Past) -> NDArray[np.void]:
    """SENSOR_NOW rows (the judged part) of the last reading of each sensor."""
    held = past.held
    assert held is not None
    rows = np.zeros(len(held.home), wire.native(state_rows.SENSOR_NOW))
    rows["sensor_id"], rows["home_id"] = held.lane, past.homes[held.home]
    rows["milli"], rows["judged_at"], rows["expires_at"] = held.milli, held.start, held.until
    rows["measured_at"] = rows["received_at"] = held.start
    # A sensor that moved from one of these homes to another is where it was last.
    order = np.lexsort((rows["judged_at"], rows["sensor_id"]))
    rows = rows[order]
    newest = np.append(rows["sensor_id"][1:] != rows["sensor_id"][:-1], True)[: len(rows)]
    return np.asarray(rows[newest])

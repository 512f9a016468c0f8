"""Care of sensors: which of them needs a visit, from what they said; a job for each, closed when it has healed.

A sensor has one job at a time and the job one reason; what else is wrong with it gets its job after that. Silence
neither opens nor heals a job for another reason.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from functools import partial
from typing import NamedTuple

import numpy as np
import structlog
from numpy.typing import NDArray
from psycopg import Connection

from alerts.engine.suspect import frozen, jumps
from alerts.engine.track import NONE, Int, Milli
from alerts.tickets.docket import Docket, Opening
from domain.care import CLOCK_READINGS, NEIGHBOURS_NEEDED, Care, CareEnd, CareReason
from domain.instants import NONE_US, to_datetime, to_us
from domain.milli import milli
from domain.policy import Policy, Version
from domain.priority import Cold, priority
from domain.tickets import EventKind, TicketClass, TicketSource
from domain.words.desk import CARE_TEXTS, clock_text
from store.base import wire
from store.base.halves import Aside, in_halves
from store.readings import stays
from store.sensors import care_rows

SLICE_SENSORS = 5_000  # whose readings of a day are looked at in one look
SLICE_READINGS = 500_000  # about how many these may be: deadlines wait meanwhile
DAY_US = 86_400_000_000
REASONS = tuple(CareReason)  # columns of verdicts, the most pressing first
log = structlog.get_logger()


class CareVerdict(IntEnum):
    """The verdict on a sensor for one reason."""

    UNKNOWN = 0  # nothing: a job stays as it is
    FINE = 1
    DOUBT = 2  # not long enough for a job; an open one does not heal
    FAULT = 3


Verdicts = NDArray[np.int8]


def look(conn: Connection, policy: Policy, now: datetime) -> int:
    """Open jobs for sensors that need a visit and close those that have healed; returns how many of both.

    All sensors are looked at by what they said last, and the readings of the next SLICE_SENSORS of them. The
    connection is in autocommit mode.
    """
    rules = policy.rules_at(now)
    if rules.care is not None:
        # By itself: ingest notes wrong clocks with numbers of tickets in hand, for which this transaction waits below.
        care_rows.forget_right_clocks(conn, rules.care.clock_s)
    with conn.transaction():
        jobs = care_rows.jobs(conn)
        if rules.care is None:
            return end(conn, policy, [job for job in jobs if _by_values(job)], CareEnd.NO_POLICY, now)
        rows = care_rows.sensors(conn, now)
        at = np.searchsorted(rows["sensor_id"], np.array([job.sensor_id for job in jobs], np.int32))
        placed = np.isin([job.sensor_id for job in jobs], rows["sensor_id"])
        gone = [job for job, there in zip(jobs, placed, strict=True) if not there]
        kept = [job for job, there in zip(jobs, placed, strict=True) if there]
        verdicts = _verdicts(conn, rules, rules.care, rows, now)
        changed = end(conn, policy, gone, CareEnd.REMOVED, now)
        changed += _heal(conn, policy, rules.care, kept, verdicts[at[placed]], now)
        busy = np.array([_by_values(job) for job in kept], bool)
        verdicts[at[placed][busy]] = CareVerdict.UNKNOWN  # one job at a time
        return changed + _open(conn, policy, rows, verdicts, now)


def _by_values(job: care_rows.Job) -> bool:
    """Return whether the sensor's values can heal a job; a disagreement is healed by a measurement only."""
    return job.reason != CareReason.DISAGREES


def _verdicts(conn: Connection, rules: Version, care: Care, rows: NDArray[np.void], now: datetime) -> Verdicts:
    """Return the verdicts on SENSOR rows, one column per reason."""
    out = np.zeros((len(rows), len(REASONS)), np.int8)
    before = care_rows.round_so_far(conn)
    allowed_us = (care.silent_intervals * rows["interval_s"] * 1e6).astype(np.int64)
    since = listening_since(before, care_rows.heard_at(conn), int(allowed_us.min(initial=DAY_US)), now)
    held_us = (rules.hold_intervals * rows["interval_s"] * 1e6).astype(np.int64)
    clock = wrong_clock(rows, care)
    quiet = silent(rows["heard_at"], held_us, allowed_us, NONE_US if since is None else to_us(since), to_us(now))
    sample = next_slice(rows["sensor_id"], before.reached, DAY_US / 1e6 / rows["interval_s"])
    for reason, found in (
        (CareReason.LOW_BATTERY, low_battery(rows["battery"], care.battery_percent)),
        (CareReason.OUT_OF_LINE, _out_of_line(conn, care, rows, now)),
    ):
        out[:, REASONS.index(reason)] = found
    placed = sample[rows["home_id"][sample] != 0]
    if len(placed):
        stuck, jumping = _recent_habits(conn, care, rows[placed], held_us[placed], now)
        out[placed, REASONS.index(CareReason.FROZEN)] = stuck
        out[placed, REASONS.index(CareReason.JUMPING)] = jumping
    out[quiet == CareVerdict.FAULT] = CareVerdict.UNKNOWN
    out[:, REASONS.index(CareReason.SILENT)] = quiet
    out[:, REASONS.index(CareReason.CLOCK)] = clock
    reached = int(rows["sensor_id"][sample[-1]]) if len(sample) else 0
    care_rows.leave_round(conn, care_rows.CareRound(reached, now, since))
    return out


def listening_since(
    before: care_rows.CareRound, heard_at: datetime | None, shortest_us: int, now: datetime
) -> datetime | None:
    """Return the instant since which sensors could be heard without a break; None: always.

    When no reading at all arrived, or no round ran, for as long as the fastest sensor may be silent, silence is not the
    sensors' fault: every sensor is given its full time again from then on.
    """
    longest = timedelta(microseconds=shortest_us)
    away = before.looked_at is not None and now - before.looked_at > longest
    deaf = heard_at is None or now - heard_at > longest
    return now if away or deaf else before.listening_since


def silent(heard_at: Int, held_us: Int, allowed_us: Int, since_us: int, now_us: int) -> Verdicts:
    """Judge silence.

    Args:
        heard_at: µs of the last reading, or of the installation; NONE_US: neither is known.
        held_us: for how long a reading of each is held; a sensor that is silent for longer does not heal.
        allowed_us: how long each may be silent.
        since_us: µs since which sensors can be heard.
    """
    known = heard_at != NONE_US
    heard = np.maximum(np.where(known, heard_at, now_us), since_us)
    unheard_us = now_us - heard
    found = np.where(unheard_us > held_us, CareVerdict.DOUBT, CareVerdict.FINE)
    found = np.where(unheard_us > allowed_us, CareVerdict.FAULT, found)
    return np.where(known, found, CareVerdict.UNKNOWN).astype(np.int8)


def wrong_clock(rows: NDArray[np.void], care: Care) -> Verdicts:
    """Judge the clocks of SENSOR rows; delayed readings are soon followed by one in time, a wrong clock is not."""
    off = ~np.isnan(rows["off_s"])
    lasting = rows["off_at"] - np.where(off, rows["off_since"], rows["off_at"]) >= care.clock_for_s * 1_000_000
    certain = rows["impossible"] & (rows["off_readings"] >= CLOCK_READINGS)
    found = np.where(off, np.where(certain | (off & lasting), CareVerdict.FAULT, CareVerdict.DOUBT), CareVerdict.FINE)
    return np.where(rows["heard_at"] == NONE_US, CareVerdict.UNKNOWN, found).astype(np.int8)


def low_battery(percent: NDArray[np.float32], limit: float) -> Verdicts:
    """Judge batteries (%, NaN: unknown)."""
    found = np.where(percent < np.float32(limit), CareVerdict.FAULT, CareVerdict.FINE)
    return np.where(np.isnan(percent), CareVerdict.UNKNOWN, found).astype(np.int8)


def distance(building: NDArray[np.int32], milli: Milli) -> NDArray[np.float64]:
    """Return how far each sensor is from the median of the others in its building, mK; NaN with too few.

    Args:
        building: 0: none.
        milli: NONE_MILLI: silent.
    """
    out = np.full(len(milli), np.nan)
    known = np.flatnonzero((building != 0) & (milli != NONE))
    order = known[np.lexsort((milli[known], building[known]))]
    sorted_building, sorted_milli = building[order], milli[order]
    first = np.searchsorted(sorted_building, sorted_building)
    others = np.searchsorted(sorted_building, sorted_building, "right") - first - 1
    enough = others >= NEIGHBOURS_NEEDED
    place = np.arange(len(order))[enough]
    first, others = first[enough], others[enough]
    # The k-th of the others is the k-th of all, or the one after it if the sensor itself stands before.
    low, high = first + (others - 1) // 2, first + others // 2
    low, high = low + (low >= place), high + (high >= place)
    median = (sorted_milli[low] + sorted_milli[high]) / 2
    out[order[enough]] = np.abs(sorted_milli[place] - median)
    return out


def _out_of_line(conn: Connection, care: Care, rows: NDArray[np.void], now: datetime) -> Verdicts:
    """Judge sensors against their neighbours, and remember since when they have been out of line."""
    far = distance(rows["building_id"], rows["milli"])
    out = np.where(np.isnan(far), CareVerdict.UNKNOWN, CareVerdict.FINE).astype(np.int8)
    apart = np.flatnonzero(far > milli(care.neighbour_k))
    since = care_rows.out_of_line(conn, rows["sensor_id"][apart].tolist(), now)
    patience = timedelta(seconds=care.neighbour_for_s)
    for i in apart:
        long = now - since[int(rows["sensor_id"][i])] >= patience
        out[i] = CareVerdict.FAULT if long else CareVerdict.DOUBT
    return out


def next_slice(sensor_ids: NDArray[np.int32], reached: int, readings: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the positions of the next sensors in turn, starting again from the first at the end.

    Args:
        readings: the approximate number of each; at least one sensor is taken.
    """
    start = int(np.searchsorted(sensor_ids, reached, "right"))
    start = 0 if start == len(sensor_ids) else start
    total = np.cumsum(readings[start : start + SLICE_SENSORS])
    some = np.searchsorted(total, SLICE_READINGS, "right")
    return np.arange(start, min(start + max(int(some), 1), len(sensor_ids)))


def _recent_habits(
    conn: Connection, care: Care, rows: NDArray[np.void], hold_us: Int, now: datetime
) -> tuple[Verdicts, Verdicts]:
    """Return the `habits` of sensors over the last day, or over as long as it takes to count as frozen."""
    # The reading from which a frozen sensor has stood still for long enough must be among those that are read.
    back_us = max(DAY_US, care.frozen_s * 1_000_000) + 2 * int(hold_us.max())
    start, end = to_datetime(to_us(now) - back_us), now + timedelta(hours=1)
    said = stays.said(conn, rows["sensor_id"].tolist(), start, end)
    return habits(said, rows["sensor_id"], hold_us, care, to_us(now))


def habits(
    said: NDArray[np.void], sensor_ids: NDArray[np.int32], hold_us: Int, care: Care, now_us: int
) -> tuple[Verdicts, Verdicts]:
    """Judge frozen values (now) and jumps (within a day).

    Args:
        said: store.stays.SAID sorted by sensor and time.
        sensor_ids, hold_us: the sensors, rising, and how long a reading of each may be held.
    """
    sensor, at, value = said["sensor_id"].astype(np.int64), said["measured_at"], wire.milli(said["temperature"])
    gap_us = hold_us[np.searchsorted(sensor_ids, said["sensor_id"])]
    still = frozen(sensor, at, value, gap_us, np.full(len(at), care.frozen_s * 1_000_000))
    jumped = jumps(sensor, at, value, gap_us, np.full(len(at), milli(care.jump_k)))
    end = np.searchsorted(said["sensor_id"], sensor_ids, "right")
    speaks = end > np.searchsorted(said["sensor_id"], sensor_ids)
    last = np.maximum(end - 1, 0)
    if len(at):
        speaks &= at[last] > now_us - hold_us
    stands = still[last] if len(at) else speaks
    hopped = np.isin(sensor_ids, said["sensor_id"][jumped & (at > now_us - DAY_US)])
    return _found(stands, speaks), _found(hopped, speaks)


def _found(bad: NDArray[np.bool_], known: NDArray[np.bool_]) -> Verdicts:
    return np.where(known, np.where(bad, CareVerdict.FAULT, CareVerdict.FINE), CareVerdict.UNKNOWN).astype(np.int8)


def _heal(
    conn: Connection, policy: Policy, care: Care, jobs: Sequence[care_rows.Job], verdicts: Verdicts, now: datetime
) -> int:
    """Note jobs whose reason is gone, or back; close those without a reason for long enough."""
    patience = timedelta(seconds=care.healed_for_s)
    fine, back, healed = list[care_rows.Job](), list[care_rows.Job](), list[care_rows.Job]()
    for job, verdict in zip(jobs, verdicts, strict=True):
        says = verdict[REASONS.index(CareReason(job.reason))]
        if says == CareVerdict.FINE and now - (job.fine_since or now) >= patience:
            healed.append(job)
        elif says == CareVerdict.FINE and job.fine_since is None:
            fine.append(job)
        elif says >= CareVerdict.DOUBT and job.fine_since is not None:
            back.append(job)
    aside = Aside[care_rows.Job]("device jobs", key=lambda job: job.device_job_id)
    for some, since in ((fine, now), (back, None)):
        in_halves(conn, some, partial(_set_fine, conn, since), aside)
    return end(conn, policy, healed, CareEnd.HEALED, now)


def _set_fine(conn: Connection, since: datetime | None, jobs: Sequence[care_rows.Job]) -> None:
    care_rows.set_fine(conn, [job.device_job_id for job in jobs], since)


def end(conn: Connection, policy: Policy, jobs: Sequence[care_rows.Job], reason: CareEnd, now: datetime) -> int:
    """Close jobs and their tickets; one that is refused stays open. Returns how many are closed."""
    aside = Aside[care_rows.Job]("device jobs", key=lambda job: job.device_job_id)
    left = in_halves(conn, jobs, lambda some: _end(conn, policy, some, reason, now), aside)
    if len(jobs) > len(left):
        log.info("device jobs closed", count=len(jobs) - len(left), reason=reason.value)
    return len(jobs) - len(left)


def _end(conn: Connection, policy: Policy, jobs: Sequence[care_rows.Job], reason: CareEnd, now: datetime) -> None:
    kind = EventKind.HEALED if reason is CareEnd.HEALED else EventKind.JOB_ENDED
    care_rows.close(conn, [job.device_job_id for job in jobs], reason.value, now)
    docket = Docket(conn, policy, now)
    for job in jobs:
        docket.add(job.ticket_id, kind, reason=reason.value)
    docket.write()


class FaultySensor(NamedTuple):
    """A sensor that is to be visited."""

    sensor_id: int
    home_id: int | None
    reason: CareReason
    off_s: float  # of its clock


def _open(conn: Connection, policy: Policy, rows: NDArray[np.void], verdicts: Verdicts, now: datetime) -> int:
    """Open a job with its ticket for each sensor that has a fault, for the most pressing one."""
    faults = verdicts == CareVerdict.FAULT
    which = np.flatnonzero(faults.any(axis=1))
    found = [
        FaultySensor(sensor, home or None, REASONS[reason], off_s)
        for sensor, home, reason, off_s in zip(
            rows["sensor_id"][which].tolist(),
            rows["home_id"][which].tolist(),
            faults[which].argmax(axis=1).tolist(),
            rows["off_s"][which].tolist(),
            strict=True,
        )
    ]
    aside = Aside[FaultySensor]("device jobs", key=lambda one: one.sensor_id)
    left = in_halves(conn, found, lambda some: _open_some(conn, policy, some, now), aside)
    if len(found) > len(left):
        log.info("device jobs opened", count=len(found) - len(left))
    return len(found) - len(left)


def _open_some(conn: Connection, policy: Policy, found: Sequence[FaultySensor], now: datetime) -> None:
    codes = care_rows.codes(conn, [one.sensor_id for one in found])
    docket = Docket(conn, policy, now)
    docket.reserve(len(found))
    jobs = [
        {
            "sensor_id": one.sensor_id,
            "reason": one.reason.value,
            "ticket_id": docket.open(opening(one.home_id, codes[one.sensor_id], one.reason, one.off_s)),
        }
        for one in found
    ]
    docket.write()
    care_rows.insert(conn, jobs, now)


def opening(home_id: int | None, code: str, reason: CareReason, off_s: float = 0.0) -> Opening:
    by_clock = reason is CareReason.CLOCK
    text = clock_text(off_s) if by_clock else CARE_TEXTS[reason]
    told = {"off_s": round(off_s)} if by_clock else {}
    return Opening(
        ticket_class=TicketClass.DEVICE,
        source=TicketSource.DEVICE,
        priority=priority(TicketClass.DEVICE, Cold(), None),
        home_id=home_id,
        data={"sensor": code, "reason": reason.value, **told, **text._asdict()},
    )

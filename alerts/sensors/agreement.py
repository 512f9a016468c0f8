"""The effect of a measurement on a sensor that it contradicts.

One contradicting measurement alone proves nothing: the sensor gets a device job. If a second person measures the same,
the sensor is excluded from judging while that job is open; where no living sensor contradicts any more, the cold spell
that the sensors reported is over. All of it is data that judging reads, so re-judging gives the same outcome
(docs/decisions/0018).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from psycopg import Connection

from alerts.sensors import care
from alerts.tickets.docket import Docket
from archives.history import OneHistory
from domain.care import CareEnd, CareReason
from domain.instants import to_us
from domain.measurement import (
    AGREES_WITHIN_K,
    FiledMeasurement,
    LivingReading,
    NewMeasurement,
    agree,
    held_against,
    second,
)
from domain.milli import milli
from domain.policy import Policy
from domain.states import ClearReason, HomeState
from store.judging import state_rows
from store.sensors import agreement_rows, care_rows, measurement_rows

WARM = (HomeState.WARM, HomeState.FAIR)


@dataclass(frozen=True)
class Comparison:
    """A record beside the living sensors of its home."""

    living: Sequence[LivingReading]
    against: LivingReading | None
    disagrees: bool

    def columns(self) -> dict[str, Any]:
        """Return the columns that are stored with the record."""
        sensor, celsius = (self.against.sensor_id, self.against.celsius) if self.against else (None, None)
        return {"beside": sensor, "beside_celsius": celsius, "disagrees": self.disagrees}


def within_k(policy: Policy, at: datetime) -> float:
    """Return how far apart two temperatures of a room may be and still agree, K."""
    rule = policy.rules_at(at).measurement
    return rule.agrees_within_k if rule else AGREES_WITHIN_K


def compare(conn: Connection, policy: Policy, home_id: int, new: NewMeasurement, readings: OneHistory) -> Comparison:
    """Hold a record against what the sensors of its home said at that instant."""
    rules = policy.rules_at(new.measured_at)
    heard = readings.beside(conn, home_id, new.measured_at, rules.hold_intervals)
    living = [one for one in heard if one.room_kind in rules.judged_rooms]
    against = held_against(new, living)
    apart = against is not None and not agree(new.celsius, against.celsius, within_k(policy, new.measured_at))
    return Comparison(living, against, apart)


class JudgedRecord(NamedTuple):
    """A valid record beside the verdict on it."""

    said: FiledMeasurement
    state: HomeState
    target: float  # °C, the day limit
    compared: Comparison


def follow(conn: Connection, policy: Policy, home_id: int, record: JudgedRecord, now: datetime) -> None:
    """Apply a valid record to the sensors of its home, which is locked."""
    said, state, target, compared = record
    job = _job(conn, policy, home_id, compared, now)
    if state not in WARM:
        return
    other, against = None, compared.against
    if compared.disagrees and job is not None and against is not None:
        earlier = agreement_rows.earlier(conn, home_id, against.sensor_id, said.measurement)
        other = second(said, earlier, within_k(policy, said.measured_at))
        if other is None:
            return
        at = max(said.measured_at, other.measured_at)
        agreement_rows.overrule(conn, job, home_id, at, other.measurement, said.measurement)
        judge_from(conn, home_id, at, now)
    overruled = against.sensor_id if other and against else None
    if _is_over(conn, home_id, said.measured_at, [b for b in compared.living if b.sensor_id != overruled], target):
        at = max(said.measured_at, other.measured_at) if other else said.measured_at
        agreement_rows.end_cold(conn, said.measurement, home_id, at, ClearReason.MEASURED.value)
        judge_from(conn, home_id, at, now)


def _job(conn: Connection, policy: Policy, home_id: int, compared: Comparison, now: datetime) -> care_rows.Job | None:
    """Open the job of the compared sensor where the record disagrees, and heal it where they agree."""
    against = compared.against
    if against is None:
        return None
    known = agreement_rows.job(conn, against.sensor_id)
    if known is None and compared.disagrees:
        docket = Docket(conn, policy, now)
        ticket = docket.open(care.opening(home_id, against.sensor, CareReason.DISAGREES))
        docket.write()
        job = {"sensor_id": against.sensor_id, "reason": CareReason.DISAGREES.value, "ticket_id": ticket}
        care_rows.insert(conn, [job], now)
        return agreement_rows.job(conn, against.sensor_id)
    if known is not None and not compared.disagrees:
        care.end(conn, policy, [known], CareEnd.HEALED, now)
    return known


def _is_over(conn: Connection, home_id: int, at: datetime, living: Sequence[LivingReading], target: float) -> bool:
    """Return whether a warm record ends the sensors' flag: one is open, and no living sensor contradicts."""
    flag = measurement_rows.sensor_flag(conn, home_id, at)
    open_then = flag is not None and flag.cleared_at is None and flag.cold_since <= at
    return open_then and all(milli(one.celsius) >= milli(target) for one in living)


def judge_from(conn: Connection, home_id: int, at: datetime, now: datetime) -> None:
    """Have a home judged again from an instant on."""
    state_rows.queue_rejudge(conn, np.array([home_id], np.int32), np.array([to_us(at)]), now)


def void(conn: Connection, home_id: int, measurement: int, now: datetime) -> None:
    """Take back what came of a record that was corrected."""
    since = agreement_rows.void(conn, measurement, now)
    if since is not None:
        judge_from(conn, home_id, since, now)

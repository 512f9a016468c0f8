"""Measurements on site: records are taken and judged; flags, tickets and proofs come of them.

What a home's valid records say is a function of all of them, whatever order they are filed in: `settle` brings the
flags in line with it. docs/decisions/0012 tells how such a flag lives beside those of the sensors.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import structlog
from numpy.typing import NDArray
from psycopg import Connection, errors

from alerts.desk import recovery
from alerts.engine.machine import idle
from alerts.engine.runs import LIMITS, classify
from alerts.judging.flagging import ReopenedFlag, changes_of, clear_reason, open_again, raise_measured
from alerts.judging.terms import ScheduleCache
from alerts.judging.why import explain_measured
from alerts.sensors import agreement
from alerts.tickets.docket import Docket
from alerts.tickets.work import ACTOR
from archives.history import TABLE_ALONE, OneHistory
from domain.instants import to_us
from domain.measurement import (
    HIGHEST_CELSIUS,
    LOWEST_CELSIUS,
    FiledMeasurement,
    NewMeasurement,
    RecordRefusal,
    RecordWorth,
    Spell,
    spells,
)
from domain.milli import LEAST_MILLI, celsius, milli
from domain.notices import Audience, NoticeKind, OutboxEntry
from domain.policy import Policy
from domain.states import ClearReason, FlagEndCause, FlagSource, HomeState, NotJudged
from domain.tickets import EventKind
from store.base.halves import Aside, in_halves, one_by_one
from store.judging import flag_rows
from store.notices import outbox
from store.registry import place_rows
from store.sensors import agreement_rows, measurement_rows

TOLERANCE = timedelta(minutes=5)  # clocks of people differ
DUE_SOON = timedelta(days=1)  # a crew plans its next day
MOST_TOLD = 2_000  # measurements in one transaction
LOOK_BACK = timedelta(days=90)  # for cold records that no flag tells of any more
# Ends of a flag that no record tells of.
OTHER_ENDS = frozenset(ClearReason) - {ClearReason.RECOVERED, ClearReason.WITHDRAWN}
_TOLD = {NoticeKind.MEASUREMENT_DUE: (Audience.CREW,), NoticeKind.MEASUREMENT_LATE: (Audience.CREW, Audience.DISPATCH)}
log = structlog.get_logger()


class NotTaken(Exception):
    """A record that is not taken; nothing was stored."""

    def __init__(self, reason: RecordRefusal) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class FiledRecord:
    """A filed record and its consequences."""

    number: str
    worth: RecordWorth
    judged: measurement_rows.RecordVerdict
    ticket_id: int | None


class Filing(NamedTuple):
    """The account that files a record, the time of it, and the readings that it is held against."""

    actor: str
    now: datetime
    readings: OneHistory = TABLE_ALONE


def record(conn: Connection, policy: Policy, home_id: int, new: NewMeasurement, filing: Filing) -> FiledRecord:
    """File a record of a home and apply its consequences. The caller owns the transaction.

    Raises:
        NotTaken: it is refused, or already filed.
    """
    actor, now, readings = filing
    if new.measured_at > now + TOLERANCE:
        raise NotTaken(RecordRefusal.FUTURE)
    if not LOWEST_CELSIUS <= new.celsius <= HIGHEST_CELSIUS:
        raise NotTaken(RecordRefusal.IMPLAUSIBLE)
    measurement_rows.lock_home(conn, home_id)
    corrects = _corrected(conn, home_id, new)
    piece = piece_at(conn, policy, home_id, new.measured_at)
    judged = judge(policy, piece, new, now)
    compared = agreement.compare(conn, policy, home_id, new, readings)
    row = {**asdict(new), **asdict(judged), **compared.columns(), "state": int(judged.state), "corrects": corrects}
    key, number = _insert(conn, home_id, row, actor, now)
    if new.signature is None:
        return FiledRecord(number=number, worth=RecordWorth.UNSIGNED, judged=judged, ticket_id=None)
    if corrects is not None:
        agreement.void(conn, home_id, corrects, now)
    value, target = celsius(_milli(new)), celsius(int(piece["target"]))
    said = FiledMeasurement(key, new.measured_at, value, new.measurer, actor)
    agreement.follow(conn, policy, home_id, agreement.JudgedRecord(said, judged.state, target, compared), now)
    settle(conn, policy, home_id, now, actor)
    ticket = None
    if judged.state is not HomeState.NOT_JUDGED:
        ticket = recovery.measured(conn, policy, home_id, recovery.SignedMeasurement(number, value, target), now, actor)
    return FiledRecord(number=number, worth=RecordWorth.VALID, judged=judged, ticket_id=ticket)


def _milli(new: NewMeasurement) -> int:
    """Return the judged m°C of a record: those of the 32-bit float that is stored."""
    return milli(float(np.float32(new.celsius)))


def _corrected(conn: Connection, home_id: int, new: NewMeasurement) -> int | None:
    """Return the key of the record that a new one corrects."""
    if new.corrects is None:
        return None
    found = measurement_rows.find(conn, new.corrects)
    if found is None:
        raise NotTaken(RecordRefusal.NO_SUCH_RECORD)
    key, home = found
    if home != home_id:
        raise NotTaken(RecordRefusal.OTHER_HOME)
    return key


def _insert(conn: Connection, home_id: int, row: dict[str, Any], actor: str, now: datetime) -> tuple[int, str]:
    try:
        with conn.transaction():
            return measurement_rows.insert(conn, home_id, row, actor, now)
    except errors.UniqueViolation as error:
        taken = error.diag.constraint_name == measurement_rows.CORRECTED_ONCE
        raise NotTaken(RecordRefusal.CORRECTED_ALREADY if taken else RecordRefusal.TWICE) from None


def piece_at(conn: Connection, policy: Policy, home_id: int, at: datetime) -> np.void:
    """Return the PIECE in force for a home at an instant, as judging compiles it."""
    return _pieces(conn, policy, np.array([home_id], np.int32), at)[0]


def _pieces(conn: Connection, policy: Policy, homes: NDArray[np.int32], at: datetime) -> list[np.void]:
    us = to_us(at)
    schedules, which = ScheduleCache(policy).schedules(conn, homes, us, us)
    found = []
    for nth in which.tolist():
        pieces = schedules.pieces[schedules.first[nth] : schedules.first[nth + 1]]
        found.append(pieces[max(int(np.searchsorted(pieces["start"], us, "right")) - 1, 0)])
    return found


def judge(policy: Policy, piece: np.void, new: NewMeasurement, now: datetime) -> measurement_rows.RecordVerdict:
    """Judge a record as a reading, by the rules in force when it was measured."""
    value = np.array([_milli(new)], np.int32)
    state = HomeState(int(classify(value, {name: piece[name] for name in (*LIMITS, "reason")})[0]))
    if new.room_kind not in policy.versions[int(piece["version"])].judged_rooms:
        state = HomeState.NOT_JUDGED
    rule = policy.rules_at(now).measurement
    late = rule is not None and now - new.measured_at > timedelta(seconds=rule.file_within_s)
    return measurement_rows.RecordVerdict(
        state=state,
        limit=None if state is HomeState.NOT_JUDGED else _limit(piece, state),
        policy=policy.labels[int(piece["version"])],
        filed_late=late,
    )


def _limit(piece: np.void, state: HomeState) -> float | None:
    """Return the broken limit, or else the highest one in force, °C."""
    if state is HomeState.SEVERE:
        return celsius(int(piece["severe"]))
    highest = max(int(piece["cold"]), int(piece["severe"]))
    return None if highest == LEAST_MILLI else celsius(highest)


def settle(conn: Connection, policy: Policy, home_id: int, now: datetime, actor: str) -> None:
    """Bring the flags of measurements of a home in line with its valid records. The home is locked."""
    flags = measurement_rows.flags(conn, home_id)
    ended = {flag.cold_since: flag.cleared_at for flag in flags if flag.clear_reason in OTHER_ENDS and flag.cleared_at}
    docket = Docket(conn, policy, now, actor)
    kept = set()
    fresh = []
    for spell in spells(measurement_rows.records(conn, home_id), ended):
        flag = next((f for f in flags if f.flag_id not in kept and _of(f, spell)), None)
        if flag is None:
            fresh.append(spell)
        else:
            kept.add(flag.flag_id)
            _correct(conn, policy, docket, home_id, flag, spell)
    for flag in flags:
        if flag.flag_id not in kept:
            measurement_rows.end_flag(conn, flag.flag_id, ClearReason.WITHDRAWN.value, now)
            reason = ClearReason.WITHDRAWN.value
            docket.add(flag.ticket_id, EventKind.FLAG_ENDED, flag=flag.flag_id, reason=reason)
    docket.write()
    for spell in fresh:
        _raise(conn, policy, home_id, spell, now, actor)


def _of(flag: measurement_rows.MeasuredFlagRow, spell: Spell) -> bool:
    """Return whether a flag belongs to a spell: it began with its first or a later record."""
    return spell.start <= flag.cold_since and (spell.end is None or flag.cold_since < spell.end)


def _end(conn: Connection, home_id: int, spell: Spell) -> tuple[datetime | None, ClearReason | None]:
    """Find when and why a spell ended: by a warm record, or because the sensors report the cold now."""
    if spell.end is not None:
        return spell.end, ClearReason.RECOVERED
    sensors = measurement_rows.sensor_flag(conn, home_id, spell.start)
    if sensors is not None and sensors.cleared_at is None:
        return max(sensors.cold_since, spell.start), ClearReason.TAKEN_OVER
    return None, None


def _correct(
    conn: Connection, policy: Policy, docket: Docket, home_id: int, flag: measurement_rows.MeasuredFlagRow, spell: Spell
) -> None:
    """Note what is different in a flag that stays."""
    cleared_at, reason = _end(conn, home_id, spell)
    if flag.clear_reason in OTHER_ENDS:
        cleared_at, reason = flag.cleared_at, ClearReason(flag.clear_reason)
    row = {
        "cold_since": spell.start,
        "severity": int(spell.severity),
        "severe_at": spell.severe_at,
        "lowest": celsius(spell.lowest_milli),
        "cleared_at": cleared_at,
        "clear_reason": reason.value if reason else None,
    }
    if all(getattr(flag, name) == value for name, value in row.items()):
        return
    measurement_rows.update_flag(conn, flag.flag_id, row)
    if cleared_at is None and flag.cleared_at is not None:
        again = ReopenedFlag(flag.flag_id, home_id, flag.ticket_id), _machine(conn, policy, home_id, spell)
        changes = changes_of(conn, policy, docket.now, docket.actor)
        open_again(conn, policy, changes, [again], FlagSource.MEASUREMENT)
        changes.docket.write()
        flag_rows.give_tickets(conn, changes.moved)
    told = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
    if spell.severity > flag.severity:
        docket.add(flag.ticket_id, EventKind.SEVERE, flag=flag.flag_id, severe_at=told["severe_at"])
    if cleared_at is not None and flag.cleared_at is None:
        kind = EventKind.RECOVERED if reason is ClearReason.RECOVERED else EventKind.FLAG_ENDED
        data = {"cleared_at": told["cleared_at"], "reason": told["clear_reason"]}
        docket.add(flag.ticket_id, kind, flag=flag.flag_id, **data)
    elif spell.severity <= flag.severity:
        docket.add(flag.ticket_id, EventKind.FLAG_CORRECTED, flag=flag.flag_id, **told)


def _raise(conn: Connection, policy: Policy, home_id: int, spell: Spell, now: datetime, actor: str) -> None:
    """Raise the flag of a spell that has none, with its ticket."""
    cleared_at, reason = _end(conn, home_id, spell)
    flag = _machine(conn, policy, home_id, spell)
    if cleared_at is not None:
        flag["cleared_at"] = to_us(cleared_at)
        flag["reason"] = FlagEndCause.TAKEN_OVER if reason is ClearReason.TAKEN_OVER else 0
    home = place_rows.contracts(conn, [home_id])[home_id]
    first = spell.opened_by
    why = explain_measured(
        policy, home, flag, measurement_rows.number(first.measurement), first.room, celsius(first.milli)
    )
    raise_measured(conn, policy, changes_of(conn, policy, now, actor), home_id, flag, why)


def _machine(conn: Connection, policy: Policy, home_id: int, spell: Spell) -> Any:
    """Return the flag of an open spell as MACHINE."""
    piece = piece_at(conn, policy, home_id, spell.start)
    flag = idle(1)[0]
    flag["severity"], flag["lowest"] = int(spell.severity), spell.lowest_milli
    flag["cold_since"] = flag["confirmed_at"] = to_us(spell.start)
    flag["limit"] = milli(_limit(piece, spell.opened_by.state) or 0.0)
    flag["version"] = piece["version"]
    if spell.severe_at is not None:
        flag["severe_at"] = to_us(spell.severe_at)
    return flag


def look(conn: Connection, policy: Policy, now: datetime, readings: OneHistory = TABLE_ALONE) -> None:
    """Ask for measurements where sensors are suspect; flag what no flag tells of; end flags of homes not judged now.

    The connection is in autocommit mode.
    """
    rule = policy.rules_at(now).measurement
    if rule is not None:
        asked = measurement_rows.ask_for_suspects(conn, timedelta(seconds=rule.suspect_within_s), ACTOR)
        if asked:
            log.info("measurements asked for", homes=asked)
    unflagged = measurement_rows.unflagged(conn, now - LOOK_BACK)
    one_by_one(conn, unflagged, lambda home: _settle_home(conn, policy, home, now), Aside[int]("measurements"))
    flagged = measurement_rows.open_homes(conn)
    in_halves(conn, flagged, lambda some: _end_unjudged(conn, policy, some, now), Aside[int]("flags not judged"))
    one_by_one(
        conn,
        agreement_rows.out(conn, now),
        lambda gone: _end_where_sensor_left(conn, policy, gone, now, readings),
        Aside[agreement_rows.GoneSensor]("sensors that left", key=lambda gone: gone.measurement),
    )


def _settle_home(conn: Connection, policy: Policy, home: int, now: datetime) -> None:
    measurement_rows.lock_home(conn, home)
    settle(conn, policy, home, now, ACTOR)


def _end_where_sensor_left(
    conn: Connection, policy: Policy, gone: agreement_rows.GoneSensor, now: datetime, readings: OneHistory
) -> None:
    """End the cold spell of a sensor that contradicted a measurement and has been removed since."""
    home, measurement, at = gone
    measurement_rows.lock_home(conn, home)
    rules, target = policy.rules_at(at), int(piece_at(conn, policy, home, at)["target"])
    heard = readings.beside(conn, home, at, rules.hold_intervals)
    judged = [milli(one.celsius) for one in heard if one.room_kind in rules.judged_rooms]
    if rules.judged_rooms and all(value >= target for value in judged):
        agreement_rows.end_cold(conn, measurement, home, at, ClearReason.SENSOR_OUT.value)
        agreement.judge_from(conn, home, at, now)


def remind(conn: Connection, now: datetime) -> bool:
    """Tell crews what is due within a day, and dispatch too what is late, each once; True: there may be more.

    The connection is in autocommit mode.
    """
    due = measurement_rows.untold(conn, now + DUE_SOON, now, MOST_TOLD)
    aside = Aside[measurement_rows.MeasurementReminder]("reminders", key=lambda one: one.task)
    left = in_halves(conn, due, lambda some: _remind(conn, some, now), aside)
    if len(due) > len(left):
        log.info("measurements told of", count=len(due) - len(left))
    return len(due) == MOST_TOLD and not left


def _remind(conn: Connection, due: Sequence[measurement_rows.MeasurementReminder], now: datetime) -> None:
    told = measurement_rows.set_told(conn, due, now)
    outbox.put(conn, [_entry(one, audience) for one in told for audience in _TOLD[NoticeKind(one.kind)]], now)


def _entry(told: measurement_rows.MeasurementReminder, audience: Audience) -> OutboxEntry:
    data = {"place": " ".join(filter(None, (told.home, told.room))), "due_at": told.due_at.isoformat()}
    return OutboxEntry(NoticeKind(told.kind), audience, home_id=told.home_id, station=told.station, data=data)


def _end_unjudged(conn: Connection, policy: Policy, homes: Sequence[int], now: datetime) -> None:
    """End flags outside the season or where heat was stopped, whatever their source."""
    pieces = _pieces(conn, policy, np.array(homes, np.int32), now)
    reasons = {
        home: clear_reason(int(piece["reason"]))
        for home, piece in zip(homes, pieces, strict=True)
        if piece["reason"] != NotJudged.JUDGED
    }
    docket = Docket(conn, policy, now)
    for home, reason in reasons.items():
        measurement_rows.lock_home(conn, home)
        _end_open(conn, docket, home, reason, now)
    docket.write()


def _end_open(conn: Connection, docket: Docket, home: int, reason: ClearReason, now: datetime) -> None:
    for flag in measurement_rows.flags(conn, home):
        if flag.cleared_at is None:
            measurement_rows.end_flag(conn, flag.flag_id, reason.value, now)
            data = {"flag": flag.flag_id, "cleared_at": now.isoformat(), "reason": reason.value}
            docket.add(flag.ticket_id, EventKind.FLAG_ENDED, **data)

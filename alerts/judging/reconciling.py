"""Reconciliation of flags on record with a re-judged history: paired, corrected, withdrawn, raised."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from psycopg import Connection

from alerts.engine.deadline import NEVER_US
from alerts.engine.machine import MACHINE
from alerts.judging.flagging import (
    ChangeKind,
    Changes,
    FlagCorrection,
    ReopenedFlag,
    changes_of,
    clear_reason,
    flag_columns,
    instant_text,
    open_again,
    raise_flags,
    write_flags,
)
from alerts.judging.history import History
from alerts.judging.why import explain
from archives.history import OneHistory
from domain.instants import NONE_US, to_datetime, to_us
from domain.milli import milli
from domain.policy import Policy
from domain.states import ClearReason, FlagSource, Severity
from domain.tickets import EventKind
from store.judging import flag_rows


def reconcile(
    conn: Connection,
    history: History,
    stored: Sequence[flag_rows.FlagRow],
    judged: Sequence[tuple[int, np.void]],
    now: datetime,
    *,
    write: bool = True,
) -> Changes:
    """Reconcile the flags on record with the history; without `write`, only list the corrections.

    Args:
        stored: flags of the homes, which are locked, that were open after the start of judging.
        judged: (home_id, MACHINE) of every flag that the history has from there on.
    """
    policy = history.policy
    changes = changes_of(conn, policy, now, readings=history.readings)
    pairs, fresh, gone = _match(stored, judged)
    pairs.sort(key=lambda pair: pair[1]["cleared_at"] == NONE_US)  # a home never has two flags open
    differing = [pair for pair in pairs if not _same(*pair)]
    changes.told += [FlagCorrection(ChangeKind.WITHDRAWN, row.home_id, row.cold_since, row.cleared_at) for row in gone]
    changes.told += [_change(ChangeKind.CORRECTED, row.home_id, flag) for row, flag in differing]
    changes.told += [_change(ChangeKind.RAISED, home_id, flag) for home_id, flag in fresh]
    if not write:
        return changes
    changes.open_flags |= {row.home_id: row.flag_id for row, flag in pairs if flag["cleared_at"] == NONE_US}
    _withdraw(conn, changes, gone)
    _correct(conn, policy, changes, differing)
    if fresh:
        raise_flags(conn, policy, fresh, changes)
    write_flags(conn, policy, changes, np.empty(0, MACHINE), ())
    changes.open_flags |= {new.flag.home_id: new.flag.flag_id for new in changes.new if not new.flag.over}
    return changes


Pair = tuple[flag_rows.FlagRow, np.void]


def _match(
    stored: Sequence[flag_rows.FlagRow], judged: Sequence[tuple[int, np.void]]
) -> tuple[list[Pair], list[tuple[int, np.void]], list[flag_rows.FlagRow]]:
    """Pair flags of the same cold spell: those that began together, else those that overlap in time."""
    left: dict[int, list[flag_rows.FlagRow]] = {}
    for row in stored:
        left.setdefault(row.home_id, []).append(row)
    pairs: list[Pair] = []
    rest = list(judged)
    for same in (_began_together, _overlap):
        unpaired = []
        for home_id, flag in rest:
            mine = left.get(home_id, [])
            found = next((row for row in mine if same(row, flag)), None)
            if found is None:
                unpaired.append((home_id, flag))
            else:
                mine.remove(found)
                pairs.append((found, flag))
        rest = unpaired
    return pairs, rest, [row for rows in left.values() for row in rows]


def _began_together(row: flag_rows.FlagRow, flag: np.void) -> bool:
    return to_us(row.cold_since) == int(flag["cold_since"])


def _overlap(row: flag_rows.FlagRow, flag: np.void) -> bool:
    ends = NEVER_US if flag["cleared_at"] == NONE_US else int(flag["cleared_at"])
    row_ends = NEVER_US if row.cleared_at is None else to_us(row.cleared_at)
    return to_us(row.cold_since) < ends and int(flag["cold_since"]) < row_ends


def _withdraw(conn: Connection, changes: Changes, gone: Sequence[flag_rows.FlagRow]) -> None:
    if gone:
        flag_rows.withdraw(conn, [row.flag_id for row in gone], changes.now)
    for row in gone:
        data = {"flag": row.flag_id, "reason": ClearReason.WITHDRAWN.value}
        changes.docket.add(row.ticket_id, EventKind.FLAG_ENDED, **data)


def _correct(conn: Connection, policy: Policy, changes: Changes, differing: Sequence[Pair]) -> None:
    """Correct flags that stay and differ."""
    moved: list[Pair] = []
    again = [
        (ReopenedFlag(row.flag_id, row.home_id, row.ticket_id), flag)
        for row, flag in differing
        if flag["cleared_at"] == NONE_US and row.cleared_at is not None
    ]
    open_again(conn, policy, changes, again, FlagSource.SENSOR)
    for row, flag in differing:
        changes.known.append({"flag_id": row.flag_id, **flag_columns(flag)})
        if not _began_together(row, flag):
            moved.append((row, flag))
        if row.cleared_at is None and flag["reason"] < 0:
            columns = flag_columns(flag)
            data = {"cleared_at": columns["cleared_at"], "reason": columns["clear_reason"]}
            changes.docket.add(row.ticket_id, EventKind.FLAG_ENDED, flag=row.flag_id, **data)
        else:
            changes.docket.add(row.ticket_id, EventKind.FLAG_CORRECTED, flag=row.flag_id, **flag_columns(flag))
        open_now = flag["cleared_at"] == NONE_US
        if open_now and flag["severity"] == Severity.SEVERE and row.severity != Severity.SEVERE:
            severe_at = instant_text(flag["severe_at"])
            changes.docket.add(row.ticket_id, EventKind.SEVERE, flag=row.flag_id, severe_at=severe_at)
    if moved:
        _move(conn, policy, moved, changes.readings)


def _move(conn: Connection, policy: Policy, moved: Sequence[Pair], readings: OneHistory) -> None:
    """Move the beginning of flags, and explain them by the readings of then."""
    whys = explain(conn, policy, [(row.home_id, flag) for row, flag in moved], readings).ask(conn)
    rows = [
        {
            "flag_id": row.flag_id,
            "cold_since": instant_text(flag["cold_since"]),
            "confirmed_at": instant_text(flag["confirmed_at"]),
            "policy": policy.labels[int(flag["version"])],
            "why": why(),
        }
        for (row, flag), why in zip(moved, whys, strict=True)
    ]
    flag_rows.move(conn, rows)


def _same(row: flag_rows.FlagRow, flag: np.void) -> bool:
    """Return whether the flag on record equals that of the history."""
    instants = ("cold_since", "confirmed_at", "severe_at", "suspended_at", "cleared_at")
    if any((NONE_US if (at := getattr(row, name)) is None else to_us(at)) != flag[name] for name in instants):
        return False
    reason = None if row.cleared_at is None else clear_reason(int(flag["reason"])).value
    values = (int(flag["severity"]), int(flag["lowest"]), reason)
    return values == (row.severity, milli(row.lowest), row.clear_reason)


def _change(kind: ChangeKind, home_id: int, flag: np.void) -> FlagCorrection:
    cleared = None if flag["cleared_at"] == NONE_US else to_datetime(int(flag["cleared_at"]))
    return FlagCorrection(kind, home_id, to_datetime(int(flag["cold_since"])), cleared)

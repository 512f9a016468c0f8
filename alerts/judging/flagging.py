"""From machines to rows: flags opened, worsened and ended, and the ticket of each, in the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.judging.why import explain
from alerts.tickets.clock_terms import within_call_back
from alerts.tickets.docket import Docket, Opening
from alerts.tickets.work import ACTOR
from domain.instants import NONE_US, to_datetime
from domain.milli import celsius
from domain.policy import Policy
from domain.priority import Cold, DeskRule, priority
from domain.states import ClearReason, FlagEndCause, FlagSource, NotJudged, Severity
from domain.tickets import EventKind, TicketClass, TicketSource, TicketState
from store.base import numbers
from store.judging import flag_rows
from store.tickets import ticket_rows
from store.tickets.ticket_rows import TicketRow


class ChangeKind(StrEnum):
    """What judging again did to a flag."""

    RAISED = "raised"
    WITHDRAWN = "withdrawn"
    CORRECTED = "corrected"


@dataclass(frozen=True)
class FlagCorrection:
    """A flag on record that judging again brought in line."""

    kind: ChangeKind
    home_id: int
    cold_since: datetime
    cleared_at: datetime | None


@dataclass
class Changes:
    """What a transaction has to write about flags and their tickets."""

    docket: Docket
    now: datetime
    desk: DeskRule | None  # of the rules in force now
    new: list[dict[str, Any]] = field(default_factory=list)
    known: list[dict[str, Any]] = field(default_factory=list)
    reopened: list[int] = field(default_factory=list)  # homes whose flag had ended by what was known before
    moved: dict[int, int] = field(default_factory=dict)  # flag → the ticket that it has from now on
    told: list[FlagCorrection] = field(default_factory=list)
    open_flags: dict[int, int] = field(default_factory=dict)  # home_id → flag


def settle(
    conn: Connection,
    policy: Policy,
    homes: NDArray[np.int32],
    before: NDArray[np.void],
    after: NDArray[np.void],
    ended: NDArray[np.void],
    now: datetime,
) -> NDArray[np.int64]:
    """Write the flags that changed between two states of the homes' machines, and their tickets.

    Args:
        homes: home_id of each machine; the homes are locked.
        before, after: MACHINE per home.
        ended: machine.ENDED in between.
    Returns:
        The number of each home's open flag, 0 if it has none.
    """
    numbers = np.where(after["severity"] > 0, after["flag"], 0)
    opened = np.flatnonzero((after["severity"] > 0) & (after["flag"] == 0))
    changes = changes_of(conn, policy, now)
    fresh = [(int(e["home"]), e["flag"]) for e in ended if e["flag"]["flag"] == 0]
    fresh += [(int(i), after[i]) for i in opened]
    if fresh:
        raise_flags(conn, policy, homes, fresh, changes)
        numbers[opened] = [row["flag_id"] for row in changes.new[len(changes.new) - len(opened) :]]
    over = [(int(e["home"]), e["flag"]) for e in ended if e["flag"]["flag"] != 0]
    moved = [(int(i), after[i]) for i in _moved(before, after)]
    changes.known = [{"flag_id": int(m["flag"]), **flag_columns(m)} for _, m in over + moved]
    write_flags(conn, changes, before, over + moved)
    return numbers


def changes_of(conn: Connection, policy: Policy, now: datetime, actor: str = ACTOR) -> Changes:
    """An empty one."""
    version = policy.version_at(now)
    return Changes(Docket(conn, policy, now, actor), now, version.desk if version else None)


def _moved(before: NDArray[np.void], after: NDArray[np.void]) -> NDArray[np.intp]:
    """Homes whose flag is still the same one and says something else now."""
    same = (after["severity"] > 0) & (after["flag"] != 0)
    differs = [after[name] != before[name] for name in ("severity", "suspended_at", "lowest")]
    return np.flatnonzero(same & np.logical_or.reduce(differs))


def raise_flags(
    conn: Connection,
    policy: Policy,
    homes: NDArray[np.int32],
    fresh: list[tuple[int, np.void]],
    changes: Changes,
) -> None:
    """Make the rows of new flags and give each its ticket: the home's open one, or a new one."""
    fresh.sort(key=lambda item: item[1]["cleared_at"] == NONE_US)  # those that are over first, in their order
    home_ids = [int(homes[home]) for home, _ in fresh]
    last = Last(ticket_rows.last_cold(conn, sorted(set(home_ids))))
    flags = [flag for _, flag in fresh]
    whys = explain(conn, policy, list(zip(home_ids, flags, strict=True)))
    changes.docket.reserve(len(fresh))
    flag_ids = numbers.take(conn, numbers.NumberKind.FLAG, len(fresh))
    for flag_id, home_id, flag, why in zip(flag_ids, home_ids, flags, whys, strict=True):
        _add(policy, changes, last, flag_id, home_id, flag, why, FlagSource.SENSOR)


def _add(
    policy: Policy,
    changes: Changes,
    last: "Last",
    flag_id: int,
    home_id: int,
    flag: np.void,
    why: dict[str, Any],
    source: FlagSource,
) -> int:
    """Make the row of a new flag and find its ticket; returns the ticket."""
    columns = flag_columns(flag)
    ticket = _ticket(policy, changes, last, flag_id, home_id, flag, source)
    row = _flag_row(policy, flag_id, home_id, flag, columns, ticket, why, changes.now)
    changes.new.append({**row, "source": source.value})
    if columns["cleared_at"] is not None:
        changes.docket.add(ticket, EventKind.RETROSPECTIVE, flag=flag_id, cleared_at=columns["cleared_at"])
    return ticket


def raise_measured(
    conn: Connection, policy: Policy, home_id: int, flag: np.void, why: dict[str, Any], now: datetime, actor: str
) -> int:
    """A flag that a measurement tells of, with its ticket as any other; returns the ticket. The home is locked.

    Args:
        flag: MACHINE; what ended when the sensors' flag began is told by `cleared_at` and Ended.
    """
    changes = changes_of(conn, policy, now, actor)
    last = Last(ticket_rows.last_cold(conn, [home_id]))
    (flag_id,) = numbers.take(conn, numbers.NumberKind.FLAG, 1)
    ticket = _add(policy, changes, last, flag_id, home_id, flag, why, FlagSource.MEASUREMENT)
    changes.docket.write()
    flag_rows.insert(conn, changes.new)
    return ticket


class ReopenedFlag(NamedTuple):
    """A flag on record that is open after all."""

    flag_id: int
    home_id: int
    ticket_id: int


def open_again(
    conn: Connection,
    policy: Policy,
    changes: Changes,
    again: Sequence[tuple[ReopenedFlag, np.void]],
    source: FlagSource,
) -> None:
    """Let flags that had ended be open after all, each with a ticket in work: its own, or as a new flag gets one."""
    changes.reopened += [row.home_id for row, _ in again]
    tickets = ticket_rows.lock(conn, sorted({row.ticket_id for row, _ in again})) if again else {}
    idle = [
        (row, flag) for row, flag in again if tickets[row.ticket_id].state in (TicketState.DONE, TicketState.CLOSED)
    ]
    last = Last(ticket_rows.last_cold(conn, sorted({row.home_id for row, _ in idle})) if idle else {})
    for row, flag in idle:
        ticket = _ticket(policy, changes, last, row.flag_id, row.home_id, flag, source)
        if ticket != row.ticket_id:
            changes.moved[row.flag_id] = ticket


class Last:
    """The last cold ticket of each home, and when its first flag began; what is opened meanwhile is the last one."""

    def __init__(self, stored: Mapping[int, tuple[TicketRow, datetime | None]]) -> None:
        self._stored = stored
        self._opened: dict[int, tuple[int, datetime]] = {}

    def note(self, home_id: int, ticket: int, since: datetime) -> None:
        """A ticket was opened for a home, or opened again."""
        self._opened[home_id] = (ticket, since)

    def open(self, home_id: int) -> tuple[int, datetime | None] | None:
        """The open ticket of a home."""
        if home_id in self._opened:
            return self._opened[home_id]
        row, first = self._stored.get(home_id, (None, None))
        return (row.ticket_id, first) if row is not None and row.state != TicketState.CLOSED else None

    def before(self, home_id: int) -> TicketRow | None:
        """The ticket of a home as it was before."""
        return None if home_id in self._opened else self._stored.get(home_id, (None, None))[0]


def _ticket(
    policy: Policy, changes: Changes, last: Last, flag_id: int, home_id: int, flag: np.void, source: FlagSource
) -> int:
    """The ticket of a new flag: the home's open one, the one it had until not long ago, or a new one."""
    over, since = flag["cleared_at"] != NONE_US, to_datetime(int(flag["cold_since"]))
    data = {"flag": flag_id, "severity": _severity(flag), "cold_since": since.isoformat()}
    found, before = last.open(home_id), last.before(home_id)
    # What was over before the open ticket's own cold began is no part of it.
    if found is not None and not (over and found[1] is not None and since < found[1]):
        relapsed = before is not None and before.state in (TicketState.VERIFYING, TicketState.DONE) and not over
        kind = EventKind.RELAPSED if relapsed else EventKind.FLAG_JOINED
        changes.docket.add(found[0], kind, **data)
        if not over:
            changes.docket.add(found[0], EventKind.PRIORITY, priority=_priority(changes.desk, flag, changes.now))
        if relapsed:
            last.note(home_id, found[0], since)
        return found[0]
    if before is not None and not over and within_call_back(policy, before, changes.now):
        changes.docket.add(before.ticket_id, EventKind.RELAPSED, **data)
        changes.docket.add(before.ticket_id, EventKind.PRIORITY, priority=_priority(changes.desk, flag, changes.now))
        last.note(home_id, before.ticket_id, since)
        return before.ticket_id
    opening = Opening(
        ticket_class=TicketClass.COLD,
        source=TicketSource.MEASUREMENT if source is FlagSource.MEASUREMENT else TicketSource.FLAG,
        priority=_priority(changes.desk, flag, changes.now),
        home_id=home_id,
        follows=before.ticket_id if before is not None and before.state == TicketState.CLOSED and not over else None,
        data=data,
        over=over,
    )
    ticket = changes.docket.open(opening)
    if not over:
        last.note(home_id, ticket, since)
    return ticket


def _priority(desk: DeskRule | None, flag: np.void, now: datetime) -> int:
    cold = Cold(
        Severity(int(flag["severity"])),
        int(flag["limit"]) - int(flag["lowest"]),
        now - to_datetime(int(flag["cold_since"])),
    )
    return priority(TicketClass.COLD, cold, desk)


def _flag_row(
    policy: Policy,
    flag_id: int,
    home_id: int,
    flag: np.void,
    columns: dict[str, Any],
    ticket: int,
    why: dict[str, Any],
    now: datetime,
) -> dict[str, Any]:
    return {
        "flag_id": flag_id,
        "home_id": home_id,
        "cold_since": instant_text(flag["cold_since"]),
        "confirmed_at": instant_text(flag["confirmed_at"]),
        "raised_at": now.isoformat(),
        "policy": policy.labels[int(flag["version"])],
        "why": why,
        "ticket_id": ticket,
        **columns,
    }


def flag_columns(flag: np.void) -> dict[str, Any]:
    """The columns of a flag that change while it lives, and when it began."""
    cleared = flag["cleared_at"] != NONE_US
    return {
        "cold_since": instant_text(flag["cold_since"]),
        "severity": int(flag["severity"]),
        "severe_at": instant_text(flag["severe_at"]),
        "suspended_at": instant_text(flag["suspended_at"]),
        "cleared_at": instant_text(flag["cleared_at"]),
        "clear_reason": clear_reason(int(flag["reason"])).value if cleared else None,
        "lowest": celsius(int(flag["lowest"])),
        "limit_celsius": celsius(int(flag["limit"])),
    }


def clear_reason(code: int) -> ClearReason:
    """Why a machine ended a flag: 0 is recovery, else the code of Ended or NotJudged."""
    if code < 0:
        return ClearReason(FlagEndCause(code).name.lower())
    return ClearReason(NotJudged(code).code) if code else ClearReason.RECOVERED


def write_flags(
    conn: Connection, changes: Changes, before: NDArray[np.void], known: Iterable[tuple[int, np.void]]
) -> None:
    """Write them; the tickets of `known` flags, which were `before` (MACHINE by position), are told."""
    _take_over(conn, changes)
    if changes.known:
        # An old flag ends before a new one of the same home may open.
        tickets = flag_rows.update(conn, changes.known)
        for home, flag in known:
            _tell(changes, tickets[int(flag["flag"])], before[home], flag)
    changes.docket.write()
    flag_rows.give_tickets(conn, changes.moved)
    if changes.new:
        flag_rows.insert(conn, changes.new)


def _take_over(conn: Connection, changes: Changes) -> None:
    """A home has one open flag: that of a measurement ends where the sensors' begins, on the same ticket."""
    opening = [*changes.reopened, *(row["home_id"] for row in changes.new if row["cleared_at"] is None)]
    if opening:
        for flag, ticket in flag_rows.take_over(conn, opening, changes.now):
            changes.docket.add(ticket, EventKind.FLAG_ENDED, flag=flag, reason=ClearReason.TAKEN_OVER.value)


def _tell(changes: Changes, ticket: int, before: np.void, flag: np.void) -> None:
    """Tell the ticket of a known flag that it got worse or ended."""
    number = int(flag["flag"])
    if flag["severity"] > before["severity"]:
        changes.docket.add(ticket, EventKind.SEVERE, flag=number, severe_at=instant_text(flag["severe_at"]))
    if flag["cleared_at"] != NONE_US:
        kind = EventKind.FLAG_ENDED if flag["reason"] else EventKind.RECOVERED
        reason = clear_reason(int(flag["reason"])).value
        changes.docket.add(ticket, kind, flag=number, cleared_at=instant_text(flag["cleared_at"]), reason=reason)


def _severity(flag: np.void) -> str:
    return Severity(int(flag["severity"])).name.lower()


def instant_text(us: np.int64) -> str | None:
    """An instant of MACHINE as JSON has it."""
    return None if us == NONE_US else to_datetime(int(us)).isoformat()

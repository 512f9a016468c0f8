"""From machines to rows: flags opened, worsened and ended, and the ticket of each, in the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.judging.why import Why, explain
from alerts.tickets.clock_terms import within_call_back
from alerts.tickets.docket import Docket, Opening
from alerts.tickets.work import ACTOR
from archives.history import TABLE_ALONE, OneHistory
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
    """The change that re-judging made to a flag."""

    RAISED = "raised"
    WITHDRAWN = "withdrawn"
    CORRECTED = "corrected"


@dataclass(frozen=True)
class FlagCorrection:
    """A change of a flag on record by re-judging."""

    kind: ChangeKind
    home_id: int
    cold_since: datetime
    cleared_at: datetime | None


@dataclass
class Changes:
    """The flags and their tickets that a transaction has to write."""

    docket: Docket
    now: datetime
    desk: DeskRule | None  # of the rules in force now
    readings: OneHistory  # that flags are explained by
    new: list["NewFlag"] = field(default_factory=list)
    known: list[dict[str, Any]] = field(default_factory=list)
    reopened: list[int] = field(default_factory=list)  # homes whose ended flag is open after all
    moved: dict[int, int] = field(default_factory=dict)  # flag → the ticket that it has from now on
    told: list[FlagCorrection] = field(default_factory=list)
    open_flags: dict[int, int] = field(default_factory=dict)  # home_id → flag


class MachineStep(NamedTuple):
    """A step of the machines of locked homes."""

    homes: NDArray[np.int32]  # home_id
    before: NDArray[np.void]  # MACHINE per home
    after: NDArray[np.void]  # MACHINE per home
    ended: NDArray[np.void]  # ENDED, flags that ended in between


class FreshFlag(NamedTuple):
    """A new or reopened flag that needs a ticket."""

    flag_id: int
    home_id: int
    machine: np.void  # MACHINE
    source: FlagSource
    over: bool  # the cold has ended already
    since: datetime  # the beginning of the cold

    @classmethod
    def of(cls, flag_id: int, home_id: int, machine: np.void, source: FlagSource) -> "FreshFlag":
        """Return the flag of a machine."""
        over = bool(machine["cleared_at"] != NONE_US)
        return cls(flag_id, home_id, machine, source, over, to_datetime(int(machine["cold_since"])))

    def belongs_to(self, ticket: "OpenColdTicket") -> bool:
        """Return whether the flag joins an open ticket: always while it is cold, else if it did not begin before it."""
        return not self.over or ticket.cold_since is None or self.since >= ticket.cold_since


class NewFlag(NamedTuple):
    """A new flag with its ticket; its explanation is put into words when it is stored."""

    flag: FreshFlag
    ticket_id: int
    why: Why


class OpenColdTicket(NamedTuple):
    """The open cold ticket of a home."""

    ticket_id: int
    cold_since: datetime | None  # of its first flag


def settle(conn: Connection, policy: Policy, step: MachineStep, now: datetime) -> NDArray[np.int64]:
    """Write the flags that changed in a step of the homes' machines, and their tickets.

    Returns:
        the number of each home's open flag, 0 if it has none.
    """
    homes, before, after, ended = step
    numbers = np.where(after["severity"] > 0, after["flag"], 0)
    opened = np.flatnonzero((after["severity"] > 0) & (after["flag"] == 0))
    fresh = [(int(homes[e["home"]]), e["flag"]) for e in ended if e["flag"]["flag"] == 0]
    fresh += [(int(homes[i]), after[i]) for i in opened]
    over = [(int(e["home"]), e["flag"]) for e in ended if e["flag"]["flag"] != 0]
    moved = [(int(i), after[i]) for i in _moved(before, after)]
    if not (fresh or over or moved):  # as in most batches
        return numbers
    changes = changes_of(conn, policy, now)
    if fresh:
        raise_flags(conn, policy, fresh, changes)
        numbers[opened] = [new.flag.flag_id for new in changes.new[len(changes.new) - len(opened) :]]
    changes.known = [{"flag_id": int(m["flag"]), **flag_columns(m)} for _, m in over + moved]
    write_flags(conn, policy, changes, before, over + moved)
    return numbers


def changes_of(
    conn: Connection, policy: Policy, now: datetime, actor: str = ACTOR, readings: OneHistory = TABLE_ALONE
) -> Changes:
    """Return changes to fill, of a transaction by an actor."""
    return Changes(Docket(conn, policy, now, actor), now, policy.rules_at(now).desk, readings)


def _moved(before: NDArray[np.void], after: NDArray[np.void]) -> NDArray[np.intp]:
    """Return the positions of homes whose flag is still the same one but has changed."""
    same = (after["severity"] > 0) & (after["flag"] != 0)
    differs = [after[name] != before[name] for name in ("severity", "suspended_at", "lowest")]
    return np.flatnonzero(same & np.logical_or.reduce(differs))


def raise_flags(conn: Connection, policy: Policy, fresh: list[tuple[int, np.void]], changes: Changes) -> None:
    """Make the rows of new flags and give each its ticket: the home's open one, or a new one.

    Args:
        fresh: (home_id, MACHINE) of each.
    """
    fresh.sort(key=lambda item: item[1]["cleared_at"] == NONE_US)  # those that are over first, in their order
    last = Last(ticket_rows.last_cold(conn, sorted({home_id for home_id, _ in fresh})))
    explanations = explain(conn, policy, fresh, changes.readings)
    changes.docket.reserve(len(fresh))
    flag_ids = numbers.take(conn, numbers.NumberKind.FLAG, len(fresh))
    with conn.pipeline():  # tickets are found while the server looks up what explains the flags
        for flag_id, (home_id, machine), why in zip(flag_ids, fresh, explanations.ask(conn), strict=True):
            _add(policy, changes, last, FreshFlag.of(flag_id, home_id, machine, FlagSource.SENSOR), why)


def _add(policy: Policy, changes: Changes, last: "Last", flag: FreshFlag, why: Why) -> int:
    """Add a new flag and find its ticket; return the ticket."""
    ticket = _ticket(policy, changes, last, flag)
    changes.new.append(NewFlag(flag, ticket, why))
    if flag.over:
        cleared_at = instant_text(flag.machine["cleared_at"])
        changes.docket.add(ticket, EventKind.RETROSPECTIVE, flag=flag.flag_id, cleared_at=cleared_at)
    return ticket


def raise_measured(
    conn: Connection, policy: Policy, changes: Changes, home_id: int, machine: np.void, why: dict[str, Any]
) -> int:
    """Raise and write the flag of a measurement, with a ticket like any other; return the ticket. The home is locked.

    Args:
        machine: MACHINE; if it ended because the sensors' flag began, `cleared_at` and its reason tell.
    """
    last = Last(ticket_rows.last_cold(conn, [home_id]))
    (flag_id,) = numbers.take(conn, numbers.NumberKind.FLAG, 1)
    ticket = _add(policy, changes, last, FreshFlag.of(flag_id, home_id, machine, FlagSource.MEASUREMENT), lambda: why)
    changes.docket.write()
    _insert(conn, policy, changes)
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
    """Reopen flags that had ended, each with a ticket in work: its own, or one as for a new flag."""
    changes.reopened += [row.home_id for row, _ in again]
    tickets = ticket_rows.lock(conn, sorted({row.ticket_id for row, _ in again})) if again else {}
    idle = [
        (row, flag) for row, flag in again if tickets[row.ticket_id].state in (TicketState.DONE, TicketState.CLOSED)
    ]
    last = Last(ticket_rows.last_cold(conn, sorted({row.home_id for row, _ in idle})) if idle else {})
    for row, flag in idle:
        ticket = _ticket(policy, changes, last, FreshFlag.of(row.flag_id, row.home_id, flag, source))
        if ticket != row.ticket_id:
            changes.moved[row.flag_id] = ticket


class Last:
    """The last cold ticket of each home, including those opened in this transaction."""

    def __init__(self, stored: Mapping[int, tuple[TicketRow, datetime | None]]) -> None:
        self._stored = stored
        self._opened: dict[int, OpenColdTicket] = {}

    def note(self, home_id: int, ticket: int, since: datetime) -> None:
        """Note that a ticket of a home was opened or reopened."""
        self._opened[home_id] = OpenColdTicket(ticket, since)

    def open(self, home_id: int) -> OpenColdTicket | None:
        """Return the open ticket of a home."""
        if home_id in self._opened:
            return self._opened[home_id]
        row, first = self._stored.get(home_id, (None, None))
        return OpenColdTicket(row.ticket_id, first) if row is not None and row.state != TicketState.CLOSED else None

    def before(self, home_id: int) -> TicketRow | None:
        """Return the last ticket of a home from before this transaction, unless one was opened since."""
        return None if home_id in self._opened else self._stored.get(home_id, (None, None))[0]


def _ticket(policy: Policy, changes: Changes, last: Last, flag: FreshFlag) -> int:
    """Find the ticket of a flag: the home's open one, the one it had until not long ago, or a new one."""
    ticket, before = last.open(flag.home_id), last.before(flag.home_id)
    if ticket is not None and flag.belongs_to(ticket):
        relapsed = before is not None and before.state in (TicketState.VERIFYING, TicketState.DONE) and not flag.over
        _join(changes, last, flag, ticket.ticket_id, relapsed)
        return ticket.ticket_id
    if before is not None and not flag.over and within_call_back(policy, before, changes.now):
        _join(changes, last, flag, before.ticket_id, relapsed=True)
        return before.ticket_id
    return _open(changes, last, flag, before)


def _join(changes: Changes, last: Last, flag: FreshFlag, ticket: int, relapsed: bool) -> None:
    """Add a flag to a ticket; `relapsed`: its work was done, and it is in work again."""
    changes.docket.add(ticket, EventKind.RELAPSED if relapsed else EventKind.FLAG_JOINED, **_event_data(flag))
    if not flag.over:
        changes.docket.add(ticket, EventKind.PRIORITY, priority=_priority(changes, flag))
    if relapsed:
        last.note(flag.home_id, ticket, flag.since)


def _open(changes: Changes, last: Last, flag: FreshFlag, before: TicketRow | None) -> int:
    """Open a ticket for a flag; it follows the closed one that the home had before."""
    follows = before is not None and before.state == TicketState.CLOSED and not flag.over
    opening = Opening(
        ticket_class=TicketClass.COLD,
        source=TicketSource.MEASUREMENT if flag.source is FlagSource.MEASUREMENT else TicketSource.FLAG,
        priority=_priority(changes, flag),
        home_id=flag.home_id,
        follows=before.ticket_id if before is not None and follows else None,
        data=_event_data(flag),
        over=flag.over,
    )
    ticket = changes.docket.open(opening)
    if not flag.over:
        last.note(flag.home_id, ticket, flag.since)
    return ticket


def _event_data(flag: FreshFlag) -> dict[str, Any]:
    severity = Severity(int(flag.machine["severity"])).name.lower()
    return {"flag": flag.flag_id, "severity": severity, "cold_since": flag.since.isoformat()}


def _priority(changes: Changes, flag: FreshFlag) -> int:
    machine = flag.machine
    severity, shortfall = Severity(int(machine["severity"])), int(machine["limit"]) - int(machine["lowest"])
    return priority(TicketClass.COLD, Cold(severity, shortfall, changes.now - flag.since), changes.desk)


def _flag_row(policy: Policy, new: NewFlag, now: datetime) -> dict[str, Any]:
    flag, ticket, why = new
    return {
        "flag_id": flag.flag_id,
        "home_id": flag.home_id,
        "confirmed_at": instant_text(flag.machine["confirmed_at"]),
        "raised_at": now.isoformat(),
        "policy": policy.labels[int(flag.machine["version"])],
        "why": why(),
        "ticket_id": ticket,
        "source": flag.source.value,
        **flag_columns(flag.machine),
    }


def flag_columns(flag: np.void) -> dict[str, Any]:
    """Return the columns of a flag that change while it lives, and its beginning."""
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
    """Return why a machine ended a flag: code 0 is recovery, else FlagEndCause or NotJudged."""
    if code < 0:
        return ClearReason(FlagEndCause(code).name.lower())
    return ClearReason(NotJudged(code).code) if code else ClearReason.RECOVERED


def write_flags(
    conn: Connection,
    policy: Policy,
    changes: Changes,
    before: NDArray[np.void],
    known: Iterable[tuple[int, np.void]],
) -> None:
    """Write the changes, and the events of `known` flags, which were `before` (MACHINE by position)."""
    _take_over(conn, changes)
    if changes.known:
        # An old flag ends before a new one of the same home may open.
        tickets = flag_rows.update(conn, changes.known)
        for home, flag in known:
            _tell(changes, tickets[int(flag["flag"])], before[home], flag)
    with conn.pipeline():
        changes.docket.write()
        flag_rows.give_tickets(conn, changes.moved)
        if changes.new:
            _insert(conn, policy, changes)  # whose rows are made while the server writes the tickets


def _insert(conn: Connection, policy: Policy, changes: Changes) -> None:
    """Store new flags with their explanations."""
    flag_rows.insert(conn, [_flag_row(policy, new, changes.now) for new in changes.new])


def _take_over(conn: Connection, changes: Changes) -> None:
    """End the flag of a measurement where the sensors' flag of the home begins, on the same ticket."""
    opening = [*changes.reopened, *(new.flag.home_id for new in changes.new if not new.flag.over)]
    if opening:
        for flag, ticket in flag_rows.take_over(conn, opening, changes.now):
            changes.docket.add(ticket, EventKind.FLAG_ENDED, flag=flag, reason=ClearReason.TAKEN_OVER.value)


def _tell(changes: Changes, ticket: int, before: np.void, flag: np.void) -> None:
    """Add the event that a known flag got worse or ended to its ticket."""
    number = int(flag["flag"])
    if flag["severity"] > before["severity"]:
        changes.docket.add(ticket, EventKind.SEVERE, flag=number, severe_at=instant_text(flag["severe_at"]))
    if flag["cleared_at"] != NONE_US:
        kind = EventKind.FLAG_ENDED if flag["reason"] else EventKind.RECOVERED
        reason = clear_reason(int(flag["reason"])).value
        changes.docket.add(ticket, kind, flag=number, cleared_at=instant_text(flag["cleared_at"]), reason=reason)


def instant_text(us: np.int64) -> str | None:
    """Format an instant of MACHINE for JSON."""
    return _text_of(int(us))


@lru_cache(maxsize=4096)  # a window opens for all homes at once
def _text_of(us: int) -> str | None:
    return None if us == NONE_US else to_datetime(us).isoformat()

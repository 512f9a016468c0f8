"""Events of existing tickets: the columns they change, the clocks they stop, and the conditions of closing."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg import Connection

from alerts.tickets import call_outs
from alerts.tickets.clock_terms import (
    as_text,
    call_back,
    call_back_begins,
    clock_due,
    clock_row,
    fresh_clocks,
    undated_events,
)
from alerts.tickets.ticket_notices import notices
from domain.clocks import heat_due_from
from domain.closing import missing
from domain.notices import OutboxEntry
from domain.policy import Policy
from domain.priority import PRIORITY_URGENT
from domain.tickets import (
    AFTER_DONE,
    EVERYTHING,
    MOVES,
    RESUMED_BY_REWORK,
    EventKind,
    MoveRefused,
    NewEvent,
    TicketClass,
    TicketSource,
    TicketState,
    TooEarly,
    allowed_moves,
    clocks_met,
    state_after,
)
from store.tickets import clock_rows, ticket_rows
from store.tickets.ticket_rows import TicketRow

ACTOR = "hearth"  # who does what happens by itself
# What stops or changes clocks, or looks after them.
TIMED = frozenset(
    {kind for kind, move in MOVES.items() if move.meets or move.voids}
    | {EventKind.SEVERE, EventKind.REWORK, EventKind.RELAPSED, EventKind.REOPENED}
)


def append(conn: Connection, events: Sequence[tuple[NewEvent, str]], now: datetime, actor: str) -> None:
    """Write events down, each with the state of its ticket after it."""
    rows = [
        {"ticket_id": event.ticket_id, "kind": event.kind.value, "state": str(state), "data": event.data}
        for event, state in events
    ]
    if rows:
        ticket_rows.append_events(conn, rows, now, actor)


def record(
    conn: Connection,
    policy: Policy,
    rows: dict[int, TicketRow],
    events: Sequence[NewEvent],
    now: datetime,
    actor: str,
) -> list[OutboxEntry]:
    """Let events happen to tickets that are locked; `rows` is brought up to date.

    What ran out before is noted first: nothing met late goes by as met in time.

    Returns:
        What is to go into the outbox.
    Raises:
        Refused: a ticket does not allow one of the events; the caller rolls back.
    """
    timed = {event.ticket_id for event in events if event.kind in TIMED}
    broken = [
        NewEvent(rung.ticket_id, EventKind.CLOCK_BREACHED, {"clock": rung.name, "due_at": as_text(rung.due_at)})
        for rung in (clock_rows.breach(conn, sorted(timed), now) if timed else ())
    ]
    work = _Work(conn, policy, rows, now)
    for event in [*broken, *events]:
        work.let(event)
    work.write(actor)
    happened = [event for event, _ in work.happened]
    agreed = {ticket for ticket, row in rows.items() if row.confirmation is not None}
    entries = notices(happened, {t: TicketClass(r.ticket_class) for t, r in rows.items()}, agreed)
    return call_outs.begin(conn, policy, happened, entries, now)


class _Work:
    """Takes events one after the other and gathers what they change."""

    def __init__(self, conn: Connection, policy: Policy, rows: dict[int, TicketRow], now: datetime) -> None:
        self._conn, self._policy, self._rows, self._now = conn, policy, rows, now
        self._changed: set[int] = set()
        self._met: list[dict[str, Any]] = []
        self._reworked: list[TicketRow] = []
        self._done: list[TicketRow] = []
        self._begun: list[tuple[TicketRow, str]] = []
        self._again: list[TicketRow] = []
        self._ended: list[TicketRow] = []
        self.happened: list[tuple[NewEvent, str]] = []

    def let(self, event: NewEvent) -> None:
        """Apply one event and those that follow from it at once."""
        row = self._rows[event.ticket_id]
        if event.kind is EventKind.PRIORITY and event.data["priority"] >= row.priority:
            return
        state = state_after(TicketState(row.state), event.kind, TicketClass(row.ticket_class))
        if state is None:
            raise refused(row, event.kind)
        if event.kind is EventKind.CLOSED:
            event = NewEvent(event.ticket_id, event.kind, {**event.data, **({"proof": row.proof} if row.proof else {})})
        changed = row._replace(state=state.value, **_columns(row, event, self._now))
        self._stop(row, event)
        if changed.round > row.round:
            self._again.append(changed)
        elif event.kind in (EventKind.REWORK, EventKind.RELAPSED):
            self._reworked.append(changed)
        elif event.kind is EventKind.DONE:
            self._done.append(changed)
        elif MOVES[event.kind].starts:
            self._begun.append((changed, MOVES[event.kind].starts or ""))
        elif MOVES[event.kind].voids:
            self._ended.append(changed)
        if changed != row:
            self._rows[row.ticket_id] = changed
            self._changed.add(row.ticket_id)
        self.happened.append((event, state.value))
        relapses = event.kind is EventKind.SEVERE and state_after(state, EventKind.RELAPSED, TicketClass.COLD)
        if relapses and not ticket_rows.superseded(self._conn, row):
            self.let(NewEvent(row.ticket_id, EventKind.RELAPSED, event.data))

    def _stop(self, row: TicketRow, event: NewEvent) -> None:
        names = clocks_met(event)
        if names:
            everything = EVERYTHING in names
            self._met.append(
                {"ticket_id": row.ticket_id, "round": row.round, "names": None if everything else list(names)}
            )

    def write(self, actor: str) -> None:
        """Write clocks first: a closed ticket has none that runs."""
        conn, rounds = self._conn, {row.ticket_id: row.round for row in self._again}
        clock_rows.resume(
            conn,
            [row.ticket_id for row in self._reworked],
            [row.round for row in self._reworked],
            RESUMED_BY_REWORK,
            AFTER_DONE,
        )
        clock_rows.meet(conn, self._met, self._now)
        self._start_call_backs()
        self._start_heat()
        rounds |= {row.ticket_id: row.round + 1 for row in self._ended}
        clock_rows.void(conn, list(rounds), list(rounds.values()), self._now)
        self._start_rounds()
        if self._changed:
            ticket_rows.update(conn, [self._rows[ticket] for ticket in sorted(self._changed)])
        append(conn, self.happened, self._now, actor)

    def _start_call_backs(self) -> None:
        clocks = []
        for row in self._done:
            if found := call_back(self._policy, row.ticket_class, row.opened_at, self._now):
                clocks.append(clock_row(row.ticket_id, row.round, AFTER_DONE, *found))
        clock_rows.start(self._conn, clocks)

    def _start_heat(self) -> None:
        """Start the clocks that begin with a step of an application; others have none to start."""
        if not self._begun:
            return
        clocks, begins = [], heat_due_from(self._policy, self._now)
        there = clock_rows.of_tickets(self._conn, [row.ticket_id for row, _ in self._begun])
        held = {(one.ticket_id, one.name) for one in there}
        for row, name in self._begun:
            found = clock_due(self._policy, row.ticket_class, name, begins, row.opened_at)
            if found is not None and (row.ticket_id, name) in held:
                clocks.append(clock_row(row.ticket_id, row.round, name, begins, found))
                undated = undated_events(row.ticket_id, [(name, begins, found)])
                self.happened += [(event, row.state) for event in undated]
        clock_rows.start(self._conn, clocks)

    def _start_rounds(self) -> None:
        rules = self._policy.rules_at(self._now)
        clocks = []
        for row in self._again:
            mine = fresh_clocks(self._policy, rules, TicketClass(row.ticket_class), self._now)
            clocks += [clock_row(row.ticket_id, row.round, *clock) for clock in mine]
            self.happened += [(event, row.state) for event in undated_events(row.ticket_id, mine)]
        clock_rows.insert(self._conn, clocks)


_UNDONE: Mapping[str, None] = dict.fromkeys(("done_at", "proven_at", "proof", "replied_at", "called_back_at"))


def _columns(row: TicketRow, event: NewEvent, now: datetime) -> dict[str, Any]:
    """Return the columns of a ticket that an event changes, apart from its state."""
    data = event.data
    match event.kind:
        case EventKind.ASSIGNED:
            return {name: data[name] for name in ("station", "responsible") if data.get(name) is not None}
        case EventKind.ACCEPTED if data.get("responsible") is not None:
            return {"responsible": data["responsible"]}
        case EventKind.CONTACTED | EventKind.APPOINTMENT if data.get("appointment_at") is not None:
            return {"appointment_at": datetime.fromisoformat(data["appointment_at"])}
        case EventKind.RESPONSIBILITY:
            # What the user signed was for what was said before.
            told = {"responsibility": data["responsibility"], "paid": data["paid"]}
            is_same = told == {name: getattr(row, name) for name in told} and not data.keys() & {"amount", "for_what"}
            return told if is_same else {**told, "confirmation": None}
        case EventKind.CONFIRMED:
            return {"confirmation": data["confirmation"]}
        case EventKind.PRIORITY:
            return {"priority": data["priority"]}
        case EventKind.SEVERE:
            return {"priority": PRIORITY_URGENT}
        case EventKind.DONE | EventKind.HEAT_ON | EventKind.HEAT_OFF:
            return {"done_at": now}
        case EventKind.PLAN_REFUSED:
            return {"done_at": now, "replied_at": now}
        case EventKind.PROVEN:
            return {"proven_at": now, "proof": data["proof"]}
        case EventKind.REPLIED:
            return {"replied_at": now}
        case EventKind.CALLED_BACK:
            return {"called_back_at": now}
        case EventKind.CLOSED | EventKind.HEALED | EventKind.JOB_ENDED | EventKind.INCIDENT_CLOSED:
            return {"closed_at": row.closed_at or now}
        case EventKind.MERGED:
            return {"closed_at": now, "ending": event.kind.value, "merged_into": data["into_id"]}
        case EventKind.VOID:
            return {"closed_at": now, "ending": event.kind.value}
        case EventKind.MERGED_HERE:
            return _passed_over(row, data)
        case EventKind.REWORK:
            return dict(_UNDONE)
        case EventKind.RELAPSED | EventKind.REOPENED:
            # What was not proven was not done: the round goes on, and its clocks with it.
            again = row.state != TicketState.VERIFYING
            ended = {"ending": None, "merged_into": None}
            return {**_UNDONE, **ended, "closed_at": None, "round": row.round + again, "appointment_at": None}
    return {}


def _passed_over(row: TicketRow, owed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the duties of a ticket towards the user of one merged into it, without those it already has."""
    changed: dict[str, Any] = {}
    if owed["reply"]:
        changed["replied_at"] = None
    if owed["call_back"]:
        changed["called_back_at"] = None
    if owed["by_user"] or owed["paid"]:
        changed["responsibility"] = "user" if owed["by_user"] else row.responsibility
        changed |= {"paid": row.paid or owed["paid"], "confirmation": None}
    return changed


def refused(row: TicketRow, kind: EventKind) -> MoveRefused:
    """Return the refusal of a move that the state of a ticket does not allow."""
    allowed = ", ".join(allowed_moves(TicketState(row.state), TicketClass(row.ticket_class)))
    return MoveRefused(row.number, row.state, kind, f"it allows {allowed}")


def check_call_back(conn: Connection, policy: Policy, row: TicketRow, now: datetime) -> None:
    """Refuse to call the user of a locked ticket back before its time.

    Raises:
        TooEarly: says from when.
    """
    clocks = clock_rows.of_tickets(conn, [row.ticket_id])
    begun = [clock.started_at for clock in clocks if clock.name == AFTER_DONE]
    begins = call_back_begins(policy, row.ticket_class, row.opened_at, row.done_at, begun)
    if begins is not None and now < begins:
        raise TooEarly(row.number, row.state, EventKind.CALLED_BACK, begins)


def check_closing(conn: Connection, row: TicketRow) -> None:
    """Refuse to close a locked ticket that still needs something.

    Raises:
        Refused: names what is missing.
    """
    if row.source == TicketSource.DEVICE:
        raise MoveRefused(
            row.number, row.state, EventKind.CLOSED, "a device job closes by itself when its sensor is in order"
        )
    needs = missing(ticket_rows.standing(conn, [row.ticket_id])[row.ticket_id])
    if needs:
        raise MoveRefused(row.number, row.state, EventKind.CLOSED, f"closing still needs {', '.join(needs)}")

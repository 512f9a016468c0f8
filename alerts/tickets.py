"""Opening tickets of any class, with their clocks, and writing down what happens to them: the one way to do either.

A Docket gathers what a transaction has to write and writes it at once, so that ten thousand tickets cost as many
statements as one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import structlog
from psycopg import Connection

from alerts.calendar import working_days
from alerts.ticket_notices import notices
from domain.clocks import Due, due
from domain.notices import Entry
from domain.policy import Duration, Policy, Version
from domain.tickets import (
    AFTER_DONE,
    EVERYTHING,
    MOVES,
    PRIORITY_URGENT,
    RESUMED_BY_REWORK,
    Event,
    EventKind,
    Proof,
    Refused,
    Source,
    Standing,
    State,
    TicketClass,
    allowed_moves,
    clocks_met,
    missing,
    state_after,
)
from domain.working_days import UnknownYear
from store import clocks as clock_store
from store import outbox
from store import tickets as store
from store.tickets import TicketRow

ACTOR = "hearth"  # who does what happens by itself
# What stops or changes clocks, or looks after them.
TIMED = frozenset(
    {kind for kind, move in MOVES.items() if move.meets}
    | {EventKind.SEVERE, EventKind.REWORK, EventKind.RELAPSED, EventKind.REOPENED}
)
log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Opening:
    """A ticket to be opened.

    At most one of home, building and substation; without a station, that of the place. `data` goes into its first
    event, so it holds nothing personal. `clocks` None: all that the policy has for the class. `over`: what it is about
    was over when it was found; it is born closed, and has no clocks.
    """

    ticket_class: TicketClass
    source: Source
    priority: int
    home_id: int | None = None
    building_id: int | None = None
    substation_id: int | None = None
    station: str | None = None
    description: str = ""
    contact: str | None = None
    follows: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    clocks: frozenset[str] | None = None
    over: bool = False

    def following(self, ticket: int) -> "Opening":
        """The same for a home that had a ticket before."""
        return replace(self, follows=ticket)


class Docket:
    """What a transaction has to write about tickets.

    Homes for which cold tickets are opened are locked by the caller before (store.state.lock), tickets by the docket;
    always in this order.
    """

    def __init__(self, conn: Connection, policy: Policy, now: datetime, actor: str = ACTOR) -> None:
        self._conn = conn
        self._policy = policy
        self._now = now
        self._actor = actor
        self._numbers: list[int] = []
        self._opened: dict[int, Opening] = {}
        self._clocks: dict[TicketClass, list[tuple[str, datetime | None, Due]]] = {}
        self._events: list[Event] = []

    def reserve(self, count: int) -> None:
        """Fetch the numbers of tickets that are going to be opened."""
        self._numbers += store.reserve(self._conn, count)

    def open(self, opening: Opening) -> int:
        """Open a ticket; returns its ticket_id."""
        if not self._numbers:
            self.reserve(1)
        ticket = self._numbers.pop(0)
        self._opened[ticket] = opening
        source = {"source": opening.source.value}
        follows = {"follows": opening.follows} if opening.follows else {}
        self.add(ticket, EventKind.OPENED, **{**source, **follows, **opening.data})
        return ticket

    def add(self, ticket: int, kind: EventKind, **data: Any) -> None:
        """Note something that happened to a ticket, opened here or before."""
        self._events.append(Event(ticket, kind, data))

    def write(self) -> dict[int, TicketRow]:
        """Write all of it; returns the tickets that were there before, as they are now.

        Raises:
            Refused: a ticket does not allow one of the events; the caller rolls back.
        """
        fresh = [event for event in self._events if event.ticket_id in self._opened]
        known = [event for event in self._events if event.ticket_id not in self._opened]
        entries: list[Entry] = []
        if self._opened:
            entries += self._write_opened(fresh)
        rows: dict[int, TicketRow] = {}
        if known:
            rows = store.lock(self._conn, sorted({event.ticket_id for event in known}))
            entries += record(self._conn, self._policy, rows, known, self._now, self._actor)
        outbox.put(self._conn, entries, self._now)
        self._opened, self._events = {}, []
        return rows

    def _write_opened(self, events: Sequence[Event]) -> list[Entry]:
        version = self._policy.version_at(self._now)
        rows = [_ticket(ticket, opening) for ticket, opening in self._opened.items()]
        store.insert(self._conn, rows, self._now)
        clocks, undated = list[dict[str, Any]](), list[Event]()
        for ticket, opening in self._opened.items():
            if opening.over:
                continue
            if opening.ticket_class not in self._clocks:
                self._clocks[opening.ticket_class] = fresh_clocks(
                    self._policy, version, opening.ticket_class, self._now
                )
            mine = self._clocks[opening.ticket_class]
            if opening.clocks is not None:
                mine = [clock for clock in mine if clock[0] in opening.clocks]
            clocks += [_clock(ticket, 1, *clock) for clock in mine]
            undated += _undated(ticket, mine)
        clock_store.insert(self._conn, clocks)
        states = {t: State.CLOSED if opening.over else State.OPEN for t, opening in self._opened.items()}
        told = [*events, *undated]
        _append(self._conn, [(event, states[event.ticket_id]) for event in told], self._now, self._actor)
        alive = [event for event in told if not self._opened[event.ticket_id].over]
        return notices(alive, {t: opening.ticket_class for t, opening in self._opened.items()})


def fresh_clocks(
    policy: Policy, version: Version | None, ticket_class: TicketClass, now: datetime
) -> list[tuple[str, datetime | None, Due]]:
    """Name, start and due time of each clock of a ticket that is opened now."""
    if version is None:
        return []
    found: list[tuple[str, datetime | None, Due]] = []
    for name, length in version.clocks.get(ticket_class, {}).items():
        waits = name == AFTER_DONE
        found.append((name, None, Due(None)) if waits else (name, now, _due(policy, version, now, length)))
    return found


def call_back_due(policy: Policy, row: TicketRow, done_at: datetime) -> Due | None:
    """By when the user of a ticket whose work was done then is to be called back; None: not at all."""
    return clock_due(policy, row.ticket_class, AFTER_DONE, done_at, row.opened_at)


def clock_due(policy: Policy, ticket_class: str, name: str, started_at: datetime, opened_at: datetime) -> Due | None:
    """When a clock runs out by the rules in force when its ticket was opened; None: they do not know it."""
    version = policy.version_at(opened_at)
    length = version.clocks.get(ticket_class, {}).get(name) if version else None
    return _due(policy, version, started_at, length) if version and length else None


def within_call_back(policy: Policy, ticket: TicketRow, now: datetime) -> bool:
    """Whether a closed ticket is still in the time after its work in which a relapse opens it again."""
    if ticket.state != State.CLOSED or ticket.done_at is None:
        return False
    until = call_back_due(policy, ticket, ticket.done_at)
    return until is not None and until.due_at is not None and now <= until.due_at


def _due(policy: Policy, version: Version, start: datetime, length: Duration) -> Due:
    share = version.desk.warn_share if version.desk else None
    return due(start, length, working_days(policy), policy.zone, share)


def _undated(ticket: int, clocks: Iterable[tuple[str, datetime | None, Due]]) -> list[Event]:
    events = []
    for name, _, found in clocks:
        if found.unknown_year is not None:
            what = str(UnknownYear(found.unknown_year))
            log.error("a clock has no due time", ticket_id=ticket, clock=name, error=what)
            events.append(
                Event(ticket, EventKind.CLOCK_UNDATED, {"clock": name, "year": found.unknown_year, "what": what})
            )
    return events


def _ticket(ticket: int, opening: Opening) -> dict[str, Any]:
    return {
        "ticket_id": ticket,
        "class": opening.ticket_class.value,
        "state": State.CLOSED.value if opening.over else State.OPEN.value,
        "priority": opening.priority,
        "home_id": opening.home_id,
        "building_id": opening.building_id,
        "substation_id": opening.substation_id,
        "station": opening.station,
        "source": opening.source.value,
        "description": opening.description,
        "contact": opening.contact,
        "follows": opening.follows,
    }


def _clock(ticket: int, nth_round: int, name: str, started_at: datetime | None, found: Due) -> dict[str, Any]:
    return {
        "ticket_id": ticket,
        "round": nth_round,
        "name": name,
        "started_at": _text(started_at),
        "due_at": _text(found.due_at),
        "warn_at": _text(found.warn_at),
    }


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _append(conn: Connection, events: Sequence[tuple[Event, str]], now: datetime, actor: str) -> None:
    rows = [
        {"ticket_id": event.ticket_id, "kind": event.kind.value, "state": str(state), "data": event.data}
        for event, state in events
    ]
    if rows:
        store.append_events(conn, rows, now, actor)


def record(
    conn: Connection,
    policy: Policy,
    rows: dict[int, TicketRow],
    events: Sequence[Event],
    now: datetime,
    actor: str,
) -> list[Entry]:
    """Let events happen to tickets that are locked; `rows` is brought up to date.

    What ran out before is noted first: nothing met late goes by as met in time.

    Returns:
        What is to go into the outbox.
    Raises:
        Refused: a ticket does not allow one of the events; the caller rolls back.
    """
    timed = {event.ticket_id for event in events if event.kind in TIMED}
    broken = [
        Event(rung.ticket_id, EventKind.CLOCK_BREACHED, {"clock": rung.name, "due_at": _text(rung.due_at)})
        for rung in (clock_store.breach(conn, sorted(timed), now) if timed else ())
    ]
    work = _Work(conn, policy, rows, now)
    for event in [*broken, *events]:
        work.let(event)
    work.write(actor)
    return notices([event for event, _ in work.happened], {t: TicketClass(r.ticket_class) for t, r in rows.items()})


class _Work:
    """Takes events one after the other and gathers what they change."""

    def __init__(self, conn: Connection, policy: Policy, rows: dict[int, TicketRow], now: datetime) -> None:
        self._conn, self._policy, self._rows, self._now = conn, policy, rows, now
        self._changed: set[int] = set()
        self._met: list[dict[str, Any]] = []
        self._reworked: list[TicketRow] = []
        self._done: list[TicketRow] = []
        self._again: list[TicketRow] = []
        self.happened: list[tuple[Event, str]] = []

    def let(self, event: Event) -> None:
        """One event, and what follows from it at once."""
        row = self._rows[event.ticket_id]
        if event.kind is EventKind.PRIORITY and event.data["priority"] >= row.priority:
            return
        state = state_after(State(row.state), event.kind, TicketClass(row.ticket_class))
        if state is None:
            raise refused(row, event.kind)
        if event.kind is EventKind.CLOSED:
            event = Event(event.ticket_id, event.kind, {**event.data, **({"proof": row.proof} if row.proof else {})})
        changed = row._replace(state=state.value, **_columns(row, event, self._now))
        self._stop(row, event)
        if changed.round > row.round:
            self._again.append(changed)
        elif event.kind in (EventKind.REWORK, EventKind.RELAPSED):
            self._reworked.append(changed)
        elif event.kind is EventKind.DONE:
            self._done.append(changed)
        if changed != row:
            self._rows[row.ticket_id] = changed
            self._changed.add(row.ticket_id)
        self.happened.append((event, state.value))
        relapses = event.kind is EventKind.SEVERE and state_after(state, EventKind.RELAPSED, TicketClass.COLD)
        if relapses and not store.superseded(self._conn, row):
            self.let(Event(row.ticket_id, EventKind.RELAPSED, event.data))

    def _stop(self, row: TicketRow, event: Event) -> None:
        names = clocks_met(event)
        if names:
            everything = EVERYTHING in names
            self._met.append(
                {"ticket_id": row.ticket_id, "round": row.round, "names": None if everything else list(names)}
            )

    def write(self, actor: str) -> None:
        """Write clocks first: a closed ticket has none that runs."""
        conn, rounds = self._conn, {row.ticket_id: row.round for row in self._again}
        clock_store.resume(
            conn,
            [row.ticket_id for row in self._reworked],
            [row.round for row in self._reworked],
            RESUMED_BY_REWORK,
            AFTER_DONE,
        )
        clock_store.meet(conn, self._met, self._now)
        self._start_call_backs()
        clock_store.void(conn, list(rounds), list(rounds.values()), self._now)
        self._start_rounds()
        if self._changed:
            store.update(conn, [self._rows[ticket] for ticket in sorted(self._changed)])
        _append(conn, self.happened, self._now, actor)

    def _start_call_backs(self) -> None:
        clocks = []
        for row in self._done:
            if found := call_back_due(self._policy, row, self._now):
                clocks.append(_clock(row.ticket_id, row.round, AFTER_DONE, self._now, found))
        clock_store.start(self._conn, clocks)

    def _start_rounds(self) -> None:
        version = self._policy.version_at(self._now)
        clocks = []
        for row in self._again:
            mine = fresh_clocks(self._policy, version, TicketClass(row.ticket_class), self._now)
            clocks += [_clock(row.ticket_id, row.round, *clock) for clock in mine]
            self.happened += [(event, row.state) for event in _undated(row.ticket_id, mine)]
        clock_store.insert(self._conn, clocks)


_UNDONE: Mapping[str, None] = dict.fromkeys(("done_at", "proven_at", "proof", "replied_at", "called_back_at"))


def _columns(row: TicketRow, event: Event, now: datetime) -> dict[str, Any]:
    """The columns of a ticket that an event changes, beside its state."""
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
            return told if told == {name: getattr(row, name) for name in told} else {**told, "confirmation": None}
        case EventKind.CONFIRMED:
            return {"confirmation": data["confirmation"]}
        case EventKind.PRIORITY:
            return {"priority": data["priority"]}
        case EventKind.SEVERE:
            return {"priority": PRIORITY_URGENT}
        case EventKind.DONE:
            return {"done_at": now}
        case EventKind.PROVEN:
            return {"proven_at": now, "proof": data["proof"]}
        case EventKind.REPLIED:
            return {"replied_at": now}
        case EventKind.CALLED_BACK:
            return {"called_back_at": now}
        case EventKind.CLOSED | EventKind.HEALED | EventKind.JOB_ENDED | EventKind.INCIDENT_CLOSED:
            return {"closed_at": row.closed_at or now}
        case EventKind.REWORK:
            return dict(_UNDONE)
        case EventKind.RELAPSED | EventKind.REOPENED:
            # What was not proven was not done: the round goes on, and its clocks with it.
            again = row.state != State.VERIFYING
            return {**_UNDONE, "closed_at": None, "round": row.round + again, "appointment_at": None}
    return {}


def refused(row: TicketRow, kind: EventKind) -> Refused:
    """What to say of a move that a ticket does not allow in its state."""
    allowed = ", ".join(allowed_moves(State(row.state)))
    return Refused(row.number, row.state, kind, f"it allows {allowed}")


def check_closing(conn: Connection, row: TicketRow) -> None:
    """Refuse to close a locked ticket that still needs something.

    Raises:
        Refused: names what is missing.
    """
    if row.source == Source.DEVICE:
        raise Refused(
            row.number, row.state, EventKind.CLOSED, "a device job closes by itself when its sensor is in order"
        )
    clocks = [clock for clock in clock_store.of_tickets(conn, [row.ticket_id]) if clock.name == AFTER_DONE]
    needs = missing(
        Standing(
            ticket_class=TicketClass(row.ticket_class),
            proof=Proof(row.proof) if row.proof else None,
            replied=row.replied_at is not None,
            called_back=row.called_back_at is not None,
            call_back_asked=bool(clocks),
            responsibility=row.responsibility,
            paid=row.paid,
            confirmed=row.confirmation is not None,
        )
    )
    if needs:
        raise Refused(row.number, row.state, EventKind.CLOSED, f"closing still needs {', '.join(needs)}")

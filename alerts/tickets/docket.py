"""Opening tickets of any class, with their clocks, and writing down what happens to them: the one way to do either.

A Docket gathers what a transaction has to write and writes it at once, so that ten thousand tickets cost as many
statements as one.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection

from alerts.tickets import call_outs
from alerts.tickets.clock_terms import FreshClock, fresh_clocks, undated_events
from alerts.tickets.ticket_notices import notices
from alerts.tickets.work import ACTOR, append, record
from domain.notices import OutboxEntry
from domain.policy import Policy
from domain.statements import Reaction
from domain.tickets import EventKind, NewEvent, TicketClass, TicketSource, TicketState
from store.base import numbers
from store.notices import outbox
from store.tickets import clock_rows, ticket_rows
from store.tickets.ticket_rows import TicketPlace, TicketRow


@dataclass(frozen=True, kw_only=True)
class Opening:
    """A ticket to be opened.

    At most one of home, building and substation; without a station, that of the place. `data` goes into its first
    event, so it holds nothing personal. `clocks` None: all that the policy has for the class. `over`: what it is about
    was over when it was found; it is born closed, and has no clocks.
    """

    ticket_class: TicketClass
    source: TicketSource
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

    @property
    def place(self) -> TicketPlace:
        """The place of the ticket."""
        return TicketPlace(self.home_id, self.building_id, self.substation_id)

    @property
    def saying(self) -> "UserStatement":
        """The same as an addition to a ticket that is open."""
        return UserStatement({"text": self.description, "source": self.source.value}, self.contact)

    def following(self, ticket: int) -> "Opening":
        """Return the opening as a follow-up of an earlier ticket of the home."""
        return replace(self, follows=ticket)


class UserStatement(NamedTuple):
    """A statement of a user: `data` for the event; the contact is personal and kept apart."""

    data: Mapping[str, Any]
    contact: str | None = None

    def leading_to(self, reaction: Reaction) -> "UserStatement":
        """Return the statement with what follows from it."""
        return self._replace(data={**self.data, "reaction": reaction.value})


class Docket:
    """The tickets and events that a transaction has to write.

    Homes for which cold tickets are opened are locked by the caller before (store.state.lock), tickets by the docket;
    always in this order.
    """

    def __init__(self, conn: Connection, policy: Policy, now: datetime, actor: str = ACTOR) -> None:
        self._conn = conn
        self._policy = policy
        self.now = now
        self.actor = actor
        self._numbers = deque[int]()
        self._opened: dict[int, Opening] = {}
        self._events: list[NewEvent] = []
        self._contacts: list[tuple[int, str]] = []

    def reserve(self, most: int) -> None:
        """Take the numbers of tickets that may be opened; what is left over goes back when all is written."""
        self._numbers += numbers.take(self._conn, numbers.NumberKind.TICKET, most)

    def open(self, opening: Opening) -> int:
        """Open a ticket; returns its ticket_id."""
        if not self._numbers:
            self.reserve(1)
        ticket = self._numbers.popleft()
        self._opened[ticket] = opening
        source = {"source": opening.source.value}
        follows = {"follows": opening.follows} if opening.follows else {}
        self.add(ticket, EventKind.OPENED, **{**source, **follows, **opening.data})
        if opening.contact is not None:
            self._contacts.append((ticket, opening.contact))
        return ticket

    def say(self, ticket: int, saying: UserStatement) -> None:
        """Add what a user has said to a ticket that was there before, and how to reach this user."""
        self.add(ticket, EventKind.USER_SAID, **saying.data)
        if saying.contact is not None:
            self._contacts.append((ticket, saying.contact))

    def add(self, ticket: int, kind: EventKind, **data: Any) -> None:
        """Note something that happened to a ticket, opened here or before."""
        self._events.append(NewEvent(ticket, kind, data))

    def write(self) -> dict[int, TicketRow]:
        """Write all of it; returns the tickets that were there before, as they are now.

        Raises:
            Refused: a ticket does not allow one of the events; the caller rolls back.
        """
        fresh = [event for event in self._events if event.ticket_id in self._opened]
        known = [event for event in self._events if event.ticket_id not in self._opened]
        entries: list[OutboxEntry] = []
        if self._opened:
            entries += self._write_opened(fresh)
        rows: dict[int, TicketRow] = {}
        if known:
            rows = ticket_rows.lock(self._conn, sorted({event.ticket_id for event in known}))
            entries += record(self._conn, self._policy, rows, known, self.now, self.actor)
        ticket_rows.insert_contacts(self._conn, self._contacts)
        outbox.put(self._conn, entries, self.now)
        numbers.give_back(self._conn, numbers.NumberKind.TICKET, len(self._numbers))
        self._numbers.clear()
        self._opened, self._events, self._contacts = {}, [], []
        return rows

    def _write_opened(self, events: Sequence[NewEvent]) -> list[OutboxEntry]:
        rows = [_ticket(ticket, opening) for ticket, opening in self._opened.items()]
        ticket_rows.insert(self._conn, rows, self.now)
        alike = self._clocks()
        undated = [event for tickets, mine in alike for ticket in tickets for event in undated_events(ticket, mine)]
        told = [*events, *undated]
        alive = [event for event in told if not self._opened[event.ticket_id].over]
        entries = notices(alive, {t: opening.ticket_class for t, opening in self._opened.items()})
        # The last that has an answer: in a pipeline, what follows is put together while the server writes.
        entries = call_outs.begin(self._conn, self._policy, alive, entries, self.now)
        for tickets, mine in alike:
            clocks = [clock_rows.OpenedClock(name, at, found.due_at, found.warn_at) for name, at, found in mine]
            clock_rows.insert_opened(self._conn, tickets, clocks)
        states = {t: TicketState.CLOSED if opening.over else TicketState.OPEN for t, opening in self._opened.items()}
        append(self._conn, [(event, states[event.ticket_id]) for event in told], self.now, self.actor)
        return entries

    def _clocks(self) -> list[tuple[list[int], list[FreshClock]]]:
        """Return opened tickets that have the same clocks, and these."""
        alike: dict[tuple[TicketClass, frozenset[str] | None], list[int]] = {}
        for ticket, opening in self._opened.items():
            if not opening.over:
                alike.setdefault((opening.ticket_class, opening.clocks), []).append(ticket)
        rules, found = self._policy.rules_at(self.now), list[tuple[list[int], list[FreshClock]]]()
        for (ticket_class, wanted), tickets in alike.items():
            clocks = fresh_clocks(self._policy, rules, ticket_class, self.now)
            found.append((tickets, [clock for clock in clocks if wanted is None or clock[0] in wanted]))
        return found


def _ticket(ticket: int, opening: Opening) -> dict[str, Any]:
    return {
        "ticket_id": ticket,
        "class": opening.ticket_class.value,
        "state": TicketState.CLOSED.value if opening.over else TicketState.OPEN.value,
        "priority": opening.priority,
        "home_id": opening.home_id,
        "building_id": opening.building_id,
        "substation_id": opening.substation_id,
        "station": opening.station,
        "source": opening.source.value,
        "description": opening.description,
        "follows": opening.follows,
    }

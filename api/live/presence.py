"""People at tickets: the notes of the streams that this process serves, and what listeners are told of all notes."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter
from time import monotonic
from typing import NamedTuple

from psycopg import Connection
from pydantic import BaseModel

from api.live.changes import ListenerView, sse_event
from domain.cases import CASE_CLASSES
from store.base.access import Role, Scope
from store.tickets import presence_rows
from store.tickets.presence_rows import RENEWED_S, PresenceNote, PresenceRow, PresenceTicket


class PresentPerson(BaseModel):
    """A person who looks at a ticket, or writes on it. A crew is told of the names of its own station alone."""

    number: int | None
    name: str | None
    role: Role
    doing: presence_rows.Doing


class TicketPresence(BaseModel):
    """A ticket, and who is at it, those who write first."""

    ticket: str
    people: list[PresentPerson]


class PresenceChange(BaseModel):
    """`event: presence`. The tickets whose people have changed; `whole`: nobody is at any other."""

    whole: bool
    tickets: list[TicketPresence]


class TicketPeople(NamedTuple):
    """The people at a ticket; the ticket decides who is told of it."""

    ticket: PresenceTicket
    people: tuple[PresenceRow, ...]


Present = Mapping[int, TicketPeople]  # by ticket_id; nobody is at the others


def by_ticket(rows: Iterable[tuple[PresenceTicket, PresenceRow]]) -> Present:
    """Gather the people of each ticket; the rows are in the order of tickets."""
    grouped = ((ticket, list(group)) for ticket, group in groupby(rows, itemgetter(0)))
    return {
        group[0][1].ticket_id: TicketPeople(ticket, tuple(person for _, person in group)) for ticket, group in grouped
    }


def people_for(rows: Iterable[PresenceRow], own_station: str | None) -> list[PresentPerson]:
    """Tell of people; `own_station`: to a crew of that station."""
    return [
        PresentPerson(
            number=row.staff_id if known else None, name=row.name if known else None, role=row.role, doing=row.doing
        )
        for row in rows
        for known in [own_station in (None, row.station)]
    ]


def own_station_of(scope: Scope) -> str | None:
    """Return the station to whose people a caller is limited; None: everybody is told of."""
    return None if scope.everywhere else scope.own_station or ""


def changed(before: Present, after: Present) -> list[TicketPeople]:
    """Return the tickets whose people have changed, with those who are there now."""
    gone = [found._replace(people=()) for key, found in before.items() if key not in after]
    return gone + [found for key, found in after.items() if before.get(key) != found]


def presence_event(view: ListenerView, tickets: Iterable[TicketPeople], *, whole: bool) -> bytes:
    """Encode who is at the tickets that a view shows; empty if it shows none, and is not told of the whole."""
    own = None if view.everywhere else view.own_station or ""
    shown = [
        TicketPresence(ticket=one.ticket.number, people=people_for(one.people, own))
        for one in tickets
        if _shows(view, one.ticket)
    ]
    return sse_event("presence", PresenceChange(whole=whole, tickets=shown)) if shown or whole else b""


def _shows(view: ListenerView, one: PresenceTicket) -> bool:
    if view.station not in (None, one.station):
        return False
    return view.everywhere or (one.station == view.own_station and one.ticket_class not in CASE_CLASSES)


class StreamNotes:
    """The notes of the streams of this process. The event loop adds and removes, the reader thread writes: the lock."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._lock = threading.Lock()
        self._wanted: dict[int, PresenceNote] = {}
        self._written: set[int] = set()
        self._clock = clock
        self._renew_at = 0.0

    def add(self, note: PresenceNote) -> None:
        """Note a stream that has begun."""
        with self._lock:
            self._wanted[note.stream_id] = note

    def remove(self, note: PresenceNote) -> None:
        """Forget a stream that has ended."""
        with self._lock:
            self._wanted.pop(note.stream_id, None)

    def is_pending(self) -> bool:
        """Return whether there is something to write."""
        with self._lock:
            return self._wanted.keys() != self._written or (bool(self._written) and self._clock() >= self._renew_at)

    def write(self, conn: Connection) -> None:
        """Write what has begun or ended since, and now and then renew all."""
        with self._lock:
            wanted = dict(self._wanted)
        is_due = self._clock() >= self._renew_at
        ended = sorted(self._written - wanted.keys())
        if wanted.keys() != self._written:
            presence_rows.tell(conn)
        if ended or is_due:
            presence_rows.end(conn, ended)
        if begun := [note for key, note in sorted(wanted.items()) if is_due or key not in self._written]:
            presence_rows.put(conn, begun)
        self._written = set(wanted)
        if is_due:
            self._renew_at = self._clock() + RENEWED_S

    def end(self, conn: Connection) -> None:
        """Take away all that was written: the process is ending."""
        presence_rows.end(conn, sorted(self._written))
        presence_rows.tell(conn)
        self._written = set()


def at_tickets(
    conn: Connection, scope: Scope, tickets: Sequence[int], me: int | None
) -> dict[int, list[PresentPerson]]:
    """Return who else is at some tickets, which are in scope; tickets without anybody are left out."""
    return people_at(presence_rows.at(conn, tickets), scope, me)


def people_at(rows: Iterable[PresenceRow], scope: Scope, me: int | None) -> dict[int, list[PresentPerson]]:
    """Tell a caller who else is at tickets in scope; the rows are in the order of tickets."""
    others = (row for row in rows if row.staff_id != me)
    own = own_station_of(scope)
    return {key: people_for(group, own) for key, group in groupby(others, attrgetter("ticket_id"))}

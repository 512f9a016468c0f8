"""Changes as listeners see them: their events, and the view that decides who sees which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection
from pydantic import BaseModel, Field

from api.answers import models
from api.desk.incidents import Incident
from domain.cases import CASE_CLASSES
from domain.ticket_history import event_for_user, is_for_user
from domain.tickets import EventKind
from store.base.access import Scope
from store.figures import live_feed
from store.figures.live_feed import FeedEntry, FeedKind
from store.network import incident_pages
from store.tickets import ticket_pages


class FlagChange(BaseModel):
    """`event: flag`. What happened, and the flag at the time of delivery."""

    what: str
    flag: models.Flag


class TicketHead(BaseModel):
    """The ticket of an event; `state` is the one after the event."""

    number: str
    class_: models.TicketClass = Field(alias="class")
    state: models.TicketState
    priority: int
    home: str | None
    building: str | None
    substation: str | None
    station: str | None


class TicketChange(BaseModel):
    """`event: ticket`. An event of a ticket; customers get those meant for them."""

    ticket: TicketHead
    event: models.Event


class IncidentChange(BaseModel):
    """`event: incident`. What happened, and the incident at the time of delivery."""

    what: str
    incident: Incident


class Ending(BaseModel):
    """`event: end` and `event: reset`, with the reason."""

    reason: str


@dataclass(frozen=True)
class ListenerView:
    """The part of the feed that a listener sees: its scope, narrowed by its filters.

    Many listeners share a view, so each event is encoded once per view. `user`: the listener is a customer, who sees
    one home, and nothing older than `since`.
    """

    everywhere: bool
    own_station: str | None
    home_id: int | None = None
    user: bool = False
    kinds: frozenset[FeedKind] = frozenset(FeedKind)
    station: str | None = None
    since: datetime | None = None
    presence: bool = False  # who is at which ticket is told, too

    def shows(self, change: FeedEntry) -> bool:
        """Return whether a change is visible: the scope rule of store/base/access.py, in memory."""
        if self.home_id is not None and change.home_id != self.home_id:
            return False
        if change.kind not in self.kinds or self.station not in (None, change.station):
            return False
        if self.user and change.kind is FeedKind.TICKET:
            return is_for_user(EventKind(change.what))
        return self.user or self.everywhere or self._is_for_crew(change)

    def _is_for_crew(self, change: FeedEntry) -> bool:
        return change.station == self.own_station and change.ticket_class not in CASE_CLASSES


class Telling(NamedTuple):
    """A change, encoded except for its id."""

    change: FeedEntry
    for_staff: bytes
    for_user: bytes
    begun: datetime | None = None  # of the flag or ticket it belongs to

    def text(self, view: ListenerView) -> bytes:
        """Return the event for the listeners of a view; empty if they may not see it."""
        if view.since is not None and (self.begun is None or self.begun < view.since):
            return b""
        return self.for_user if view.user else self.for_staff


def tell(conn: Connection, scope: Scope, changes: Sequence[FeedEntry]) -> list[Telling]:
    """Read and encode changes in their order, once for all listeners; unreadable ones are skipped."""
    flags = _flags(conn, scope, [c.subject_id for c in changes if c.kind is FeedKind.FLAG])
    tickets = _tickets(conn, [(c.subject_id, c.seq) for c in changes if c.kind is FeedKind.TICKET])
    incidents = _incidents(conn, scope, [c.subject_id for c in changes if c.kind is FeedKind.INCIDENT])
    found = (_telling(change, flags, tickets, incidents) for change in changes)
    return [telling for telling in found if telling is not None]


def _flags(conn: Connection, scope: Scope, wanted: Sequence[int]) -> dict[int, models.Flag]:
    rows = ticket_pages.flags_of(conn, scope, sorted(set(wanted))) if wanted else []
    return {row["id"]: models.Flag.model_validate(row) for row in rows}


def _tickets(conn: Connection, wanted: Sequence[tuple[int, int | None]]) -> dict[tuple[int, int | None], Any]:
    rows = live_feed.ticket_events(conn, wanted) if wanted else []
    return {(row["ticket_id"], row["seq"]): row for row in rows}


def _incidents(conn: Connection, scope: Scope, wanted: Sequence[int]) -> dict[int, Incident]:
    rows = incident_pages.incidents_of(conn, scope, sorted(set(wanted))) if wanted else []
    return {row["incident_id"]: Incident.model_validate(row) for row in rows}


def _telling(
    change: FeedEntry,
    flags: Mapping[int, models.Flag],
    tickets: Mapping[tuple[int, int | None], Any],
    incidents: Mapping[int, Incident],
) -> Telling | None:
    if change.kind is FeedKind.FLAG and (flag := flags.get(change.subject_id)):
        text = sse_event(FeedKind.FLAG, FlagChange(what=change.what, flag=flag))
        return Telling(change, text, text, flag.cold_since)
    if change.kind is FeedKind.INCIDENT and (incident := incidents.get(change.subject_id)):
        return Telling(change, sse_event(FeedKind.INCIDENT, IncidentChange(what=change.what, incident=incident)), b"")
    if change.kind is FeedKind.TICKET and (row := tickets.get((change.subject_id, change.seq))):
        shown = event_for_user(row)
        for_user = b"" if shown is None else _ticket(row, shown)
        return Telling(change, _ticket(row, row), for_user, row["opened_at"])
    return None


def _ticket(row: Mapping[str, Any], event: Mapping[str, Any]) -> bytes:
    head = TicketHead.model_validate(row)
    return sse_event(FeedKind.TICKET, TicketChange(ticket=head, event=models.Event.model_validate(event)))


def sse_event(event: str, data: BaseModel) -> bytes:
    """Encode a server-sent event from `event:` on; compact JSON has no line breaks."""
    return b"event: %s\ndata: %s\n\n" % (event.encode(), data.model_dump_json(by_alias=True).encode())

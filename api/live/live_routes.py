"""Routes for event streams: live changes of a home, and of everything the desk works on.

Server-sent events. The id of each change is the position it reaches; `Last-Event-ID` continues from there without loss
or duplicates (store/figures/live_feed.py explains why), or with an event `reset`. The state of a home has no id: it is
sent at the beginning, and again whenever it differs.
"""

from dataclasses import dataclass
from random import randrange
from secrets import randbits
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from sse_starlette import EventSourceResponse
from sse_starlette.sse import SendTimeoutError
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from api.desk.desk_routes import Number, Station
from api.homes.home_routes import Code, home_id
from api.http.problem import forbidden, no_such
from api.http.session import Asking, AskingStaff, Bearer, Session
from api.live.changes import ListenerView, tell
from api.live.hub import Hub
from api.live.listener import Listener, change_events, home_event, position_mark, reset_event
from api.live.presence import TicketPresence, at_tickets, presence_event
from api.live.reader import homes_now
from api.words.rota import PERSON_NEEDED
from store.base.access import Role
from store.figures import live_feed
from store.figures.live_feed import FeedKind, FeedPosition
from store.tickets import ticket_pages
from store.tickets.presence_rows import Doing, PresenceNote

SEND_S = 30.0  # a client that accepts nothing for so long is gone
RETRY_MS = (2_000, 5_000)  # spread, so that clients do not reconnect all at once
EVENT = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"enum": ["home", *FeedKind, "presence", "reset", "end"]},
        "id": {"type": "string"},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "Events, until the stream ends", "content": {"text/event-stream": {"schema": EVENT}}}
}
LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", description="continue after this event")]

router = APIRouter(prefix="/v1", tags=["live"])


AtTicket = Annotated[
    str | None,
    Query(
        max_length=40, pattern=r"^[^\x00]+$", description="the ticket that the caller is at while the stream is open"
    ),
]


@dataclass(frozen=True)
class EventsQuery:
    """The query keys of the desk's stream; `doing` is about `ticket`."""

    kind: Annotated[list[FeedKind] | None, Query(description="only these kinds; default: all")] = None
    station: Station = None
    presence: Annotated[bool, Query(description="also who is at which ticket")] = False
    ticket: AtTicket = None
    doing: Annotated[Doing, Query(description="what the caller does there")] = Doing.LOOKING


class ListenerStream(EventSourceResponse):
    """The response to one listener, which leaves the hub however the stream ends."""

    def __init__(self, hub: Hub, listener: Listener, beginning: bytes) -> None:
        # Position marks replace the library's pings: they keep their order among the events.
        events = listener.stream(beginning, lambda: hub.at)
        super().__init__(events, ping=0, sep="\n", send_timeout=SEND_S, headers={"Cache-Control": "no-store"})
        self._hub = hub
        self._listener = listener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            self._listener.end("stuck")
        finally:
            self._hub.leave(self._listener)


@router.get("/homes/{code}/events", response_class=ListenerStream, status_code=200, responses=STREAM)
async def home_events(
    code: Code, request: Request, bearer: Bearer, asking: Asking, last_event_id: LastEventId = None
) -> ListenerStream:
    """Stream the changes of a home: `home` (its current state), `flag`, `ticket`; see docs/api.md."""
    found = await run_in_threadpool(home_id, asking, code)
    scope = asking.scope
    user = asking.asker.role is Role.CUSTOMER
    since = scope.since.get(found)
    view = ListenerView(scope.everywhere, scope.own_station, home_id=found, user=user, since=since and since.at)
    return await _follow(request, bearer, asking, view, last_event_id)


@router.get("/events", response_class=ListenerStream, status_code=200, responses=STREAM)
async def events(
    request: Request,
    bearer: Bearer,
    asking: AskingStaff,
    query: Annotated[EventsQuery, Depends()],
    last_event_id: LastEventId = None,
) -> ListenerStream:
    """Stream the changes the desk works on: `flag`, `ticket`, `incident`; see docs/api.md."""
    scope = asking.scope
    kinds = frozenset(query.kind or FeedKind)
    view = ListenerView(
        scope.everywhere, scope.own_station, kinds=kinds, station=query.station, presence=query.presence
    )
    note = await run_in_threadpool(_note, asking, query.ticket, query.doing) if query.ticket is not None else None
    return await _follow(request, bearer, asking, view, last_event_id, note)


def _note(asking: Session, number: str, doing: Doing) -> PresenceNote:
    """Make the note that a person is at a ticket.

    Raises:
        Problem: 403, 404.
    """
    if asking.asker.person is None:
        raise forbidden(PERSON_NEEDED)
    ticket = ticket_pages.ticket_id(asking.conn, asking.scope, number)
    if ticket is None:
        raise no_such("ticket")
    return PresenceNote(randbits(62), ticket, asking.asker.person.session, doing)


@router.get("/tickets/{number}/presence")
def presence(number: Number, asking: AskingStaff) -> TicketPresence:
    """Get who else looks at a ticket, or writes on it, at this moment."""
    ticket = ticket_pages.ticket_id(asking.conn, asking.scope, number)
    if ticket is None:
        raise no_such("ticket")
    me = asking.asker.person
    people = at_tickets(asking.conn, asking.scope, [ticket], me.staff_id if me else None)
    return TicketPresence(ticket=number, people=people.get(ticket, []))


async def _follow(
    request: Request,
    bearer: Bearer,
    asking: Session,
    view: ListenerView,
    last: str | None,
    note: PresenceNote | None = None,
) -> ListenerStream:
    """Join first, then catch up: changes in between wait in the queue, and overlapping ones are sent once."""
    assert bearer is not None  # there would be no session without one
    hub: Hub = request.app.state.hub
    listener = hub.join(view, asking.asker, bearer.credentials)
    try:
        await hub.ready()
        if note:
            hub.note(listener, note)
        return ListenerStream(hub, listener, await run_in_threadpool(_beginning, asking, hub, listener, last))
    except BaseException:
        hub.leave(listener)
        raise


def _beginning(asking: Session, hub: Hub, listener: Listener, last: str | None) -> bytes:
    """Build the beginning of a stream: the missed changes, and the state of the home or who is at which ticket."""
    view = listener.view
    present = presence_event(view, hub.present.values(), whole=True) if view.presence else b""
    hello = b": hearth\nretry: %d\n\n" % randrange(*RETRY_MS)
    missed = _missed(asking, listener, last, hub.pace.most)
    homes = homes_now(asking.conn, asking.scope, [view.home_id]) if view.home_id is not None else {}
    return hello + missed + b"".join(home_event(home, view) for _, home in homes.values()) + present


def _missed(asking: Session, listener: Listener, last: str | None, most: int) -> bytes:
    """Read the changes since the last event, in order, and set the position of the listener."""
    view = listener.view
    try:
        told = FeedPosition.parse(last) if last else None
    except ValueError:
        listener.at = live_feed.now(asking.conn)
        return reset_event(listener.at, "unknown")
    if told is None:
        listener.at = live_feed.now(asking.conn)
        return position_mark(listener.at)
    found = live_feed.untold(asking.conn, told, most, view.home_id)
    listener.at = found.now
    if found.lost:
        return reset_event(found.now, found.lost)
    parts = ((told, found.rest), (FeedPosition(told.within, found.now), found.changes))
    shown = [(at, [change for change in changes if view.shows(change)]) for at, changes in parts]
    texts = [change_events(at, tell(asking.conn, asking.scope, changes), view) for at, changes in shown]
    return b"".join(texts) + position_mark(found.now)

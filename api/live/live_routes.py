"""Streams of events: what happens in a home, and at the desk, as it happens.

Server-sent events. Each change carries the place that is reached with it as its id; `Last-Event-ID` goes on from there
with nothing lost and nothing twice (store/figures/live_feed.py says why), or there is an event `reset`. How a home is
now has no id: it is told at the beginning, and again when it is different.
"""

from random import randrange
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from sse_starlette import EventSourceResponse
from sse_starlette.sse import SendTimeoutError
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Send
from starlette.types import Scope as Connection

from api.desk.desk_routes import Station
from api.homes.home_routes import Code, home_id
from api.http.session import Asking, AskingStaff, Bearer, Session
from api.live.changes import ListenerView, tell
from api.live.hub import Hub, Listener, home_text, look, mark, reset, written
from store.base.access import Role
from store.figures import live_feed
from store.figures.live_feed import FeedKind, FeedPosition

SEND_S = 30.0  # who takes nothing for so long is gone
RETRY_MS = (2_000, 5_000)  # apart, so that not all come back at once
EVENT = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"enum": ["home", *FeedKind, "reset", "end"]},
        "id": {"type": "string"},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "Events, until the stream ends", "content": {"text/event-stream": {"schema": EVENT}}}
}
LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", description="go on behind this event")]
Kinds = Annotated[list[FeedKind] | None, Query(description="of these only; default: all")]

router = APIRouter(prefix="/v1", tags=["live"])


class ListenerStream(EventSourceResponse):
    """The answer to one listener, who leaves the hub however it ends."""

    def __init__(self, hub: Hub, listener: Listener, beginning: bytes) -> None:
        # Marks instead of the library's pings: they are sent in order with the rest.
        told = listener.stream(beginning, lambda: hub.at)
        super().__init__(told, ping=0, sep="\n", send_timeout=SEND_S, headers={"Cache-Control": "no-store"})
        self._hub = hub
        self._listener = listener

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
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
    """What happens in a home, as it happens: `home` (how it is now), `flag`, `ticket`; docs/api.md tells more."""
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
    kind: Kinds = None,
    station: Station = None,
    last_event_id: LastEventId = None,
) -> ListenerStream:
    """What happens at the desk, as it happens: `flag`, `ticket`, `incident`; docs/api.md tells more."""
    scope = asking.scope
    kinds = frozenset(kind) if kind else frozenset(FeedKind)
    view = ListenerView(scope.everywhere, scope.own_station, kinds=kinds, station=station)
    return await _follow(request, bearer, asking, view, last_event_id)


async def _follow(
    request: Request, bearer: Bearer, asking: Session, view: ListenerView, last: str | None
) -> ListenerStream:
    """Join first, then catch up: what happens meanwhile waits, and what both tell of is told once."""
    assert bearer is not None  # or there would be no session
    hub: Hub = request.app.state.hub
    listener = hub.join(view, asking.asker, bearer.credentials)
    try:
        await hub.ready()
        return ListenerStream(hub, listener, await run_in_threadpool(_beginning, asking, listener, last, hub.pace.most))
    except BaseException:
        hub.leave(listener)
        raise


def _beginning(asking: Session, listener: Listener, last: str | None, most: int) -> bytes:
    """What a stream begins with: how the home is, and what was missed."""
    view = listener.view
    hello = b": hearth\nretry: %d\n\n" % randrange(*RETRY_MS)
    missed = _missed(asking, listener, last, most)
    shown = look(asking.conn, asking.scope, [view.home_id]) if view.home_id is not None else {}
    return hello + missed + b"".join(home_text(home, view) for _, home in shown.values())


def _missed(asking: Session, listener: Listener, last: str | None, most: int) -> bytes:
    """What happened since the last event, in order; sets where the listener is then."""
    view = listener.view
    try:
        told = FeedPosition.parse(last) if last else None
    except ValueError:
        listener.at = live_feed.now(asking.conn)
        return reset(listener.at, "unknown")
    if told is None:
        listener.at = live_feed.now(asking.conn)
        return mark(listener.at)
    found = live_feed.untold(asking.conn, told, most, view.home_id)
    listener.at = found.now
    if found.lost:
        return reset(found.now, found.lost)
    parts = ((told, found.rest), (FeedPosition(told.within, found.now), found.changes))
    shown = [(at, [change for change in changes if view.shows(change)]) for at, changes in parts]
    texts = [written(at, tell(asking.conn, asking.scope, changes), view) for at, changes in shown]
    return b"".join(texts) + mark(found.now)

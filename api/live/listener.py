"""The listeners of event streams: the queue of each, and the wire format of what it is sent."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from api.answers.models import Home
from api.live.changes import Ending, ListenerView, Telling, sse_event
from store.base.access import Asker
from store.figures.live_feed import FeedPosition, Snapshot
from store.tickets.presence_rows import PresenceNote


@dataclass(frozen=True)
class HubLimits:
    """Limits and intervals of event streams."""

    listeners: int = 5_000
    per_token: int = 20
    most: int = 2_000  # undelivered changes per listener
    longest_s: float = 3_600.0  # then the client is asked to reconnect
    ping_s: float = 15.0
    read_s: float = 5.0  # between reads without a notification
    homes_s: float = 10.0  # between reads of the watched homes
    recheck_s: float = 60.0  # between checks of the tokens
    apart_s: float = 0.02  # at least, between two reads: in a storm each read takes more


@dataclass(frozen=True)
class Delivery:
    """Changes to deliver to the listeners of a view."""

    now: Snapshot
    tellings: Sequence[Telling]
    view: ListenerView
    _texts: dict[Snapshot, bytes] = field(default_factory=dict, compare=False)

    def text(self, at: Snapshot) -> bytes:
        """Encode what a listener at `at` has not seen; most are at the same snapshot, so each text is cached."""
        if at not in self._texts:
            new = [telling for telling in self.tellings if not at.sees(telling.change.xid)]
            self._texts[at] = change_events(FeedPosition(at, self.now), new, self.view)
        return self._texts[at]


@dataclass(frozen=True)
class Lost:
    """A gap: changes up to `now` cannot be delivered."""

    now: Snapshot
    reason: str

    def text(self, at: Snapshot) -> bytes:
        """Encode the gap for a listener at `at`; nothing if it is past the gap already."""
        return b"" if at.later(self.now) == at else reset_event(self.now, self.reason)


class Listener:
    """One client of an event stream. `at` is the snapshot it has been sent; only its own stream advances it."""

    def __init__(self, view: ListenerView, asker: Asker, token: str, pace: HubLimits) -> None:
        self.view = view
        self.asker = asker
        self.token = token
        self.note: PresenceNote | None = None  # the ticket that it is open for
        self.at: Snapshot | None = None
        self.ended: str | None = None
        self._pace = pace
        self._queue: asyncio.Queue[Delivery | Lost | bytes | None] = asyncio.Queue()
        self._behind = 0

    def put(self, item: Delivery | Lost | bytes) -> None:
        """Queue an item; end the stream if too much is waiting."""
        if self.ended is None:
            self._behind += _weight(item)
            self._queue.put_nowait(item)
            if self._behind > self._pace.most:
                self.end("slow")

    def end(self, reason: str) -> None:
        """End the stream and drop its queue: on reconnecting the client reads from its last position."""
        if self.ended is None:
            self.ended = reason
            while not self._queue.empty():
                self._queue.get_nowait()
            self._queue.put_nowait(None)

    async def stream(self, beginning: bytes, hub_at: Callable[[], Snapshot | None]) -> AsyncIterator[bytes]:
        """Yield what to send. `hub_at` returns the snapshot that a listener with an empty queue has reached."""
        yield beginning
        end_at = monotonic() + self._pace.longest_s
        while True:
            left_s = end_at - monotonic()
            try:
                async with asyncio.timeout(min(left_s, self._pace.ping_s)):
                    item = await self._queue.get()
            except TimeoutError:
                if left_s <= self._pace.ping_s:
                    self.end("time")
                elif self._queue.empty():  # what came in this very instant is told first: the hub is past it already
                    yield b": ping\n" + self._catch_up(hub_at())
                continue
            if item is None:
                yield sse_event("end", Ending(reason=self.ended or "shutdown"))
                return
            if text := self._text(item):
                yield text
            self._behind -= _weight(item)

    def _text(self, item: Delivery | Lost | bytes) -> bytes:
        if isinstance(item, bytes):
            return item
        assert self.at is not None  # the stream begins after catching up
        text = item.text(self.at)
        self.at = self.at.later(item.now)
        return text

    def _catch_up(self, hub_at: Snapshot | None) -> bytes:
        """Advance an idle listener to the hub's snapshot, so that reconnecting skips what was for others."""
        if self.at and hub_at:
            self.at = self.at.later(hub_at)
        return position_mark(self.at) if self.at else b"\n"


def _weight(item: Delivery | Lost | bytes) -> int:
    return len(item.tellings) if isinstance(item, Delivery) else 1


def change_events(told: FeedPosition, tellings: Sequence[Telling], view: ListenerView) -> bytes:
    """Encode changes, each with the position that it reaches as its id."""
    texts = ((telling.change.live_event_id, telling.text(view)) for telling in tellings)
    return b"".join(
        b"id: %s\n%s" % (str(FeedPosition(told.before, told.within, number)).encode(), text)
        for number, text in texts
        if text
    )


def position_mark(at: Snapshot) -> bytes:
    """Encode a position without an event: browsers keep the id and dispatch nothing."""
    return b"id: %s\n\n" % str(at).encode()


def reset_event(now: Snapshot, reason: str) -> bytes:
    """Encode a `reset`: the client has to reload what it shows, as some changes cannot be delivered."""
    return b"id: %s\n%s" % (str(now).encode(), sse_event("reset", Ending(reason=reason)))


def home_event(home: Home, view: ListenerView) -> bytes:
    """Encode the state of a home for a view, without what is older than a resident's tenancy."""
    if view.since is not None:
        old: dict[str, None] = {}
        if home.measured_at is not None and home.measured_at < view.since:
            old |= {"temperature": None, "measured_at": None}
        if home.flag is not None and home.flag.cold_since < view.since:
            old |= {"flag": None}
        home = home.model_copy(update=old)
    return sse_event("home", home)

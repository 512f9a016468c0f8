"""The hub of event streams: the listeners of this process, and the delivery of changes to them.

A thread (api/live/reader.py) reads what happened; on the event loop the hub puts it into the queues of the listeners it
is for. A listener that falls behind is disconnected; it knows its position (store/figures/live_feed.py) and reconnects.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from psycopg import Connection
from psycopg_pool import PoolTimeout
from starlette.concurrency import run_in_threadpool

from api.answers.models import Home
from api.http.metrics import Metrics
from api.http.problem import too_many, unavailable
from api.live.changes import ListenerView, Telling
from api.live.listener import Delivery, HubLimits, Listener, Lost, home_event
from api.live.presence import Present, StreamNotes, changed, presence_event
from api.live.reader import FeedReader, WatchedHomes
from api.words.problems import NO_ANSWER, TOO_MANY_LISTENERS
from store.base.access import Asker
from store.base.away import AWAY
from store.figures.live_feed import Snapshot
from store.tickets.presence_rows import PresenceNote

RETRY_S = 5
PATIENCE_S = 5.0  # for the first read of the feed


class Hub:
    """The listeners of one process. Everything here runs on the event loop, except `join_thread`.

    Args:
        connect: opens a connection directly to the server, in autocommit mode.
        gone: returns the tokens that are no longer valid, or whose scope has changed.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        gone: Callable[[Mapping[str, Asker]], set[str]],
        metrics: Metrics,
        pace: HubLimits | None = None,
    ) -> None:
        self.pace = pace or HubLimits()
        self.at: Snapshot | None = None
        self.present: Present = {}  # as delivered last
        self._gone = gone
        self._metrics = metrics
        self._views: defaultdict[ListenerView, set[Listener]] = defaultdict(set)
        self._by_actor: Counter[str] = Counter()
        self._homes: dict[int, Home] = {}  # as delivered last
        self._watched = WatchedHomes()
        self._notes = StreamNotes()
        self._reader = FeedReader(connect, self, self.pace, self._watched, self._notes)
        self._rechecking: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._closed = False

    def join(self, view: ListenerView, asker: Asker, token: str) -> Listener:
        """Add a listener; from now on changes wait in its queue.

        Raises:
            Problem: 429, 503: too many listeners.
        """
        if self._by_actor[asker.actor] >= self.pace.per_token:
            raise too_many(RETRY_S)
        if self._by_actor.total() >= self.pace.listeners or self._closed:
            raise unavailable(TOO_MANY_LISTENERS)
        if self._rechecking is None:
            loop = asyncio.get_running_loop()
            self._rechecking = loop.create_task(self._recheck())
            self._reader.start(loop)
        listener = Listener(view, asker, token, self.pace)
        if view not in self._views and view.home_id is not None:
            self._watched.add(view.home_id)
        self._views[view].add(listener)
        self._by_actor[asker.actor] += 1
        self._metrics.listeners.inc()
        return listener

    def note(self, listener: Listener, note: PresenceNote) -> None:
        """Let others know, as long as a stream is open, that its person is at a ticket."""
        listener.note = note
        self._notes.add(note)

    async def ready(self) -> None:
        """Wait until the feed has been read once, so that there is a snapshot to continue from.

        Raises:
            Problem: 503, the database is away.
        """
        try:
            await asyncio.wait_for(self._ready.wait(), PATIENCE_S)
        except TimeoutError:
            raise unavailable(NO_ANSWER) from None

    def leave(self, listener: Listener) -> None:
        """Remove a listener; safe to call twice."""
        view = listener.view
        if listener not in self._views.get(view, ()):
            return
        self._views[view].remove(listener)
        if listener.note:
            self._notes.remove(listener.note)
        self._by_actor[listener.asker.actor] -= 1
        self._by_actor += Counter()  # drops those at zero
        self._metrics.listeners.dec()
        self._metrics.streams.labels(listener.ended or "left").inc()
        if not self._views[view]:
            del self._views[view]
            if view.home_id is not None and self._watched.remove(view.home_id):
                self._homes.pop(view.home_id, None)

    def close(self) -> None:
        """End all streams and accept no more listeners."""
        self._closed = True
        self._reader.stop()
        if self._rechecking:
            self._rechecking.cancel()
        for listener in self._listeners():
            listener.end("shutdown")

    def join_thread(self) -> None:
        """Wait, after `close`, until the reader thread has ended."""
        self._reader.join()

    def deliver(self, now: Snapshot, tellings: Sequence[Telling], lost: str | None) -> None:
        """Queue changes for the listeners they are for."""
        self.at = now
        self._ready.set()
        of_home: defaultdict[int | None, list[Telling]] = defaultdict(list)
        for telling in tellings:
            of_home[telling.change.home_id].append(telling)
        for view, listeners in self._views.items():
            near = tellings if view.home_id is None else of_home.get(view.home_id, ())
            shown = [telling for telling in near if view.shows(telling.change)]
            item = Lost(now, lost) if lost else Delivery(now, shown, view)
            if lost or shown:
                for listener in listeners:
                    listener.put(item)

    def deliver_homes(self, found: Mapping[int, tuple[str, Home]]) -> None:
        """Queue the states of homes that differ from those delivered last; end streams that lost their home."""
        for view, listeners in self._views.items():
            if view.home_id is None or view.home_id not in found:
                continue
            station, home = found[view.home_id]
            moved = view.own_station not in (None, station)
            different = self._homes.get(view.home_id) != home
            text = home_event(home, view) if different else b""
            for listener in listeners:
                if moved:
                    listener.end("token")
                elif different:
                    listener.put(text)
        self._homes = {**self._homes, **{key: home for key, (_, home) in found.items()}}

    def deliver_presence(self, found: Present) -> None:
        """Queue who is at the tickets where that has changed."""
        different = changed(self.present, found)
        self.present = found
        for view, listeners in self._views.items() if different else ():
            text = presence_event(view, different, whole=False) if view.presence else b""
            for listener in listeners if text else ():
                listener.put(text)

    def _listeners(self) -> list[Listener]:
        return [listener for listeners in self._views.values() for listener in listeners]

    async def _recheck(self) -> None:
        """End the streams of tokens that are no longer valid."""
        while True:
            await asyncio.sleep(self.pace.recheck_s)
            held = {listener.token: listener.asker for listener in self._listeners()}
            gone: set[str] = set()
            with suppress(*AWAY, PoolTimeout):  # while the database is away, nothing is delivered either
                gone = await run_in_threadpool(self._gone, held)
            for listener in self._listeners():
                if listener.token in gone:
                    listener.end("token")

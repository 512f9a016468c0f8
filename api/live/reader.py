"""The reader thread of event streams: it reads the feed on one connection for all listeners of the process.

It reads on each notification from the server, and every few seconds in any case, so that a lost notification costs
seconds and nothing else. What it read is handed to the event loop.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Protocol

import structlog
from psycopg import Connection

from api.answers.models import Home
from api.live.changes import Telling, tell
from api.live.listener import HubLimits
from api.live.presence import Present, StreamNotes, by_ticket
from store.base import access
from store.base.access import EVERYWHERE, Scope
from store.base.away import is_away
from store.figures import live_feed
from store.figures.live_feed import FeedPosition, Snapshot
from store.registry import home_rows
from store.tickets import presence_rows, ticket_pages

LONGEST_WAIT_S = 0.5  # so that the thread notices when it has to stop, or that a stream has begun or ended
PRESENCE_S = 0.5  # at least, between two reads of who is at which ticket
log = structlog.get_logger()


class FeedTarget(Protocol):
    """The receiver of what the thread reads; its methods are called on the event loop."""

    def deliver(self, now: Snapshot, tellings: Sequence[Telling], lost: str | None) -> None:
        """Deliver changes up to `now`; `lost` is the reason if they cannot be told."""

    def deliver_homes(self, found: Mapping[int, tuple[str, Home]]) -> None:
        """Deliver the states of homes, each with its station."""

    def deliver_presence(self, found: Present) -> None:
        """Deliver who is at which ticket."""


class WatchedHomes:
    """The homes that listeners follow. The event loop changes them, the reader thread reads them: hence the lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._views: Counter[int] = Counter()

    def add(self, home_id: int) -> None:
        """Count a view of a home."""
        with self._lock:
            self._views[home_id] += 1

    def remove(self, home_id: int) -> bool:
        """Uncount a view of a home; return whether it was the last one."""
        with self._lock:
            self._views[home_id] -= 1
            self._views += Counter()  # drops those at zero
            return home_id not in self._views

    def among(self, home_ids: Collection[int] | None) -> list[int]:
        """Return the watched ones of some homes; None: of all."""
        with self._lock:
            return sorted(self._views if home_ids is None else self._views.keys() & set(home_ids))


class FeedReader:
    """The thread itself. Apart from `start`, `stop` and `join`, everything here runs in it.

    Args:
        connect: opens a connection directly to the server, in autocommit mode.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        target: FeedTarget,
        pace: HubLimits,
        watched: WatchedHomes,
        notes: StreamNotes,
    ) -> None:
        self._connect = connect
        self._watched = watched
        self._target = target
        self._pace = pace
        self._notes = notes
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._homes_at = 0.0
        self._presence_at = 0.0  # when it is to be read next
        self._presence_read_at = 0.0

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the thread, unless it runs already."""
        if self._thread is None:
            self._loop = loop
            self._thread = threading.Thread(target=self._run, name="live", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Tell the thread to end."""
        self._stop.set()

    def join(self) -> None:
        """Wait until the thread has ended."""
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        """Read until stopped; after an outage of the database, continue at the last snapshot read."""
        read: Snapshot | None = None
        while not self._stop.is_set():
            try:
                with self._connect() as conn:
                    live_feed.listen(conn)
                    presence_rows.listen(conn)
                    while not self._stop.is_set():
                        self._read_presence(conn)
                        read = self._read(conn, read)
                        self._wait(conn)
                    with conn.transaction():
                        access.enter(conn, EVERYWHERE)
                        self._notes.end(conn)
            except Exception as error:
                if is_away(error):
                    log.warning("live_database_away", error=str(error).strip().partition("\n")[0])
                else:
                    log.exception("live_failed")
            self._stop.wait(1.0)

    def _read(self, conn: Connection, since: Snapshot | None) -> Snapshot:
        """Read the changes since a snapshot, and the homes they touch or, if due, all watched homes."""
        with conn.transaction():
            access.enter(conn, EVERYWHERE)
            if since is None:
                found = live_feed.FeedBacklog(live_feed.now(conn))
            else:
                found = live_feed.untold(conn, FeedPosition.all(since), 5 * self._pace.most)
            tellings = tell(conn, EVERYWHERE, found.changes)
        self._hand_over(partial(self._target.deliver, found.now, tellings, found.lost))
        if touched := {c.home_id for c in found.changes if c.home_id is not None}:
            self._read_homes(conn, touched)
        if monotonic() >= self._homes_at:
            self._homes_at = monotonic() + self._pace.homes_s
            self._read_homes(conn, None)
        return found.now

    def _wait(self, conn: Connection) -> None:
        """Wait for a notification, or until it is time to read in any case."""
        self._stop.wait(self._pace.apart_s)
        until = min(self._homes_at, monotonic() + self._pace.read_s, self._presence_at)
        while not self._stop.is_set() and not self._notes.is_pending() and (left_s := until - monotonic()) > 0:
            heard = live_feed.wait(conn, min(left_s, LONGEST_WAIT_S))
            if presence_rows.CHANNEL in heard:
                self._presence_at = min(self._presence_at, self._presence_read_at + PRESENCE_S)
            if heard:
                break

    def _read_presence(self, conn: Connection) -> None:
        """Write the notes of the streams of this process; read those of all, if they may have changed."""
        if not self._notes.is_pending() and monotonic() < self._presence_at:
            return
        with conn.transaction():
            access.enter(conn, EVERYWHERE)
            self._notes.write(conn)
            found = by_ticket(presence_rows.everybody(conn))
        self._presence_read_at = monotonic()
        self._presence_at = self._presence_read_at + self._pace.read_s
        self._hand_over(partial(self._target.deliver_presence, found))

    def _read_homes(self, conn: Connection, home_ids: Collection[int] | None) -> None:
        if wanted := self._watched.among(home_ids):
            with conn.transaction():
                access.enter(conn, EVERYWHERE)
                found = homes_now(conn, EVERYWHERE, wanted)
            self._hand_over(partial(self._target.deliver_homes, found))

    def _hand_over(self, delivery: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is closed: the process is ending
            assert self._loop is not None
            self._loop.call_soon_threadsafe(delivery)


def homes_now(conn: Connection, scope: Scope, home_ids: Sequence[int]) -> dict[int, tuple[str, Home]]:
    """Read the current states of homes, each with its station."""
    flags = ticket_pages.open_flags(conn, scope, home_ids)
    rows = home_rows.now(conn, scope, home_ids)
    return {
        row["home_id"]: (row["station"], Home.model_validate({**row, "flag": flags.get(row["code"])})) for row in rows
    }

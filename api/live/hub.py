"""Those who listen to this process, and the one connection that they are all told from.

A thread reads what happened: when the server sends word, and every few seconds in any case, so a lost word costs
seconds and nothing else. What it read is handed to the event loop, which puts it into the queues of whom it is for. A
listener that does not take it is let go; it knows where it was (store/figures/live_feed.py) and comes back.
"""

import asyncio
import threading
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

import structlog
from psycopg import Connection
from psycopg_pool import PoolTimeout
from starlette.concurrency import run_in_threadpool

from api.answers.models import Home
from api.http.metrics import Metrics
from api.http.problem import too_many, unavailable
from api.live.changes import Ending, ListenerView, Telling, message, tell
from domain.reasons import Text
from store.base import access
from store.base.access import EVERYWHERE, Asker, Scope
from store.base.away import AWAY
from store.figures import live_feed
from store.figures.live_feed import FeedPosition, Snapshot
from store.registry import home_rows
from store.tickets import desk_pages

RETRY_S = 5
PATIENCE_S = 5.0  # for the first look at the database
LONGEST_WAIT_S = 0.5  # so that the thread notices that it is to stop
NO_ANSWER = Text("数据库没有响应", "the database is not responding")
FULL = Text("正在收听的连接过多", "too many are listening")
log = structlog.get_logger()


@dataclass(frozen=True)
class HubLimits:
    """How many may listen, how far they may be behind, and how often things are looked at."""

    listeners: int = 5_000
    per_token: int = 20
    most: int = 2_000  # changes that a listener may be behind
    longest_s: float = 3_600.0  # then it is asked to come back
    ping_s: float = 15.0
    read_s: float = 5.0  # without word from the server
    look_s: float = 10.0  # at the homes that somebody listens to
    recheck_s: float = 60.0  # whether tokens hold
    apart_s: float = 0.02  # between two reads: in a storm they take more each


@dataclass(frozen=True)
class Delivery:
    """What some have to be told next."""

    now: Snapshot
    tellings: Sequence[Telling]
    view: ListenerView
    _texts: dict[Snapshot, bytes] = field(default_factory=dict, compare=False)

    def text(self, at: Snapshot) -> bytes:
        """For who has been told of all that is seen in `at`; most are at the same place, so it is written once."""
        if at not in self._texts:
            new = [telling for telling in self.tellings if not at.sees(telling.change.xid)]
            self._texts[at] = written(FeedPosition(at, self.now), new, self.view)
        return self._texts[at]


@dataclass(frozen=True)
class Lost:
    """What happened up to `now` cannot be told."""

    now: Snapshot
    reason: str

    def text(self, at: Snapshot) -> bytes:
        """For who has been told of all that is seen in `at`."""
        return b"" if at.later(self.now) == at else reset(self.now, self.reason)


class Listener:
    """One who listens. `at` is what it has been told of; only its own stream moves that."""

    def __init__(self, view: ListenerView, asker: Asker, token: str, pace: HubLimits) -> None:
        self.view = view
        self.asker = asker
        self.token = token
        self.at: Snapshot | None = None
        self.ended: str | None = None
        self._pace = pace
        self._queue: asyncio.Queue[Delivery | Lost | bytes | None] = asyncio.Queue()
        self._behind = 0

    def put(self, item: Delivery | Lost | bytes) -> None:
        """Have something told, unless too much is waiting already."""
        if self.ended is None:
            self._behind += _weight(item)
            self._queue.put_nowait(item)
            if self._behind > self._pace.most:
                self.end("slow")

    def end(self, reason: str) -> None:
        """Have the stream end. What waits is not told: who comes back reads it anew."""
        if self.ended is None:
            self.ended = reason
            while not self._queue.empty():
                self._queue.get_nowait()
            self._queue.put_nowait(None)

    async def stream(self, beginning: bytes, hub_at: Callable[[], Snapshot | None]) -> AsyncIterator[bytes]:
        """What is sent. `hub_at` is what everybody has been told of who has nothing waiting."""
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
                else:
                    yield b": ping\n" + self._mark(hub_at())
                continue
            if item is None:
                yield message("end", Ending(reason=self.ended or "shutdown"))
                return
            if text := self._text(item):
                yield text
            self._behind -= _weight(item)

    def _text(self, item: Delivery | Lost | bytes) -> bytes:
        if isinstance(item, bytes):
            return item
        assert self.at is not None  # the stream begins after the catching up
        text = item.text(self.at)
        self.at = self.at.later(item.now)
        return text

    def _mark(self, hub_at: Snapshot | None) -> bytes:
        """Nothing waits, so it is as far as the hub: it need not read again what was for others."""
        if self.at and hub_at:
            self.at = self.at.later(hub_at)
        return mark(self.at) if self.at else b"\n"


def _weight(item: Delivery | Lost | bytes) -> int:
    return len(item.tellings) if isinstance(item, Delivery) else 1


def written(told: FeedPosition, tellings: Sequence[Telling], view: ListenerView) -> bytes:
    """Changes as they are sent, each with the place that is reached with it."""
    texts = ((telling.change.live_event_id, telling.text(view)) for telling in tellings)
    return b"".join(b"id: %s\n%s" % (_place(told, number), text) for number, text in texts if text)


def _place(told: FeedPosition, upto: int) -> bytes:
    return str(FeedPosition(told.before, told.within, upto)).encode()


def mark(at: Snapshot) -> bytes:
    """A place alone: browsers keep it and tell nobody."""
    return b"id: %s\n\n" % str(at).encode()


def reset(now: Snapshot, reason: str) -> bytes:
    """Have a listener read again what it shows: some of what happened cannot be told."""
    return b"id: %s\n%s" % (str(now).encode(), message("reset", Ending(reason=reason)))


class Hub:
    """Listeners of one process. But for the thread that reads, everything is called on the event loop.

    Args:
        connect: opens a connection of its own to the server itself, in autocommit mode.
        gone: which of these tokens do not hold any more, or reach something else.
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
        self._connect = connect
        self._gone = gone
        self._metrics = metrics
        self._views: defaultdict[ListenerView, set[Listener]] = defaultdict(set)
        self._by_actor: Counter[str] = Counter()
        self._homes: dict[int, Home] = {}  # what was told of them last
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rechecking: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._look_at = 0.0

    def join(self, view: ListenerView, asker: Asker, token: str) -> Listener:
        """Begin to listen: what happens from now on waits in the listener's queue.

        Raises:
            Problem: 429, 503: too many listen.
        """
        if self._by_actor[asker.actor] >= self.pace.per_token:
            raise too_many(RETRY_S)
        if self._by_actor.total() >= self.pace.listeners or self._stop.is_set():
            raise unavailable(FULL)
        self._start()
        listener = Listener(view, asker, token, self.pace)
        self._views[view].add(listener)
        self._by_actor[asker.actor] += 1
        self._metrics.listeners.inc()
        return listener

    async def ready(self) -> None:
        """Wait until there is a place from which everything is told.

        Raises:
            Problem: 503, the database is away.
        """
        try:
            await asyncio.wait_for(self._ready.wait(), PATIENCE_S)
        except TimeoutError:
            raise unavailable(NO_ANSWER) from None

    def leave(self, listener: Listener) -> None:
        """Listen no more."""
        listeners = self._views[listener.view]
        if listener in listeners:
            listeners.remove(listener)
            self._by_actor[listener.asker.actor] -= 1
            self._by_actor += Counter()  # drops those at zero
            self._metrics.listeners.dec()
            self._metrics.streams.labels(listener.ended or "left").inc()
        if not listeners:
            del self._views[listener.view]
            self._homes.pop(listener.view.home_id or 0, None)

    def close(self) -> None:
        """End all streams, and let nobody in any more."""
        self._stop.set()
        if self._rechecking:
            self._rechecking.cancel()
        for listener in self._all():
            listener.end("shutdown")

    def join_thread(self) -> None:
        """After `close`: wait until nothing is read any more."""
        if self._thread:
            self._thread.join()

    def _all(self) -> list[Listener]:
        return [listener for listeners in self._views.values() for listener in listeners]

    def _start(self) -> None:
        if self._thread is None:
            self._loop = asyncio.get_running_loop()
            self._rechecking = self._loop.create_task(self._recheck())
            self._thread = threading.Thread(target=self._read, name="live", daemon=True)
            self._thread.start()

    async def _recheck(self) -> None:
        """Let those go whose token does not hold any more."""
        while True:
            await asyncio.sleep(self.pace.recheck_s)
            held = {listener.token: listener.asker for listener in self._all()}
            gone: set[str] = set()
            with suppress(*AWAY, PoolTimeout):  # with the database away nothing is told either
                gone = await run_in_threadpool(self._gone, held)
            for listener in self._all():
                if listener.token in gone:
                    listener.end("token")

    def _tell(self, now: Snapshot, tellings: Sequence[Telling], lost: str | None) -> None:
        """Put what was read into the queues of whom it is for."""
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

    def _show(self, found: Mapping[int, tuple[str, Home]]) -> None:
        """Tell how homes are, where it is not what was told last. Who does not reach one any more has to go."""
        for view, listeners in self._views.items():
            if view.home_id is None or view.home_id not in found:
                continue
            station, home = found[view.home_id]
            moved = view.own_station not in (None, station)
            different = self._homes.get(view.home_id) != home
            text = home_text(home, view) if different else b""
            for listener in listeners:
                if moved:
                    listener.end("token")
                elif different:
                    listener.put(text)
        self._homes = {**self._homes, **{key: home for key, (_, home) in found.items()}}

    # What follows is done by the thread.

    def _read(self) -> None:
        """Read as long as there is a database, and go on where that was when it comes back."""
        told: Snapshot | None = None
        while not self._stop.is_set():
            try:
                with self._connect() as conn:
                    live_feed.listen(conn)
                    while not self._stop.is_set():
                        told = self._read_on(conn, told)
            except AWAY as error:
                log.warning("live_database_away", error=str(error).strip().partition("\n")[0])
            except Exception:
                log.exception("live_failed")
            self._stop.wait(1.0)

    def _read_on(self, conn: Connection, told: Snapshot | None) -> Snapshot:
        """Tell what happened since, then wait for word of more; look at the homes if it is time to."""
        told = self._read_once(conn, told)
        if monotonic() >= self._look_at:
            self._look_at = monotonic() + self.pace.look_s
            self._look(conn, None)
        self._stop.wait(self.pace.apart_s)
        until = min(self._look_at, monotonic() + self.pace.read_s)
        while not self._stop.is_set() and (left_s := until - monotonic()) > 0:
            if live_feed.wait(conn, min(left_s, LONGEST_WAIT_S)):
                break
        return told

    def _read_once(self, conn: Connection, told: Snapshot | None) -> Snapshot:
        with conn.transaction():
            access.enter(conn, EVERYWHERE)
            if told is None:
                found = live_feed.FeedBacklog(live_feed.now(conn))
            else:
                found = live_feed.untold(conn, FeedPosition.all(told), 5 * self.pace.most)
            tellings = tell(conn, EVERYWHERE, found.changes)
        self._hand_over(partial(self._tell, found.now, tellings, found.lost))
        if touched := {c.home_id for c in found.changes if c.home_id is not None}:
            self._look(conn, touched)
        return found.now

    def _look(self, conn: Connection, among: set[int] | None) -> None:
        """Read how the homes are that somebody listens to; of these, if so said."""
        listened = {view.home_id for view in tuple(self._views) if view.home_id is not None}
        if wanted := sorted(listened if among is None else listened & among):
            with conn.transaction():
                access.enter(conn, EVERYWHERE)
                found = look(conn, EVERYWHERE, wanted)
            self._hand_over(partial(self._show, found))

    def _hand_over(self, what: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop is over: the process ends
            assert self._loop is not None
            self._loop.call_soon_threadsafe(what)


def look(conn: Connection, scope: Scope, home_ids: Sequence[int]) -> dict[int, tuple[str, Home]]:
    """How homes are: station, and the home."""
    flags = desk_pages.open_flags(conn, scope, home_ids)
    rows = home_rows.now(conn, scope, home_ids)
    told = {row["home_id"]: Home.model_validate({**row, "flag": flags.get(row["code"])}) for row in rows}
    return {row["home_id"]: (row["station"], told[row["home_id"]]) for row in rows}


def home_text(home: Home, view: ListenerView) -> bytes:
    """How a home is, as the listeners of a view are told: to residents nothing that is older than their tenancy."""
    if view.since is not None:
        old: dict[str, None] = {}
        if home.measured_at is not None and home.measured_at < view.since:
            old |= {"temperature": None, "measured_at": None}
        if home.flag is not None and home.flag.cold_since < view.since:
            old |= {"flag": None}
        home = home.model_copy(update=old)
    return message("home", home)

"""The processes of the product, wired as its commands wire them, on virtual clock, broker and connections."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from math import inf
from typing import Any, cast
from unittest.mock import patch

import psycopg.connection
from psycopg import Connection

import alerts.notices.sending
import hearth.commands.notify
import hearth.commands.watch
import hearth.rounds
import hearth.watch_rounds
import ingest.ahead
import ingest.inbox
import ingest.lead
import ingest.worker
import ingest.writer
from alerts.judging.judge import Judge
from alerts.notices.recipients import Recipient, Recipients
from alerts.notices.sending import Post
from domain.notices import Audience
from domain.policy import Policy
from hearth.ingesting import broker_address, limits_of, senders_of
from hearth.metrics import NotifyMetrics
from hearth.settings import Settings
from ingest.ahead import BatchBounds
from ingest.batch import Intake
from ingest.inbox import Inbox
from ingest.lead import Lead
from ingest.places import SensorPlaces
from ingest.source import BrokerSource
from ingest.sources import Sources
from ingest.worker import Worker
from ingest.writer import Writer
from tests.simulation import timeline
from tests.simulation.backends import WholePipeline
from tests.simulation.broker import Broker, Source
from tests.simulation.timeline import Event, Process, VirtualThreading, VirtualTime

SESSION = "hearth-ingest"
BATCH_AGE_S = 0.03
LOOK_S = 0.2  # for a whole batch: less often than for real, as each look is a step
ENOUGH = 12  # messages for a batch, which may grow to as many as it may have
RETRY_S = 0.3  # after a failure: who only polls waits until something happens, and who has failed comes back before
LEASE = timedelta(seconds=120)
Connect = Callable[[], Connection]


class Pool:
    """A pool of threads on the virtual clock."""

    def __init__(self, _threads: int, _name: str = "") -> None:
        self.process = timeline.now().running().process

    def submit(self, work: Callable[..., Any], *args: Any) -> "Future[Any]":
        """Begin a thread with a task."""
        future = Result()
        timeline.now().start(self.process, lambda: future.work(lambda: work(*args)))
        return cast("Future[Any]", future)

    def shutdown(self) -> None:
        """End the pool, whose threads are done."""


class Result:
    """A `concurrent.futures.Future` of the virtual clock."""

    def __init__(self) -> None:
        self._number = next(timeline.now().numbers)
        self.done = Event()
        self._value: Any = None
        self._error: Exception | None = None

    def __hash__(self) -> int:
        """Keep the order of a set the same, whatever place in memory its members have."""
        return self._number

    def work(self, task: Callable[[], Any]) -> None:
        """Do a task, and keep what comes of it."""
        try:
            self._value = task()
        except Exception as error:
            self._error = error
        self.done.set()

    def result(self) -> Any:
        """Wait for what comes of it."""
        self.done.wait(None)
        if self._error:
            raise self._error
        return self._value


def wait(futures: set[Any], timeout_s: float | None, _until: str) -> tuple[set[Any], set[Any]]:
    """Wait for the first of some futures, as `concurrent.futures.wait` does."""
    if not any(one.done.is_set() for one in futures):
        timeline.now().sleep(0.05 if timeout_s is None else timeout_s)
    gone = {one for one in futures if one.done.is_set()}
    return gone, futures - gone


@contextmanager
def virtual_modules() -> Iterator[None]:
    """Give the product's modules the virtual clock and threads."""
    places = {
        "time": (ingest.worker, ingest.writer, ingest.inbox, hearth.rounds, hearth.commands.watch,
                 hearth.commands.notify),
        "threading": (ingest.inbox,),
        "now": (hearth.commands.watch, hearth.commands.notify),
    }  # fmt: skip
    replaced: dict[str, Any] = {"time": VirtualTime, "threading": VirtualThreading, "now": timeline.clock}
    with ExitStack() as patches:
        for name, modules in places.items():
            for module in modules:
                patches.enter_context(patch.object(module, name, replaced[name]))
        patches.enter_context(patch.object(ingest.ahead, "ThreadPoolExecutor", Pool))
        patches.enter_context(patch.object(ingest.ahead, "Event", Event))
        patches.enter_context(patch.object(psycopg.connection, "Pipeline", WholePipeline))
        patches.enter_context(patch.object(ingest.ahead, "LOOK_S", LOOK_S))
        patches.enter_context(patch.object(ingest.ahead, "ENOUGH", ENOUGH))
        for module in (ingest.worker, hearth.rounds):
            patches.enter_context(patch.object(module, "FIRST_RETRY_S", RETRY_S))
        patches.enter_context(patch.object(alerts.notices.sending, "wait", wait))
        yield


@contextmanager
def as_is() -> Iterator[None]:
    """Leave the product as it is."""
    yield


def worker(process: Process, connect: Connect, broker: Broker, policy: Policy, batch: int) -> Source:
    """Start `hearth ingest` with batches of so many messages; return what feeds it."""
    settings = SETTINGS
    senders, sources = senders_of(settings), Sources()
    inbox = Inbox(settings.queue_messages, settings.queue_mb * 1_000_000, sources.account_of, senders)
    address = broker_address(settings, SESSION, sources)
    source = Source(broker, address, inbox, process)
    limits = limits_of(settings, policy, timeline.clock())
    intake = Intake(SESSION, limits, Judge(policy).readings, SensorPlaces(), inbox.__len__, sources, senders)

    def run() -> None:
        Worker(
            Lead(connect, address, timeline.clock),
            cast(BrokerSource, source),
            inbox,
            Writer(intake, timeline.clock, settings.deferred_mb * 1_000_000, lambda fates: None),
            BatchBounds(batch, BATCH_AGE_S),
        ).run(cast(Any, Event()))

    timeline.now().start(process, run)
    return source


def watch(process: Process, connect: Connect, policy: Policy, every_s: dict[str, float]) -> None:
    """Start `hearth watch`; `every_s` has other paces for some rounds, and infinity for those that never come."""
    stop = cast(Any, Event())
    judge = Judge(policy)

    def lead(conn: Connection) -> None:
        if hearth.commands.watch._become_leader(conn, stop):
            rounds = hearth.watch_rounds.rounds(judge, SETTINGS, timeline.clock)
            for one in rounds:
                one.every_s = every_s.get(one.name, one.every_s)
            rounds = [one for one in rounds if one.every_s < inf]
            hearth.commands.watch._lead(conn, rounds, stop)

    timeline.now().start(process, lambda: hearth.rounds.keep_at(connect, lead, stop))


class Door:
    """A channel that takes messages, or does not; keeps what was taken by key."""

    def __init__(self, meet: Callable[[], None]) -> None:
        self.meet = meet
        self.taken: list[str] = []

    def send(self, message: Any, _timeout_s: float) -> None:
        """Take a message."""
        timeline.now().sleep(0.05)
        self.meet()
        self.taken.append(str(message.key))


def notify(process: Process, connect: Connect, policy: Policy, door: Door) -> None:
    """Start `hearth notify` with a recipient for dispatch and one for each station."""
    stop = cast(Any, Event())
    channels = cast(Any, {"door": door})
    staff = (
        Recipient(name="desk", audience=Audience.DISPATCH, station=None, language="en", channels=channels),
        *(
            Recipient(name=station, audience=Audience.CREW, station=station, language="zh", channels=channels)
            for station in ("East", "West")
        ),
    )
    recipients = Recipients(staff)

    def run() -> None:
        post = Post(cast(Any, Pool(8)), recipients, LEASE, lambda _channel, _outcome: None)

        def work(conn: Connection) -> None:
            told = [row for one in staff for row in one.rows()]
            hearth.commands.notify._work(conn, policy, post, METRICS, stop, [hearth.commands.notify._staff(told)])

        hearth.rounds.keep_at(connect, work, stop)

    timeline.now().start(process, run)


SETTINGS = Settings()
METRICS = NotifyMetrics()

"""The way of a message: broker → inbox → one transaction → acknowledgement."""

import threading
import time
from collections.abc import Callable, Sequence

import psycopg
import structlog

from domain.backoff import Backoff
from domain.errors import UsageError
from ingest.ahead import BatchBounds, SortedAhead
from ingest.doubt import Doubt
from ingest.failures import NOT_MIGRATED, Superseded, told
from ingest.inbox import Inbox
from ingest.lead import Lead
from ingest.message import Message
from ingest.message_source import MessageSource
from ingest.validate import SortedMessages
from ingest.writer import Writer
from store.base.away import is_away, what_is_wrong

FIRST_RETRY_S = 0.2
SLOWEST_RETRY_S = 15.0
CONFIRM_S = 5.0  # a worker without messages finds out so soon that it has lost its database
log = structlog.get_logger()
SURPLUS_BYTES = 4_000_000  # put by in one transaction
SURPLUS_S = 0.2  # how long that may go on before the next batch
NOTE_S = 10.0


class Worker:
    """Takes batches from an inbox, stores them, and has them acknowledged; no failure of that is its end.

    It works only while it has the right to its session at the broker. When that is lost, with the connection to the
    database, it parts from the broker before it asks for it again; what it had not acknowledged comes again, to
    the worker that has the session then.
    """

    def __init__(
        self,
        lead: Lead,
        source: MessageSource,
        inbox: Inbox,
        writer: Writer,
        batch: BatchBounds,
        on_retry: Callable[[], None] = lambda: None,
    ) -> None:
        self.lead = lead
        self.source = source
        self.inbox = inbox
        self.writer = writer
        self.ahead = SortedAhead(inbox, batch, writer.intake.sort)
        self.on_retry = on_retry
        self._noted_s = time.monotonic()
        self._backoff = Backoff(FIRST_RETRY_S, SLOWEST_RETRY_S)
        self._confirmed_s = 0.0

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop, or until the source has ended; the batch in hand is finished."""
        self.source.start()
        try:
            while not self._over(stop):
                self._hold(stop)
        finally:
            self.source.stop()
            self.ahead.close()
            self.lead.let_go()

    def _over(self, stop: threading.Event) -> bool:
        return stop.is_set() or self.source.ended.is_set()

    def _hold(self, stop: threading.Event) -> None:
        """Wait for the right to the session and work as long as it lasts; after a failure, pause ever longer."""
        try:
            if self.lead.take(stop):
                self.writer.name(self.lead.name)
                self._work(stop)
        except UsageError:
            raise
        except Exception as error:
            self._part()
            pause_s = self._backoff.fail()
            _log_failure(error, pause_s)
            self.on_retry()
            stop.wait(pause_s)

    def _work(self, stop: threading.Event) -> None:
        """Store what comes, until told to stop or until the session turns out to be the wrong one."""
        while not self._over(stop):
            if self.source.forgotten:
                self.lead.distrust(self.source.forgotten)
                self._part()
                self.source.forgotten = None
                return
            self._keep_permitted()
            self._turn(stop)

    def _keep_permitted(self) -> None:
        """Make sure of the right to the session: now and then, and each time the source wants to open it."""
        if self.source.waits:
            self.lead.confirm()
            self.source.permit(self.lead.address)
        elif time.monotonic() - self._confirmed_s > CONFIRM_S:
            self.lead.confirm()
            self._succeeded()

    def _turn(self, stop: threading.Event) -> None:
        """Make room, store the next batch, and when little waits, something of what was put by."""
        end = time.monotonic() + SURPLUS_S
        while time.monotonic() < end and (surplus := self.inbox.surplus(SURPLUS_BYTES)):
            self.writer.put_by(self.lead.conn, surplus)
            self._done(surplus)
        if batch := self.ahead.take(0.5):
            self.ahead.begin()
            self._store(batch)
        while self._has_time() and self.writer.store_later(self.lead.conn):
            if len(self.inbox) or self.source.waits or stop.is_set():
                break
        if self.inbox.deferred and time.monotonic() - self._noted_s > NOTE_S:
            self._noted_s = time.monotonic()
            self.writer.note_deferred(self.lead.conn, self.inbox.take_deferred())

    def _store(self, batch: SortedMessages) -> None:
        """Store a batch, without its culprits if it is refused, and acknowledge it."""
        try:
            if not self.writer.store(self.lead.conn, batch):
                self.ahead.give_back()
                self.writer.sift(self.lead.conn, batch.taken)
        except Superseded:
            log.info("a batch is left to who reads it now", messages=len(batch.taken))
            self.inbox.settle(batch.taken)
            return
        self._done(batch.taken)

    def _done(self, messages: Sequence[Message]) -> None:
        """Acknowledge messages that are dealt with: the transaction that has them, or their fates, is committed."""
        self.source.acknowledge(messages)
        self.inbox.settle(messages)
        self._succeeded()

    def _has_time(self) -> bool:
        return not self.ahead.has_next() and self.inbox.is_calm()

    def _succeeded(self) -> None:
        self._confirmed_s = time.monotonic()
        self._backoff.succeed()

    def _part(self) -> None:
        """Part from the broker, then give up the right to the session; what is in hand comes again."""
        self.source.drop()
        self.ahead.forget()
        self.inbox.abandon()
        self.lead.let_go()


def _log_failure(error: Exception, pause_s: float) -> None:
    if isinstance(error, psycopg.Error):
        log.warning(f"{_what_failed(error)}; nothing acknowledged", error=str(error).strip()[:500], retry_s=pause_s)
    elif isinstance(error, Doubt):
        log.error("messages of many senders fail; nothing acknowledged", error=str(error), retry_s=pause_s)
    else:
        log.error("worker failed; nothing acknowledged", error=told(error), retry_s=pause_s)


def _what_failed(error: psycopg.Error) -> str:
    if is_away(error):
        return what_is_wrong(error)
    if isinstance(error, NOT_MIGRATED):
        return "database not as this version needs it: run hearth migrate"
    return "database refuses what a worker notes"  # of messages: what they bring is sifted

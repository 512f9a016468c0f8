"""The way of a message: broker → inbox → one transaction → acknowledgement."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from psycopg import Connection

from ingest.failures import NOT_MIGRATED
from ingest.inbox import Inbox
from ingest.message import Message
from ingest.source import Source
from ingest.writer import Writer
from store.away import AWAY, what_is_wrong
from store.stage import open_stages

SLOWEST_RETRY_S = 15.0
log = structlog.get_logger()
T = TypeVar("T")
SURPLUS_BYTES = 4_000_000  # put by in one transaction
SURPLUS_S = 0.2  # how long that may go on before the next batch
NOTE_S = 10.0
Write = Callable[[Connection, list[Message]], int]  # says how many of the messages, from the first on, are dealt with


class Worker:
    """Takes batches from an inbox, stores them, and has them acknowledged; survives a database that goes away."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        source: Source,
        inbox: Inbox,
        writer: Writer,
        batch_messages: int,
        batch_age_s: float,
        on_retry: Callable[[], None] = lambda: None,
    ) -> None:
        self.connect = connect
        self.source = source
        self.inbox = inbox
        self.writer = writer
        self.batch_messages = batch_messages
        self.batch_age_s = batch_age_s
        self.on_retry = on_retry
        self._conn: Connection | None = None
        self._noted_s = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop, or until the source has ended; the batch in hand is finished."""
        self._retry(self._connection, stop)
        self.source.start()
        try:
            while not stop.is_set() and not self.source.ended.is_set():
                self._turn(stop)
        finally:
            self.source.stop()
            if self._conn:
                self._conn.close()

    def _turn(self, stop: threading.Event) -> None:
        """Make room, store the next batch, and when little waits, something of what was put by."""
        end = time.monotonic() + SURPLUS_S
        while time.monotonic() < end and (surplus := self.inbox.surplus(SURPLUS_BYTES)):
            self._finish(surplus, self.writer.put_by, stop)
        batch = self.inbox.take(self.batch_messages, self.batch_age_s, 0.5)
        if batch:
            self._finish(batch, self.writer.store, stop)
        while self.inbox.is_calm() and self._retry(lambda: self.writer.store_later(self._connection()), stop):
            if len(self.inbox):
                break
        if self.inbox.deferred and time.monotonic() - self._noted_s > NOTE_S:
            self._noted_s = time.monotonic()
            deferred = self.inbox.take_deferred()
            self._retry(lambda: self.writer.note_deferred(self._connection(), deferred), stop)

    def _finish(self, batch: list[Message], write: Write, stop: threading.Event) -> None:
        """Write a batch, however often the database has to be asked, and acknowledge what is written."""
        count = self._retry(lambda: write(self._connection(), batch), stop)
        if count:
            self.source.acknowledge(batch[:count])
            self.inbox.settle(batch[:count])
            self.inbox.put_back(batch[count:])

    def _connection(self) -> Connection:
        if self._conn is None or self._conn.closed:
            self._conn = self.connect()
            open_stages(self._conn)
        return self._conn

    def _retry(self, act: Callable[[], T], stop: threading.Event) -> T | None:
        """Try until it succeeds or we are told to stop; the pause between tries grows."""
        delay_s = 0.2
        while True:
            try:
                return act()
            except (*AWAY, *NOT_MIGRATED) as error:
                known = isinstance(error, AWAY)
                what = what_is_wrong(error) if known else "database not as this version needs it: run hearth migrate"
                log.warning(f"{what}; nothing acknowledged", error=str(error).strip(), retry_s=delay_s)
                self.on_retry()
                if self._conn is not None:
                    self._conn.close()
            if stop.wait(delay_s):
                return None
            delay_s = min(delay_s * 2, SLOWEST_RETRY_S)

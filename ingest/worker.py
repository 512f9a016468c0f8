"""The way of a message: broker → inbox → one transaction → acknowledgement."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

import psycopg
import structlog
from psycopg import Connection

from domain.reasons import RejectReason
from ingest.batch import Fates, Intake, add_counts, ages, store_batch
from ingest.decoders.fault import Fault
from ingest.inbox import Inbox
from ingest.message import Message
from ingest.source import Source
from ingest.validate import Sorted
from store.away import AWAY, what_is_wrong
from store.stage import open_stages

SLOWEST_RETRY_S = 15.0
log = structlog.get_logger()
T = TypeVar("T")

# Errors that lie in the database: another version of it, or rights that are not given. `hearth migrate` sets both.
NOT_MIGRATED = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.InsufficientPrivilege,
)
# Errors that lie in what was sent: trying again would not help.
OF_CONTENT = (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError, ValueError)


class Worker:
    """Takes batches from an inbox, stores them, and has them acknowledged; survives a database that goes away."""

    def __init__(
        self,
        connect: Callable[[], Connection],
        source: Source,
        inbox: Inbox,
        intake: Intake,
        clock: Callable[[], datetime],
        batch_messages: int,
        batch_age_s: float,
        on_fates: Callable[[Fates], None] = lambda _: None,
        on_retry: Callable[[], None] = lambda: None,
    ) -> None:
        self.connect = connect
        self.source = source
        self.inbox = inbox
        self.intake = intake
        self.clock = clock
        self.batch_messages = batch_messages
        self.batch_age_s = batch_age_s
        self.on_fates = on_fates
        self.on_retry = on_retry
        self._conn: Connection | None = None

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop, or until the source has ended; the batch in hand is finished."""
        self._retry(self._connection, stop)
        self.source.start()
        try:
            while not stop.is_set() and not self.source.ended.is_set():
                batch = self.inbox.take(self.batch_messages, self.batch_age_s, 0.5)
                if batch:
                    self._finish(batch, stop)
        finally:
            self.source.stop()
            if self._conn:
                self._conn.close()

    def _finish(self, batch: list[Message], stop: threading.Event) -> None:
        """Store a batch, however often the database has to be asked, and acknowledge it."""
        if self._retry(lambda: self._store(batch), stop):
            self.source.acknowledge(batch)
            self.inbox.settle(len(batch))

    def _store(self, batch: Sequence[Message]) -> bool:
        """Store a batch; one that fails for its content is cut in halves until the culprit is a dead letter."""
        try:
            fates = store_batch(self._connection(), self.intake, batch, self.clock())
            self.source.publish(fates.requests)
            self.on_fates(fates)
        except NOT_MIGRATED:
            raise
        except OF_CONTENT as error:
            if len(batch) == 1:
                self._bury(batch[0], error)
            else:
                half = len(batch) // 2
                self._store(batch[:half])
                self._store(batch[half:])
        return True

    def _bury(self, message: Message, error: Exception) -> None:
        log.error("message refused", topic=message.topic, error=str(error))
        grave = Sorted()
        grave.reject(message, Fault(RejectReason.REFUSED, str(error)))
        conn, now = self._connection(), self.clock()
        fates = Fates(messages=1, ages=ages([message]))
        with conn.transaction():
            fates.dead = self.intake.bury(conn, grave)
            add_counts(conn, self.intake, fates, now)
        self.on_fates(fates)

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

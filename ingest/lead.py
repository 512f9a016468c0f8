"""The right to a session at the broker: an advisory lock of the database, lost with the connection that holds it.

Workers that share one session stand by in turn. The broker fences them too: a session that is opened again is
taken from the one that had it, and everything not acknowledged is sent again.
"""

import threading
from collections.abc import Callable
from datetime import datetime

import structlog
from psycopg import Connection

from ingest.address import Address
from store.base import locks
from store.base.stage import open_stages
from store.judging import state_rows
from store.readings import broker_shares

STAND_BY_S = 1.0
log = structlog.get_logger()


class Lead:
    """Chooses the session of a worker and holds the right to it.

    A numbered worker has a session of its own, and a share of the messages, only at a broker that was seen to keep
    shared subscriptions; everywhere else there is one session for all, and one worker has it.

    Args:
        plain: the session that all workers have in common.
        worker: the number of this worker, or None.
        leaving: the session of this number is to end, whatever the broker keeps.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        plain: Address,
        worker: int | None,
        clock: Callable[[], datetime],
        leaving: bool = False,
    ) -> None:
        self.address = plain
        self._connect = connect
        self._plain = plain
        self._worker = worker
        self._clock = clock
        self._leaving = leaving
        self._shares: bool | None = None  # chosen once: a session that is left alone would fill up
        self._conn: Connection | None = None
        self._held = False

    @property
    def held(self) -> bool:
        """Return whether this worker may open the session."""
        return self._held

    @property
    def conn(self) -> Connection:
        """The connection that holds the right, and by which alone messages of the session are stored."""
        assert self._conn is not None
        return self._conn

    def take(self, stop: threading.Event) -> bool:
        """Wait until the session is ours; False when told to stop before.

        Raises:
            psycopg.Error: the database is away, or not migrated.
        """
        self._conn = self._connect()
        self.address = self._chosen(self._conn)
        if not locks.try_lock_session(self._conn, self.address.lock):
            log.info("another worker has the session, standing by", client_id=self.address.client_id)
            while not locks.try_lock_session(self._conn, self.address.lock):
                if stop.wait(STAND_BY_S):
                    return False
        open_stages(self._conn)
        self._held = True
        log.info("leading", client_id=self.address.client_id)
        return True

    def confirm(self) -> None:
        """Make sure that the right is still ours.

        Raises:
            psycopg.Error: the connection, and with it the right, is lost.
        """
        state_rows.confirm(self.conn)

    def distrust(self, why: str) -> None:
        """Note that this broker loses shared subscriptions: from now on there is one session for all."""
        with self.conn.transaction():
            broker_shares.withdraw(self.conn, self.address.broker, why, self._clock())
        self._shares = False

    def let_go(self) -> None:
        """Leave the session to another worker; the caller has parted from the broker."""
        self._held = False
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def _chosen(self, conn: Connection) -> Address:
        if self._worker is None:
            return self._plain
        if self._shares is None:
            self._shares = self._leaving or broker_shares.kept(conn, self._plain.broker)
            if not self._shares:
                log.info("workers do not share at this broker", broker=self._plain.broker, proof="hearth broker probe")
        return self._plain.shared(self._worker) if self._shares else self._plain

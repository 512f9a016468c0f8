"""The right to a session at the broker: an advisory lock of the database, lost with the connection that holds it.

Workers that share one session stand by in turn. The broker fences them too: a session that is opened again is
taken from the one that had it, and everything not acknowledged is sent again.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

import structlog
from psycopg import Connection

from domain.errors import UsageError
from ingest.address import Address
from store.base import locks
from store.base.stage import open_stages
from store.judging import state_rows
from store.readings import broker_shares

STAND_BY_S = 1.0
MOST_WORKERS = 64  # that share; more stand by
log = structlog.get_logger()


class Lead:
    """Chooses the session of a worker and holds the right to it.

    A worker has a session of its own, the first that nobody has, and a share of the messages, only at a broker that was
    seen to keep shared subscriptions; everywhere else there is one session for all, and one worker has it.

    Args:
        plain: the session that all workers have in common.
        leaving: the number of a share whose session is to end, whatever the broker keeps.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        plain: Address,
        clock: Callable[[], datetime],
        leaving: int | None = None,
    ) -> None:
        self.address = plain
        self.name = plain.client_id  # of this worker in the database
        self._connect = connect
        self._plain = plain
        self._clock = clock
        self._leaving = leaving
        self._mark: str | None = None  # chosen once: a session that is left alone would fill up
        self._chosen = False
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
        self._choose(self._conn)
        said = False
        while not (found := self._first_free(self._conn)):
            if not said:
                log.info("another worker has the session, standing by", client_id=self.address.client_id)
                said = True
            if stop.wait(STAND_BY_S):
                return False
        self.name, self.address = found
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
        self._mark = None

    def let_go(self) -> None:
        """Leave the session to another worker; the caller has parted from the broker."""
        self._held = False
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def _choose(self, conn: Connection) -> None:
        """Choose whether to share, once."""
        if not self._chosen:
            self._mark = broker_shares.mark(conn, self._plain.broker, ever=bool(self._leaving))
            self._chosen = True
            if not self._mark:
                log.info("workers do not share at this broker", broker=self._plain.broker, proof="hearth broker probe")

    def _first_free(self, conn: Connection) -> tuple[str, Address] | None:
        """Take the right to the first session that nobody has; return its name here, and at the broker."""
        return next((one for one in self._sessions() if locks.try_lock_session(conn, one[1].lock)), None)

    def _sessions(self) -> Iterator[tuple[str, Address]]:
        if self._mark is None and self._leaving:
            raise UsageError(f"--share: workers never shared at {self._plain.broker}")
        if self._mark is None:
            yield self._plain.client_id, self._plain
            return
        for number in [self._leaving] if self._leaving else range(1, MOST_WORKERS + 1):
            yield f"{self._plain.client_id}-{number}", self._plain.shared(number, self._mark)


class GroupLead(Lead):
    """A worker of a group that is shared out elsewhere: it needs a name, the first that is free, and no right."""

    def _choose(self, conn: Connection) -> None:
        pass

    def _sessions(self) -> Iterator[tuple[str, Address]]:
        for number in range(1, MOST_WORKERS + 1):
            name = f"{self._plain.client_id}-{number}"
            yield name, replace(self._plain, client_id=name)

"""Work that comes again and again: each round has its own pace, and one that fails does not stop the others."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog
from psycopg import Connection

from domain.backoff import Backoff
from store.base.away import AWAY, is_away, what_is_wrong

FIRST_RETRY_S = 0.5
SLOWEST_RETRY_S = 15.0
PUT_OFF_S = 5.0  # a round that failed comes again after this, or after its own pace if that is longer
log = structlog.get_logger()


@dataclass
class Round:
    """One kind of work.

    `work` opens its own transactions on a connection in autocommit mode. If it returns True there is more to do, and it
    comes again at the next turn; else after `every_s`.
    """

    name: str
    every_s: float  # 0: at each turn
    work: Callable[[Connection], object]
    due_s: float = field(default=float("-inf"), compare=False)

    def told(self, done: Callable[[str], object]) -> "Round":
        """Return the round, as one that tells its name when it has come to its end."""

        def work(conn: Connection) -> object:
            more = self.work(conn)
            done(self.name)
            return more

        return Round(self.name, self.every_s, work)

    def turn(self, conn: Connection, now_s: float) -> bool:
        """Work if it is time to; True when there is more to do at once.

        Raises:
            psycopg.Error: the connection is lost, or the server takes no writes.
        """
        if now_s < self.due_s:
            return False
        try:
            more = self.work(conn) is True
        except Exception as error:
            if is_away(error) or conn.closed:
                raise
            log.exception("round failed", round=self.name)
            self.due_s = now_s + max(self.every_s, PUT_OFF_S)
            return False
        self.due_s = now_s if more else now_s + self.every_s
        return more


def turn(rounds: Sequence[Round], conn: Connection, clock_s: Callable[[], float]) -> bool:
    """Give each round its turn, in order; True when any has more to do at once."""
    return any([each.turn(conn, clock_s()) for each in rounds])


def keep_at(connect: Callable[[], Connection], work: Callable[[Connection], None], stop: threading.Event) -> None:
    """Work on a connection until told to stop; while the database is away or read-only, try again ever more slowly."""
    backoff = Backoff(FIRST_RETRY_S, SLOWEST_RETRY_S)
    while not stop.is_set():
        began_s = time.monotonic()
        try:
            with connect() as conn:
                work(conn)
        except AWAY as error:
            if time.monotonic() - began_s > SLOWEST_RETRY_S:
                backoff.succeed()  # it worked for a while
            pause_s = backoff.fail()
            log.warning(what_is_wrong(error), error=str(error).strip(), retry_s=pause_s)
            stop.wait(pause_s)


def in_thread(
    connect: Callable[[], Connection], work: Callable[[Connection], None], stop: threading.Event
) -> threading.Thread:
    """Start a thread that keeps at work and ends with the process, at any point.

    No error ends it before: a process that ends is started again by its supervisor, and a thread by nobody.
    """

    def run() -> None:
        while not stop.is_set():
            try:
                keep_at(connect, work, stop)
            except Exception:
                log.exception("thread failed", retry_s=SLOWEST_RETRY_S)
                stop.wait(SLOWEST_RETRY_S)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread

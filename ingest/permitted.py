"""The frame of every source of messages: it visits what it reads from when it is permitted to, again and again."""

import threading

import structlog

from domain.backoff import Backoff
from ingest.address import Address
from ingest.inbox import Inbox

FIRST_RETRY_S = 0.5
SLOWEST_RETRY_S = 30.0
LOOK_S = 0.2
log = structlog.get_logger()


class PermittedSource:
    """Feeds an inbox in a thread of its own, one visit after the other.

    A visit needs a permit, and uses it up: another process may have the right to what is read by then.
    """

    def __init__(self, inbox: Inbox, thread: str) -> None:
        self.inbox = inbox
        self.ended = threading.Event()  # left, or refused: nothing more comes
        self.connected = threading.Event()
        self.refusal: str | None = None  # what the operator has to correct
        self.forgotten: str | None = None  # why the other side is not to be trusted with shares
        self.epoch = 0  # counts connections, or claims of partitions
        self.takeovers = 0  # visits that ended because another took over
        self._permitted = threading.Event()
        self._away = threading.Event()  # no visit is under way
        self._away.set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=thread, daemon=True)

    def start(self) -> None:
        """Begin to connect and read."""
        self._thread.start()

    @property
    def waits(self) -> bool:
        """True while it waits for a permit."""
        return not self._permitted.is_set()

    def permit(self, address: Address) -> None:
        """Permit one visit: the caller has just made sure of the right to it."""
        self._permitted.set()

    def drop(self) -> None:
        """Part, and stay away until permitted again; what is kept for us on the other side stays there."""
        self._permitted.clear()
        self._wake()
        self._away.wait()

    def stop(self) -> None:
        """Stop reading, finish what is under way and part; what is kept for us on the other side stays there."""
        self._stop.set()
        self._wake()
        self._thread.join()

    def _visit(self, retry_s: float) -> None:
        """Read as long as it lasts; `epoch` moves on where the other side took us in."""
        raise NotImplementedError

    def _wake(self) -> None:
        """Wake a visit that waits for the other side, where one may wait for long."""

    def _over(self) -> bool:
        return self._stop.is_set() or self.ended.is_set()

    def _parting(self) -> bool:
        return self._over() or not self._permitted.is_set()

    def _run(self) -> None:
        backoff = Backoff(FIRST_RETRY_S, SLOWEST_RETRY_S)
        while not self._over():
            if not self._permitted.wait(LOOK_S):
                continue
            epoch = self.epoch
            self._away.clear()
            try:
                self._visit(backoff.pause_s)
            except Exception:  # a thread that ends would leave its worker permitting for ever what nobody reads
                log.exception("reading failed", retry_s=backoff.pause_s)
            finally:
                self._permitted.clear()
                self._away.set()
            if self.epoch != epoch:
                backoff.succeed()
            pause_s = backoff.fail()
            if not self._over():
                self._stop.wait(pause_s)

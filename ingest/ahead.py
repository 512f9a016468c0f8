"""The batch after the one that is being stored: taken and sorted meanwhile, once enough for one waits.

It grows piece by piece until it is asked for, so a worker that has fallen behind stores more at once, and what is paid
for each sensor of a batch is paid once for all that the sensor has said meanwhile.

Sorting asks nothing of the database and so does not have to wait for it. Everything that depends on the registry, the
policy or what is stored is looked at in the transaction of the batch.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import NamedTuple, Protocol

import structlog

from ingest.failures import told
from ingest.inbox import Inbox
from ingest.message import Message
from ingest.validate import SortedMessages, WorkLeft

log = structlog.get_logger()
LOOK_S = 0.005
ENOUGH = 5_000  # messages that wait for no more, and are sorted at once


class BatchBounds(NamedTuple):
    """The end of a batch: so long after its first message, or enough of them; one that is sorted ahead may grow."""

    messages: int  # at most
    age_s: float

    @property
    def enough(self) -> int:
        """Messages that make a batch."""
        return min(ENOUGH, self.messages)


class SortStep(Protocol):
    """Sorts messages, as many of them as are work enough for what is left of a batch."""

    def __call__(self, messages: Sequence[Message], work: WorkLeft | None = None, /) -> SortedMessages:
        """Sort them; no work given: they begin the batch."""


class SortedAhead:
    """Gives out sorted batches in the order in which their messages came. Called by one thread.

    Its own thread works only between `begin` and the call that follows. There are two batches in hand at most, the one
    that was given out and the next; both count as taken out of the inbox.
    """

    def __init__(self, inbox: Inbox, bounds: BatchBounds, sort: SortStep) -> None:
        self._inbox = inbox
        self._bounds = bounds
        self._sort = sort
        self._thread = ThreadPoolExecutor(1, "sort")
        self._wanted = Event()
        self._begun: Future[SortedMessages | None] | None = None
        self._next: SortedMessages | None = None

    def take(self, wait_s: float) -> SortedMessages | None:
        """Return the next batch; None if no message comes within `wait_s`."""
        if self.has_next():
            batch, self._next = self._next, None
        else:
            batch = self._sorted(self._inbox.take(self._bounds.enough, self._bounds.age_s, wait_s))
        return batch if batch and batch.taken else None

    def begin(self) -> None:
        """Begin with the next batch as soon as enough waits for one, and waits for nobody's turn.

        A smaller one is better taken when it is asked for: it is a larger one then.
        """
        self._wanted.clear()
        self._begun = self._thread.submit(self._grown)

    def has_next(self) -> bool:
        """Return whether the next batch is in hand; if it has not begun yet, it is not begun any more."""
        self._wanted.set()
        begun, self._begun = self._begun, None
        if begun is not None:
            self._next = begun.result()
        return self._next is not None

    def give_back(self) -> None:
        """Put the next batch back. It is sorted again, after what is sorted now: some decoders remember."""
        if self.has_next() and self._next:
            self._inbox.put_back(self._next.taken)
            self._next = None

    def forget(self) -> None:
        """Forget the next batch: it is not acknowledged, and the broker sends it again."""
        try:
            self.has_next()
        except Exception as error:
            log.error("sorting failed", error=told(error))
        self._next = None

    def close(self) -> None:
        """End the thread."""
        self.forget()
        self._thread.shutdown()

    def _grown(self) -> SortedMessages | None:
        """Sort what waits, piece by piece, until the batch is asked for, or as large as one may be."""
        pieces: list[SortedMessages] = []
        enough, room = self._bounds.enough, self._bounds.messages
        while room >= enough and not self._wanted.is_set():
            if len(self._inbox) - self._inbox.in_lanes < enough:
                self._wanted.wait(LOOK_S)
                continue
            messages = self._inbox.take(enough, 0, 0)
            pieces.append(self._sorted(messages, pieces[-1].left if pieces else None))
            if len(pieces[-1].taken) < len(messages):
                break  # that is work enough for one transaction
            room -= len(messages)
        return SortedMessages.joined(pieces) if pieces else None

    def _sorted(self, messages: Sequence[Message], work: WorkLeft | None = None) -> SortedMessages:
        """Sort messages; those beyond the work of one batch are the first of the next one."""
        batch = self._sort(messages, work)
        self._inbox.put_back(messages[len(batch.taken) :])
        return batch

"""The batch after the one that is being stored: taken and sorted meanwhile, once a whole one waits.

Sorting asks nothing of the database and so does not have to wait for it. Everything that depends on the registry, the
policy or what is stored is looked at in the transaction of the batch.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import NamedTuple

from ingest.inbox import Inbox
from ingest.message import Message
from ingest.validate import SortedMessages

LOOK_S = 0.005


class BatchBounds(NamedTuple):
    """The end of a batch: so many messages, or so long after its first one."""

    messages: int
    age_s: float


class SortedAhead:
    """Gives out sorted batches in the order in which their messages came. Called by one thread.

    Its own thread works only between `begin` and the call that follows. There are two batches in hand at most, the one
    that was given out and the next; both count as taken out of the inbox.
    """

    def __init__(self, inbox: Inbox, bounds: BatchBounds, sort: Callable[[Sequence[Message]], SortedMessages]) -> None:
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
            batch = self._sorted(self._inbox.take(self._bounds.messages, self._bounds.age_s, wait_s))
        return batch if batch and batch.taken else None

    def begin(self) -> None:
        """Begin with the next batch as soon as a whole one waits, which waits for nobody's turn.

        A smaller one is better taken when it is asked for: it is a larger one then.
        """
        self._wanted.clear()
        self._begun = self._thread.submit(self._whole)

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
        self.has_next()
        self._next = None

    def close(self) -> None:
        """End the thread."""
        self.forget()
        self._thread.shutdown()

    def _whole(self) -> SortedMessages | None:
        while not self._wanted.is_set():
            if len(self._inbox) - self._inbox.in_lanes >= self._bounds.messages:
                return self._sorted(self._inbox.take(self._bounds.messages, 0, 0))
            self._wanted.wait(LOOK_S)
        return None

    def _sorted(self, messages: Sequence[Message]) -> SortedMessages:
        """Sort messages; those beyond the work of one batch are the first of the next one."""
        batch = self._sort(messages)
        self._inbox.put_back(messages[len(batch.taken) :])
        return batch

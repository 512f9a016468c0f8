"""Messages between the network and the database: bounded, and acknowledged by connection."""

import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from ingest.message import Message


class Inbox:
    """One thread puts messages in, one takes batches out. `room` counts what is taken and not yet settled, too."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._waiting: deque[Message] = deque()
        self._unsettled = 0
        self._taking = False
        self._filled = threading.Event()

    def has_room(self) -> bool:
        """Whether the network may read on."""
        return len(self._waiting) + self._unsettled < self.capacity

    def put(self, messages: Sequence[Message]) -> None:
        """Add messages; the caller has asked for room, and may bring a read's worth more than there was."""
        if messages:
            self._waiting.extend(messages)
            self._filled.set()

    def take(self, most: int, age_s: float, wait_s: float) -> list[Message]:
        """The next batch: up to `most` messages, or what has come `age_s` after the first; empty after `wait_s`."""
        if not self._filled.wait(wait_s):
            return []
        end = time.monotonic() + age_s
        while len(self._waiting) < most and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.005))
        self._filled.clear()
        self._taking = True
        batch = self._pop(most)
        self._unsettled += len(batch)
        self._taking = False
        if self._waiting:
            self._filled.set()
        return batch

    def _pop(self, most: int) -> list[Message]:
        batch: list[Message] = []
        with suppress(IndexError):  # the network may clear what waits at any moment
            while len(batch) < most:
                batch.append(self._waiting.popleft())
        return batch

    def settle(self, count: int) -> None:
        """A taken batch is stored (or its connection is gone): its places are free."""
        self._unsettled -= count

    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is taken; in this order, because a batch moves from one to the other."""
        return not self._waiting and not self._taking and not self._unsettled

    @property
    def unsettled(self) -> int:
        """Messages taken and not yet settled."""
        return self._unsettled

    def clear(self) -> None:
        """Forget what waits: the connection is gone, and the broker sends all of it again."""
        self._waiting.clear()

    def __len__(self) -> int:
        return len(self._waiting)

"""The queue as it was read last, for all desks that ask for the same, until something happens to a ticket."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from markupsafe import Markup
from psycopg import Connection

from store.figures import live_feed
from store.figures.live_feed import Snapshot

# Changes without an event (the name of a building, the minutes on a clock) appear after this.
KEPT_FOR = timedelta(seconds=5)
MOST_KEPT = 200


@dataclass(frozen=True, kw_only=True)
class QueueRow:
    """A ticket of the queue with its cells, rendered."""

    number: str
    ticket_id: int
    urgency: str
    left: Markup
    cells: Markup


@dataclass(frozen=True, kw_only=True)
class QueuePart:
    """A page of the queue as it was at a place in the feed."""

    at: Snapshot
    read_at: datetime
    rows: Sequence[QueueRow]
    counts: Mapping[str, int]
    cursor: str | None


@dataclass
class _Slot:
    """The part kept for one question; the holder of the lock reads it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    part: QueuePart | None = None


class QueueBoard:
    """The parts of the queue that one process keeps.

    Two hundred desks hear of a change at once and ask for the same: one of them reads it, the others get that.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: OrderedDict[Hashable, _Slot] = OrderedDict()

    def current(
        self, conn: Connection, asked: Hashable, now: datetime, read: Callable[[Snapshot], QueuePart]
    ) -> QueuePart:
        """Return a part as it is now: what is kept if nothing has happened since, else what `read` returns.

        Args:
            asked: all that the part depends on, the scope of the caller and the language among it.
            read: reads it; its argument is a place in the feed that all of it is later than.
        """
        slot = self._slot(asked)
        if kept := self._kept(conn, slot.part, now):
            return kept
        with slot.lock:
            if kept := self._kept(conn, slot.part, now):
                return kept
            slot.part = read(live_feed.now(conn))
            return slot.part

    def _slot(self, asked: Hashable) -> _Slot:
        with self._lock:
            slot = self._slots.setdefault(asked, _Slot())
            self._slots.move_to_end(asked)
            while len(self._slots) > MOST_KEPT:
                self._slots.popitem(last=False)
            return slot

    def _kept(self, conn: Connection, part: QueuePart | None, now: datetime) -> QueuePart | None:
        """Return a part if it still holds, at the present place in the feed."""
        if part is None or not part.read_at <= now < part.read_at + KEPT_FOR:
            return None
        at, is_quiet = live_feed.quiet(conn, part.at)
        return replace(part, at=at) if is_quiet else None

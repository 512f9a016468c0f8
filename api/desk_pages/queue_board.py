"""The queue as it was read last, for all desks that ask for the same, until something happens to a ticket."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from psycopg import Connection

from store.figures import live_feed
from store.figures.live_feed import Snapshot
from store.tickets import presence_rows
from store.tickets.presence_rows import PresenceRow

# Changes without an event (the name of a building, the minutes on a clock) appear after this.
KEPT_FOR = timedelta(seconds=5)
MOST_KEPT = 400
Part = TypeVar("Part")


@dataclass(eq=False)
class _Slot:
    """The part kept under one key; the holder of the lock reads it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    parts: list[Any] = field(default_factory=list)  # none or one


@dataclass(eq=False)
class KeptParts:
    """Parts read since a place in the feed; they hold as long as nothing has happened to a ticket since."""

    since: Snapshot
    read_at: datetime
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _slots: OrderedDict[Hashable, _Slot] = field(default_factory=OrderedDict)

    def get(self, key: Hashable, read: Callable[[], Part]) -> Part:
        """Return what is kept under a key, else what `read` returns; it may ask for other keys."""
        slot = self._slot(key)
        with slot.lock:
            if not slot.parts:
                slot.parts.append(read())
            part: Part = slot.parts[0]
            return part

    def _slot(self, key: Hashable) -> _Slot:
        with self._lock:
            slot = self._slots.setdefault(key, _Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > MOST_KEPT:
                self._slots.popitem(last=False)
            return slot


class QueueBoard:
    """The parts of the queue that one process keeps.

    Two hundred desks hear of a change at once and ask for the same: one of them reads it, the others get that.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: KeptParts | None = None

    def moment(self, conn: Connection, now: datetime) -> "QueueMoment":
        """Look whether what is kept still holds; what does not is kept no more."""
        while True:
            held = self._kept
            if held is not None and held.read_at <= now < held.read_at + KEPT_FOR:
                at, is_quiet = live_feed.quiet(conn, held.since)
                if is_quiet:
                    return QueueMoment(conn, at, held)
            else:
                at = live_feed.now(conn)
            with self._lock:
                if self._kept is held:  # else somebody else has been faster
                    self._kept = KeptParts(at, now)
                    return QueueMoment(conn, at, self._kept)


@dataclass(frozen=True, eq=False)
class QueueMoment:
    """The queue at a moment, for all who ask then.

    Args:
        at: a place in the feed that all of it is later than.
    """

    conn: Connection
    at: Snapshot
    kept: KeptParts
    _people: dict[tuple[int, ...], list[PresenceRow]] = field(default_factory=dict)

    def people_at(self, tickets: Sequence[int]) -> list[PresenceRow]:
        """Return who is at some tickets."""
        key = tuple(tickets)
        if key not in self._people:
            self._people[key] = presence_rows.at(self.conn, tickets)
        return self._people[key]

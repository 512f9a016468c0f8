"""Messages between the network and the database: bounded, fair among senders, and acknowledged by connection.

Messages wait in one queue, in the order in which they came. A sender that has more waiting than its share (or has said
more than it may in this minute) gets a lane of its own for what comes next: each batch takes the common queue first and
then a little of each lane in turn, so that a flooding sender delays nobody but itself. What does not fit any more
although it is in lanes is surplus, for the worker to put by.
"""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence

from ingest.message import Message
from ingest.senders import NETWORK, NETWORK_SHARES, Senders

MESSAGE_BYTES = 200  # what a message takes, in memory and in work, besides its payload
OWN = "hearth/v1/"  # topics of devices of our own, each of which is its own account
SHARES = 128  # a sender may have this part of the room waiting in the common queue
LANE_BYTES = 512 * 1024  # out of a few lanes in one batch: a tenth of a second, more or less
TURN_BYTES = 64 * 1024  # out of one lane at its turn


def _own_account(topic: str) -> str:
    return topic


class Inbox:
    """One thread puts messages in, one takes batches out. `room` counts what is taken and not yet settled, too.

    Args:
        capacity: most messages.
        capacity_bytes: most bytes of them.
        account_of: topic → the account behind it: the topic, where a device speaks for itself, or a network.
        senders: who has said more than it may, as it stands at the moment.
        fair: False keeps the order in which messages came, also when a sender floods.
    """

    def __init__(
        self,
        capacity: int,
        capacity_bytes: int = 64_000_000,
        account_of: Callable[[str], str] = _own_account,
        senders: Senders | None = None,
        fair: bool = True,
    ) -> None:
        self.capacity = capacity
        self.capacity_bytes = capacity_bytes
        self.share = capacity_bytes // SHARES if fair else sys.maxsize
        self._account_of = account_of
        self._senders = senders or Senders()
        self._lock = threading.Lock()
        self._queue: deque[Message] = deque()
        self._lanes: dict[str, deque[Message]] = {}  # by topic or account
        self._weight: dict[str, int] = {}  # bytes waiting by topic and by account
        self._in_lanes = [0, 0]  # messages and bytes
        self._waiting = [0, 0]
        self._unsettled = [0, 0]
        self._taking = False
        self._filled = threading.Event()
        self.deferred: dict[str, int] = {}  # messages put into lanes since that was last taken, by lane

    def has_room(self) -> bool:
        """Return whether the network may read on."""
        return (
            self._waiting[0] + self._unsettled[0] < self.capacity
            and self._waiting[1] + self._unsettled[1] < self.capacity_bytes
        )

    def put(self, messages: Sequence[Message]) -> None:
        """Add messages; the caller has asked for room, and may bring a read's worth more than there was."""
        if messages:
            with self._lock:
                self._enter_all(messages)
            self._filled.set()

    def take(self, most: int, age_s: float, wait_s: float) -> list[Message]:
        """Take the next batch: up to `most` messages, or those within `age_s` of the first; empty after `wait_s`."""
        if not self._filled.wait(wait_s):
            return []
        end = time.monotonic() + age_s
        while self._waiting[0] < most and not self._lanes and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.005))
        self._filled.clear()
        self._taking = True
        with self._lock:
            batch = self._out_of_queue(most)
            if self._lanes:
                batch += self._out_of_lanes()
            _add(self._unsettled, batch)
            self._taking = False
            if self._waiting[0]:
                self._filled.set()
        return batch

    def put_back(self, messages: Sequence[Message]) -> None:
        """Put messages of a batch back that were not stored; they are the first of the next one."""
        if not messages:
            return
        with self._lock:
            _add(self._unsettled, messages, -1)
            for message in reversed(messages):
                self._enter(message, back=True)
        self._filled.set()

    def surplus(self, most_bytes: int) -> list[Message]:
        """Take the newest messages of the longest lane, if lanes fill over half of the room; they count as taken."""
        with self._lock:
            if self._in_lanes[0] * 2 <= self.capacity and self._in_lanes[1] * 2 <= self.capacity_bytes:
                return []
            key = max(self._lanes, key=lambda name: sum(_size(message) for message in self._lanes[name]))
            lane, found, size = self._lanes[key], [], 0
            while lane and size < most_bytes:
                found.append(self._leave(lane.pop(), key))
                size += _size(found[-1])
            _add(self._unsettled, found)
            return found[::-1]

    def settle(self, messages: Sequence[Message]) -> None:
        """Taken messages are stored (or their connection is gone): their places are free."""
        with self._lock:
            _add(self._unsettled, messages, -1)

    def abandon(self) -> None:
        """Forget what is taken: it is not acknowledged, and the broker sends it again."""
        with self._lock:
            self._unsettled = [0, 0]

    def is_idle(self) -> bool:
        """Return whether nothing waits and nothing is taken; in this order: a batch moves from one to the other."""
        return not self._waiting[0] and not self._taking and not self._unsettled[0]

    def is_calm(self) -> bool:
        """Return whether so little waits that there is time for what was put by."""
        return self._waiting[0] * 8 <= self.capacity and self._waiting[1] * 8 <= self.capacity_bytes

    def take_deferred(self) -> dict[str, int]:
        """Count messages put into lanes since the last call, by lane."""
        with self._lock:
            taken, self.deferred = self.deferred, {}
        return taken

    @property
    def unsettled(self) -> int:
        """Messages taken and not yet settled."""
        return self._unsettled[0]

    @property
    def waiting_bytes(self) -> int:
        """Bytes that wait, near enough."""
        return self._waiting[1]

    @property
    def in_lanes(self) -> int:
        """Messages that wait for the turn of their sender."""
        return self._in_lanes[0]

    def clear(self) -> None:
        """Forget what waits: the connection is gone, and the broker sends all of it again."""
        with self._lock:
            for kept in (self._queue, self._lanes, self._weight):
                kept.clear()
            self._waiting = [0, 0]
            self._in_lanes = [0, 0]

    def __len__(self) -> int:
        return self._waiting[0]

    def _enter_all(self, messages: Sequence[Message]) -> None:
        """Enter messages; most are of devices of our own that have little waiting, and that is done in a few steps."""
        weight, lanes, over, share = self._weight, self._lanes, self._senders.over, self.share
        count = size = 0
        for message in messages:
            topic = message[0]
            bytes_ = len(message[1]) + MESSAGE_BYTES
            waits = weight.get(topic, 0) + bytes_
            if waits > share or topic in lanes or topic in over or not topic.startswith(OWN):
                self._enter(message)
                continue
            weight[topic] = waits
            self._queue.append(message)
            count += 1
            size += bytes_
        self._waiting[0] += count
        self._waiting[1] += size

    def _enter(self, message: Message, back: bool = False) -> None:
        key = self._lane(message)
        if key is None:
            queue = self._queue
        else:
            queue = self._lanes.setdefault(key, deque())
            self._in_lanes[0] += 1
            self._in_lanes[1] += _size(message)
            if not back:
                self.deferred[key] = self.deferred.get(key, 0) + 1
        (queue.appendleft if back else queue.append)(message)
        self._waiting[0] += 1
        self._waiting[1] += _size(message)

    def _lane(self, message: Message) -> str | None:
        """Count a message as waiting; the lane it belongs into, None: the common queue."""
        topic, size = message.topic, _size(message)
        weight = self._weight[topic] = self._weight.get(topic, 0) + size
        if weight > self.share or topic in self._lanes or topic in self._senders.over:
            return topic
        account = self._account(topic)
        if account == topic:
            return None
        weight = self._weight[account] = self._weight.get(account, 0) + size
        wide = weight > NETWORK_SHARES * self.share or account in self._lanes or account in self._senders.over
        return account if wide else None

    def _leave(self, message: Message, lane: str | None = None) -> Message:
        size = _size(message)
        self._lighten(message.topic, size)
        if lane != message.topic and (account := self._account(message.topic)) != message.topic:
            self._lighten(account, size)
        self._waiting[0] -= 1
        self._waiting[1] -= size
        if lane is not None:
            self._in_lanes[0] -= 1
            self._in_lanes[1] -= size
            if not self._lanes[lane]:
                del self._lanes[lane]
        return message

    def _account(self, topic: str) -> str:
        return topic if topic.startswith(OWN) else self._account_of(topic)

    def _lighten(self, name: str, size: int) -> None:
        left = self._weight.get(name, 0) - size
        if left > 0:
            self._weight[name] = left
        else:
            self._weight.pop(name, None)

    def _out_of_queue(self, most: int) -> list[Message]:
        batch = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
        weight, size = self._weight, 0
        for message in batch:
            topic = message[0]
            bytes_ = len(message[1]) + MESSAGE_BYTES
            size += bytes_
            left = weight[topic] - bytes_
            if left > 0:
                weight[topic] = left
            else:
                del weight[topic]
            if not topic.startswith(OWN) and (account := self._account_of(topic)) != topic:
                self._lighten(account, bytes_)
        self._waiting[0] -= len(batch)
        self._waiting[1] -= size
        return batch

    def _out_of_lanes(self) -> Iterable[Message]:
        """Take a little of each lane in turn; the lane whose turn was last is the last of the next batch.

        A sender of what cannot be stored, which is dear to look at, has one turn only.
        """
        # Many lanes are not one that floods: many gateways come back after an outage, and large batches cost less.
        left, done = max(LANE_BYTES, TURN_BYTES * len(self._lanes)), set[str]()
        while left > 0 and (key := next((key for key in self._lanes if key not in done), None)) is not None:
            lane = self._lanes[key] = self._lanes.pop(key)
            if (key if key.startswith(NETWORK) else self._account(key)) in self._senders.faulty:
                done.add(key)
            turn = min(TURN_BYTES, left)
            while lane and turn > 0:
                message = self._leave(lane.popleft(), key)
                turn -= _size(message)
                left -= _size(message)
                yield message


def _size(message: Message) -> int:
    return len(message.payload) + MESSAGE_BYTES


def _add(count: list[int], messages: Collection[Message], sign: int = 1) -> None:
    count[0] += sign * len(messages)
    count[1] += sign * (sum([len(message[1]) for message in messages]) + MESSAGE_BYTES * len(messages))

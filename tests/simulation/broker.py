"""A model of an MQTT broker, as far as its word goes: QoS 1, sessions that outlive their clients, and their faults.

A message that was acknowledged to its sender waits in every session that subscribes, until it is acknowledged from
there. After a connection has ended everything unacknowledged comes again, marked by nothing that the worker looks at.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import NamedTuple

from ingest.address import Address
from ingest.inbox import Inbox
from ingest.message import Message, Stamps
from tests.simulation import timeline
from tests.simulation.timeline import SECOND, Event, Process

MOST_MIDS = 65_535
LONGEST_US = 10 * 60 * SECOND  # a client has a message before it acknowledges it, while nobody stands still
FEED_S = 0.003


class Published(NamedTuple):
    """A message on its way: its number among all of a run."""

    number: int
    topic: str
    payload: bytes


@dataclass
class BrokerFaults:
    """Habits of a broker, each within what MQTT permits at QoS 1; only `forgets` breaks its word."""

    twice: float = 0.0  # share of messages that are sent twice over one connection
    reorder: float = 0.0  # share of deliveries where the next sender overtakes
    reuses: bool = False  # the lowest number that is free names the next message; else they are counted up
    forgets: bool = False  # a restart loses sessions and what waits in them


@dataclass
class Session:
    """The session of a client id."""

    client_id: str
    share: str | None
    waiting: deque[Published] = field(default_factory=deque)
    unacknowledged: dict[int, Published] = field(default_factory=dict)
    sent_us: dict[int, int] = field(default_factory=dict)  # when each of these was sent, by its number
    longest_us: int = 0  # from sending a message until it was acknowledged, or came back
    source: "Source | None" = None
    next_mid: int = 0

    def number(self, *, reuses: bool) -> int:
        """Return the number of the next message."""
        if reuses:
            return next(n for n in count(1) if n not in self.unacknowledged)
        self.next_mid = self.next_mid % MOST_MIDS + 1
        return self.next_mid

    def part(self) -> None:
        """Take back what the client has not acknowledged: it is the first to come again."""
        self.waiting.extendleft(reversed(self.unacknowledged.values()))
        for mid in list(self.unacknowledged):
            self.take_back(mid)
        self.source = None

    def send(self, message: Published, *, reuses: bool) -> int:
        """Give a message to the client; return its number."""
        mid = self.number(reuses=reuses)
        self.unacknowledged[mid], self.sent_us[mid] = message, timeline.now().now_us
        return mid

    def take_back(self, mid: int) -> None:
        """Forget a message that was sent: it was acknowledged, or is to be sent again."""
        if self.unacknowledged.pop(mid, None):
            self.longest_us = max(self.longest_us, timeline.now().now_us - self.sent_us.pop(mid))


class Broker:
    """Sessions by client id; a group of sharing sessions has one copy of each message."""

    def __init__(self, chance: Random, faults: BrokerFaults) -> None:
        self.chance, self.faults = chance, faults
        self.sessions: dict[str, Session] = {}
        self.acknowledged: list[Published] = []  # to their senders
        self.lost: list[Published] = []  # by a broker that forgets

    def publish(self, message: Published) -> None:
        """Take a message, and acknowledge it to its sender: from here on it is the broker's."""
        self.acknowledged.append(message)
        groups: dict[str, list[Session]] = {}
        for session in self.sessions.values():
            groups.setdefault(session.share or session.client_id, []).append(session)
        if not groups:
            self.lost.append(message)
        for members in groups.values():
            there = [one for one in members if one.source] or members
            self._to(self.chance.choice(there), message)

    def open(self, source: "Source") -> Session:
        """Open the session of a client, and end the connection of another one that has it."""
        name = source.address.client_id
        session = self.sessions.setdefault(name, Session(name, source.address.share))
        if session.source is not None:
            session.source.cut()
        session.source = source
        session.next_mid = 0  # numbers come again: an old acknowledgement can hit a new message
        return session

    def restart(self) -> None:
        """End every connection; a broker that forgets has nothing afterwards."""
        for session in self.sessions.values():
            if session.source is not None:
                session.source.cut()
            if self.faults.forgets:
                self.lost.extend(session.waiting)
                session.waiting.clear()

    def depth(self) -> int:
        """Count what waits, or is not acknowledged."""
        return sum(len(one.waiting) + len(one.unacknowledged) for one in self.sessions.values())

    def next_of(self, session: Session) -> Message | None:
        """Return the next message of a session for its client."""
        waiting = session.waiting
        if not waiting or session.source is None:
            return None
        if len(waiting) > 1 and waiting[0].topic != waiting[1].topic and self.chance.random() < self.faults.reorder:
            waiting[0], waiting[1] = waiting[1], waiting[0]
        chosen = waiting.popleft()
        mid = session.send(chosen, reuses=self.faults.reuses)
        stamp = session.source.stamps.next()
        return Message(chosen.topic, chosen.payload, stamp, mid, 1, session.source.epoch, False)

    def _to(self, session: Session, message: Published) -> None:
        session.waiting.append(message)
        if self.chance.random() < self.faults.twice:
            session.waiting.append(message)
        if session.source is not None:
            session.source.look()


class Source:
    """The source of a worker on the model, in place of `ingest.source.BrokerSource`; its thread feeds the inbox, and
    sends what the worker acknowledges, perhaps over another connection than the one that brought it."""

    def __init__(self, broker: Broker, address: Address, inbox: Inbox, process: Process) -> None:
        self.broker, self.address, self.inbox, self.process = broker, address, inbox, process
        self.ended = Event()
        self.forgotten: str | None = None
        self.refusal: str | None = None
        self.connected = Event()
        self.epoch = self.takeovers = 0
        self.stamps = Stamps(timeline.clock_us)
        self.meet: Callable[[Source, bool], None] = lambda _source, _before: None  # where a fault may be in the way
        self._session: Session | None = None
        self._acks: deque[Message] = deque()
        self._permitted, self._something = Event(), Event()
        process.at_death.append(self.cut)

    def start(self) -> None:
        """Begin to wait for a permit."""
        timeline.now().start(self.process, self._run)

    @property
    def waits(self) -> bool:
        """True while it waits for a permit."""
        return not self._permitted.is_set()

    def permit(self, address: Address) -> None:
        """Open the session."""
        self.address = address
        self._permitted.set()

    def drop(self) -> None:
        """Part from the broker."""
        self.cut()

    def stop(self) -> None:
        """Part for good."""
        self.ended.set()
        self.cut()

    def look(self) -> None:
        """Notice that something waits."""
        self._something.set()

    def cut(self) -> None:
        """End the connection, from either side."""
        self._permitted.clear()
        self.connected.clear()
        self.inbox.clear()
        if self._session is not None:
            self._session.part()
            self._session = None

    def acknowledge(self, batch: Sequence[Message]) -> None:
        """Have the broker forget messages, when the thread comes to it."""
        self._acks.extend(batch)
        self.look()

    def is_current(self, message: Message) -> bool:
        """Return whether a message is of this connection: its number means nothing in another."""
        return message.epoch == self.epoch

    def publish(self, requests: Sequence[tuple[str, bytes]]) -> None:
        """Send messages that nobody waits for."""

    def _run(self) -> None:
        while not self.ended.is_set():
            self._permitted.wait(None)
            self.epoch += 1
            self._session = self.broker.open(self)
            self.connected.set()
            self._serve(self._session)

    def _serve(self, session: Session) -> None:
        while session.source is self and self.connected.is_set():
            self._something.clear()
            self.stamps.read_clock()
            batch = []
            while self.inbox.has_room() and (message := self.broker.next_of(session)):
                batch.append(message)
            self.inbox.put(batch)
            self._send_acks(session)
            if session.waiting:
                timeline.now().sleep(FEED_S)
            else:
                self._something.wait(0.5)

    def _send_acks(self, session: Session) -> None:
        if not self._acks:
            return
        self.meet(self, True)
        while self._session is session and self._acks:
            message = self._acks.popleft()
            if self.is_current(message):
                session.take_back(message.mid)
        self.meet(self, False)

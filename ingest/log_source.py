"""The Kafka side: a consumer of a group that reads only while there is room, and begins where the database says.

Kafka keeps no offsets for us. They are moved on in the transaction that stores the messages (`progress`), by the holder
of a partition alone; so a message is stored once, also when workers are killed and the group is shared out again.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition
from psycopg import Connection

from domain.instants import to_datetime
from ingest.failures import Superseded
from ingest.inbox import Inbox
from ingest.message import Message, Stamps, topic_of
from ingest.permitted import PermittedSource
from store.base.away import AWAY
from store.readings import log_offsets
from store.readings.log_offsets import Holder, Partition

READ_S = 0.1
ANSWER_S = 10.0
CHECK_S = 2.0  # how often to look whether the partitions are still ours
MOST_AT_ONCE = 2_000
LEVEL = "/"
OURS = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "partition.assignment.strategy": "range",
    "auto.offset.reset": "error",
    "queued.max.messages.kbytes": 16_384,
}
log = structlog.get_logger()


@dataclass(frozen=True)
class LogAddress:
    """A log: its servers, the topics that are read, and the group that reads them."""

    servers: str
    topics: Sequence[str]
    group: str
    options: Mapping[str, str] = field(default_factory=dict)  # of librdkafka: TLS, accounts


class LogSource(PermittedSource):
    """Feeds an inbox from a log, a stay in the group for each permit; to a worker it is as a broker is.

    Args:
        inbox: one that keeps the order, so that what is stored of a partition has no holes.
        connect: to the database, to claim partitions.
    """

    def __init__(
        self, address: LogAddress, inbox: Inbox, connect: Callable[[], Connection], now_us: Callable[[], int]
    ) -> None:
        super().__init__(inbox, "kafka")
        self.log = address
        self._connect = connect
        self._now_us = now_us
        self._stamps = Stamps(now_us)
        self._again = threading.Event()  # claim the assigned partitions again, and begin where the database says
        self._lock = threading.Lock()
        self._holder: Holder | None = None
        self._pending: dict[Partition, dict[int, None]] = {}  # offsets that are not stored yet, rising
        self._places: dict[int, tuple[Partition, int]] = {}  # of their messages, by number
        self._numbers = 0
        self._paused = False
        self._checked_s = 0.0

    def progress(self, conn: Connection, batch: Sequence[Message]) -> None:
        """Move the offsets on in the transaction that stores messages.

        Raises:
            Superseded: their partitions were claimed by another; nothing may be committed.
        """
        mine = [message for message in batch if message.epoch]  # not what was put by, long ago
        if not mine:
            return
        with self._lock:
            holder = self._holder
            if holder is None or any(message.epoch != self.epoch for message in mine):
                raise Superseded
            offsets = self._after(mine)
        if not log_offsets.move(conn, holder, offsets, to_datetime(self._now_us())):
            self._again.set()
            raise Superseded

    def acknowledge(self, batch: Sequence[Message]) -> None:
        """Forget messages that are stored."""
        with self._lock:
            for message in batch:
                if message.epoch == self.epoch and (place := self._places.pop(message.mid, None)):
                    self._pending[place[0]].pop(place[1], None)

    def publish(self, requests: Sequence[tuple[str, bytes]]) -> None:
        """Ask nobody: over a log there is no way back."""

    def _after(self, batch: Iterable[Message]) -> dict[Partition, int]:
        """Return where each partition stands once these are stored, too: at the first message that is not."""
        stored: dict[Partition, set[int]] = defaultdict(set)
        for message in batch:
            partition, offset = self._places[message.mid]
            stored[partition].add(offset)
        return {
            partition: next((at for at in self._pending[partition] if at not in done), max(done) + 1)
            for partition, done in stored.items()
        }

    def _visit(self, retry_s: float) -> None:
        """Be in the group as long as that lasts."""
        of_group = {"bootstrap.servers": self.log.servers, "group.id": self.log.group}
        consumer = Consumer({**self.log.options, **OURS, **of_group}, logger=None)
        try:
            with self._connect() as conn:
                self._serve(consumer, conn)
        except (*AWAY, KafkaException) as error:
            log.warning("log or database away", servers=self.log.servers, error=str(error).strip(), retry_s=retry_s)
        finally:
            self._let_go()
            consumer.close()

    def _serve(self, consumer: Consumer, conn: Connection) -> None:
        def assigned(_consumer: Consumer, partitions: list[TopicPartition]) -> None:
            self._claim(consumer, conn, partitions)

        def revoked(_consumer: Consumer, _partitions: list[TopicPartition]) -> None:
            self._let_go()

        consumer.subscribe(list(self.log.topics), on_assign=assigned, on_revoke=revoked, on_lost=revoked)
        while not self._parting():
            if self._lost(conn):
                self._claim(consumer, conn, consumer.assignment())
            if self._paused is self.inbox.has_room():
                self._paused = not self._paused
                (consumer.pause if self._paused else consumer.resume)(consumer.assignment())
            # Also while nothing is read: who does not ask is put out of the group.
            self._enter(consumer.consume(MOST_AT_ONCE, READ_S))

    def _lost(self, conn: Connection) -> bool:
        """Return whether our partitions are not held by us any more in the database: somebody rewinds them."""
        if self._again.is_set():
            self._again.clear()
            return True
        if self._holder is None or time.monotonic() - self._checked_s < CHECK_S:
            return False
        self._checked_s = time.monotonic()
        return not log_offsets.holds(conn, self._holder, self._pending)

    def _claim(self, consumer: Consumer, conn: Connection, partitions: Iterable[TopicPartition]) -> None:
        """Become the holder of partitions, forget what was read of them, and read from where the database says."""
        self._let_go()
        holder = Holder(self.log.group, uuid4())
        starts = {
            Partition(p.topic, p.partition): self._start(consumer, conn, holder, p.topic, p.partition)
            for p in partitions
        }
        with self._lock:
            self.epoch += 1
            self._pending = {partition: {} for partition in starts}
            self._holder = holder
        consumer.assign([TopicPartition(p.topic, p.number, at) for p, at in starts.items()])
        consumer.resume(consumer.assignment())
        self._paused = False
        self.connected.set()
        log.info("connected", group=self.log.group, partitions=len(starts), epoch=self.epoch)

    def _start(self, consumer: Consumer, conn: Connection, holder: Holder, topic: str, number: int) -> int:
        """Claim a partition and return the offset to begin at."""
        low, _ = consumer.get_watermark_offsets(TopicPartition(topic, number), ANSWER_S)
        at = log_offsets.claim(conn, holder, Partition(topic, number), low, to_datetime(self._now_us()))
        if at < low:
            log.error("the log has deleted what was not read yet", topic=topic, partition=number, messages=low - at)
        return max(at, low)

    def _let_go(self) -> None:
        """Forget what was read and is not stored: it is read again, here or elsewhere."""
        with self._lock:
            self._holder = None
            self._pending, self._places = {}, {}
        self.connected.clear()
        self.inbox.clear()

    def _enter(self, records: Iterable[Any]) -> None:
        self._stamps.read_clock()
        messages = []
        for record in records:
            if error := record.error():
                raise KafkaException(error)
            messages.append(self._message(record))
        self.inbox.put(messages)

    def _message(self, record: Any) -> Message:
        topic, partition, offset = record.topic(), record.partition(), record.offset()
        key, value = record.key() or b"", record.value() or b""
        self._numbers += 1
        with self._lock:
            place = Partition(topic, partition), offset
            self._places[self._numbers] = place
            self._pending[place[0]][offset] = None
        return Message(address_of(topic, key), value, self._stamps.next(), self._numbers, 1, self.epoch, False)


def address_of(topic: str, key: bytes) -> str:
    """Return what the sources know a record by: its key, if that is a topic of MQTT, else topic/key."""
    text = topic_of(key)
    return text if LEVEL in text else f"{topic}{LEVEL}{text}" if text else topic

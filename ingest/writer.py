"""The writer of a worker: it stores messages, sifts them, puts them by, and stores them later."""

import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

import structlog
from psycopg import Connection

from domain.instants import to_us
from domain.reasons import RejectReason
from ingest.batch import Fates, Intake, add_counts, ages, store_batch, store_sorted
from ingest.decoders.fault import DecodeFault
from ingest.doubt import Benefit
from ingest.failures import is_of_one, refusal, told
from ingest.message import Message
from ingest.senders import NETWORK, MinuteCount
from ingest.validate import RefusedMessage, SortedMessages
from store.readings import deferred, ingest_counts
from store.readings.deferred import DeferredPack, Pack
from store.readings.ingest_counts import Excess

MOST_TRIES = 40  # failed transactions of one batch, before a sender's messages are buried together
PACK_BYTES, PACK_MESSAGES = 64 * 1024, 1_000
LATER_PACKS = 4  # in one transaction: a tenth of a second, more or less
LOOK_S = 60.0  # how often to ask the database what is put by, by others and before us
LINES_A_MINUTE = 10
_HEAD = struct.Struct(">qi")  # time of receipt, length
log = structlog.get_logger()


class Writer:
    """Writes messages in transactions of bounded work.

    Args:
        most_by_bytes: how much may be put by in the database; what is above is counted but not kept.
        on_fates: told what became of messages, after the commit.
    """

    def __init__(
        self, intake: Intake, clock: Callable[[], datetime], most_by_bytes: int, on_fates: Callable[[Fates], None]
    ) -> None:
        self.intake = intake
        self.clock = clock
        self.most_by_bytes = most_by_bytes
        self.on_fates = on_fates
        # What was put by is stored pack by pack, each of which is little work.
        self._whole = replace(
            intake, limits=replace(intake.limits, batch_readings=sys.maxsize, batch_bytes=sys.maxsize)
        )
        self._by_bytes = 0  # put by and not stored yet, as far as we know
        self._looked_s = float("-inf")
        self._lines = Lines(LINES_A_MINUTE)
        self._reading, self._storing = Benefit(), Benefit()

    def name(self, worker: str) -> None:
        """Count under this name from now on."""
        self.intake, self._whole = replace(self.intake, worker=worker), replace(self._whole, worker=worker)

    def store(self, conn: Connection, batch: SortedMessages) -> bool:
        """Store a batch in one transaction; False if it cannot be as it is: nothing of it is stored.

        Raises:
            Doubt: messages of too many senders cannot be read by an error of our own.
        """
        now = self.clock()
        self.intake.senders.turn(to_us(now))
        failed = self._weigh_failed(batch)
        try:
            fates = store_sorted(conn, self.intake, batch, now)
        except Exception as error:
            if not is_of_one(error):
                raise
            return False
        if not self._storing.is_whole:
            self._storing.weigh(set(), {message.topic for message in batch.taken})
        self._tell(fates)
        self._warn_failed(failed)
        return True

    def _weigh_failed(self, batch: SortedMessages) -> list[RefusedMessage]:
        """Return the messages that could not be read by an error of our own, if there is no doubt that it is them."""
        failed = [refused for refused in batch.refused.values() if RejectReason.FAILED in refused.count]
        if failed or not self._reading.is_whole:
            apart = {id(refused.message) for refused in failed}
            read = {message.topic for message in batch.taken if id(message) not in apart}
            why = failed[0].faults[0].detail if failed else ""
            self._reading.weigh({refused.message.topic for refused in failed}, read, why)
        return failed

    def _warn_failed(self, failed: Sequence[RefusedMessage]) -> None:
        if failed:
            self._warn("messages cannot be read", [one.message for one in failed], failed[0].faults[0].detail)

    def store_all(self, conn: Connection, messages: Sequence[Message]) -> None:
        """Store messages in as many transactions as that takes."""
        while messages:
            batch = self.intake.sort(messages)
            if not self.store(conn, batch):
                self.sift(conn, batch.taken)
            messages = messages[len(batch.taken) :]

    def put_by(self, conn: Connection, messages: Sequence[Message]) -> None:
        """Put messages by unread: they are more than fits, and are stored when there is time."""
        self._look(conn)
        fresh = [message for message in messages if not message.retain]
        now = self.clock()
        self.intake.senders.turn(to_us(now))
        packs, spent, excess = self._packs(fresh)
        dropped = sum(noted.unkept for noted in excess.values())
        fates = Fates(len(messages) - len(fresh) + dropped, retained=len(messages) - len(fresh), ages=ages(messages))
        if dropped:
            fates.dead[RejectReason.FLOOD] = fates.unkept = dropped
            self._warn("messages dropped", fresh, "more than can be put by, or mostly not to be stored")
        fates.spent = spent
        with conn.transaction():
            self.intake.progress(conn, messages)
            deferred.insert(conn, packs)
            ingest_counts.add_excess(conn, excess, now)
            add_counts(conn, self.intake, fates, now)
        self._by_bytes += sum(len(pack.payload) for pack in packs)
        self._tell(fates)

    def _packs(self, messages: Sequence[Message]) -> tuple[list[Pack], dict[str, MinuteCount], dict[str, Excess]]:
        """Pack messages by topic as far as they may be put by; return also the counts and the excess of senders."""
        room, packs = self.most_by_bytes - self._by_bytes, list[Pack]()
        spent: dict[str, MinuteCount] = {}
        excess: dict[str, Excess] = {}
        for topic, of_topic in groupby(sorted(messages, key=_topic), _topic):
            account = self.intake.sources.account_of(topic)
            said, noted = spent.setdefault(account, MinuteCount()), excess.get(account, Excess())
            for few in batched(of_topic, PACK_MESSAGES, PACK_BYTES):
                size = sum(len(message.payload) + _HEAD.size for message in few)
                said.put_by_bytes += size
                if size <= room and self.intake.senders.may_put_by(account, said):
                    packs.append(packed(topic, few))
                    room -= size
                    noted = replace(noted, put_by=noted.put_by + len(few))
                else:
                    noted = replace(noted, unkept=noted.unkept + len(few))
            excess[account] = noted
        return packs, spent, excess

    def store_later(self, conn: Connection) -> bool:
        """Store some of what was put by; whether there was any."""
        self._look(conn)
        if not self._by_bytes:
            return False
        messages, failed, fates = list[Message](), list[RefusedMessage](), None
        try:
            with conn.transaction():
                packs = deferred.take(conn, LATER_PACKS)
                messages = [message for pack in packs for message in unpacked(pack)]
                if messages:
                    batch = self._whole.sort(messages)
                    failed = self._weigh_failed(batch)
                    fates = store_sorted(conn, self._whole, batch, self.clock())
                deferred.delete(conn, [pack.deferred_id for pack in packs])
        except Exception as error:
            if not (messages and is_of_one(error)):
                raise
            self.sift(conn, messages)
            deferred.delete(conn, [pack.deferred_id for pack in packs])
            return True
        if fates is None:
            self._by_bytes = 0  # or others have it in hand
            return False
        self._tell(fates)
        self._warn_failed(failed)
        return True

    def note_deferred(self, conn: Connection, waiting: Mapping[str, int]) -> None:
        """Note which senders wait for their turn, by topic or account."""
        excess: dict[str, Excess] = {}
        for name, messages in waiting.items():
            account = name if name.startswith(NETWORK) else self.intake.sources.account_of(name)
            excess[account] = Excess(deferred=excess.get(account, Excess()).deferred + messages)
        ingest_counts.add_excess(conn, excess, self.clock())

    def _look(self, conn: Connection) -> None:
        if time.monotonic() - self._looked_s > LOOK_S:
            self._by_bytes = deferred.waiting_bytes(conn)
            self._looked_s = time.monotonic()

    def _tell(self, fates: Fates) -> None:
        for account, spent in fates.spent.items():
            self.intake.senders.spend(account, spent)
        self.on_fates(fates)

    def sift(self, conn: Connection, messages: Sequence[Message]) -> None:
        """Store a batch that cannot be as it is without the culprits, which become dead letters.

        It is halved, sorted by sender, until a culprit is alone. One sender cannot make that last: after some failures
        what fails of one sender is buried as it is, to be replayed message by message.

        Raises:
            Doubt: messages of too many senders cannot be stored; those that can are.
        """
        groups, tries = [sorted(messages, key=_topic)], 1
        culprits, stored = list[_Culprit](), set[str]()
        while groups:
            group = groups.pop()
            try:
                fates = store_batch(conn, self.intake, group, self.clock())
            except Exception as error:
                if not is_of_one(error):
                    raise
                tries += 1
                if len(group) == 1 or (tries > MOST_TRIES and group[0].topic == group[-1].topic):
                    culprits.append(_Culprit(group, refusal(error), told(error)))
                else:
                    half = len(group) // 2
                    groups += [group[half:], group[:half]]
                continue
            self._tell(fates)
            stored.update(message.topic for message in group[: fates.messages])
            if fates.messages < len(group):
                groups.append(group[fates.messages :])
        if culprits:
            self._storing.weigh({culprit.messages[0].topic for culprit in culprits}, stored, culprits[0].what)
        for culprit in culprits:
            self._bury(conn, culprit)

    def _bury(self, conn: Connection, culprit: "_Culprit") -> None:
        grave, now, messages = SortedMessages(), self.clock(), culprit.messages
        for message in messages:
            grave.reject(message, culprit.fault)
        fates = Fates(len(messages), ages=ages(messages), spent=grave.spent)
        with conn.transaction():
            self.intake.progress(conn, messages)
            fates.dead = self.intake.bury(conn, grave)
            fates.unkept = grave.unkept.total()
            add_counts(conn, self.intake, fates, now)
        self._tell(fates)
        self._warn("messages refused", messages, culprit.what)

    def _warn(self, event: str, messages: Sequence[Message], error: str) -> None:
        if (unsaid := self._lines.allow(time.monotonic())) is not None:
            log.error(event, topic=messages[0].topic[:200], messages=len(messages), error=error, unsaid=unsaid)


class _Culprit(NamedTuple):
    """Messages of one sender that cannot be stored alone. The error itself would keep all that was in hand."""

    messages: Sequence[Message]
    fault: DecodeFault
    what: str


def packed(topic: str, messages: Sequence[Message]) -> Pack:
    """Pack messages of a topic into one row."""
    parts = [part for m in messages for part in (_HEAD.pack(m.received_us, len(m.payload)), m.payload)]
    return Pack(topic, len(messages), b"".join(parts))


def unpacked(pack: DeferredPack) -> Iterator[Message]:
    """Unpack the messages of a row as they came."""
    at = 0
    for _ in range(pack.messages):
        received_us, length = _HEAD.unpack_from(pack.payload, at)
        at += _HEAD.size
        yield Message(pack.topic, pack.payload[at : at + length], received_us, mid=0, qos=0, epoch=0, retain=False)
        at += length


def batched(messages: Iterable[Message], most: int, most_bytes: int) -> Iterator[list[Message]]:
    """Yield messages in groups of up to `most`, and up to `most_bytes` unless one alone is longer."""
    few: list[Message] = []
    left = most_bytes
    for message in messages:
        if few and (len(few) == most or left < len(message.payload)):
            yield few
            few, left = [], most_bytes
        few.append(message)
        left -= len(message.payload)
    if few:
        yield few


def _topic(message: Message) -> str:
    return message.topic


class Lines:
    """So many lines of a log in a minute and no more; those left out are counted."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._since_s = float("-inf")
        self._said = 0
        self._unsaid = 0

    def allow(self, now_s: float) -> int | None:
        """Return how many lines were left out before this one, which may be written; None: leave it out, too."""
        if now_s - self._since_s >= 60:
            self._since_s, self._said = now_s, 0
        if self._said >= self.most:
            self._unsaid += 1
            return None
        self._said += 1
        unsaid, self._unsaid = self._unsaid, 0
        return unsaid

"""The one transaction: readings, state, flags, tickets and counts of a batch, or none of it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from domain import groups
from domain.instants import EVER_US, NONE_US, to_datetime
from domain.milli import NONE_MILLI
from domain.reasons import RejectReason
from ingest.decoders.fault import DecodeFault
from ingest.failures import failure
from ingest.message import Message
from ingest.places import SensorPlaces
from ingest.senders import MinuteCount, Senders
from ingest.sources import Sources
from ingest.validate import Limits, Placed, SortedMessages, WorkLeft, place, reject, sort_messages
from ingest.wrong_times import Noted, of_batch
from store.base.wire import native
from store.evidence import reading_digests
from store.judging import state_rows
from store.network import alarm_rows
from store.readings import dead_letter_rows, ingest_counts, reading_rows
from store.readings.ingest_counts import Ages, Excess, NoValueCount
from store.readings.together import ReadingFate, StoreOutcome, Together
from store.sensors import care_rows, unknown_rows

# Reasons of letters about readings that count as stored, duplicates or conflicts.
COUNTED_OTHERWISE = (RejectReason.CONFLICT, RejectReason.UNREAD_VALUE)
COUNTS = ("messages", "stored", "duplicates", "conflicts", "late", "retained", "not_a_reading")
LETTER_BYTES = 250  # what a dead letter takes besides its payload


class PendingBatch(Protocol):
    """Readings on their way into the table, their homes locked."""

    @property
    def last_us(self) -> NDArray[np.int64]:
        """Per row, when its sensor last said anything that is stored, as `store.readings.insert` wants it."""

    def settle(self, rows: NDArray[np.void], brought: NDArray[np.bool_], now: datetime) -> int:
        """Judge the values of the rows that are stored now, if there are any; returns how many rows were late."""


# Locks the homes of store.readings.PLACED rows for the transaction, so that they can be stored and then judged.
JudgeStep = Callable[[Connection, NDArray[np.void]], PendingBatch]


@dataclass
class Fates:
    """Fates of the messages of a batch."""

    messages: int = 0
    stored: int = 0
    duplicates: int = 0
    conflicts: int = 0
    late: int = 0
    retained: int = 0
    not_a_reading: int = 0
    dead: Counter[str] = field(default_factory=Counter)
    voids: Sequence[NoValueCount] = ()  # values that are none
    ages: Ages | None = None
    requests: list[tuple[str, bytes]] = field(default_factory=list)  # to be published: topic, payload
    spent: dict[str, MinuteCount] = field(default_factory=dict)  # what each account said
    unkept: int = 0  # dead letters that are counted but not kept

    @classmethod
    def of(cls, batch: SortedMessages) -> Self:
        """Begin with what is decided before anything is stored."""
        return cls(
            len(batch.taken),
            retained=batch.retained,
            not_a_reading=batch.not_a_reading,
            requests=batch.requests,
            voids=batch.voids,
            spent=batch.spent,
        )


def _nothing(conn: Connection, messages: Sequence[Message]) -> None:
    """Note nothing: a broker is told after the commit."""


@dataclass(frozen=True)
class Intake:
    """Everything that storing batches needs."""

    worker: str
    limits: Limits
    judge: JudgeStep
    places: SensorPlaces
    queued: Callable[[], int] = lambda: 0  # messages that wait behind the batch
    sources: Sources = field(default_factory=Sources)
    senders: Senders = field(default_factory=Senders)
    noted: Noted = field(default_factory=Noted)
    progress: Callable[[Connection, Sequence[Message]], None] = _nothing  # noted with what is stored, or not at all

    def sort(self, messages: Sequence[Message], work: WorkLeft | None = None) -> SortedMessages:
        """Sort messages, as many of them as are work enough for what is left of a batch. Asks no database.

        Where that fails, each half is sorted by itself, until the message that fails is alone.
        """
        try:
            return sort_messages(messages, self.limits, self.sources, work)
        except Exception as error:
            if len(messages) <= 1:
                return self._unsorted(messages, failure(error), work)
        half = len(messages) // 2
        first = self.sort(messages[:half], work)
        if len(first.taken) < half:
            return first
        return SortedMessages.joined([first, self.sort(messages[half:], first.left)])

    def _unsorted(self, messages: Sequence[Message], fault: DecodeFault, work: WorkLeft | None) -> SortedMessages:
        readings, bytes_ = work or (self.limits.batch_readings, self.limits.batch_bytes)
        out = SortedMessages(taken=messages)
        for message in messages:
            out.reject(message, fault)
        size = sum(len(message.payload) for message in messages)
        out.left = WorkLeft(readings - len(messages), bytes_ - size)
        return out

    def bury(self, conn: Connection, batch: SortedMessages) -> Counter[str]:
        """Make dead letters of messages of which something cannot be stored, as many as their senders may have."""
        letters = []
        for refused in batch.refused.values():
            account = self.sources.account_of(refused.message.topic)
            spent, letter = batch.spend(account), refused.letter(self.limits.payload_bytes)
            spent.faults += refused.count.total()
            spent.letter_bytes += len(letter.payload) + LETTER_BYTES
            if self.senders.may_keep(account, spent):
                letters.append(letter)
            else:
                batch.unkept[account] += 1
        dead_letter_rows.insert(conn, letters)
        return batch.dead


# What is done with the messages of which something cannot be stored; returns what is to be counted of it, by reason.
BuryStep = Callable[[Connection, SortedMessages], Counter[str]]


def store_batch(
    conn: Connection, intake: Intake, messages: Sequence[Message], now: datetime, bury: BuryStep | None = None
) -> Fates:
    """Store a batch in one transaction (the connection is in autocommit mode and has its stages open).

    If it is too much work for one, only its first messages: `messages` of the fates says how many they were. Inside a
    larger transaction it can be the only batch: stages are emptied at its end.

    Raises:
        Exception: nothing of the batch was stored.
    """
    return store_sorted(conn, intake, intake.sort(messages), now, bury)


def store_sorted(
    conn: Connection, intake: Intake, batch: SortedMessages, now: datetime, bury: BuryStep | None = None
) -> Fates:
    """Store a sorted batch, as `store_batch` does; what is sorted is stored once, or not at all.

    Nothing of what the registry says was looked at before, so that a change since then counts.
    """
    with conn.transaction():
        intake.progress(conn, batch.taken)
        sensors = intake.places.look_up(conn, batch.heard.codes)
        homes, substations = place(batch, intake.places, sensors, intake.limits)
        fates = Fates.of(batch)
        for placed, kind in ((homes, HOMES), (substations, SUBSTATIONS)):
            if len(placed.rows):
                together = Together(placed.rows, kind.way.quantities)
                pending = (kind.begin or intake.judge)(conn, together.alone.rows)
                late = reading_digests.Late.open(conn, kind.table, together.alone.rows, now)
                stored = reading_rows.insert(conn, together, pending.last_us, kind.way)
                late.note(conn, stored.rows[stored.brought])
                fates.late += pending.settle(stored.rows, stored.brought, now)
                _count(fates, batch, placed, together, stored)
        if wrong := of_batch(batch.wrong_times, (homes.rows, substations.rows), intake.limits.clock_us, intake.noted):
            care_rows.note_wrong_times(conn, wrong, intake.limits.clock_us)
        if batch.unknown:
            unknown_rows.note(conn, list(batch.unknown.values()))
        if batch.refused:
            fates.dead = (bury or intake.bury)(conn, batch)
            for reason in COUNTED_OTHERWISE:
                del fates.dead[reason.value]
            fates.unkept = batch.unkept.total()
        fates.ages = ages(batch.taken, homes.rows, substations.rows)
        add_counts(conn, intake, fates, now)
        if batch.unkept:
            ingest_counts.add_excess(conn, {name: Excess(unkept=n) for name, n in batch.unkept.items()}, now)
    return fates


def _count(fates: Fates, batch: SortedMessages, placed: Placed, together: Together, stored: StoreOutcome) -> None:
    """Count what became of readings. What says another value than is stored is a conflict, and a dead letter."""
    fates.stored += int((stored.fates == ReadingFate.STORED).sum())
    fates.duplicates += int((stored.fates == ReadingFate.DUPLICATE).sum())
    conflicts = np.flatnonzero(stored.fates == ReadingFate.CONFLICT)
    fates.conflicts += len(conflicts)
    for nth in conflicts[np.argsort(placed.number[conflicts])].tolist():  # message by message, as they are read again
        clashes = (
            f"{name} {said:g}, where {first:g} is stored" for name, said, first in together.clashes(nth, stored.values)
        )
        reject(batch, batch.heard.said(placed.number[nth]), (RejectReason.CONFLICT, "; ".join(clashes)))


@dataclass
class _PendingSubstations:
    """Readings of substations on their way: nothing is locked, and every reading may be there already."""

    conn: Connection
    last_us: NDArray[np.int64]

    @classmethod
    def begin(cls, conn: Connection, rows: NDArray[np.void]) -> "_PendingSubstations":
        return cls(conn, np.full(len(rows), EVER_US))

    def settle(self, rows: NDArray[np.void], brought: NDArray[np.bool_], now: datetime) -> int:
        """Note the last value of each channel, which alarms are derived from."""
        fresh = rows[brought]
        state_rows.put_sensors(self.conn, _latest_substations(fresh))
        alarm_rows.hear(self.conn, fresh)
        return 0


@dataclass(frozen=True)
class _Kind:
    """Readings of homes, or of substations."""

    way: reading_rows.ReadingWay
    table: reading_digests.ReadingTable
    begin: JudgeStep | None  # None: judging is the intake's


HOMES = _Kind(reading_rows.HOMES, reading_digests.HOMES, None)
SUBSTATIONS = _Kind(reading_rows.SUBSTATIONS, reading_digests.SUBSTATIONS, _PendingSubstations.begin)


def _latest_substations(fresh: NDArray[np.void]) -> NDArray[np.void]:
    """Make SENSOR_NOW rows of substation sensors: only the time of their last message."""
    last = groups.lasts(fresh["sensor_id"])
    rows = np.zeros(len(last), native(state_rows.SENSOR_NOW))
    for name in ("sensor_id", "measured_at", "received_at"):
        rows[name] = fresh[name][last]
    rows["battery"], rows["milli"] = np.nan, NONE_MILLI
    for name in ("battery_at", "judged_at", "expires_at"):
        rows[name] = NONE_US
    return rows


def ages(messages: Sequence[Message], *rows: NDArray[np.void]) -> Ages:
    """Return the span of receipt and of measurement of a batch."""
    received = [message.received_us for message in messages]
    measured = [int(us) for some in rows if len(some) for us in (some["measured_at"].min(), some["measured_at"].max())]
    spans = [min(received), max(received), *((min(measured), max(measured)) if measured else ())]
    return Ages(*map(to_datetime, spans))


def add_counts(conn: Connection, intake: Intake, fates: Fates, now: datetime) -> None:
    """Count the fates of a batch in the transaction that decided them."""
    assert fates.ages is not None
    counts = {name: getattr(fates, name) for name in COUNTS}
    batch = ingest_counts.BatchCounts(counts, fates.dead, fates.ages, intake.queued())
    ingest_counts.add(conn, intake.worker, batch, now)
    if fates.voids:
        ingest_counts.add_voids(conn, intake.worker, fates.voids, now)

"""Replay of dead letters: the way of new messages once more, after their cause is gone."""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import NamedTuple

from psycopg import Connection

from domain.instants import to_us
from ingest.batch import Intake, store_batch
from ingest.failures import is_of_one, refusal
from ingest.message import Message
from ingest.validate import DETAIL_LETTERS, RefusedMessage, SortedMessages
from store.readings import dead_letter_rows
from store.readings.dead_letter_rows import LetterFault, LetterFilter, ReplayRefusal, WaitingLetter

MOST = 500  # letters in one transaction


@dataclass
class LetterReplay:
    """Counts of a replay."""

    taken: int = 0
    replayed: int = 0  # letters of which nothing is left to store
    stored: int = 0  # readings
    duplicates: int = 0
    conflicts: int = 0
    late: int = 0
    cut: int = 0  # not tried, because only their beginning was kept
    refused: Counter[str] = field(default_factory=Counter)  # what still cannot be stored of the letters that wait on

    def add(self, other: "LetterReplay") -> None:
        """Add what became of further letters."""
        for name in ("taken", "replayed", "stored", "duplicates", "conflicts", "late", "cut"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.refused += other.refused


def replay(
    conn: Connection, intake: Intake, wanted: LetterFilter, clock: Callable[[], datetime], dry_run: bool = False
) -> LetterReplay:
    """Try all letters that wait now, each as of the time when it was received, in transactions of up to 500.

    What can be stored of a message is; its letter is marked as replayed in the same transaction if nothing is left, and
    else goes on waiting for the rest, with the reasons that hold now. So it may be interrupted, repeated, and run more
    than once at a time. The connection is in autocommit mode and has its stages open. `dry_run`: the same, and then
    nothing of it is kept.
    """
    total = LetterReplay()
    last, after, most = dead_letter_rows.last(conn), 0, MOST
    while True:
        tried = step(conn, intake, partial(dead_letter_rows.take, conn, wanted, after, last), clock(), most, dry_run)
        if not tried.letters:
            return total
        total.add(tried.done)
        after, most = tried.letters[-1].dead_letter_id, min(2 * tried.most, MOST)


class ReplayStep(NamedTuple):
    """The outcome of one transaction of a replay."""

    letters: Sequence[WaitingLetter]  # that it dealt with, in order; the first of those that it took
    done: LetterReplay
    most: int  # how many it took at most


def step(
    conn: Connection,
    intake: Intake,
    take: Callable[[int], Sequence[WaitingLetter]],
    now: datetime,
    most: int,
    dry_run: bool = False,
) -> ReplayStep:
    """Try letters in one transaction: up to `most`, which `take` locks, but no more than is work enough for a batch."""
    # What was kept was short enough to be read when it came.
    intake = replace(intake, limits=replace(intake.limits, payload_bytes=sys.maxsize))
    while True:
        try:
            with conn.transaction(force_rollback=dry_run):
                letters = take(most)
                letters, done = (_alone if most == 1 else _batch)(conn, intake, letters, now)
                return ReplayStep(letters, done, most)
        except Exception as error:
            if most == 1 or not is_of_one(error):
                raise
            most = max(1, most // 8)  # one of them cannot be stored: fewer and fewer at a time, until it is alone


Handled = tuple[Sequence[WaitingLetter], LetterReplay]


def _alone(conn: Connection, intake: Intake, letters: Sequence[WaitingLetter], now: datetime) -> Handled:
    """Replay one letter at most; if it cannot be stored at all, it goes on waiting with the reason for that."""
    try:
        with conn.transaction():
            return _batch(conn, intake, letters, now)
    except Exception as error:
        if not (letters and is_of_one(error)):
            raise
        why = refusal(error)
        reasons = Counter([why.reason.value])
        fault = LetterFault(why.reason.value, why.detail[:DETAIL_LETTERS])
        dead_letter_rows.refresh(conn, [ReplayRefusal(letters[0].dead_letter_id, [fault], reasons)])
        return letters, LetterReplay(taken=1, refused=reasons)


def _batch(conn: Connection, intake: Intake, letters: Sequence[WaitingLetter], now: datetime) -> Handled:
    """Store what can be stored of letters; one of which something cannot goes on waiting with what is left."""
    whole = [letter for letter in letters if not letter.is_cut]
    if not whole:
        return letters, LetterReplay(len(letters), cut=len(letters))
    left: list[ReplayRefusal] = []

    def keep(conn: Connection, batch: SortedMessages) -> Counter[str]:
        left.extend(_refusal(refused) for refused in batch.refused.values())
        dead_letter_rows.refresh(conn, left)
        return Counter()  # it was counted when it came

    fates = store_batch(conn, intake, [_message(letter) for letter in whole], now, keep)
    if fates.messages < len(whole):
        whole = whole[: fates.messages]
        letters = letters[: letters.index(whole[-1]) + 1]
    done = {letter.dead_letter_id for letter in whole} - {still.dead_letter_id for still in left}
    dead_letter_rows.mark_replayed(conn, sorted(done), now)
    out = LetterReplay(len(letters), len(done), cut=len(letters) - len(whole))
    for name in ("stored", "duplicates", "conflicts", "late"):
        setattr(out, name, getattr(fates, name))
    for still in left:
        out.refused.update(still.reasons)
    return letters, out


def _refusal(refused: RefusedMessage) -> ReplayRefusal:
    letter = refused.letter(0)
    return ReplayRefusal(refused.message.mid, letter.faults, letter.reasons)


def _message(letter: WaitingLetter) -> Message:
    """Return the message as it came; its number is that of the letter."""
    received_us = to_us(letter.received_at)
    return Message(letter.topic, letter.payload, received_us, mid=letter.dead_letter_id, qos=0, epoch=0, retain=False)

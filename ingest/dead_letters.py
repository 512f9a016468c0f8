"""Dead letters fed through once more the way of new messages, when what kept them out is mended."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from psycopg import Connection

from domain.instants import to_us
from domain.reasons import RejectReason
from ingest.batch import Intake, store_batch
from ingest.message import Message
from ingest.validate import Sorted, codes, place, sort_messages
from ingest.worker import OF_CONTENT
from store import dead_letters
from store.dead_letters import Refusal, Waiting, Wanted

MOST = 500  # letters in one transaction


@dataclass
class Replay:
    """What became of letters."""

    taken: int = 0
    replayed: int = 0
    stored: int = 0  # readings
    duplicates: int = 0
    conflicts: int = 0
    late: int = 0
    split: int = 0  # new letters: elements of a message of which others could be stored
    cut: int = 0  # not tried, because only their beginning was kept
    refused: Counter[str] = field(default_factory=Counter)  # letters that go on waiting, by reason

    def add(self, other: "Replay") -> None:
        """Add what became of further letters."""
        for name in ("taken", "replayed", "stored", "duplicates", "conflicts", "late", "split", "cut"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.refused += other.refused


def replay(
    conn: Connection, intake: Intake, wanted: Wanted, clock: Callable[[], datetime], dry_run: bool = False
) -> Replay:
    """Try all letters that wait now, each as of the time when it was received, in transactions of up to 500.

    What can be stored is marked as replayed in the transaction that stores it; what cannot goes on waiting, with the
    reason that holds now. So it may be interrupted, repeated, and run more than once at a time. The connection is in
    autocommit mode and has its stages open. `dry_run`: the same, and then nothing of it is kept.
    """
    total = Replay()
    last, after, most = dead_letters.last(conn), 0, MOST
    while True:
        try:
            with conn.transaction(force_rollback=dry_run):
                letters = dead_letters.take(conn, wanted, after, last, most)
                total.add(
                    _alone(conn, intake, letters, clock()) if most == 1 else _batch(conn, intake, letters, clock())
                )
        except OF_CONTENT:
            # One of them is refused for its content: fewer and fewer at a time, until it is alone.
            most = max(1, most // 8)
            continue
        if not letters:
            return total
        after, most = letters[-1].dead_letter_id, min(2 * most, MOST)


def _alone(conn: Connection, intake: Intake, letters: Sequence[Waiting], now: datetime) -> Replay:
    """The same for one letter at most, which the database may refuse."""
    try:
        with conn.transaction():
            return _batch(conn, intake, letters, now)
    except OF_CONTENT as error:
        refusal = Refusal(letters[0].dead_letter_id, RejectReason.REFUSED.value, str(error)[:500])
        dead_letters.refresh(conn, [refusal])
        return Replay(taken=1, refused=Counter([refusal.reason]))


def _batch(conn: Connection, intake: Intake, letters: Sequence[Waiting], now: datetime) -> Replay:
    whole = [letter for letter in letters if not letter.is_cut]
    refusals = list(_refusals(conn, intake, whole))
    refused = {refusal.dead_letter_id for refusal in refusals}
    good = [letter for letter in whole if letter.dead_letter_id not in refused]
    out = Replay(len(letters), len(good), cut=len(letters) - len(whole), refused=Counter(r.reason for r in refusals))
    if refusals:
        dead_letters.refresh(conn, refusals)
    if good:
        fates = store_batch(conn, intake, [_message(letter) for letter in good], now)
        for name in ("stored", "duplicates", "conflicts", "late"):
            setattr(out, name, getattr(fates, name))
        out.split = fates.dead.total()
        dead_letters.mark_replayed(conn, [letter.dead_letter_id for letter in good], now)
    return out


def _refusals(conn: Connection, intake: Intake, letters: Sequence[Waiting]) -> Iterable[Refusal]:
    """The letters of which nothing at all can be stored; looked for one by one, so that none is taken for another."""
    read = [sort_messages([_message(letter)], intake.limits, intake.sources) for letter in letters]
    known = intake.places.look_up(conn, set().union(*map(codes, read)))
    for letter, batch in zip(letters, read, strict=True):
        rows = sum(map(len, place(batch, known, intake.limits)))
        if batch.letters and not rows:
            yield _refusal(letter, batch)


def _refusal(letter: Waiting, batch: Sorted) -> Refusal:
    again = batch.letters[0]
    return Refusal(letter.dead_letter_id, again.reason, again.detail)


def _message(letter: Waiting) -> Message:
    return Message(letter.topic, letter.payload, to_us(letter.received_at), mid=0, qos=0, epoch=0, retain=False)

"""Seals over the events of tickets and over the journal, and the check of them.

Each event carries the hash of itself and of the one before it on its ticket: a row that was changed, taken from the
middle or put in is found. Who cuts off the end of a chain, or takes a whole ticket, breaks a seal: a seal hashes what
was added since the one before, and that one. It goes over the entries of the journal too (0010_evidence.sql), and with
them over all that is evidence. A forgery of all of them is exposed by a seal that was published or noted, or by
its signature.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from hashlib import sha256
from zoneinfo import ZoneInfo

from psycopg import Connection

from domain.instants import to_us
from domain.notices import Audience, NoticeKind, OutboxEntry
from store.evidence import chain_rows, invariants, signing
from store.evidence.signing import SigningKey
from store.notices import outbox

MOST_TOLD = 1_000  # faults that are listed; all are counted
MOST_UNDER = 200_000  # events, and entries, under one seal
FIRST = b""
LAST = 2**63 - 1
PUBLISHED_TO = (Audience.SUPERVISOR, Audience.WITNESS)


@dataclass
class ChainReport:
    """Result of the check."""

    events: int = 0
    tickets: int = 0
    seals: int = 0
    sealed: int = 0  # events under a seal
    entries: int = 0  # of the journal under a seal
    unsealed: int = 0  # entries that no seal is over yet
    signed: int = 0  # seals
    unsigned: int = 0  # seals after one that was signed
    last_seal: str | None = None  # "number:hash"
    faults: int = 0
    told: list[str] = field(default_factory=list)

    def fault(self, what: str) -> None:
        """Count a fault, and list it if there are not too many."""
        self.faults += 1
        if len(self.told) < MOST_TOLD:
            self.told.append(what)


def seal(conn: Connection, now: datetime, key: SigningKey | None = None) -> int:
    """Put what was added since the last seal under a new one; returns how many events. In autocommit mode.

    What is sealed was decided at the look before: by now every transaction is over that might have added below it.
    """
    with conn.transaction():
        next_one = chain_rows.settled(conn)
        before = chain_rows.last_seal(conn)
        after, entries_after = (before.upto, before.entries_upto or 0) if before else (0, 0)
        sealed = 0
        if next_one.settled and (next_one.upto > after or next_one.entries_upto > entries_after):
            digest, sealed = _digest(chain_rows.hashes(conn, after, next_one.upto))
            entries_digest, entries = _digest(chain_rows.entries(conn, entries_after, next_one.entries_upto))
            new = chain_rows.SealRow(
                before.chain_seal_id + 1 if before else 1, now, next_one.upto, sealed, digest, b"",
                next_one.entries_upto, entries, entries_digest, None, None,
            )  # fmt: skip
            new = new._replace(hash=seal_hash(bytes(before.hash) if before else FIRST, new))
            chain_rows.insert_seal(conn, _signed(conn, new, now, key))
    if next_one.settled or next_one.stale:
        with conn.transaction():
            chain_rows.ask_next(conn, MOST_UNDER)
    return sealed


def publish(conn: Connection, zone: ZoneInfo, now: datetime) -> bool:
    """Put the newest seal into the outbox, once on each local day; whether it was. In autocommit mode."""
    midnight = datetime.combine(now.astimezone(zone).date(), time(0), zone)
    with conn.transaction():
        last = chain_rows.last_seal(conn)
        if last is None or chain_rows.is_published(conn, midnight):
            return False
        signature = base64.b64encode(last.signature).decode() if last.signature else None
        data = {
            "seal": f"{last.chain_seal_id}:{bytes(last.hash).hex()}", "at": last.at.isoformat(), "key": last.key_id,
            "signature": signature,
        }  # fmt: skip
        outbox.put(
            conn, [OutboxEntry(NoticeKind.SEAL_PUBLISHED, audience, data=data) for audience in PUBLISHED_TO], now
        )
    return True


def seal_hash(previous: bytes, seal: chain_rows.SealRow) -> bytes:
    """Compute the hash of a seal from the previous hash and its own row."""
    told = f"{to_us(seal.at)}|{seal.upto}|{seal.events}|".encode() + bytes(seal.digest)
    if seal.entries_digest is not None:
        told += f"|{seal.entries_upto}|{seal.entries}|".encode() + bytes(seal.entries_digest)
    return sha256(previous + told).digest()


def _signed(conn: Connection, seal: chain_rows.SealRow, now: datetime, key: SigningKey | None) -> chain_rows.SealRow:
    if key is None:
        return seal
    chain_rows.know_key(conn, key.key_id, key.public, now)
    return seal._replace(key_id=key.key_id, signature=key.sign(signing.of_seal(seal.chain_seal_id, seal.hash)))


def _digest(hashes: Iterable[tuple[int, bytes]]) -> tuple[bytes, int]:
    digest, count = sha256(), 0
    for _, one in hashes:
        digest.update(one)
        count += 1
    return digest.digest(), count


class _Hashes:
    """A long row of numbered hashes, of which each seal takes its share."""

    def __init__(self, rows: Iterator[tuple[int, bytes]]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def upto(self, last: int) -> Iterator[tuple[int, bytes]]:
        """Read on, up to a number."""
        while self._next is not None and self._next[0] <= last:
            yield self._next
            self._next = next(self._rows, None)


def verify(conn: Connection, noted: str | None = None) -> ChainReport:
    """Check every event, every seal, the states of tickets and the breaches of clocks against the chain.

    Args:
        noted: a seal as an earlier check printed it, kept where nobody of the database could change it.
    """
    report = ChainReport()
    with conn.transaction():
        chain_rows.freeze(conn)
        check(conn, report, noted)
    return report


def check(conn: Connection, report: ChainReport, noted: str | None) -> None:
    """Check within a transaction of the caller."""
    _check_events(conn, report)
    _check_seals(conn, report, noted)
    for number in chain_rows.stray_endings(conn):
        report.fault(f"{number}: ended in another way than its events tell of")
    for breach in chain_rows.stray_breaches(conn):
        where = "is told by its events and not by the clock" if breach.lost else "is not told by its events"
        report.fault(f"{breach.number}: the breach of {breach.clock} {where}")
    for name, rows in invariants.violations(conn).items():
        for row in rows:
            report.fault(f"{name}: {told(row)}")


def told(row: Mapping[str, object]) -> str:
    """Write a row as a line: each column with its value."""
    texts = {name: " and ".join(map(str, value)) if isinstance(value, list) else value for name, value in row.items()}
    return ", ".join(f"{name} {text}" for name, text in texts.items())


def _check_events(conn: Connection, report: ChainReport) -> None:
    heads = {head.ticket_id: head for head in chain_rows.tickets(conn)}
    report.tickets = len(heads)
    last: dict[int, str] = {}
    ticket, seq, previous = 0, 0, FIRST
    for event in chain_rows.events(conn):
        report.events += 1
        if event.ticket_id != ticket:
            ticket, seq, previous = event.ticket_id, 0, FIRST
        seq += 1
        number = heads[ticket].number if ticket in heads else f"ticket {ticket}"
        if event.seq != seq:
            report.fault(f"{number}: event {seq} is missing")
            seq = event.seq
        if sha256(previous + event.told.encode()).digest() != event.hash:
            report.fault(f"{number}: event {event.seq} is not what was written")
        previous, last[ticket] = bytes(event.hash), event.state
    for head in heads.values():
        if head.ticket_id not in last:
            report.fault(f"{head.number}: has no events")
        elif last[head.ticket_id] != head.state:
            report.fault(f"{head.number}: is {head.state}, its last event left it {last[head.ticket_id]}")
    for ticket_id in last.keys() - heads.keys():
        report.fault(f"ticket {ticket_id}: has events and is not there")


def _check_seals(conn: Connection, report: ChainReport, noted: str | None) -> None:
    previous, number = FIRST, 0
    keys = chain_rows.keys(conn)
    is_there, entries_after = noted is None, 0
    events, entries = (_Hashes(read(conn, 0, LAST)) for read in (chain_rows.hashes, chain_rows.entries))
    for one in chain_rows.seals(conn):
        number += 1
        if one.chain_seal_id != number:
            report.fault(f"seal {number} is missing")
            number = one.chain_seal_id
        _check_seal(report, one, _digest(events.upto(one.upto)), _digest(entries.upto(one.entries_upto or 0)))
        if seal_hash(previous, one) != bytes(one.hash):
            report.fault(f"seal {number} is not what was written")
        _check_signature(report, one, keys)
        previous, entries_after = bytes(one.hash), one.entries_upto or 0
        report.last_seal = f"{number}:{previous.hex()}"
        is_there |= report.last_seal == noted
    if not is_there:
        report.fault(f"seal {str(noted).partition(':')[0]} is not the one that was noted")
    _check_ends(conn, report, entries_after)


def _check_seal(
    report: ChainReport, one: chain_rows.SealRow, events: tuple[bytes, int], entries: tuple[bytes, int]
) -> None:
    """Return whether a seal matches the rows that it covers."""
    if events != (bytes(one.digest), one.events):
        what = f"there were {one.events} events under it, and now there are others ({events[1]})"
        report.fault(f"seal {one.chain_seal_id}: {what}")
    if one.entries_digest is not None and entries != (bytes(one.entries_digest), one.entries):
        what = f"there were {one.entries} entries of the journal under it, and now there are others ({entries[1]})"
        report.fault(f"seal {one.chain_seal_id}: {what}")
    report.seals += 1
    report.sealed += events[1]
    report.entries += entries[1]


def _check_signature(report: ChainReport, one: chain_rows.SealRow, keys: dict[str, bytes]) -> None:
    if one.key_id is None or one.signature is None:
        if report.signed:
            report.unsigned += 1
        return
    public = keys.get(one.key_id)
    if public is None or signing.key_id(public) != one.key_id:
        report.fault(f"seal {one.chain_seal_id}: its key {one.key_id} is not listed")
    elif not signing.is_signed(public, bytes(one.signature), signing.of_seal(one.chain_seal_id, bytes(one.hash))):
        report.fault(f"seal {one.chain_seal_id}: its signature is broken")
    report.signed += 1


def _check_ends(conn: Connection, report: ChainReport, entries_after: int) -> None:
    """Check that nothing was cut off behind the last seal."""
    noted, there = chain_rows.ends(conn)
    for what, highest, last in zip(("event of a ticket", "entry of the journal"), noted, there, strict=True):
        if highest > last:
            report.fault(f"the end was cut off: the last {what} was {highest}, and now it is {last}")
    report.unsealed = chain_rows.unsealed(conn, entries_after)
    if published := chain_rows.missing_published(conn):
        report.fault(f"seal {published[0]} was published, and is not there")

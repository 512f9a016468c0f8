"""Seals over the events of tickets, and the check of all of it.

Each event carries the hash of itself and of the one before it on its ticket: a row that was changed, taken from the
middle or put in is found. Who cuts off the end of a chain, or takes a whole ticket, breaks a seal: a seal hashes what
was added since the one before, and that one. Whoever would forge all of them as well is found by a seal that was noted
elsewhere: `hearth tickets verify` prints the last one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from psycopg import Connection

from domain.instants import to_us
from store import chain as store
from store import checks

MOST_TOLD = 1_000  # faults that are listed; all are counted
FIRST = b""


@dataclass
class Report:
    """What the check found."""

    events: int = 0
    tickets: int = 0
    seals: int = 0
    sealed: int = 0  # events under a seal
    last_seal: str | None = None  # "number:hash"
    faults: int = 0
    told: list[str] = field(default_factory=list)

    def fault(self, what: str) -> None:
        """Count a fault, and list it if there are not too many."""
        self.faults += 1
        if len(self.told) < MOST_TOLD:
            self.told.append(what)


def seal(conn: Connection, now: datetime) -> int:
    """Put what was added since the last seal under a new one; returns how many events. In autocommit mode.

    What is sealed was decided at the look before: by now every transaction is over that might have added below it.
    """
    with conn.transaction():
        next_one = store.settled(conn)
        before = store.last_seal(conn)
        after = before.upto if before else 0
        sealed = 0
        if next_one.settled and next_one.upto > after:
            digest, sealed = _digest(store.hashes(conn, after, next_one.upto))
            previous = bytes(before.hash) if before else FIRST
            hashed = seal_hash(previous, now, next_one.upto, sealed, digest)
            number = before.chain_seal_id + 1 if before else 1
            store.insert_seal(conn, store.Seal(number, now, next_one.upto, sealed, digest, hashed))
        if next_one.settled or next_one.stale:
            store.ask_next(conn)
    return sealed


def seal_hash(previous: bytes, at: datetime, upto: int, events: int, digest: bytes) -> bytes:
    """The hash of a seal: of the one before and of its own row."""
    return sha256(previous + f"{to_us(at)}|{upto}|{events}|".encode() + digest).digest()


def _digest(hashes: Iterator[bytes]) -> tuple[bytes, int]:
    digest, count = sha256(), 0
    for one in hashes:
        digest.update(one)
        count += 1
    return digest.digest(), count


def verify(conn: Connection, noted: str | None = None) -> Report:
    """Check every event, every seal, the states of tickets and the breaches of clocks against the chain.

    Args:
        noted: a seal as an earlier check printed it, kept where nobody of the database could change it.
    """
    report = Report()
    with conn.transaction():
        store.freeze(conn)
        check(conn, report, noted)
    return report


def check(conn: Connection, report: Report, noted: str | None) -> None:
    """The same within a transaction of the caller's."""
    _check_events(conn, report)
    _check_seals(conn, report, noted)
    for number in store.stray_endings(conn):
        report.fault(f"{number}: ended in another way than its events tell of")
    for breach in store.stray_breaches(conn):
        where = "is told by its events and not by the clock" if breach.lost else "is not told by its events"
        report.fault(f"{breach.number}: the breach of {breach.clock} {where}")
    for name, rows in checks.violations(conn).items():
        for row in rows:
            report.fault(f"{name}: {', '.join(f'{column} {said(value)}' for column, value in row.items())}")


def said(value: object) -> str:
    """A value of a row as a line has it."""
    return " and ".join(map(str, value)) if isinstance(value, list) else str(value)


def _check_events(conn: Connection, report: Report) -> None:
    heads = {head.ticket_id: head for head in store.tickets(conn)}
    report.tickets = len(heads)
    last: dict[int, str] = {}
    ticket, seq, previous = 0, 0, FIRST
    for event in store.events(conn):
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


def _check_seals(conn: Connection, report: Report, noted: str | None) -> None:
    previous, after, number = FIRST, 0, 0
    known = {}
    for one in store.seals(conn):
        number += 1
        digest, count = _digest(store.hashes(conn, after, one.upto))
        if one.chain_seal_id != number:
            report.fault(f"seal {number} is missing")
            number = one.chain_seal_id
        if (digest, count) != (bytes(one.digest), one.events):
            report.fault(f"seal {number}: there were {one.events} events under it, and now there are others ({count})")
        if seal_hash(previous, one.at, one.upto, one.events, bytes(one.digest)) != bytes(one.hash):
            report.fault(f"seal {number} is not what was written")
        previous, after = bytes(one.hash), one.upto
        report.seals, report.sealed = report.seals + 1, report.sealed + count
        report.last_seal = f"{number}:{previous.hex()}"
        known[str(number)] = report.last_seal
    if noted is not None and known.get(noted.partition(":")[0]) != noted:
        report.fault(f"seal {noted.partition(':')[0]} is not the one that was noted")

"""Messages of peers: opened, linked or noted in one transaction with their number, so that each counts once."""

import hashlib
from datetime import datetime
from typing import Any, NamedTuple

from psycopg import Connection, DataError

from alerts.desk.cases import open_case
from alerts.desk.moves import HomeHasTicket, ReportTarget, act, say, take_in
from alerts.exchange.peers_file import Peer
from alerts.tickets.docket import Opening, UserStatement
from domain.cases import CaseChannel, NewCase, Subject
from domain.exchange import incoming
from domain.exchange.bodies import facts_of
from domain.exchange.incoming import Echo, IncomingCase, IncomingOutcome, NotUnderstood
from domain.exchange.mapping import MappingVersion, PeerSays
from domain.policy import Policy
from domain.priority import Cold, priority
from domain.tickets import EventKind, MoveRefused, NewEvent, TicketClass, TicketSource, TicketState
from domain.words.exchange import CLOSED_THERE, RATED_TEXTS, WITHDRAWN_THERE
from store.base.halves import kind_of
from store.base.locks import lock_text
from store.exchange import case_rows
from store.exchange.case_rows import PeerCaseRow, ReceivedMessage
from store.tickets import ticket_rows

ENDED = {PeerSays.CLOSED: CLOSED_THERE, PeerSays.WITHDRAWN: WITHDRAWN_THERE}
AFTERWARDS = frozenset({*ENDED, PeerSays.RATED})  # what is said of a case in the end begins none


class PeerUnknown(Exception):
    """The database does not know the peer yet: `hearth notify` has not started with this file."""


class MessageChanged(Exception):
    """A message with the number of an earlier one says something else."""


class Taken(NamedTuple):
    """IncomingOutcome of a message: the ticket's number, unless it was refused."""

    outcome: IncomingOutcome
    ticket: str | None = None
    reason: str | None = None
    is_unknown: bool = False  # refused because the case is not known: it may still come


class PeerMessage(NamedTuple):
    """A message of a peer that has been proven: its number, its bytes, and the parsed body.

    `is_timed`: its proof has a time, by which a replay of later is refused.
    """

    id: str
    body: bytes
    value: Any
    is_timed: bool = False


class _Refused(Exception):
    def __init__(self, reason: str, *, is_unknown: bool = False) -> None:
        super().__init__(reason)
        self.is_unknown = is_unknown


def take(conn: Connection, policy: Policy, peer: Peer, message: PeerMessage, now: datetime) -> Taken:
    """Take a message of a peer; the caller owns the transaction, and commits refusals, too.

    A message that was taken before is answered as it was then. One that was refused may be sent again.

    Raises:
        PeerUnknown, MessageChanged.
    """
    peer_id = case_rows.peer_id(conn, peer.name)
    if peer_id is None:
        raise PeerUnknown(peer.name)
    lock_text(conn, f"peer {peer.name}")  # one message after the other: what it says of a case keeps its order
    digest = hashlib.sha256(message.body).digest()
    before = case_rows.received(conn, peer_id, message.id)
    if before is not None and before.outcome != IncomingOutcome.REFUSED:
        if before.digest != digest:
            raise MessageChanged(message.id)
        return Taken(IncomingOutcome(before.outcome), before.ticket)
    return _Taking(conn, policy, peer, peer_id, now).take(message, digest)


class _Taking(NamedTuple):
    conn: Connection
    policy: Policy
    peer: Peer
    peer_id: int
    now: datetime

    @property
    def actor(self) -> str:
        return f"peer {self.peer.name}"

    def take(self, message: PeerMessage, digest: bytes) -> Taken:
        case_id = None
        try:
            with self.conn.transaction():
                taken, case_id = self._read(message)
        except _Refused as error:
            taken = Taken(IncomingOutcome.REFUSED, reason=str(error), is_unknown=error.is_unknown)
        except (NotUnderstood, MoveRefused) as error:
            taken = Taken(IncomingOutcome.REFUSED, reason=str(error))
        except DataError as error:  # what it says has no place in a column; its words may come in the error
            taken = Taken(IncomingOutcome.REFUSED, reason=f"it cannot be stored: {kind_of(error)}")
        reason = taken.reason[:500] if taken.reason else None
        outcome = taken.outcome.value
        received = ReceivedMessage(self.peer_id, message.id, digest, outcome, reason, case_id, message.is_timed)
        case_rows.insert_received(self.conn, received, self.now)
        return taken

    def _read(self, message: PeerMessage) -> tuple[Taken, int | None]:
        version = self.peer.mapping.at(self.now.astimezone(self.policy.zone).date())
        if version is None:
            raise NotUnderstood("no version of the mapping is in force")
        try:
            case = incoming.read(version, self.peer.desk, message.value, self.policy.zone, self.now)
        except Echo:
            return Taken(IncomingOutcome.IGNORED), None
        known = case_rows.find(self.conn, self.peer_id, case.theirs.number or "", case.our_number)
        if known is not None:
            return self._of_known(known, case, version), known.peer_case_id
        if case.says is None:
            return Taken(IncomingOutcome.IGNORED), None
        if case.says is not PeerSays.OPENED and version.incoming and PeerSays.OPENED in version.incoming.kinds:
            raise _Refused("the case is not known here", is_unknown=True)
        if case.says in AFTERWARDS:
            return Taken(IncomingOutcome.IGNORED), None
        return self._open(case.counted(version.clocks))

    def _open(self, case: IncomingCase) -> tuple[Taken, int]:
        if case.ticket_class == TicketClass.COMPLAINT:
            outcome, ticket = IncomingOutcome.OPENED, self._complaint(case)
        else:
            outcome, ticket = self._report(case)
        case_id, number = case_rows.insert(self.conn, self.peer_id, ticket, case, self.now)
        return Taken(outcome, number), case_id

    def _complaint(self, case: IncomingCase) -> int:
        """Open a case; who complained is known to the peer and to nobody here."""
        text = _text(case) or case.theirs.number or ""
        new = NewCase(
            case_class="complaint", subject=Subject.OTHER, channel=CaseChannel.SUPERIOR, text=text, anonymous=True
        )
        return open_case(self.conn, self.policy, new, self.now, self.actor)

    def _report(self, case: IncomingCase) -> tuple[IncomingOutcome, int]:
        """Open a ticket, or add to the one of its class that is open at the home.

        One of another class does not take it in: a leak that is said to a ticket for a cold room calls nobody out.
        """
        home = case_rows.home_id(self.conn, case.home) if case.home else None
        kind = TicketClass(case.ticket_class)
        if kind is TicketClass.COLD and home is None:
            kind = TicketClass.REPAIR  # of a home that nobody knows no reading tells
        opening = Opening(
            ticket_class=kind,
            source=TicketSource.SUPERIOR,
            priority=priority(kind, Cold(), None),
            home_id=home,
            description=_text(case, place=home is None),
            contact=case.contact,
            data={"peer": self.peer.name, "their_number": case.theirs.number},
        )
        number = self._same_there(home, opening) if home is not None else None
        target = ReportTarget(add_to=number, new=number is None)
        outcome = IncomingOutcome.LINKED if number else IncomingOutcome.OPENED
        try:
            return outcome, take_in(self.conn, self.policy, opening, self.now, self.actor, target)
        except HomeHasTicket as error:
            raise _Refused(str(error)) from None

    def _same_there(self, home: int, opening: Opening) -> str | None:
        """Return the open ticket of the same class at a home; locked as `take_in` locks, it stays open."""
        ticket_rows.lock_place(self.conn, opening.place)
        ticket_rows.lock_home(self.conn, home)
        there = ticket_rows.open_at(self.conn, opening.place)
        same = [one.ticket_id for one in there if one.ticket_class == opening.ticket_class]
        locked = ticket_rows.lock(self.conn, same).values()
        return next((row.number for row in locked if row.state != TicketState.CLOSED), None)

    def _of_known(self, known: PeerCaseRow, case: IncomingCase, version: MappingVersion) -> Taken:
        is_late = known.heard_at is not None and case.at < known.heard_at
        case_rows.hear(self.conn, known.peer_case_id, case, self.now, is_late=is_late)
        if case.is_marked and case.says is PeerSays.SAID and self._is_ours(known, case, version):
            return Taken(IncomingOutcome.IGNORED, known.ticket)  # the peer tells of what we wrote there
        self._note(known, case, PeerSays.SAID if is_late else case.says)
        return Taken(IncomingOutcome.NOTED, known.ticket)

    def _is_ours(self, known: PeerCaseRow, case: IncomingCase, version: MappingVersion) -> bool:
        if version.out is None:
            return False
        told, place = case_rows.told(self.conn, known.ticket_id)
        texts = [facts_of(EventKind(kind), data)["text"] for kind, data in told]
        return incoming.is_echo(case.text, version.out, texts, place)

    def _note(self, known: PeerCaseRow, case: IncomingCase, says: PeerSays | None) -> None:
        text, is_closed = _text(case), known.state == TicketState.CLOSED
        if says in ENDED:
            self._act(known, EventKind.REMARK, f"{ENDED[says].zh} {text}".strip())
        elif says is PeerSays.RATED and case.satisfied is not None:
            self._act(known, EventKind.REMARK, f"{RATED_TEXTS[case.satisfied].zh} {text}".strip())
        elif says is PeerSays.REOPENED and is_closed:
            self._act(known, EventKind.REOPENED, text)
        elif says is PeerSays.REOPENED and known.state in (TicketState.DONE, TicketState.VERIFYING):
            self._act(known, EventKind.REWORK, text)
        elif text and is_closed:
            self._act(known, EventKind.REMARK, text)
        elif text:
            data = {"text": text, "source": TicketSource.SUPERIOR.value, "peer": self.peer.name}
            say(self.conn, self.policy, known.ticket_id, UserStatement(data), self.now, self.actor)

    def _act(self, known: PeerCaseRow, kind: EventKind, text: str) -> None:
        data = {"text": text, "peer": self.peer.name}
        act(self.conn, self.policy, NewEvent(known.ticket_id, kind, data), self.now, self.actor)


def _text(case: IncomingCase, *, place: bool = False) -> str:
    return " ".join(filter(None, (case.text, case.address if place else "")))

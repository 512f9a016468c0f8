"""Messages on their way: claimed, sent by threads while no row is locked, and what became of each written down."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from psycopg import Connection

from alerts.notices.channel import CaseNamed, Outgoing, Sender
from alerts.notices.recipients import Recipients
from domain.backoff import doubled
from domain.exchange.bodies import TheirNumbers
from domain.notices import NotSent, SendFault
from store.base.away import is_away
from store.base.halves import kind_of
from store.exchange import peer_rows
from store.notices import notice_rows, wechat_rows
from store.notices.notice_rows import ClaimedMessage

MOST_AT_ONCE = 8
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=15)
LONGEST_AFTER = timedelta(hours=1)  # that the remote side may ask to be left alone
ANSWERS = 10  # that sending one message may wait for, one after the other
LONGEST_WAIT_S = 10.0  # for one of them
POLL_S = 0.2
log = structlog.get_logger()


class SendOutcome(NamedTuple):
    """The outcome of an attempt; without a fault it was delivered. `theirs`: what a peer calls the case since then."""

    message: ClaimedMessage
    fault: NotSent | None
    theirs: TheirNumbers | None = None


@dataclass
class Post:
    """Sends what is due, with the threads of `pool`. Has the outcomes that a database that went away did not take."""

    pool: Executor
    recipients: Recipients
    lease: timedelta
    tell: Callable[[str, str], None]  # channel, outcome: sent | put_off | failed
    on_the_way: set[Future[SendOutcome]] = field(default_factory=set)
    outcomes: deque[SendOutcome] = field(default_factory=deque)

    def turn(self, conn: Connection, now: datetime) -> int:
        """Store outcomes and send on; returns how many messages are on their way. The connection is in autocommit mode.

        It waits a moment for a message that is on its way already.
        """
        self.gather(POLL_S)
        self.settle(conn, now)
        for message in notice_rows.claim(conn, now, self.lease, MOST_AT_ONCE - len(self.on_the_way)):
            self.on_the_way.add(self.pool.submit(attempt, self.recipients, message, self._wait_s()))
        return len(self.on_the_way)

    def gather(self, timeout_s: float | None) -> None:
        """Wait until a message has gone, or the time is over."""
        if self.on_the_way:
            gone, self.on_the_way = wait(self.on_the_way, timeout_s, FIRST_COMPLETED)
            self.outcomes.extend(future.result() for future in gone)

    def settle(self, conn: Connection, now: datetime) -> None:
        """Write down what became of the messages that have gone."""
        while self.outcomes:
            outcome = self.outcomes[0]
            try:
                with conn.transaction():
                    said = self._settle(conn, outcome, now)
            except Exception as error:
                if is_away(error) or conn.closed:
                    raise
                said = _set_aside(conn, outcome, error, now)
            self.outcomes.popleft()
            self.tell(outcome.message.channel, said)

    def _settle(self, conn: Connection, outcome: SendOutcome, now: datetime) -> str:
        """Write down that a message has arrived, or not, and the number of it that its peer says but once."""
        message, fault, theirs = outcome
        said = settle(conn, message, fault, now)
        self._use_consent(conn, message, fault)
        if theirs is not None and message.peer_case_id is not None:
            peer_rows.learn(conn, message.peer_case_id, theirs)
        return said

    def _use_consent(self, conn: Connection, message: ClaimedMessage, fault: NotSent | None) -> None:
        """Note what became of the consent of a user of WeChat."""
        account, refused = self.recipients.wechat, fault is not None and fault.fault is SendFault.NO_CONSENT
        if message.channel == "wechat" and account is not None and (fault is None or refused):
            wechat_rows.use(conn, message.message_id, account.template, exhausted=refused)

    def finish(self, conn: Connection, clock: Callable[[], datetime]) -> None:
        """Let what is on its way arrive, and write it down."""
        while self.on_the_way:
            self.gather(None)
            self.settle(conn, clock())

    def _wait_s(self) -> float:
        """Return the seconds to wait for an answer, so that all answers together fit into the lease."""
        return min(LONGEST_WAIT_S, self.lease.total_seconds() / ANSWERS)


def attempt(recipients: Recipients, message: ClaimedMessage, wait_s: float) -> SendOutcome:
    """Send a message once. Whatever goes wrong is an outcome, too."""
    try:
        channel = _channel(recipients, message)
        case = CaseNamed(TheirNumbers(message.their_number, message.their_handle), message.is_first)
        theirs = channel.send(Outgoing(message.key, message.subject, message.body, message.created_at, case), wait_s)
    except NotSent as fault:
        return SendOutcome(message, fault)
    except Exception as error:
        # Its words may hold an address.
        return SendOutcome(message, NotSent(SendFault.UNREACHABLE, type(error).__name__, unsure=True))
    return SendOutcome(message, None, theirs)


def _channel(recipients: Recipients, message: ClaimedMessage) -> Sender:
    found: Sender | None
    if message.name is not None and not message.is_person:
        found = recipients.of_staff(message.name, message.channel)
    elif message.address is None:
        raise NotSent(SendFault.NO_CHANNEL, "the contact is gone, or lives there no more", permanent=True)
    elif message.is_person:
        found = recipients.of_person(message.channel, message.address)
    else:
        found = recipients.of_user(message.channel, message.address)
    if found is None:
        raise NotSent(SendFault.NO_CHANNEL, "the file of recipients does not say how", permanent=True)
    return found


def settle(conn: Connection, message: ClaimedMessage, fault: NotSent | None, now: datetime) -> str:
    """Write down what became of an attempt: sent, put_off or failed."""
    if fault is None:
        notice_rows.mark_sent(conn, message.message_id, now)
        return "sent"
    told = {"reason": fault.fault.value, "detail": fault.detail, "unsure": fault.unsure}
    again_at = now + max(pause(message.attempts), min(fault.after, LONGEST_AFTER))
    if not fault.permanent and again_at < message.give_up_at:
        notice_rows.put_off(conn, message, told, again_at)
        return "put_off"
    if not fault.permanent:
        told = {**told, "reason": SendFault.GAVE_UP.value, "detail": str(fault)}
    notice_rows.mark_failed(conn, message, told, now)
    log.warning("message failed", key=str(message.key), channel=message.channel, reason=told["reason"],
                detail=told["detail"])  # fmt: skip
    return "failed"


def _set_aside(conn: Connection, outcome: SendOutcome, error: Exception, now: datetime) -> str:
    """Write down of an outcome that the server refuses for its content no more than whether the message arrived.

    What is refused, too, is tried again after the lease. The words of the error may hold what the other side said.
    """
    message, fault, _ = outcome
    what = kind_of(error)
    log.error("outcome cannot be stored", key=str(message.key), channel=message.channel, error=what)
    told = {"reason": SendFault.REFUSED.value, "detail": f"the outcome cannot be stored: {what}", "unsure": True}
    try:
        if fault is None:
            notice_rows.mark_sent(conn, message.message_id, now)
        else:
            notice_rows.mark_failed(conn, message, told, now)
    except Exception as again:
        if is_away(again):
            raise
        log.error("message left for its lease", key=str(message.key), error=kind_of(again))
    return "failed" if fault else "sent"


def pause(attempts: int) -> timedelta:
    """Return the pause after a number of attempts: it doubles each time, up to a limit."""
    return timedelta(seconds=doubled(FIRST_PAUSE.total_seconds(), attempts, LONGEST_PAUSE.total_seconds()))

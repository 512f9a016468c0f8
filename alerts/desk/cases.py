"""Complaints and reports of wrongdoing: taken down, and followed up by the company until they are an example.

They are worked as other tickets are. Who made one goes behind its door with the case (store/tickets/case_rows.py) and
stands in no event, no notice and no log.
"""

from datetime import datetime
from typing import NamedTuple

from psycopg import Connection

from alerts.tickets.docket import Docket, Opening
from domain.cases import CaseChannel, FollowUp, NewCase, refusal
from domain.notices import Audience, NoticeKind, OutboxEntry
from domain.policy import Policy
from domain.priority import Cold, priority
from domain.tickets import EventKind, TicketClass, TicketSource
from domain.words.desk import CHANNEL_TEXTS, SUBJECT_TEXTS
from store.notices import outbox
from store.tickets import case_rows

SOURCES = {
    CaseChannel.PHONE: TicketSource.PHONE,
    CaseChannel.BOX: TicketSource.LETTER,
    CaseChannel.RECEPTION: TicketSource.WALK_IN,
    CaseChannel.VISIT: TicketSource.WALK_IN,
    CaseChannel.LETTER: TicketSource.LETTER,
    CaseChannel.ONLINE: TicketSource.USER,
    CaseChannel.SUPERIOR: TicketSource.SUPERIOR,
}
EVENTS = {
    FollowUp.ESCALATED: EventKind.ESCALATED,
    FollowUp.SUPERVISED: EventKind.SUPERVISED,
    FollowUp.PUBLISHED: EventKind.PUBLISHED,
    FollowUp.EXAMPLE: EventKind.EXAMPLE,
}


class NotNow(Exception):
    """A follow-up that the case does not allow now; nothing was changed."""


def open_case(conn: Connection, policy: Policy, new: NewCase, now: datetime, actor: str) -> int:
    """Take a case down; returns its ticket_id. The caller owns the transaction."""
    docket = Docket(conn, policy, now, actor)
    ticket_class = TicketClass(new.case_class)
    ticket = docket.open(
        Opening(
            ticket_class=ticket_class,
            source=SOURCES[new.channel],
            priority=priority(ticket_class, Cold(), None),
            station=new.about_station,
            data={
                "subject": new.subject.value,
                "channel": new.channel.value,
                "about": new.about_station,
                "zh": f"{SUBJECT_TEXTS[new.subject].zh}({CHANNEL_TEXTS[new.channel].zh})",
                "en": f"{SUBJECT_TEXTS[new.subject].en} ({CHANNEL_TEXTS[new.channel].en})",
            },
        )
    )
    docket.write()
    case_rows.insert(conn, ticket, new, actor, now)
    told = [Audience.SUPERVISOR] if ticket_class is TicketClass.REPORT else [Audience.DISPATCH, Audience.SUPERVISOR]
    outbox.put(conn, [OutboxEntry(NoticeKind.CASE_OPENED, audience, ticket_id=ticket) for audience in told], now)
    return ticket


class CaseStep(NamedTuple):
    """A follow-up of a case, named by its ticket number."""

    number: str
    what: FollowUp
    note: str = ""


def follow_up(conn: Connection, policy: Policy, step: CaseStep, now: datetime, actor: str) -> bool:
    """Escalate, supervise, publish, make an example; False: no such case. The caller owns the transaction.

    Raises:
        NotNow: says why.
    """
    what = step.what
    standing = case_rows.lock(conn, step.number)
    if standing is None:
        return False
    reason = refusal(what, standing.done(what), standing.closed)
    if reason is not None:
        raise NotNow(f"{what.value}: {reason}")
    case_rows.follow_up(conn, standing.ticket_id, what, now)
    docket = Docket(conn, policy, now, actor)
    docket.add(standing.ticket_id, EVENTS[what], note=step.note)
    docket.write()
    if what is FollowUp.ESCALATED:
        outbox.put(
            conn, [OutboxEntry(NoticeKind.CASE_ESCALATED, Audience.SUPERVISOR, ticket_id=standing.ticket_id)], now
        )
    return True

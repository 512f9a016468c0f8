"""Notices: events people should be told about, and their audiences. The texts are in domain/words/notices.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from domain.bounds import Many, Seconds, SomeSeconds


class Audience(StrEnum):
    """Audience of a notice."""

    DISPATCH = "dispatch"
    CREW = "crew"  # of a station
    SUPERVISOR = "supervisor"
    PERSON = "person"  # a member of the staff
    WITNESS = "witness"  # someone outside the company who keeps its seals
    USER = "user"  # of a home
    PEER = "peer"  # another desk, of the file of peers


class NoticeKind(StrEnum):
    """Kind of event. Each comment lists the keys of `OutboxEntry.data` used by its texts, besides the ticket's own."""

    TICKET_OPENED = "ticket_opened"
    TICKET_SEVERE = "ticket_severe"  # it became severe
    TICKET_REOPENED = "ticket_reopened"
    USER_SAID = "user_said"  # the user added to a ticket
    TICKET_ASSIGNED = "ticket_assigned"  # responsible
    TICKET_UNANSWERED = "ticket_unanswered"  # not accepted by those who were told before
    TERMS_TOLD = "terms_told"  # for_what, amount: of a repair that the user pays for, who is to agree or not
    APPOINTMENT = "appointment"  # at
    CONTRACT_OFFERED = "contract_offered"  # contract
    HEAT_NOTICE = "heat_notice"  # notice
    TICKET_DONE = "ticket_done"
    STILL_COLD = "still_cold"  # marked done, and not warm
    TICKET_ANSWERED = "ticket_answered"  # answer
    TICKET_CLOSED = "ticket_closed"
    CLOCK_WARNING = "clock_warning"  # clock, due_at
    CLOCK_BREACHED = "clock_breached"  # clock, due_at
    CALENDAR_MISSING = "calendar_missing"  # year
    CASE_OPENED = "case_opened"  # a complaint or a report
    CASE_ESCALATED = "case_escalated"
    CASE_ANSWERED = "case_answered"  # answer
    INCIDENT_OPENED = "incident_opened"  # place, homes
    INCIDENT_CLOSED = "incident_closed"  # place, homes
    HOME_STAYED_COLD = "home_stayed_cold"  # incident: it left it still cold, or turned cold again after it
    ALARM_RAISED = "alarm_raised"  # place, alarm
    MEASUREMENT_DUE = "measurement_due"  # place, due_at
    MEASUREMENT_LATE = "measurement_late"  # place, due_at
    LIKELY_COLD = "likely_cold"  # homes, due_at: likely to be under their limit until then
    CHAIN_BROKEN = "chain_broken"  # what
    SEAL_PUBLISHED = "seal_published"  # seal, at, key, signature
    OUTAGE_ANNOUNCED = "outage_announced"  # outage, reason, begins_at, expected_end
    OUTAGE_CHANGED = "outage_changed"  # outage, begins_at, expected_end
    OUTAGE_LATE = "outage_late"  # outage, expected_end
    OUTAGE_RESTORED = "outage_restored"  # outage, restored_at
    OUTAGE_EXPLAINED = "outage_explained"  # outage, explanation
    OUTAGE_CANCELLED = "outage_cancelled"  # outage, begins_at
    SWAP_ASKED = "swap_asked"  # begins_at
    SWAP_AGREED = "swap_agreed"  # begins_at
    SWAP_DECLINED = "swap_declined"  # begins_at


# Kinds that bypass the message limit and a user's quiet hours.
URGENT = frozenset(
    {
        NoticeKind.TICKET_SEVERE,
        NoticeKind.TICKET_UNANSWERED,
        NoticeKind.STILL_COLD,
        NoticeKind.CLOCK_BREACHED,
        NoticeKind.INCIDENT_OPENED,
        NoticeKind.ALARM_RAISED,
        NoticeKind.CHAIN_BROKEN,
    }
)


class OutboxEntry(NamedTuple):
    """A new entry for the outbox.

    `station` selects the crew where there is neither ticket nor home, `staff_id` the person; `urgent` None: the
    default of the kind.
    """

    kind: NoticeKind
    audience: Audience
    ticket_id: int | None = None
    incident_id: int | None = None
    outage_id: int | None = None
    home_id: int | None = None
    station: str | None = None
    data: Mapping[str, Any] = {}
    urgent: bool | None = None
    staff_id: int | None = None


class SendFault(StrEnum):
    """Reason a delivery attempt failed. Stored with the message."""

    UNREACHABLE = "unreachable"  # no connection, or no answer
    REFUSED_FOR_NOW = "refused_for_now"  # temporary refusal
    REFUSED = "refused"  # permanent refusal
    NO_CHANNEL = "no_channel"  # the recipient's channel is no longer configured
    NO_CONSENT = "no_consent"  # the user has not agreed to the template, or the consents are used up
    BROKEN_OFF = "broken_off"  # the sender process died while sending
    GAVE_UP = "gave_up"  # retried for too long


class NotSent(Exception):
    """A message was not delivered, or delivery is uncertain.

    Args:
        permanent: retrying would not help.
        unsure: it may have been delivered.
        detail: a code or some words of the remote side; never an address.
        after: how long the remote side asks to be left alone.
    """

    def __init__(
        self,
        fault: SendFault,
        detail: str,
        *,
        permanent: bool = False,
        unsure: bool = False,
        after: timedelta = timedelta(0),
    ) -> None:
        super().__init__(f"{fault.value}: {detail}")
        self.after = after
        self.fault = fault
        self.detail = detail
        self.permanent = permanent
        self.unsure = unsure


@dataclass(frozen=True, kw_only=True)
class NoticeRules:
    """Rules of notifying people; part of the policy."""

    quiet_from: time  # local time; between the two, users get urgent notices only
    quiet_to: time
    digest_count: Many  # messages for one addressee within the span; more become a digest
    digest_span_s: SomeSeconds
    give_up_s: SomeSeconds  # how long delivery is retried
    outage_announce_s: Seconds  # users are told of outages expected to last at least this long
    outage_clause: str

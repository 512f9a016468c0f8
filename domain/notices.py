"""Notices: what somebody should hear of, and who. The texts are in domain/notice_texts.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from typing import Any, NamedTuple


class Audience(StrEnum):
    """Who should hear of it."""

    DISPATCH = "dispatch"
    CREW = "crew"  # of a station
    SUPERVISOR = "supervisor"
    WITNESS = "witness"  # somebody outside of the company who keeps its seals
    USER = "user"  # of a home


class NoticeKind(StrEnum):
    """What happened. Behind each: the keys of `Entry.data` that its texts name, beside what the ticket tells."""

    TICKET_OPENED = "ticket_opened"
    TICKET_SEVERE = "ticket_severe"  # it got worse
    TICKET_REOPENED = "ticket_reopened"
    USER_SAID = "user_said"  # the user has added something to a ticket
    TICKET_ASSIGNED = "ticket_assigned"  # responsible
    APPOINTMENT = "appointment"  # at
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
    HOME_STAYED_COLD = "home_stayed_cold"  # incident: it came out of it, or is cold again after it
    ALARM_RAISED = "alarm_raised"  # place, alarm
    MEASUREMENT_DUE = "measurement_due"  # place, due_at
    MEASUREMENT_LATE = "measurement_late"  # place, due_at
    CHAIN_BROKEN = "chain_broken"  # what
    SEAL_PUBLISHED = "seal_published"  # seal, at, key, signature
    OUTAGE_ANNOUNCED = "outage_announced"  # outage, reason, begins_at, expected_end
    OUTAGE_CHANGED = "outage_changed"  # outage, begins_at, expected_end
    OUTAGE_LATE = "outage_late"  # outage, expected_end
    OUTAGE_RESTORED = "outage_restored"  # outage, restored_at
    OUTAGE_EXPLAINED = "outage_explained"  # outage, explanation
    OUTAGE_CANCELLED = "outage_cancelled"  # outage, begins_at


class EntryFate(StrEnum):
    """What became of an entry of the outbox."""

    TOLD = "told"  # there is a notice for each recipient
    NOBODY = "nobody"  # nobody of that audience can be reached
    GROUPED = "grouped"  # an incident speaks for it
    OFF = "off"  # it was put there while the policy had no notices


# What is told at once where it may be held back: by the limit of messages, or by a user's quiet hours.
URGENT = frozenset(
    {
        NoticeKind.TICKET_SEVERE,
        NoticeKind.STILL_COLD,
        NoticeKind.CLOCK_BREACHED,
        NoticeKind.INCIDENT_OPENED,
        NoticeKind.ALARM_RAISED,
        NoticeKind.CHAIN_BROKEN,
    }
)


class OutboxEntry(NamedTuple):
    """Something for the outbox.

    `station` narrows a crew down where there is neither ticket nor home; `urgent` None: as usual for the kind.
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


class SendFault(StrEnum):
    """Why an attempt to send went wrong. Stored with the message."""

    UNREACHABLE = "unreachable"  # nobody answered, or the answer never came
    REFUSED_FOR_NOW = "refused_for_now"  # they say: later
    REFUSED = "refused"  # they say: never
    NO_CHANNEL = "no_channel"  # nothing says any more how to reach it
    BROKEN_OFF = "broken_off"  # whoever sent it died over it
    GAVE_UP = "gave_up"  # it went on for too long


class NotSent(Exception):
    """A message did not go out, or nobody knows.

    Args:
        permanent: trying again would not help.
        unsure: it may have arrived.
        detail: a code or some words of whom we spoke to; never an address.
    """

    def __init__(self, fault: SendFault, detail: str, *, permanent: bool = False, unsure: bool = False) -> None:
        super().__init__(f"{fault.value}: {detail}")
        self.fault = fault
        self.detail = detail
        self.permanent = permanent
        self.unsure = unsure


@dataclass(frozen=True, kw_only=True)
class NoticeRules:
    """How people are told; a part of the policy."""

    quiet_from: time  # users are not disturbed from here …
    quiet_to: time  # … until here, on the local clock, but for what is urgent
    digest_count: int  # no more messages than this for one addressee …
    digest_span_s: int  # … within this time: what is more becomes a digest
    give_up_s: int  # how long sending is tried
    outage_announce_s: int  # users hear of an outage that is expected to last so long
    outage_clause: str

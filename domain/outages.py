"""Outages, planned or caused by a fault: when users must be told, and which events an outage allows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.notices import NoticeRules


class OutageKind(StrEnum):
    """Cause of an outage."""

    PLANNED = "planned"
    FAULT = "fault"


class OutageEvent(StrEnum):
    """Event of an outage. The history is append-only."""

    RECORDED = "recorded"
    CHANGED = "changed"  # other times or reason, or it stops the heat after all
    WIDENED = "widened"  # more places
    ANNOUNCED = "announced"  # users were told
    LATE = "late"  # the expected end has passed
    EXPLAINED = "explained"
    RESTORED = "restored"
    CANCELLED = "cancelled"  # it did not take place


class AnnounceReason(StrEnum):
    """Reason for telling users. Stored with the event."""

    FAULT = "fault"  # a fault that stops heating
    EXPECTED_LONG = "expected_long"
    LASTED_LONG = "lasted_long"  # longer than was expected


class OutageRefusal(StrEnum):
    """Reason for refusing what is said of an outage."""

    NO_EXPECTED_END = "no_expected_end"
    ENDS_BEFORE_BEGIN = "ends_before_begin"
    CANCELLED = "cancelled"
    RESTORED = "restored"
    BEGUN = "begun"
    RESTORED_OUTSIDE = "restored_outside"  # before it began, or in the future


@dataclass(frozen=True, kw_only=True)
class KnownOutage:
    """Known facts of an outage; `expected_end` None: not known yet."""

    kind: OutageKind
    stops_heating: bool
    begins_at: datetime
    expected_end: datetime | None
    announced_at: datetime | None = None
    late_at: datetime | None = None  # when it was found overdue
    restored_at: datetime | None = None
    cancelled_at: datetime | None = None

    @property
    def over(self) -> bool:
        """True if the heat is back, or was never interrupted."""
        return self.restored_at is not None or self.cancelled_at is not None


def why_announce(rules: NoticeRules, outage: KnownOutage, now: datetime) -> AnnounceReason | None:
    """Return the reason to tell users of an outage now; None if there is none, or they were told.

    The expected duration counts (clause 9(3) “停热八小时以上”, inclusive). An outage that lasts longer than expected is
    announced once it has lasted that long.
    """
    if outage.announced_at is not None or outage.over:
        return None
    if outage.kind is OutageKind.FAULT and outage.stops_heating:
        return AnnounceReason.FAULT
    long = timedelta(seconds=rules.outage_announce_s)
    if outage.expected_end is not None and outage.expected_end - outage.begins_at >= long:
        return AnnounceReason.EXPECTED_LONG
    return AnnounceReason.LASTED_LONG if now - outage.begins_at >= long else None


def is_late(outage: KnownOutage, now: datetime) -> bool:
    """Return whether the expected end has passed without having been noticed."""
    expected = outage.expected_end
    return not outage.over and outage.late_at is None and expected is not None and expected <= now


def span_fault(kind: OutageKind, begins_at: datetime, expected_end: datetime | None) -> OutageRefusal | None:
    """Return the fault in the times of an outage; None if they are in order."""
    if expected_end is None:
        return OutageRefusal.NO_EXPECTED_END if kind is OutageKind.PLANNED else None
    return None if expected_end > begins_at else OutageRefusal.ENDS_BEFORE_BEGIN


def refusal(outage: KnownOutage, event: OutageEvent, now: datetime) -> OutageRefusal | None:
    """Return the reason against an event of an outage; None if it is allowed."""
    if outage.cancelled_at is not None:
        return OutageRefusal.CANCELLED
    if outage.restored_at is not None and event is not OutageEvent.EXPLAINED:
        return OutageRefusal.RESTORED
    if event is OutageEvent.CANCELLED and outage.begins_at <= now:
        return OutageRefusal.BEGUN
    return None

"""Outages: times without heat, planned or by a fault. When users have to be told, and what may be said of an outage."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.notices import NoticeRules
from domain.reasons import Text


class OutageKind(StrEnum):
    """Why there is no heat."""

    PLANNED = "planned"
    FAULT = "fault"


class OutageEvent(StrEnum):
    """What happens to an outage. Its history is of these, and they are only ever added."""

    RECORDED = "recorded"
    CHANGED = "changed"  # other times, another reason, or it does stop the heat after all
    WIDENED = "widened"  # more places
    ANNOUNCED = "announced"  # users are told of it
    LATE = "late"  # the expected end has passed
    EXPLAINED = "explained"
    RESTORED = "restored"
    CANCELLED = "cancelled"  # it did not take place


class AnnounceReason(StrEnum):
    """Why users are told. Stored with the event."""

    FAULT = "fault"  # a fault that stops heating
    EXPECTED_LONG = "expected_long"
    LASTED_LONG = "lasted_long"  # longer than was expected


ANNOUNCE_TEXTS = {
    AnnounceReason.FAULT: Text("故障停热。", "A fault stops the heat."),
    AnnounceReason.EXPECTED_LONG: Text(
        "预计停热时长达到公告标准。", "It is expected to last as long as has to be announced."
    ),
    AnnounceReason.LASTED_LONG: Text("实际停热时长达到公告标准。", "It has lasted as long as has to be announced."),
}


@dataclass(frozen=True, kw_only=True)
class KnownOutage:
    """What is known of an outage; `expected_end` None: nobody can say yet."""

    kind: OutageKind
    stops_heating: bool
    begins_at: datetime
    expected_end: datetime | None
    announced_at: datetime | None = None
    late_at: datetime | None = None  # when it was noticed that the expected end had passed
    restored_at: datetime | None = None
    cancelled_at: datetime | None = None

    @property
    def over(self) -> bool:
        """Whether the heat is back, or never went."""
        return self.restored_at is not None or self.cancelled_at is not None


def why_announce(rules: NoticeRules, outage: KnownOutage, now: datetime) -> AnnounceReason | None:
    """Why users have to be told of an outage now; None: they need not be, or have been.

    The length that counts is the expected one (clause 9(3): 停热八小时以上, the number included). What lasts longer
    than was expected is told when it has lasted so long.
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
    """Whether the expected end has passed, and nobody has been told so yet."""
    expected = outage.expected_end
    return not outage.over and outage.late_at is None and expected is not None and expected <= now


def span_fault(kind: OutageKind, begins_at: datetime, expected_end: datetime | None) -> Text | None:
    """What is wrong with the times of an outage; None: nothing."""
    if expected_end is None:
        missing = Text("计划停热必须给出预计恢复时间。", "A planned outage has an expected end.")
        return missing if kind is OutageKind.PLANNED else None
    return None if expected_end > begins_at else Text("预计恢复时间须晚于开始时间。", "It must end after it begins.")


def refusal(outage: KnownOutage, event: OutageEvent, now: datetime) -> Text | None:
    """Why an event cannot be said of an outage; None: it can."""
    if outage.cancelled_at is not None:
        return Text("该停热已取消。", "The outage was cancelled.")
    if outage.restored_at is not None and event is not OutageEvent.EXPLAINED:
        return Text("该停热已恢复供热。", "The heat is back already.")
    if event is OutageEvent.CANCELLED and outage.begins_at <= now:
        return Text("停热已开始,不能取消,只能恢复。", "The outage has begun: it can be ended, not cancelled.")
    return None

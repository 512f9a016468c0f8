"""Timing of notices: quiet hours, and bundling into digests."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from domain.notices import NoticeRules

MINUTE = timedelta(minutes=1)


def quiet_until(rules: NoticeRules, at: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the end of the quiet hours that `at` is in; None outside of them.

    Searched minute by minute, 1,500 at most, which is also correct when the clocks change that night.
    """
    if not _is_quiet(rules, at, zone):
        return None
    later = at.replace(second=0, microsecond=0) + MINUTE
    while _is_quiet(rules, later, zone):
        later += MINUTE
    return later


def _is_quiet(rules: NoticeRules, at: datetime, zone: ZoneInfo) -> bool:
    clock = at.astimezone(zone).time()
    if rules.quiet_from < rules.quiet_to:
        return rules.quiet_from <= clock < rules.quiet_to
    return clock >= rules.quiet_from or clock < rules.quiet_to


class WaitingNotices(NamedTuple):
    """Waiting notices of one addressee, at least one."""

    notices: int
    oldest: datetime  # when the first of them became ready
    urgent: bool  # whether one of them is urgent


class Made(NamedTuple):
    """A recent message, and the number of notices in it."""

    at: datetime
    notices: int


class Bundling(Enum):
    """Ways to send waiting notices."""

    ALONE = "alone"  # one message each
    TOGETHER = "together"  # one digest
    WAIT = "wait"


def bundle(rules: NoticeRules, waiting: WaitingNotices, lately: Sequence[Made], now: datetime) -> Bundling:
    """Decide whether the notices of one addressee are sent one by one, as a digest, or later.

    More than `digest_count` notices within `digest_span_s` become a digest. In a flood the first digest is sent at once
    and the next after the span, unless a notice is urgent: then all waiting ones go with it. An addressee gets at most
    `digest_count` messages within the span, and no notice waits longer than the span.
    """
    span = timedelta(seconds=rules.digest_span_s)
    recent = [message for message in lately if message.at > now - span]
    if waiting.notices + sum(message.notices for message in recent) <= rules.digest_count:
        return Bundling.ALONE
    flood = waiting.notices > rules.digest_count and not any(message.notices > 1 for message in recent)
    too_long = waiting.oldest <= now - span
    has_room = len(recent) < rules.digest_count
    return Bundling.TOGETHER if has_room and (flood or too_long or waiting.urgent) else Bundling.WAIT

"""When a notice may be sent, and with which others."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from domain.notices import NoticeRules

MINUTE = timedelta(minutes=1)


def quiet_until(rules: NoticeRules, at: datetime, zone: ZoneInfo) -> datetime | None:
    """The end of the quiet hours that `at` lies in; None if it lies in none.

    Looked for minute by minute, 1,500 at most: that is right on every night on which the clocks are changed too.
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
    """The notices of one addressee that wait to become messages; there is one at least."""

    notices: int
    oldest: datetime  # since when the first of them has been ready
    urgent: bool  # one of them is


class Made(NamedTuple):
    """A message that was made lately, and of how many notices."""

    at: datetime
    notices: int


class Bundling(Enum):
    """What becomes of the notices that wait."""

    ALONE = "alone"  # each a message of its own
    TOGETHER = "together"  # one digest
    WAIT = "wait"


def bundle(rules: NoticeRules, waiting: WaitingNotices, lately: Sequence[Made], now: datetime) -> Bundling:
    """Whether the notices of one addressee go out one by one, as one digest, or wait for more to come.

    More than `digest_count` notices within `digest_span_s` become a digest. Of a flood one goes out at once and the
    next when the span is over, but for what is urgent, which takes all others with it. Nobody gets more than
    `digest_count` messages within the span, and nothing waits for longer than that.
    """
    span = timedelta(seconds=rules.digest_span_s)
    recent = [message for message in lately if message.at > now - span]
    if waiting.notices + sum(message.notices for message in recent) <= rules.digest_count:
        return Bundling.ALONE
    flood = waiting.notices > rules.digest_count and not any(message.notices > 1 for message in recent)
    too_long = waiting.oldest <= now - span
    has_room = len(recent) < rules.digest_count
    return Bundling.TOGETHER if has_room and (flood or too_long or waiting.urgent) else Bundling.WAIT

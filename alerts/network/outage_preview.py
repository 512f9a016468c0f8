"""The announcement of an outage before it is recorded: reason, people, channels and words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg import Connection

from alerts.network.outages import Draft, OutageRefused, cannot_wait
from domain.notice_rendering import Rendered, render
from domain.notice_timing import quiet_until
from domain.notices import Audience, NoticeKind
from domain.outages import AnnounceReason, KnownOutage, span_fault, why_announce
from domain.policy import Policy
from store.network import outage_places
from store.network.outage_places import ReachedBy

LANGUAGES = ("zh", "en")


class Announcement(NamedTuple):
    """The announcement of a draft. `why` None: users are not told now; `not_before`: when quiet hours end, if it waits.

    `texts` are what a user reads, by language; `reach` has all channels together first.
    """

    why: AnnounceReason | None
    clause: str | None
    not_before: datetime | None
    reach: ReachedBy
    channels: Sequence[ReachedBy]
    texts: Mapping[str, Rendered]


def preview(conn: Connection, policy: Policy, draft: Draft, now: datetime) -> Announcement:
    """Say what recording an outage would announce; nothing is written.

    Raises:
        OutageRefused: its times make no sense.
    """
    if fault := span_fault(draft.kind, draft.begins_at, draft.expected_end):
        raise OutageRefused(fault)
    rules = policy.rules_at(now).notices
    outage = KnownOutage(
        kind=draft.kind,
        stops_heating=draft.stops_heating,
        begins_at=draft.begins_at,
        expected_end=draft.expected_end,
    )
    waits = rules is not None and not cannot_wait(policy, draft.begins_at, now)
    whole, *channels = outage_places.reach(conn, draft.area, now)
    return Announcement(
        why=why_announce(rules, outage, now) if rules else None,
        clause=rules.outage_clause if rules else None,
        not_before=quiet_until(rules, now, policy.zone) if rules and waits else None,
        reach=whole,
        channels=channels,
        texts=_texts(policy, draft, whole.sample),
    )


def _texts(policy: Policy, draft: Draft, home: str | None) -> dict[str, Rendered]:
    facts = {
        "home": home,
        "reason": draft.reason,
        "begins_at": draft.begins_at,
        "expected_end": draft.expected_end,
    }
    kind, user = NoticeKind.OUTAGE_ANNOUNCED, Audience.USER
    return {language: render(kind, user, language, facts, policy.zone) for language in LANGUAGES}

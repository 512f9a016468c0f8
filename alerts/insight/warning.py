"""Warn in the evening of homes that are likely to be cold until the morning, and send the list to their stations."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from psycopg import Connection

from domain.foresight import EVENING, LATE_EVENING, MORNING
from domain.notices import Audience, NoticeKind, OutboxEntry
from domain.policy import Policy
from store.insight import warning_rows
from store.notices import outbox


def morning(policy: Policy, slot: datetime) -> date:
    """Return the local day of the morning that follows an evening."""
    return slot.astimezone(policy.zone).date() + timedelta(days=1)


def is_evening(policy: Policy, slot: datetime, warned_for: date | None) -> bool:
    """Return whether the list of the next morning is to be made: once, and not late in the evening any more."""
    clock = slot.astimezone(policy.zone).time()
    return EVENING <= clock < LATE_EVENING and warned_for != morning(policy, slot)


def warn(conn: Connection, policy: Policy, network: int, slot: datetime, homes: Sequence[Mapping[str, Any]]) -> None:
    """Keep the warnings of a network for the next morning."""
    day = morning(policy, slot)
    until = datetime.combine(day, MORNING, policy.zone)
    warning_rows.warn(conn, network, day, (slot, until), homes)


def tell_stations(conn: Connection, policy: Policy, slot: datetime, now: datetime) -> None:
    """Put the lists that nobody was told of into the outbox, one for each station."""
    found = warning_rows.take_untold(conn, morning(policy, slot), now)
    entries = [
        OutboxEntry(
            NoticeKind.LIKELY_COLD, Audience.CREW, station=station, data={"homes": homes, "due_at": until.isoformat()}
        )
        for station, homes, until in found
    ]
    outbox.put(conn, entries, now)

"""Evaluation of another policy over the same readings, without any change."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.judging.history import History
from alerts.judging.verdict import SpanVerdict, StartGroup, judge_span
from domain.instants import to_datetime
from domain.policy import NO_RULES, Policy
from domain.tickets import TicketClass
from store.judging import flag_rows, ledger_rows

US_PER_HOUR = 3_600_000_000
USUAL_DELAY = timedelta(hours=48)


@dataclass
class WhatIfFigures:
    """Homes over a span of days, in one look.

    A flag that follows the one before within the delay of its call-back is of the same ticket, as a relapse is; how
    long the work would take nobody knows.
    """

    homes: int = 0  # with readings
    homes_cold: int = 0  # at any time
    homes_flagged: int = 0
    flags: int = 0
    tickets: int = 0
    cold_hours: float = 0.0
    severe_hours: float = 0.0
    compliant_hours: float = 0.0
    unknown_hours: float = 0.0
    not_judged_hours: float = 0.0

    def add(self, other: "WhatIfFigures") -> None:
        """Add the figures of other homes."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


def imagine(conn: Connection, history: History, homes: NDArray[np.int32], first: date, end: datetime) -> WhatIfFigures:
    """Judge homes by another policy, without history, from the start of a day to an instant, a midnight."""
    group = StartGroup(first, homes, {})
    return figures(judge_span(history, history.tables(conn), group, end, end), history.policy)


def figures(verdict: SpanVerdict, policy: Policy) -> WhatIfFigures:
    """Count what a policy makes of homes."""
    out, days = WhatIfFigures(), verdict.days
    _add_hours(out, {name: int(days[name].sum()) for name in STATES})
    ended = verdict.ended["flag"]
    flags = list(
        zip(verdict.ended["home"].tolist(), ended["cold_since"].tolist(), ended["cleared_at"].tolist(), strict=True)
    )
    still = np.flatnonzero(verdict.machines["severity"] > 0)
    flags += [(int(home), int(verdict.machines["cold_since"][home]), np.iinfo(np.int64).max) for home in still]
    out.homes = int(verdict.entered.sum())
    out.homes_cold = len(np.unique(days["home_id"][days["cold"] + days["severe"] > 0]))
    out.homes_flagged, out.flags = len({home for home, _, _ in flags}), len(flags)
    out.tickets = _tickets(flags, call_back_delay(policy, verdict.first_day))
    return out


def call_back_delay(policy: Policy, day: date) -> timedelta:
    """Return how long after its end a flag's ticket takes in the next one, by the rules of a day."""
    rules = next((v for v in reversed(policy.versions) if v.valid_from <= day), NO_RULES)
    return rules.call_back_after.get(TicketClass.COLD, USUAL_DELAY)


def _tickets(flags: Iterable[tuple[int, int, int]], delay: timedelta) -> int:
    """Count the tickets of flags: (home, start µs, end µs)."""
    count, last, until = 0, -1, 0
    for home, start, end in sorted(flags):
        count += home != last or start > until
        last, until = home, end + delay // timedelta(microseconds=1)
    return count


STATES = ("compliant", "cold", "severe", "unknown", "not_judged")


def recorded(conn: Connection, history: History, homes: NDArray[np.int32], first: date, end: datetime) -> WhatIfFigures:
    """Read the figures on record for the same homes and span."""
    ids = homes.tolist()
    sums = ledger_rows.sums(conn, ids, first, history.day_of(end))
    start = to_datetime(history.midnight_us(first))
    flags = [row for row in flag_rows.since(conn, ids, start) if row.cold_since < end and row.cleared_at != start]
    out = WhatIfFigures(
        homes=sums.homes,
        homes_cold=sums.homes_cold,
        homes_flagged=len({row.home_id for row in flags}),
        flags=len(flags),
        tickets=len({row.ticket_id for row in flags}),
    )
    _add_hours(out, {name: getattr(sums, name) for name in STATES})
    return out


def _add_hours(out: WhatIfFigures, us: dict[str, int]) -> None:
    for name, spent in us.items():
        setattr(out, f"{name}_hours", getattr(out, f"{name}_hours") + spent / US_PER_HOUR)

"""Evaluation of another policy over the same readings, without any change."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from alerts.judging.history import History
from alerts.judging.verdict import SpanVerdict, StartGroup, judge_span
from alerts.judging.what_if_terms import WhatIfTerms
from domain.instants import to_datetime
from domain.policy import NO_RULES, Policy
from domain.refunds.batch import compute_batch
from domain.refunds.rules import RefundRules
from domain.tickets import TicketClass
from store.judging import flag_rows, ledger_rows

US_PER_HOUR = 3_600_000_000
USUAL_DELAY = timedelta(hours=48)


@dataclass
class MonthWhatIf:
    """Tickets by the month of their first flag, and refunds by that of their day, in smallest units."""

    tickets: int = 0
    refund_units: int = 0


@dataclass
class WhatIfFigures:
    """Homes over a span of days, in one look.

    A flag that follows the one before within the delay of its call-back is of the same ticket, as a relapse is. How
    long the work would take nobody knows: a ticket is taken to keep a crew as long as visits on record did.
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
    visits: int = 0  # to cold homes, on record
    visits_us: int = 0
    priced_homes: int = 0  # whose fee is on record
    refund_units: int = 0  # smallest units of the currency
    months: dict[str, MonthWhatIf] = field(default_factory=dict)  # 2026-01 → its part

    def add(self, other: "WhatIfFigures") -> None:
        """Add the figures of other homes."""
        for name in (one.name for one in fields(self) if one.name != "months"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name, part in other.months.items():
            for key, value in asdict(part).items():
                setattr(self.month(name), key, getattr(self.month(name), key) + value)

    def month(self, name: str) -> MonthWhatIf:
        """Return the part of a month, to add to it."""
        return self.months.setdefault(name, MonthWhatIf())

    def add_tickets(self, days: Iterable[date]) -> None:
        """Add tickets, each by the local day of its first flag."""
        for day in days:
            self.tickets += 1
            self.month(_month(day)).tickets += 1

    def add_money(
        self, rules: RefundRules | None, terms: WhatIfTerms, span: tuple[date, date], ledger: NDArray[np.void]
    ) -> None:
        """Add what homes get back for the days of a span, and what is on record of crews' visits.

        Args:
            terms: of these homes alone.
            ledger: their days (SPENT_ROW or more), as recorded or as another policy judges them.
        """
        self.visits += terms.visits.tickets
        self.visits_us += terms.visits.us
        touched = [one for one in terms.seasons if one.days.first < span[1] and one.days.end > span[0]]
        self.priced_homes += len(np.unique(np.concatenate([np.empty(0, np.int64), *(one.homes for one in touched)])))
        if rules is None:
            return
        for one in touched:
            batch = compute_batch(rules, one.upto(span[1]), ledger[ledger["day"] >= span[0].toordinal()])
            for nth, units in enumerate(batch.computed["amount"].sum(axis=0).tolist()):
                if units:
                    self.refund_units += units
                    self.month(_month(batch.days.first + timedelta(days=nth))).refund_units += units

    def crew_hours(self, tickets: int) -> float | None:
        """Return how long tickets keep crews by the visits on record; None: there is none."""
        return tickets * self.visits_us / self.visits / US_PER_HOUR if self.visits else None


def imagine(conn: Connection, history: History, homes: NDArray[np.int32], first: date, end: datetime) -> WhatIfFigures:
    """Count what another policy makes of homes (`judged_by`)."""
    return figures(judged_by(conn, history, homes, first, end), history.policy)


def judged_by(conn: Connection, history: History, homes: NDArray[np.int32], first: date, end: datetime) -> SpanVerdict:
    """Judge homes by another policy, without history, from the start of a day to an instant, a midnight."""
    return judge_span(history, history.tables(conn), StartGroup(first, homes, {}), end, end)


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
    starts = _ticket_starts(flags, call_back_delay(policy, verdict.first_day))
    out.add_tickets(to_datetime(us).astimezone(policy.zone).date() for us in starts)
    return out


def call_back_delay(policy: Policy, day: date) -> timedelta:
    """Return how long after its end a flag's ticket takes in the next one, by the rules of a day."""
    rules = next((v for v in reversed(policy.versions) if v.valid_from <= day), NO_RULES)
    return rules.call_back_after.get(TicketClass.COLD, USUAL_DELAY)


def _ticket_starts(flags: Iterable[tuple[int, int, int]], delay: timedelta) -> Iterator[int]:
    """Yield when the tickets of flags, each (home, start µs, end µs), begin."""
    last, until = -1, 0
    for home, start, end in sorted(flags):
        if home != last or start > until:
            yield start
        last, until = home, end + delay // timedelta(microseconds=1)


def _month(day: date) -> str:
    return f"{day:%Y-%m}"


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
    )
    begun: dict[int | None, datetime] = {}
    for row in flags:
        since = max(row.cold_since, start)
        begun[row.ticket_id] = min(begun.get(row.ticket_id, since), since)
    out.add_tickets(history.day_of(at) for at in begun.values())
    _add_hours(out, {name: getattr(sums, name) for name in STATES})
    return out


def _add_hours(out: WhatIfFigures, us: dict[str, int]) -> None:
    for name, spent in us.items():
        setattr(out, f"{name}_hours", getattr(out, f"{name}_hours") + spent / US_PER_HOUR)

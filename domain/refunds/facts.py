"""The facts of a home's season, day by day, from what is on record: requests, measurements, outages."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from domain.milli import NONE_MILLI
from domain.policy import Season
from domain.refunds.rules import Deemed, OutageRefund, RefundRules, Starts
from domain.refunds.season import DAY_FACTS


class FactKind(StrEnum):
    """Kinds of facts that people note of a home and readings do not tell."""

    REQUEST = "request"  # the user asks for a measurement
    REPORT = "report"  # the user says that it is cold
    REFUSED = "refused"  # the user lets nobody measure, or does not sign
    AUTHORITY = "authority"  # an authority has measured: of the measurement at that instant
    AT_FAULT = "at_fault"  # the user has caused the cold, from then on
    UNPAID = "unpaid"  # the fee is owed, from then on


SPANS = (FactKind.REFUSED, FactKind.AT_FAULT, FactKind.UNPAID)


class HomeFact(NamedTuple):
    """A fact at an instant; spans hold until `until`, or for the day (refused) or the season (None)."""

    kind: FactKind
    at: datetime
    until: datetime | None = None


class CountedMeasurement(NamedTuple):
    """A valid signed measurement, as judged."""

    at: datetime
    milli: int


class AwaySpan(NamedTuple):
    """A time without heat; `end` None: it goes on."""

    begin: datetime
    end: datetime | None


class RefundRecord(NamedTuple):
    """All that is on record of a home in a season beside its ledger."""

    facts: tuple[HomeFact, ...] = ()
    measurements: tuple[CountedMeasurement, ...] = ()
    away: tuple[AwaySpan, ...] = ()


class SeasonDays(NamedTuple):
    """Local days of a season, [first, end), as far as they are over, and the whole season's number of days."""

    first: date
    end: date
    zone: ZoneInfo
    whole: int

    @classmethod
    def of(cls, season: Season, zone: ZoneInfo, until: date = date.max) -> "SeasonDays":
        """Return the days of a season before `until`."""
        return cls(season.first, min(season.end, until), zone, (season.end - season.first).days)

    def number(self, at: datetime) -> int:
        """Return the number of the local day of an instant; may lie outside."""
        return (at.astimezone(self.zone).date() - self.first).days

    def start(self) -> datetime:
        """Return the first midnight."""
        return self._midnight(self.first)

    def over(self) -> datetime:
        """Return the midnight after the last day."""
        return self._midnight(self.end)

    def _midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)

    def touched(self, begin: datetime, end: datetime) -> range:
        """Return the numbers of the days that [begin, end) touches."""
        last = self.number(end - timedelta(microseconds=1)) if end > begin else self.number(begin)
        return range(max(self.number(begin), 0), min(last, self.days - 1) + 1)

    @property
    def days(self) -> int:
        """Number of days that are over."""
        return (self.end - self.first).days


def no_facts(homes: int, days: int) -> NDArray[np.void]:
    """Return facts of homes × days of which nothing is known."""
    facts = np.zeros((homes, days), DAY_FACTS)
    facts["lowest"] = facts["measured"] = NONE_MILLI
    return facts


def note(facts: NDArray[np.void], days: SeasonDays, record: RefundRecord, rules: RefundRules) -> None:
    """Write the record of a home into its days (DAY_FACTS, one dimension), whose ledger is there already."""
    for measurement in record.measurements:
        for day in days.touched(measurement.at, measurement.at):
            facts["measured"][day] = min(int(facts["measured"][day]), measurement.milli)
    for fact in record.facts:
        _fact(facts, days, fact)
    for day in _unmeasured(days, record, rules):
        facts["unmeasured"][day] = True
    for span in record.away:
        _away(facts, days, span, record, rules)


def _fact(facts: NDArray[np.void], days: SeasonDays, fact: HomeFact) -> None:
    names = {FactKind.REQUEST: "requested", FactKind.REPORT: "reported"}
    if fact.kind not in SPANS or (fact.kind is FactKind.REFUSED and fact.until is None):
        span = days.touched(fact.at, fact.at)
    else:
        span = days.touched(fact.at, fact.until or days.over())
    for day in span:
        facts[names.get(fact.kind, fact.kind.value)][day] = True


def _unmeasured(days: SeasonDays, record: RefundRecord, rules: RefundRules) -> Iterable[int]:
    """Yield the days of requests that nobody answered in time."""
    answers = [one.at for one in record.measurements]
    answers += [fact.at for fact in record.facts if fact.kind is FactKind.REFUSED]
    for fact in record.facts:
        deemed = _deemed(rules, days, fact)
        if deemed is None:
            continue
        due = fact.at.astimezone(UTC) + timedelta(seconds=deemed.within_s)
        came = min((at for at in answers if at >= fact.at), default=None)
        if due > days.over() or (came is not None and came <= due):
            continue
        until = (came or days.over()) if deemed.until_measured else fact.at
        # The day on which somebody came at last is decided by what was found.
        last = days.number(until) - 1 if deemed.until_measured and came is not None else None
        yield from (day for day in days.touched(fact.at, until) if last is None or day <= last)


def _deemed(rules: RefundRules, days: SeasonDays, fact: HomeFact) -> Deemed | None:
    if fact.kind is not FactKind.REQUEST:
        return None
    version = rules.version_on(fact.at.astimezone(days.zone).date())
    return version.deemed if version else None


def _away(facts: NDArray[np.void], days: SeasonDays, span: AwaySpan, record: RefundRecord, rules: RefundRules) -> None:
    """Write a time without heat: how long it was, on each day it touches, and its full periods as they end."""
    version = rules.version_on(span.begin.astimezone(days.zone).date())
    # In UTC: between instants of one zone Python would take the clocks of its walls.
    begin, end = span.begin.astimezone(UTC), (span.end or days.over()).astimezone(UTC)
    if version is not None and version.starts == Starts.REPORT:
        told = [f.at for f in record.facts if f.kind is FactKind.REPORT and begin <= f.at < end]
        if not told:
            return
        begin = min(told).astimezone(UTC)
    if end <= begin:
        return
    length = (end - begin) // timedelta(microseconds=1)
    for day in days.touched(begin, end):
        facts["outage"][day] = max(int(facts["outage"][day]), length)
    if version is not None and version.outage is not None:
        _periods(facts, days, begin, (end, version.outage))


def _periods(facts: NDArray[np.void], days: SeasonDays, begin: datetime, until: tuple[datetime, OutageRefund]) -> None:
    end, outage = until
    period = timedelta(seconds=outage.over_s)
    for nth in range(1, (end - begin) // period + 1 if outage.amount else 1):
        # A period that ends at midnight is one of the day before.
        for day in days.touched(begin + nth * period - timedelta(microseconds=1), begin + nth * period):
            facts["periods"][day] += 1

"""Monthly figures for supervisors and regulators, of a station or of the company.

Every rate comes with its denominator. Unknown time is in no rate; coverage reports it.
"""

import re
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from domain.instants import bounded_day

_MONTH = re.compile(r"([1-9]\d{3})-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, order=True)
class Month:
    """A month of the local calendar."""

    first: date  # its first day

    @classmethod
    def parse(cls, text: str) -> "Month":
        """Parse a month such as 2026-01.

        Raises:
            ValueError: it is not a month.
        """
        match = _MONTH.fullmatch(text)
        if not match:
            raise ValueError(f"{text!r} is not a month such as 2026-01")
        return cls(bounded_day(date(int(match[1]), int(match[2]), 1)))

    @classmethod
    def of(cls, instant: datetime, zone: ZoneInfo) -> "Month":
        """Return the month of an aware instant."""
        return cls(instant.astimezone(zone).date().replace(day=1))

    @property
    def end(self) -> date:
        """The first day of the next month."""
        later = self.first.month == 12
        return date(self.first.year + later, 1 if later else self.first.month + 1, 1)

    def before(self) -> "Month":
        """Return the previous month."""
        first = self.first.month == 1
        return Month(date(self.first.year - first, 12 if first else self.first.month - 1, 1))

    def span(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Return its first instant and that of the next month, in UTC.

        Where clocks go forward at midnight, the day begins at the first local time that exists.
        """
        return _midnight(self.first, zone), _midnight(self.end, zone)

    def __str__(self) -> str:
        return self.first.strftime("%Y-%m")


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def share(part: float, whole: float) -> float | None:
    """Return a share from 0 to 1; None if the whole is zero."""
    return part / whole if whole else None


@dataclass(frozen=True, kw_only=True)
class Heat:
    """Compliance of homes; home-time in seconds. A judged home has known time on at least one day of the month."""

    homes: int  # with a ledger
    judged_homes: int
    qualified_homes: int  # judged, and never in breach in the month
    compliant_s: float
    cold_s: float
    severe_s: float
    unknown_s: float
    not_judged_s: float
    shortfall_s: float  # part of compliant
    kelvin_hours: float  # under the limit

    @property
    def known_s(self) -> float:
        """Home-time that was judged and known."""
        return self.compliant_s + self.cold_s + self.severe_s

    @property
    def rate_by_time(self) -> float | None:
        """室温合格率: the share of known home-time that complied."""
        return share(self.compliant_s, self.known_s)

    @property
    def rate_by_homes(self) -> float | None:
        """The share of judged homes that complied all month, as far as known."""
        return share(self.qualified_homes, self.judged_homes)

    @property
    def coverage(self) -> float | None:
        """The share of the time to be judged in which the temperature was known."""
        return share(self.known_s, self.known_s + self.unknown_s)


class Sampling(StrEnum):
    """Choice of the homes with a sensor, as the utility says."""

    RANDOM = "random"
    WORST_FIRST = "worst_first"  # where it was known or feared to be cold
    VOLUNTEERS = "volunteers"  # who asked for one, or complained


@dataclass(frozen=True, kw_only=True)
class RateProof:
    """The proof of a month: what its qualified rates prove of all homes, with 95 % certainty; shares from 0 to 1.

    `proven`: at least so many homes were warm, if those measured were drawn by chance. The rates by homes and by time
    are of all homes, weighed by building, floor and exposure, each with its interval.
    """

    homes: int  # with time to be judged
    measured: int  # of them, known at some time
    warm: int  # of those, never in breach
    proven: float
    by_homes: float
    by_homes_low: float
    by_homes_high: float
    by_time: float
    by_time_low: float
    by_time_high: float
    sampling: Sampling | None = None  # None: not said


@dataclass(frozen=True, kw_only=True)
class ClockKpi:
    """One clock of one ticket class, over those due in the month; one met early counts when it was due."""

    ticket_class: str
    name: str
    due: int
    in_time: int
    late: int  # met after the due time
    unmet: int  # not met so far
    mean_s: float | None  # from start until met, of those that were met
    median_s: float | None

    @property
    def rate(self) -> float | None:
        """报修处理及时率: the share met in time."""
        return share(self.in_time, self.due)


@dataclass(frozen=True, kw_only=True)
class CaseKpi:
    """Complaints, or reports of wrongdoing, that came in during the month."""

    ticket_class: str
    received: int
    closed: int
    closed_in_time: int  # before the answer was due
    answered_in_time: int
    answered_late: int
    overdue: int  # not answered, past the due time
    waiting: int  # not answered, before the due time, or the calendar cannot tell it

    @property
    def closure(self) -> float | None:
        """投诉办结率 (四(六): 100 % in the month)."""
        return share(self.closed, self.received)

    @property
    def closure_in_time(self) -> float | None:
        """The share closed before the answer was due."""
        return share(self.closed_in_time, self.received)

    @property
    def answered(self) -> float | None:
        """The share answered in time, of those answered or overdue (十一(六))."""
        return share(self.answered_in_time, self.answered_in_time + self.answered_late + self.overdue)


@dataclass(frozen=True, kw_only=True)
class DeskKpi:
    """Other desk figures of the month."""

    tickets: int  # opened, without retrospective ones
    retrospective: int
    closed: int  # in the month, whenever opened
    called_back: int
    asked: int  # call-backs in which the user rated the work
    satisfied: int
    flags: int  # raised in the month, without retrospective ones
    recovered: int  # of them, warm again so far
    merged: int  # merged in the month: in no other figure
    void: int
    warm_mean_s: float | None  # from when the company could know until the home was warm
    warm_median_s: float | None

    @property
    def satisfaction(self) -> float | None:
        """The share of users asked who were satisfied."""
        return share(self.satisfied, self.asked)

    @property
    def recovery(self) -> float | None:
        """The share of flags whose home is warm again."""
        return share(self.recovered, self.flags)


@dataclass(frozen=True, kw_only=True)
class MonthKpi:
    """All figures of a month, for a station or (None) the company."""

    station: str | None
    heat: Heat
    desk: DeskKpi
    clocks: tuple[ClockKpi, ...]
    cases: tuple[CaseKpi, ...]
    proof: RateProof | None = None  # None: nothing was measured, or it is not counted yet

    def told(self) -> dict[str, Any]:
        """Return all figures and rates as JSON values."""
        return {
            "station": self.station,
            "heat": _told(self.heat),
            "proof": None if self.proof is None else asdict(self.proof),
            "desk": _told(self.desk),
            "clocks": [_told(clock) for clock in self.clocks],
            "cases": [_told(case) for case in self.cases],
        }


def _told(figures: Heat | DeskKpi | ClockKpi | CaseKpi) -> dict[str, Any]:
    rates = [name for name, value in vars(type(figures)).items() if isinstance(value, property)]
    return {**asdict(figures), **{name: getattr(figures, name) for name in rates}}


NOTHING_HEAT = Heat(**dict.fromkeys((f.name for f in fields(Heat)), 0))
_COUNTS = (
    "tickets", "retrospective", "closed", "called_back", "asked", "satisfied", "flags", "recovered", "merged", "void",
)  # fmt: skip
NOTHING_DONE = DeskKpi(**dict.fromkeys(_COUNTS, 0), warm_mean_s=None, warm_median_s=None)

"""What supervisors and regulators ask for, month by month: figures of a station, or of the company.

Every rate comes with what it is a share of. Unknown time is in no rate: it stands beside as coverage.
"""

import re
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, time
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
        """A month from text such as 2026-01.

        Raises:
            ValueError: it is none.
        """
        match = _MONTH.fullmatch(text)
        if not match:
            raise ValueError(f"{text!r} is not a month such as 2026-01")
        return cls(bounded_day(date(int(match[1]), int(match[2]), 1)))

    @classmethod
    def of(cls, instant: datetime, zone: ZoneInfo) -> "Month":
        """The month of an aware instant."""
        return cls(instant.astimezone(zone).date().replace(day=1))

    @property
    def end(self) -> date:
        """The first day of the next month."""
        later = self.first.month == 12
        return date(self.first.year + later, 1 if later else self.first.month + 1, 1)

    def before(self) -> "Month":
        """The month before."""
        first = self.first.month == 1
        return Month(date(self.first.year - first, 12 if first else self.first.month - 1, 1))

    def span(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """From its first instant until before the first of the next month, in UTC.

        Where a clock is put forward at midnight, the day begins when it first shows a time of that day.
        """
        return _midnight(self.first, zone), _midnight(self.end, zone)

    def __str__(self) -> str:
        return self.first.strftime("%Y-%m")


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def share(part: float, whole: float) -> float | None:
    """A share from 0 to 1; None of nothing."""
    return part / whole if whole else None


@dataclass(frozen=True, kw_only=True)
class Heat:
    """How warm homes were; home-time in seconds. A home is judged when it was known on some day of the month."""

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


@dataclass(frozen=True, kw_only=True)
class ClockKpi:
    """One clock of one class of tickets: those that ran out in the month, met or not; met early, they count then."""

    ticket_class: str
    name: str
    due: int
    in_time: int
    late: int  # met after it had run out
    unmet: int  # not met to this day
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
    closed_in_time: int  # by the time by which it had to be answered
    answered_in_time: int
    answered_late: int
    overdue: int  # not answered, and the time is over
    waiting: int  # not answered, and there is time left, or the calendar does not know how much

    @property
    def closure(self) -> float | None:
        """投诉办结率 (四(六): 100 % in the month)."""
        return share(self.closed, self.received)

    @property
    def closure_in_time(self) -> float | None:
        """The share closed by the time by which it had to be answered."""
        return share(self.closed_in_time, self.received)

    @property
    def answered(self) -> float | None:
        """The share answered in time, of those whose time is over or that were answered (十一(六))."""
        return share(self.answered_in_time, self.answered_in_time + self.answered_late + self.overdue)


@dataclass(frozen=True, kw_only=True)
class DeskKpi:
    """What else the desk did in the month."""

    tickets: int  # opened, without those that were over when they were found
    retrospective: int
    closed: int  # in the month, whenever opened
    called_back: int
    asked: int  # of the call-backs, those in which the user said whether it was in order
    satisfied: int
    flags: int  # raised in the month, without those that were over
    recovered: int  # of them, warm again to this day
    merged: int  # ended so in the month: they are in no other figure
    void: int
    warm_mean_s: float | None  # from when the company could know until warm
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
    """All of a month, of a station or (None) of the company."""

    station: str | None
    heat: Heat
    desk: DeskKpi
    clocks: tuple[ClockKpi, ...]
    cases: tuple[CaseKpi, ...]

    def told(self) -> dict[str, Any]:
        """All figures with their rates, for programs."""
        return {
            "station": self.station,
            "heat": _told(self.heat),
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

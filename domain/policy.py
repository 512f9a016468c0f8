"""The rules as dated data: versions, each in force from a local day on. domain/policy_file.py reads them from TOML."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Annotated, TypeAlias
from zoneinfo import ZoneInfo

from domain.bounds import OneOf, Seconds, SomeOf, Within
from domain.care import Care
from domain.causes import AddedCause
from domain.errors import Fault
from domain.incidents import IncidentRule
from domain.kpi import Sampling
from domain.measurement import MeasurementRule
from domain.notices import NoticeRules
from domain.printable import shortened
from domain.priority import DeskRule
from domain.rota import CallOutRules
from domain.substation import SubstationLimits
from domain.tickets import CALL_BACK_AFTER, CLOCK_NAMES, TicketClass
from domain.words.faults import DURATION_TOO_LONG, NOT_A_DURATION
from domain.working_days import WorkingCalendar

CLASSES = ("multistorey", "bungalow", "nonresidential")
SEVERITIES = ("cold", "severe")
ROOM_KINDS = ("living", "bedroom", "other")
ROOMS = (*ROOM_KINDS, "out")  # as readings are judged: `out` while measurements have overruled a sensor, never judged
ClassName: TypeAlias = Annotated[str, OneOf(tuple(TicketClass))]
ClockName: TypeAlias = Annotated[str, OneOf((*CLOCK_NAMES, CALL_BACK_AFTER))]
_DURATION = re.compile(r"P(?:(\d+)WD|(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?)", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A lower temperature limit in a daily window of local time (both ends None: at any time).

    The window is half-open and may cross midnight. `clause` says where the rule is written.
    """

    home_class: Annotated[str, OneOf(CLASSES)]
    severity: Annotated[str, OneOf(SEVERITIES)]
    below_celsius: Annotated[float, Within(-40, 60, thousandths=True)]
    opens: time | None = None
    closes: time | None = None
    clause: str | None = None

    def holds_at(self, clock: time) -> bool:
        """Return whether the limit is in force at a local time of day."""
        if self.opens is None or self.closes is None:
            return True
        if self.opens < self.closes:
            return self.opens <= clock < self.closes
        return clock >= self.opens or clock < self.closes


@dataclass(frozen=True)
class Duration:
    """A span of a clock: plain time, or working days."""

    elapsed: timedelta
    working_days: int = 0


def duration(text: str) -> Duration:
    """Parse an ISO 8601 duration of days and smaller; `P5WD` means 5 working days.

    Raises:
        Fault: it is not a duration.
    """
    match = _DURATION.fullmatch(text)
    if not match or not any(match.groups()):
        raise Fault(NOT_A_DURATION.fill(given=shortened(text)))
    working, days, hours, minutes, seconds = (int(g or 0) for g in match.groups())
    try:
        return Duration(timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds), working)
    except OverflowError:
        raise Fault(DURATION_TOO_LONG.fill(given=shortened(text))) from None


@dataclass(frozen=True, kw_only=True, eq=False)
class Version:
    """The rules in force from a local day on."""

    valid_from: date
    confirm_for_s: Seconds
    clear_for_s: Seconds
    deadband_k: Annotated[float, Within(0, 10, thousandths=True)]
    hold_intervals: Annotated[float, Within(1, 100)]
    judged_rooms: Annotated[tuple[str, ...], SomeOf(ROOM_KINDS)]
    limits: tuple[Limit, ...]
    clocks: Mapping[ClassName, Mapping[ClockName, Duration]]
    # Of each class with that clock: how long after the work the time for a call-back begins.
    call_back_after: Mapping[str, timedelta] = field(default_factory=dict)
    care: Care | None = None  # None: no device jobs
    substation: SubstationLimits | None = None  # None: no alarms
    incident: IncidentRule | None = None  # None: no incidents
    desk: DeskRule | None = None  # None: no warnings, and no proof of warmth from readings
    notices: NoticeRules | None = None  # None: no notices
    call_out: CallOutRules | None = None  # None: new tickets are told as without a rota
    measurement: MeasurementRule | None = None  # None: records only, no requests for measurements
    sampling: Annotated[str, OneOf(tuple(Sampling))] | None = None  # of homes with a sensor; None: not said


@dataclass(frozen=True, kw_only=True)
class Season:
    """Local days, half-open."""

    first: date
    end: date


# In force before the first version of a policy: nothing is judged, timed or announced.
NO_RULES = Version(
    valid_from=date.min,
    confirm_for_s=0,
    clear_for_s=0,
    deadband_k=0.0,
    hold_intervals=1.0,
    judged_rooms=(),
    limits=(),
    clocks={},
)
PAST_DAYS = 90  # longer than any gateway buffers, shorter than a season
NO_CALENDAR = WorkingCalendar()


@dataclass(frozen=True, kw_only=True, eq=False)
class Policy:
    """A utility's rules over time."""

    name: str
    zone: ZoneInfo
    seasons: tuple[Season, ...]
    versions: tuple[Version, ...]
    # Readings that arrive later than this after measuring are rejected.
    past_days: Annotated[int, Within(1, 36_500)] = PAST_DAYS
    causes: tuple[AddedCause, ...] = ()  # that crews find, added to domain/causes.py
    calendar: WorkingCalendar = NO_CALENDAR  # added to the public calendar; its years are listed in full
    text: str = ""  # the TOML that it was read from

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The label of each version, as stored with flags and ledger days: `seed@2020-01-01`."""
        return tuple(f"{self.name}@{version.valid_from.isoformat()}" for version in self.versions)

    def in_season(self, instant: datetime) -> bool:
        """Return whether an aware instant is in a season, by the local day."""
        day = instant.astimezone(self.zone).date()
        return any(season.first <= day < season.end for season in self.seasons)

    def after_season_before(self, season: Season) -> datetime:
        """Return the midnight that ended the season before one; of the first season: the year 1970."""
        ended = max((one.end for one in self.seasons if one.end <= season.first), default=date(1970, 1, 1))
        return datetime(ended.year, ended.month, ended.day, tzinfo=self.zone)

    def rules_at(self, instant: datetime) -> Version:
        """Return the version in force at an aware instant, by the local day; NO_RULES before the first."""
        return self.version_at(instant) or NO_RULES

    def version_at(self, instant: datetime) -> Version | None:
        """Return the version in force at an aware instant, by the local day; None before the first."""
        day = instant.astimezone(self.zone).date()
        return next((v for v in reversed(self.versions) if v.valid_from <= day), None)

"""Measurements on site: validity of records, and the cold spells they show.

A record without the user's signature is invalid, and a record is never rewritten: a correction is a new record that
names the old one and says why (chapter 8, clauses 3 and 7).
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, NamedTuple

from domain.bounds import Seconds, Within
from domain.milli import NONE_MILLI
from domain.states import HomeState, Severity

LOWEST_CELSIUS, HIGHEST_CELSIUS = -40.0, 60.0
AGREES_WITHIN_K = 1.5  # unless the policy says otherwise


@dataclass(frozen=True, kw_only=True)
class MeasurementRule:
    """Deadlines of measurements. The utility chooses them: the regulation only says "on time"."""

    file_within_s: Seconds  # a record filed later than this after measuring is late
    suspect_within_s: Seconds  # how soon a home with a suspect sensor has to be measured
    # Tolerated difference between a measurement and the room's sensor.
    agrees_within_k: Annotated[float, Within(0.1, 20, thousandths=True)] = AGREES_WITHIN_K


class DueReason(StrEnum):
    """Reason for measuring a home."""

    PLAN = "plan"
    SUSPECT_SENSOR = "suspect_sensor"
    ASKED = "asked"


class RecordWorth(StrEnum):
    """Validity of a record."""

    VALID = "valid"
    UNSIGNED = "unsigned"
    CORRECTED = "corrected"  # replaced by a later, signed record


class RecordRefusal(StrEnum):
    """Reason for refusing a record."""

    FUTURE = "future"
    IMPLAUSIBLE = "implausible"
    TWICE = "twice"
    NO_SUCH_RECORD = "no_such_record"
    OTHER_HOME = "other_home"
    CORRECTED_ALREADY = "corrected_already"


class PlanLine(NamedTuple):
    """A line of a plan: a room of a home, or of each home of a building, and how often; `ends_at` None: no end."""

    room: str
    room_kind: str
    home: str | None
    building: str | None
    every_days: int
    starts_at: datetime | None
    ends_at: datetime | None

    @property
    def code(self) -> str:
        """The key that no two lines may share."""
        return f"{self.home or self.building} {self.room}"


@dataclass(frozen=True, kw_only=True)
class NewMeasurement:
    """A record as it is filed; °C as read from the instrument."""

    room: str
    room_kind: str
    measured_at: datetime
    celsius: float
    instrument: str
    measurer: str
    signature: str | None  # a reference to the signed sheet; None: the user has not signed
    corrects: str | None = None  # number of the record that this one corrects
    reason: str | None = None


class LivingReading(NamedTuple):
    """Reading of a live sensor of the home at the time of a measurement; °C as judged."""

    sensor_id: int
    sensor: str
    room: str
    room_kind: str
    celsius: float


class FiledMeasurement(NamedTuple):
    """A measurement with both identities of its author: the stated name and the account that filed it."""

    measurement: int
    measured_at: datetime
    celsius: float
    measurer: str
    recorded_by: str


def agree(celsius: float, other: float, within_k: float) -> bool:
    """Return whether two temperatures differ by at most `within_k` kelvin, compared in thousandths."""
    return abs(round(celsius * 1000) - round(other * 1000)) <= round(within_k * 1000)


def held_against(new: NewMeasurement, living: Sequence[LivingReading]) -> LivingReading | None:
    """Choose the sensor to compare a measurement with: the furthest off of its room, else of its room kind."""
    same = [one for one in living if _plain(one.room) == _plain(new.room)]
    same = same or [one for one in living if one.room_kind == new.room_kind]
    return max(same, key=lambda one: abs(one.celsius - new.celsius), default=None)


def second(said: FiledMeasurement, earlier: Sequence[FiledMeasurement], within_k: float) -> FiledMeasurement | None:
    """Find an earlier measurement that agrees and is by another person, both by name and by account."""
    for other in earlier:
        others = _plain(other.measurer) != _plain(said.measurer) and other.recorded_by != said.recorded_by
        if others and agree(said.celsius, other.celsius, within_k):
            return other
    return None


def _plain(name: str) -> str:
    """Normalise a name: width, case and spaces."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


class MeasurementRecord(NamedTuple):
    """A valid record, judged by the rules in force when it was measured."""

    measurement: int
    room: str
    measured_at: datetime
    milli: int  # the temperature as it was judged
    state: HomeState
    covered: bool = False  # the home had another flag at that instant, to which it belongs


@dataclass
class Spell:
    """A cold spell as shown by records."""

    opened_by: MeasurementRecord
    rooms: set[str] = field(default_factory=set)  # not yet known to be warm again
    lowest_milli: int = NONE_MILLI
    severe_at: datetime | None = None
    end: datetime | None = None

    @property
    def start(self) -> datetime:
        """Time of its first record."""
        return self.opened_by.measured_at

    @property
    def severity(self) -> Severity:
        """The worst severity reached."""
        return Severity.COLD if self.severe_at is None else Severity.SEVERE

    def take(self, record: MeasurementRecord) -> None:
        """Add a cold record."""
        self.rooms.add(record.room)
        self.lowest_milli = min(self.lowest_milli, record.milli)
        if record.state is HomeState.SEVERE:
            self.severe_at = self.severe_at or record.measured_at


def spells(records: Sequence[MeasurementRecord], ended: Mapping[datetime, datetime]) -> list[Spell]:
    """Derive the cold spells of a home, in order; the last may be open.

    A spell ends when every room that was cold in it has been measured at or above the day limit. A record at night
    between the floor limit and the day limit is inconclusive.

    Args:
        records: valid ones in order of time.
        ended: spells, by their start, that ended for another reason, and when.
    """
    found: list[Spell] = []
    current: Spell | None = None
    for record in records:
        if current and (over := ended.get(current.start)) is not None and record.measured_at >= over:
            current = None
        if record.state >= HomeState.COLD and not record.covered:
            if current is None:
                current = Spell(record)
                found.append(current)
            current.take(record)
        elif current and record.state in (HomeState.WARM, HomeState.FAIR):
            current.rooms.discard(record.room)
            if not current.rooms:
                current.end, current = record.measured_at, None
    return found

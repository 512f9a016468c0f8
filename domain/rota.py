"""The rota of a heat station: spans of shifts, time that nobody covers, and the steps of calling somebody out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from domain.bounds import SomeSeconds

DAY = timedelta(days=1)


class CallOutStep(StrEnum):
    """Steps of a call-out, in this order. Stored in `call_out.step`."""

    ON_CALL = "on_call"  # the people on call at the station
    LEAD = "lead"  # the station's lead
    DISPATCH = "dispatch"


class CallOutEnding(StrEnum):
    """Endings of a call-out. Stored in `call_out.ending`."""

    ACCEPTED = "accepted"  # the ticket is not open any more
    TOLD = "told"  # the last step was taken
    MOVED = "moved"  # the ticket went to another station, or was opened again
    OFF = "off"  # the policy has no notices


@dataclass(frozen=True, kw_only=True)
class CallOutRules:
    """Rules of calling out; part of the policy."""

    lead_after_s: SomeSeconds  # the lead is told so long after the people on call, unless the ticket was accepted
    dispatch_after_s: SomeSeconds  # dispatch is told so long after the lead

    def before(self, step: CallOutStep) -> timedelta:
        """Return the time that the step before this one has."""
        return timedelta(seconds=self.lead_after_s if step is CallOutStep.LEAD else self.dispatch_after_s)


class StationPeople(NamedTuple):
    """The people of a station that can be reached at an instant: those on call, and its lead."""

    on_call: frozenset[int] = frozenset()
    lead: int | None = None

    def at(self, step: CallOutStep) -> frozenset[int]:
        """Return those that a step tells."""
        lead = frozenset() if self.lead is None else frozenset({self.lead})
        return {CallOutStep.ON_CALL: self.on_call, CallOutStep.LEAD: lead}.get(step, frozenset())


class TakenStep(NamedTuple):
    """A step that is taken now, the people that it tells (none: dispatch), and the step after it."""

    step: CallOutStep
    people: frozenset[int]
    after: CallOutStep | None


def take_step(due: CallOutStep, people: StationPeople, told: frozenset[int]) -> TakenStep:
    """Take the step that is due, or the next one that reaches somebody who has not been told."""
    steps = list(CallOutStep)
    for at in range(steps.index(due), len(steps) - 1):
        if fresh := people.at(steps[at]) - told:
            return TakenStep(steps[at], fresh, steps[at + 1])
    return TakenStep(CallOutStep.DISPATCH, frozenset(), None)


class ShiftSpan(NamedTuple):
    """The span of a shift, or one without any; half-open."""

    starts_at: datetime
    ends_at: datetime


def uncovered(spans: Iterable[ShiftSpan], begin: datetime, end: datetime) -> list[ShiftSpan]:
    """Return the parts of a time in which no span is, in order."""
    gaps, reached = [], begin
    for starts_at, ends_at in sorted(spans):
        if starts_at >= end:
            break
        if starts_at > reached:
            gaps.append(ShiftSpan(reached, starts_at))
        reached = max(reached, ends_at)
    return [*gaps, ShiftSpan(reached, end)] if reached < end else gaps


@dataclass(frozen=True, kw_only=True)
class DailyShifts:
    """Shifts of the same local hours on some days; where `closes` is not later than `opens`, they end a day later."""

    first: date
    last: date
    opens: time
    closes: time
    weekdays: Sequence[int] = tuple(range(7))  # 0: Monday

    def spans(self, zone: ZoneInfo) -> list[ShiftSpan]:
        """Return their spans. A local time that the zone skips is as far behind it as it was to be."""
        later = DAY if self.closes <= self.opens else timedelta()
        days = (self.first + n * DAY for n in range((self.last - self.first).days + 1))
        chosen = [day for day in days if day.weekday() in self.weekdays]
        return [ShiftSpan(at(day, self.opens, zone), at(day + later, self.closes, zone)) for day in chosen]


def at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """Return the instant of a local time; of two, the first."""
    return datetime.combine(day, clock, zone).astimezone(UTC)

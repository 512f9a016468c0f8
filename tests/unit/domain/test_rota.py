"""The rota: spans of days whose clocks change, times that nobody covers, and the steps of a call-out."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rota import CallOutStep, DailyShifts, ShiftSpan, StationPeople, TakenStep, take_step, uncovered

MONDAY = datetime(2026, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SPANS = st.lists(st.tuples(st.integers(-5, 30), st.integers(1, 12)), max_size=8)


def at(hour: int) -> datetime:
    return MONDAY + hour * HOUR


def test_a_day_and_a_night_shift_leave_no_gap_and_do_not_overlap() -> None:
    first, last = date(2026, 1, 12), date(2026, 1, 18)
    zone = ZoneInfo("Asia/Shanghai")
    days = DailyShifts(first=first, last=last, opens=time(8), closes=time(20)).spans(zone)
    nights = DailyShifts(first=first, last=last, opens=time(20), closes=time(8)).spans(zone)
    assert days[0] == ShiftSpan(datetime(2026, 1, 12, 0, tzinfo=UTC), datetime(2026, 1, 12, 12, tzinfo=UTC))
    assert len(days) == len(nights) == 7
    assert uncovered([*days, *nights], days[0].starts_at, nights[-1].ends_at) == []
    assert all(a.ends_at == b.starts_at for a, b in pairwise(sorted([*days, *nights])))


@pytest.mark.parametrize(
    ("day", "opens", "closes", "hours"),
    [
        (date(2026, 3, 28), time(20), time(8), 11),  # the night in which the clocks go forward
        (date(2026, 10, 24), time(20), time(8), 13),
        (date(2026, 3, 28), time(8), time(8), 23),
        (date(2026, 3, 29), time(2, 30), time(8), 4.5),  # there is no 02:30: it is 03:30
        (date(2026, 10, 25), time(2, 30), time(8), 6.5),  # there are two: the first
    ],
)
def test_shifts_follow_the_clock_on_the_wall(day: date, opens: time, closes: time, hours: float) -> None:
    zone = ZoneInfo("Europe/Berlin")
    (span,) = DailyShifts(first=day, last=day, opens=opens, closes=closes).spans(zone)
    assert span.ends_at - span.starts_at == hours * HOUR
    (after,) = DailyShifts(first=span.ends_at.astimezone(zone).date(), last=span.ends_at.astimezone(zone).date(),
                           opens=closes, closes=time(23)).spans(zone)  # fmt: skip
    assert after.starts_at == span.ends_at


def test_only_the_days_of_the_week_that_are_chosen() -> None:
    fortnight = DailyShifts(
        first=date(2026, 1, 12), last=date(2026, 1, 25), opens=time(8), closes=time(8), weekdays=(5, 6)
    )
    assert [span.starts_at.day for span in fortnight.spans(ZoneInfo("UTC"))] == [17, 18, 24, 25]


@given(spans=SPANS)
def test_time_without_anybody_is_what_an_hour_by_hour_look_finds(spans: list[tuple[int, int]]) -> None:
    begin, end = at(0), at(24)
    shifts = [ShiftSpan(at(first), at(first + length)) for first, length in spans]
    bare = {hour for hour in range(24) if not any(one.starts_at <= at(hour) < one.ends_at for one in shifts)}
    gaps = uncovered(shifts, begin, end)
    assert {hour for hour in range(24) if any(gap.starts_at <= at(hour) < gap.ends_at for gap in gaps)} == bare
    assert all(begin <= gap.starts_at < gap.ends_at <= end for gap in gaps)
    assert all(a.ends_at < b.starts_at for a, b in pairwise(gaps))  # two that touch would be one


def test_the_steps_go_from_those_on_call_to_the_lead_to_dispatch() -> None:
    people = StationPeople(frozenset({1, 2}), 9)
    first = take_step(CallOutStep.ON_CALL, people, frozenset())
    assert first == TakenStep(CallOutStep.ON_CALL, frozenset({1, 2}), CallOutStep.LEAD)
    second = take_step(CallOutStep.LEAD, people, frozenset({1, 2}))
    assert second == TakenStep(CallOutStep.LEAD, frozenset({9}), CallOutStep.DISPATCH)
    assert take_step(CallOutStep.DISPATCH, people, frozenset({1, 2, 9})) == (CallOutStep.DISPATCH, frozenset(), None)


@pytest.mark.parametrize(
    ("due", "people", "told", "step"),
    [
        (CallOutStep.ON_CALL, StationPeople(frozenset(), 9), frozenset(), CallOutStep.LEAD),  # a gap
        (CallOutStep.ON_CALL, StationPeople(), frozenset(), CallOutStep.DISPATCH),
        (CallOutStep.LEAD, StationPeople(frozenset({1}), None), frozenset({1}), CallOutStep.DISPATCH),
        (CallOutStep.LEAD, StationPeople(frozenset({9}), 9), frozenset({9}), CallOutStep.DISPATCH),  # is on call
    ],
)
def test_a_step_that_reaches_nobody_new_is_passed_over(
    due: CallOutStep, people: StationPeople, told: frozenset[int], step: CallOutStep
) -> None:
    assert take_step(due, people, told).step is step

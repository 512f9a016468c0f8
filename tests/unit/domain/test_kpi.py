"""Months of the local calendar, and rates."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kpi import NOTHING_DONE, NOTHING_HEAT, CaseKpi, ClockKpi, DeskKpi, Heat, Month

MONTHS = st.dates(date(1990, 1, 1), date(2090, 12, 31)).map(lambda day: Month(day.replace(day=1)))
ZONES = st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/St_Johns", "America/Asuncion", "UTC"]).map(ZoneInfo)


@pytest.mark.parametrize("text", ["2026-1", "2026-13", "2026-00", "26-01", "2026-01-01", "", "2026-01\n", " 2026-01"])
def test_text_that_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a month such as 2026-01"):
        Month.parse(text)


@given(MONTHS)
def test_a_month_survives_being_written(month: Month) -> None:
    assert Month.parse(str(month)) == month


@given(MONTHS)
def test_months_follow_each_other_day_by_day(month: Month) -> None:
    days, day = 0, month.first
    while day.month == month.first.month:
        day += timedelta(days=1)
        days += 1
    assert month.end == day
    assert 28 <= days <= 31
    assert Month(month.end).before() == month


@given(MONTHS, ZONES)
def test_a_span_holds_just_the_instants_whose_local_day_is_of_the_month(month: Month, zone: ZoneInfo) -> None:
    start, stop = month.span(zone)
    tick = timedelta(minutes=1)
    for instant, inside in ((start, True), (start - tick, False), (stop - tick, True), (stop, False)):
        assert (Month.of(instant, zone) == month) is inside


def test_a_month_of_a_zone_begins_at_its_own_midnight() -> None:
    assert Month.parse("2026-01").span(ZoneInfo("Asia/Shanghai")) == (
        datetime(2025, 12, 31, 16, tzinfo=UTC),
        datetime(2026, 1, 31, 16, tzinfo=UTC),
    )


def heat(**values: float) -> Heat:
    return Heat(**{**vars(NOTHING_HEAT), **values})


def test_unknown_time_is_in_no_rate_but_in_the_coverage() -> None:
    some = heat(
        compliant_s=60, cold_s=15, severe_s=5, unknown_s=20, not_judged_s=900, judged_homes=4, qualified_homes=3
    )
    assert (some.rate_by_time, some.rate_by_homes, some.coverage) == (0.75, 0.75, 0.8)


def test_of_nothing_there_is_no_rate() -> None:
    nothing = heat(unknown_s=0)
    assert (nothing.rate_by_time, nothing.rate_by_homes, nothing.coverage) == (None, None, None)
    assert (NOTHING_DONE.satisfaction, NOTHING_DONE.recovery) == (None, None)


def test_all_unknown_is_a_coverage_of_none_of_it_and_no_rate() -> None:
    assert (heat(unknown_s=5).coverage, heat(unknown_s=5).rate_by_time) == (0.0, None)


def test_rates_of_the_desk() -> None:
    clock = ClockKpi(ticket_class="cold", name="done", due=10, in_time=7, late=2, unmet=1, mean_s=None, median_s=None)
    assert clock.rate == 0.7
    cases = CaseKpi(
        ticket_class="complaint", received=10, closed=5, closed_in_time=4, answered_in_time=6, answered_late=1,
        overdue=1, waiting=2,
    )  # fmt: skip
    assert (cases.closure, cases.closure_in_time, cases.answered) == (0.5, 0.4, 0.75)
    desk = DeskKpi(**{**vars(NOTHING_DONE), "asked": 4, "satisfied": 3, "flags": 2, "recovered": 1})
    assert (desk.satisfaction, desk.recovery) == (0.75, 0.5)

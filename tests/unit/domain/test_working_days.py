"""Terms of working days and of plain time, against a walk by quarters of an hour."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.tickets.calendar import missing_years, working_days
from domain import policy_file
from domain.clocks import DueTime, due
from domain.policy import Duration
from domain.working_days import UnknownYear, WorkingCalendar, end_of_working_days

SEED = policy_file.builtin("seed")
CHINA = working_days(SEED)
SHANGHAI = ZoneInfo("Asia/Shanghai")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
# In each of the zones below clocks leap, and days begin, at a quarter of an hour of UTC.
QUARTER = timedelta(minutes=15)
# Clocks that leap at 02:00, at 03:00, at midnight itself, by half an hour, and a day that there never was.
ZONES = [
    ZoneInfo(name)
    for name in (
        "Asia/Shanghai",
        "Europe/Berlin",
        "America/Sao_Paulo",
        "America/Havana",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Asia/Beirut",
        "UTC",
    )
]
YEARS = frozenset(range(2004, 2031))


def instants(first: int, last: int, zones: list[ZoneInfo]) -> st.SearchStrategy[datetime]:
    """Return instants from the start of a year to that of another, as clocks somewhere show them."""
    low, high = (datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None) for year in (first, last))
    return st.datetimes(low, high, timezones=st.sampled_from(zones))


def walked(start: datetime, days: int, calendar: WorkingCalendar, zone: ZoneInfo) -> datetime:
    """Return the first quarter of which the local day is not one of the term: counted by looking at every quarter."""
    minute = start.astimezone(UTC).replace(second=0, microsecond=0)
    quarter = minute.replace(minute=minute.minute // 15 * 15)
    first = quarter.astimezone(zone).date()
    last, worked = first, 0
    while True:
        quarter += QUARTER
        day = quarter.astimezone(zone).date()
        if day == last:
            continue
        if worked == days and last != first:
            return quarter
        if days == 0:
            return quarter
        last = day
        worked += calendar.works(day)


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        ("2026-01-12 09:00", 5, "2026-01-20"),  # Monday to Monday: the day itself does not count
        ("2026-01-12 23:59", 5, "2026-01-20"),
        ("2026-01-13 00:00", 5, "2026-01-21"),
        ("2026-01-17 12:00", 1, "2026-01-20"),  # a Saturday
        ("2026-02-13 12:00", 1, "2026-02-15"),  # Saturday 14 February 2026 is worked, Spring Festival from 15 on
        ("2026-02-13 12:00", 2, "2026-02-25"),
        ("2026-09-30 08:00", 5, "2026-10-14"),  # National Day 1-7 October, 10 October worked
        ("2025-12-29 08:00", 5, "2026-01-07"),  # over a year's end: 1-3 January off, Sunday 4 January worked
    ],
)
def test_chinese_working_days(start: str, days: int, end: str) -> None:
    assert end_of_working_days(at(start), days, CHINA, SHANGHAI) == at(end)


@settings(max_examples=150)
@given(
    start=instants(2009, 2026, ZONES),
    days=st.integers(1, 12),
    zone=st.sampled_from(ZONES),
)
def test_terms_end_where_a_walk_over_every_quarter_of_an_hour_ends(start: datetime, days: int, zone: ZoneInfo) -> None:
    assert end_of_working_days(start, days, CHINA, zone) == walked(start, days, CHINA, zone)


@settings(max_examples=150)
@given(
    start=instants(2010, 2028, ZONES),
    days=st.integers(1, 8),
    zone=st.sampled_from(ZONES),
    off=st.sets(st.integers(0, 30)),
    on=st.sets(st.integers(0, 30)),
)
def test_whatever_the_calendar_says(start: datetime, days: int, zone: ZoneInfo, off: set[int], on: set[int]) -> None:
    first = start.date()
    calendar = WorkingCalendar(
        frozenset(first + n * DAY for n in off - on), frozenset(first + n * DAY for n in on), YEARS
    )
    assert end_of_working_days(start, days, calendar, zone) == walked(start, days, calendar, zone)


@settings(max_examples=100)
@given(
    around=st.sampled_from(
        [
            ("Europe/Berlin", "2026-03-29"),
            ("Europe/Berlin", "2026-10-25"),
            ("America/Sao_Paulo", "2018-11-04"),
            ("America/Sao_Paulo", "2018-02-18"),
            ("America/Havana", "2026-03-08"),
            ("America/Havana", "2026-11-01"),
            ("Australia/Lord_Howe", "2026-04-05"),
            ("Pacific/Apia", "2011-12-30"),
            ("Asia/Beirut", "2026-03-29"),
        ]
    ),
    before=st.integers(0, 10 * 24 * 60),
    days=st.integers(1, 6),
)
def test_terms_over_the_leap_of_the_clocks(around: tuple[str, str], before: int, days: int) -> None:
    zone = ZoneInfo(around[0])
    start = datetime.fromisoformat(around[1]).replace(tzinfo=UTC) - before * MINUTE
    assert end_of_working_days(start, days, CHINA, zone) == walked(start, days, CHINA, zone)


def test_past_the_known_year_the_error_names_it_and_the_way_out() -> None:
    with pytest.raises(
        UnknownYear, match=r"2027: list them in the policy under \[calendar\], with 2027 among its years"
    ):
        end_of_working_days(at("2026-12-28 10:00"), 5, CHINA, SHANGHAI)
    found = due(at("2026-12-28 10:00"), Duration(timedelta(0), 5), CHINA, SHANGHAI, 0.75)
    assert found == DueTime(None, unknown_year=2027)


def test_a_policy_adds_years_holidays_and_worked_saturdays() -> None:
    text = policy_file.builtin_text("seed") + (
        "\n[calendar]\nyears = [2027]\nholidays = [2027-01-01, 2026-01-13]\nworkdays = [2027-01-02, 2026-01-01]\n"
    )
    calendar = working_days(policy_file.load(text, "city.toml"))
    assert 2027 in calendar.years
    worked = {day: calendar.works(date.fromisoformat(day)) for day in ("2027-01-01", "2027-01-02", "2027-01-03")}
    assert worked == {"2027-01-01": False, "2027-01-02": True, "2027-01-03": False}
    assert not calendar.works(date(2026, 1, 13))  # a Tuesday that the utility is closed
    assert calendar.works(date(2026, 1, 1))  # a public holiday on which it is not
    assert calendar.works(date(2026, 2, 14))  # the rest of the year is as everywhere


@given(
    start=instants(2026, 2027, ZONES),
    seconds=st.integers(1, 200_000),
    share=st.floats(0.01, 1),
)
def test_plain_time_is_counted_around_the_clock(start: datetime, seconds: int, share: float) -> None:
    found = due(start, Duration(timedelta(seconds=seconds)), CHINA, SHANGHAI, share)
    assert found.due_at is not None
    assert found.warn_at is not None
    assert (found.due_at - start.astimezone(UTC)).total_seconds() == seconds
    assert start.astimezone(UTC) <= found.warn_at <= found.due_at


def test_an_hour_that_comes_twice_is_two_hours() -> None:
    start = datetime(2026, 10, 25, 1, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    found = due(start, Duration(timedelta(hours=2)), CHINA, ZoneInfo("Europe/Berlin"))
    assert found.due_at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # 02:30 in winter time


@pytest.mark.parametrize(("today", "year"), [("2026-06-01", None), ("2098-10-30", 2098), ("2099-11-20", 2100)])
def test_a_year_that_terms_soon_run_into_is_missing_unless_somebody_listed_it(today: str, year: int | None) -> None:
    listed = SEED.calendar.years | {2099}
    mine = replace(SEED, calendar=replace(SEED.calendar, years=listed))
    found = missing_years(mine, date.fromisoformat(today))
    assert [line.split(":")[0] for line in found] == (
        [f"the calendar does not know the holidays of {year}"] if year else []
    )
    plain = replace(mine, versions=tuple(replace(version, clocks={}) for version in mine.versions))
    assert missing_years(plain, date.fromisoformat(today)) == []

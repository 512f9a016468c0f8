"""One kind of instant at every door: what any clock, calendar and zone can show."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from domain.instants import FIRST_DAY, LAST_DAY, NotBounded, day, instant

ZONES = [ZoneInfo(name) for name in sorted(available_timezones())]


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "2026-01-15T06:00:00+15:00",
        "2026-01-15T06:00:00-16:00",
        "2026-01-15T06:00:00+23:59",
    ],
)
def test_what_is_beyond_is_refused(text: str) -> None:
    with pytest.raises(NotBounded):
        instant(text)


@pytest.mark.parametrize(
    "text", ["2026-01-15T06:00:00", "2026-02-30T06:00:00Z", "2026-01-15", "2026-W03-4T06:00:00Z", "now", ""]
)
def test_what_is_no_instant_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(?!.* is not between)"):
        instant(text)


def test_days_have_the_same_bounds() -> None:
    assert (day("1970-01-01"), day("2199-12-31")) == (FIRST_DAY, LAST_DAY)
    for text in ("1969-12-31", "2200-01-01", "9999-12-31"):
        with pytest.raises(NotBounded):
            day(text)


def test_the_ends_can_be_shown_and_reckoned_with_in_all_zones() -> None:
    for end in ("1970-01-01T00:00:00+14:59", "2199-12-31T23:59:59.999999-14:59"):
        at = instant(end)
        for zone in ZONES:
            for apart in (timedelta(days=-400), timedelta(days=400)):
                local = (at + apart).astimezone(zone)
                assert datetime.combine(local.date(), local.time(), zone).astimezone(UTC) is not None
    assert day("2026-01-31") == date(2026, 1, 31)

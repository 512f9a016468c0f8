"""Instants and their microseconds are the same thing, to the last one."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instants import EVER_US, NONE_US, to_datetime, to_us


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=8)), timezone(-timedelta(minutes=150))])))
def test_there_and_back(instant: datetime) -> None:
    assert to_datetime(to_us(instant)) == instant


def test_microseconds_since_1970() -> None:
    assert to_us(datetime(1970, 1, 1, 8, 0, 1, 5, tzinfo=timezone(timedelta(hours=8)))) == 1_000_005
    assert to_us(datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == -1


@pytest.mark.parametrize("us", [NONE_US, EVER_US])
def test_what_stands_for_no_instant_is_none(us: int) -> None:
    with pytest.raises(OverflowError):
        to_datetime(us)

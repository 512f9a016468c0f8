"""Announcement of outages: at eight hours that are expected, not after them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.outages import (
    AnnounceReason,
    KnownOutage,
    OutageEvent,
    OutageKind,
    is_late,
    refusal,
    span_fault,
    why_announce,
)
from domain.policy_file import builtin

NOW = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
RULES = builtin("seed").versions[0].notices
SECOND = timedelta(seconds=1)
EIGHT = timedelta(hours=8)


def outage(
    length: timedelta | None = EIGHT,
    kind: OutageKind = OutageKind.PLANNED,
    begins_at: datetime = NOW,
    stops: bool = True,
) -> KnownOutage:
    end = None if length is None else begins_at + length
    return KnownOutage(kind=kind, stops_heating=stops, begins_at=begins_at, expected_end=end)


def why(of: KnownOutage, now: datetime = NOW) -> AnnounceReason | None:
    assert RULES is not None
    return why_announce(RULES, of, now)


def test_exactly_eight_hours_count() -> None:
    ahead = NOW + timedelta(days=3)
    assert why(outage(EIGHT, begins_at=ahead)) is AnnounceReason.EXPECTED_LONG
    assert why(outage(EIGHT - SECOND, begins_at=ahead)) is None


def test_a_fault_that_stops_heating_is_announced_however_short() -> None:
    assert why(outage(timedelta(minutes=5), OutageKind.FAULT)) is AnnounceReason.FAULT
    assert why(outage(None, OutageKind.FAULT)) is AnnounceReason.FAULT
    assert why(outage(timedelta(minutes=5), OutageKind.FAULT, stops=False)) is None


def test_what_lasts_longer_than_expected_is_announced_when_it_has_lasted_so_long() -> None:
    short = outage(timedelta(hours=2))
    assert why(short, NOW + EIGHT - SECOND) is None
    assert why(short, NOW + EIGHT) is AnnounceReason.LASTED_LONG
    unknown = outage(None, OutageKind.FAULT, stops=False)
    assert why(unknown, NOW + EIGHT) is AnnounceReason.LASTED_LONG


def test_it_is_announced_once_and_not_when_it_is_over() -> None:
    assert why(replace(outage(), announced_at=NOW)) is None
    assert why(replace(outage(), restored_at=NOW)) is None
    assert why(replace(outage(), cancelled_at=NOW)) is None


@given(st.integers(0, 40 * 3600), st.integers(0, 40 * 3600), st.booleans(), st.booleans())
def test_silence_means_neither_expected_nor_lasted_so_long(length: int, lasted: int, fault: bool, stops: bool) -> None:
    of = outage(timedelta(seconds=length + 1), OutageKind.FAULT if fault else OutageKind.PLANNED, stops=stops)
    told = why(of, NOW + timedelta(seconds=lasted))
    must = (fault and stops) or length + 1 >= 8 * 3600 or lasted >= 8 * 3600
    assert (told is not None) == must


def test_the_expected_end_passes_once() -> None:
    of = outage(timedelta(hours=1))
    end = NOW + timedelta(hours=1)
    assert not is_late(of, end - SECOND)
    assert is_late(of, end)
    assert not is_late(replace(of, late_at=end), end)
    assert not is_late(replace(of, restored_at=end), end)
    assert not is_late(outage(None, OutageKind.FAULT), end)


@pytest.mark.parametrize("event", [event for event in OutageEvent if event is not OutageEvent.EXPLAINED])
def test_nothing_but_an_explanation_comes_after_the_end(event: OutageEvent) -> None:
    assert refusal(replace(outage(), restored_at=NOW), event, NOW) is not None
    assert refusal(replace(outage(), restored_at=NOW), OutageEvent.EXPLAINED, NOW) is None
    assert refusal(replace(outage(), cancelled_at=NOW), event, NOW) is not None


def test_only_what_has_not_begun_is_cancelled() -> None:
    assert refusal(outage(), OutageEvent.CANCELLED, NOW) is not None
    assert refusal(outage(), OutageEvent.CANCELLED, NOW - SECOND) is None


def test_times_make_sense() -> None:
    assert span_fault(OutageKind.PLANNED, NOW, None) is not None
    assert span_fault(OutageKind.FAULT, NOW, None) is None
    assert span_fault(OutageKind.FAULT, NOW, NOW) is not None
    assert span_fault(OutageKind.PLANNED, NOW, NOW + SECOND) is None

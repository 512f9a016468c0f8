import json
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from sim import replay

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 12, 9, 7, 30, tzinfo=SHANGHAI)
DAY = timedelta(days=1)


def local(at_us: int, zone: ZoneInfo | timezone) -> datetime:
    return datetime.fromtimestamp(at_us / 1_000_000, zone)


@pytest.mark.parametrize("zone", [SHANGHAI, BERLIN])
def test_weekday_and_time_of_day_stay(zone: ZoneInfo) -> None:
    recorded = replay.recorded_rooms()
    shifted = replay.rooms(560, zone)
    was = local(int(recorded.at_us[0]), replay.RECORDED_ZONE)
    is_now = local(int(shifted.at_us[0]), zone)
    assert (was.weekday(), was.time()) == (is_now.weekday(), is_now.time())
    assert is_now.date() - was.date() == timedelta(weeks=560)
    assert np.all(np.diff(shifted.at_us) > 0)


def test_every_row_keeps_weekday_and_time_of_day() -> None:
    recorded, shifted = replay.recorded_rooms(), replay.rooms(560, SHANGHAI)
    for was_us, is_us in zip(recorded.at_us[::97].tolist(), shifted.at_us[::97].tolist(), strict=True):
        was, now = local(was_us, replay.RECORDED_ZONE), local(is_us, SHANGHAI)
        assert (was.weekday(), was.time()) == (now.weekday(), now.time())


def test_a_row_lands_less_than_a_week_before_the_instant() -> None:
    row = datetime(2016, 5, 27, 17, tzinfo=UTC)
    weeks = replay.weeks_before(row, NOW, SHANGHAI)
    landed = local(int(replay.rooms(weeks, SHANGHAI).at_us[-1]), SHANGHAI)
    assert NOW - timedelta(weeks=1) < landed <= NOW


@pytest.mark.parametrize("days", range(7))
def test_the_chosen_weeks_are_cold_around_now(days: int) -> None:
    now = NOW + days * DAY
    rooms = replay.rooms(replay.coldest_weeks(now, SHANGHAI, DAY), SHANGHAI)
    assert local(int(rooms.at_us[0]), SHANGHAI) <= now - DAY
    assert local(int(rooms.at_us[-1]), SHANGHAI) >= now + DAY
    near = np.abs(rooms.at_us - int(now.timestamp()) * 1_000_000) < DAY / timedelta(microseconds=1)
    assert sum((values[near] < 18).sum() for values in rooms.values.values()) > 100


def test_too_long_a_reach_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        replay.coldest_weeks(NOW, SHANGHAI, 60 * DAY)


def test_the_meter_gives_differences_of_its_registers() -> None:
    meter = replay.recorded_heat_meter()
    assert np.isnan(meter.values["flow"][0])
    assert meter.values["flow"][1] == pytest.approx(429.1189 - 429.0766)
    assert meter.values["heat_power"][1] == pytest.approx(16964.443 - 16962.328)
    assert meter.values["supply_temperature"][1] == 73.26


def test_messages_of_a_day_in_order_with_blanks_left_out() -> None:
    spoken = replay.RecordedReplay(replay.coldest_weeks(NOW, SHANGHAI, DAY), SHANGHAI)
    from_us = int((NOW - DAY).timestamp()) * 1_000_000
    messages = spoken.messages(from_us, from_us + 24 * 3_600_000_000)
    assert [m.due_us for m in messages] == sorted(m.due_us for m in messages)
    assert sum(m.topic == "hearth/v1/rec-living/telemetry" for m in messages) == 144
    meter = [json.loads(m.payload) for m in messages if m.topic == "hearth/v1/rec-meter/telemetry"]
    assert len(meter) == 24
    assert all(0 <= body["flow"] < 0.3 for body in meter)
    assert all("NaN" not in m.payload for m in messages)


def test_stretches_of_time_join_without_gap_or_overlap() -> None:
    spoken = replay.RecordedReplay(replay.coldest_weeks(NOW, SHANGHAI, DAY), SHANGHAI)
    start, step = int(NOW.timestamp()) * 1_000_000, 600_000_000
    pieces = [m for i in range(12) for m in spoken.messages(start + i * step, start + (i + 1) * step)]
    assert pieces == spoken.messages(start, start + 12 * step)


def test_the_recordings_come_with_their_attribution() -> None:
    from importlib import resources

    text = (resources.files("sim") / "recordings" / "README.md").read_text(encoding="utf-8")
    assert text.count("CC BY 4.0") >= 3
    assert "Candanedo" in text
    assert "Schaffer" in text

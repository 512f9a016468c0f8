"""The eight recorded rooms: the ledger against plain sums over intervals, and month totals against a golden file."""

import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from alerts.engine.ledger import ledger
from alerts.engine.runs import cut, runs
from alerts.engine.schedule import Schedules, Terms, compile_schedule
from alerts.engine.track import coldest, hold
from domain import policy_file
from sim.replay import Recording, rooms
from store.base.wire import milli

ZONE = ZoneInfo("Asia/Shanghai")
WEEKS = 509  # lays the recording of February to May 2016 on the season 2025/26
HOLD_US = 3 * 600 * 1_000_000
DAY_US = 86_400_000_000
GOLDEN = Path(__file__).parents[2] / "golden" / "eight_rooms" / "month_totals.json"
NAMES = ("compliant", "cold", "severe", "unknown", "not_judged", "shortfall", "heat", "deficit")


@pytest.fixture(scope="module")
def recording() -> Recording:
    return rooms(WEEKS, ZONE)


def room_names(recording: Recording) -> list[str]:
    return list(recording.values)


def judged(recording: Recording) -> NDArray[np.void]:
    """Return the engine's ledger, one home for each room."""
    names = room_names(recording)
    count = len(recording.at_us)
    home = np.repeat(np.arange(len(names)), count)
    start = np.tile(recording.at_us, len(names)).astype(np.int64)
    celsius = np.concatenate([recording.values[name] for name in names]).astype(np.float32)
    known = ~np.isnan(celsius)
    held = hold(home[known], home[known] * 0, start[known], start[known] + HOLD_US, milli(celsius[known]))
    first, last = (datetime.fromtimestamp(int(recording.at_us[i]) / 1e6, ZONE).date() for i in (0, -1))
    begin = np.full(len(names), midnight_us(first))
    end = np.full(len(names), midnight_us(last + timedelta(days=1)))
    schedules = Schedules.join(
        [compile_schedule(policy_file.builtin("seed"), Terms("multistorey"), first, last + timedelta(days=2))]
    )
    which = np.zeros(len(names), np.int64)
    found = runs(cut(coldest(held, begin, end), schedules, which, begin, end), schedules, end)
    days = ledger(found, schedules.pieces)
    return days[days["day"] <= last.toordinal()]


def midnight_us(day: date) -> int:
    return int(datetime.combine(day, time(0), ZONE).timestamp()) * 1_000_000


def intervals(recording: Recording, room: str) -> Iterator[tuple[int, int, np.float32]]:
    """Yield (from, to, °C) for which each reading of a room holds."""
    at = recording.at_us.tolist()
    for i, value in enumerate(recording.values[room]):
        until = at[i] + HOLD_US
        yield at[i], min(until, at[i + 1]) if i + 1 < len(at) else until, np.float32(value)


def by_hand(recording: Recording, room: str) -> dict[int, dict[str, int]]:
    """Cold and severe time of a room by local day: Shanghai has no summer time, so a day is arithmetic."""
    out: dict[int, dict[str, int]] = {}
    offset = 8 * 3_600_000_000
    for start, end, celsius in intervals(recording, room):
        day = (start + offset) // DAY_US
        while day * DAY_US - offset < end:
            midnight = day * DAY_US - offset
            low, high = max(start, midnight), min(end, midnight + DAY_US)
            opens, closes = midnight + 6 * 3_600_000_000, midnight + 21 * 3_600_000_000
            inside = max(0, min(high, closes) - max(low, opens))
            ordinal = date(1970, 1, 1).toordinal() + day
            sums = out.setdefault(ordinal, {"cold": 0, "severe": 0})
            if in_season(ordinal) and celsius < np.float32(16):
                sums["severe"] += high - low
            elif in_season(ordinal) and celsius < np.float32(18):
                sums["cold"] += inside
            day += 1
    return out


def in_season(ordinal: int) -> bool:
    return date(2025, 11, 15) <= date.fromordinal(ordinal) < date(2026, 3, 16)


def test_time_under_the_limit_equals_sums_over_intervals(recording: Recording) -> None:
    days = judged(recording)
    for nth, room in enumerate(room_names(recording)):
        mine = {int(d["day"]): {n: int(d[n]) for n in ("cold", "severe")} for d in days[days["home"] == nth]}
        expected = by_hand(recording, room)
        assert {day: mine[day] for day in expected} == expected, room


def test_days_are_whole(recording: Recording) -> None:
    days = judged(recording)
    total = np.sum([days[name] for name in NAMES[:5]], axis=0)
    assert set(total.tolist()) == {DAY_US}


def test_month_totals_are_those_of_the_golden_file(recording: Recording) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert month_totals(recording) == golden["rooms"]


def month_totals(recording: Recording) -> dict[str, dict[str, dict[str, int]]]:
    """Room → month → sums of the ledger's columns (µs; heat and deficit in thousandths of a degree times µs)."""
    days = judged(recording)
    out: dict[str, dict[str, dict[str, int]]] = {}
    for nth, room in enumerate(room_names(recording)):
        for row in days[days["home"] == nth]:
            month = date.fromordinal(int(row["day"])).strftime("%Y-%m")
            sums = out.setdefault(room, {}).setdefault(month, dict.fromkeys(NAMES, 0))
            for name in NAMES:
                sums[name] += int(row[name])
    return out

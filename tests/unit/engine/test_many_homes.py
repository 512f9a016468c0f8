"""Homes judged together are judged as each by itself, whatever the size of the blocks they are worked on in."""

from datetime import UTC, date, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from alerts.engine import runs as engine
from alerts.engine.ledger import ledger
from alerts.engine.machine import fold, idle
from alerts.engine.runs import cut, runs
from alerts.engine.schedule import Schedules, Terms, compile_schedule
from alerts.engine.track import Readings, coldest, hold
from domain import policy_file
from domain.milli import NONE_MILLI
from store.base.wire import celsius, milli

US = 1_000_000
BEGIN = int(datetime(2026, 1, 14, 16, tzinfo=UTC).timestamp()) * US  # midnight in Shanghai
END = BEGIN + 3 * 86_400 * US
TERMS = (Terms("multistorey"), Terms("multistorey", contract_limit=20.0))


def of(said: Readings, home: int) -> Readings:
    """Return the readings of one home, as home 0."""
    mine = said.take(said.home == home)
    return mine._replace(home=mine.home * 0)


def some_readings(random: np.random.Generator, homes: int, lanes: int) -> Readings:
    """Draw readings: a few homes say nothing, the others up to 200 things, some before the span, some at once."""
    count = np.where(random.random(homes) < 0.2, 0, random.integers(1, 200, homes))
    home = np.repeat(np.arange(homes), count)
    start = BEGIN + random.integers(-10, 3 * 288 + 1, len(home)) * 300 * US
    value = random.normal(18_000, 1_000, len(home)).round(-2).astype(np.int32)
    lane = random.integers(0, lanes, len(home))
    _, once = np.unique(np.stack((home, lane, start)), axis=1, return_index=True)
    return Readings(home[once], lane[once], start[once], start[once] + 5400 * US, value[once])


def judge(said: Readings, which: NDArray[np.int64]) -> list[NDArray[np.void]]:
    """Judge, and return runs, ended flags, machines and ledger days."""
    first, last = date(2026, 1, 12), date(2026, 1, 20)
    schedules = Schedules.join([compile_schedule(policy_file.builtin("seed"), terms, first, last) for terms in TERMS])
    begin, end = np.full(len(which), BEGIN), np.full(len(which), END)
    held = hold(*copied(said))
    found = runs(cut(coldest(held, begin, end), schedules, which, begin, end), schedules, end)
    machines = idle(len(which))
    return [found, fold(machines, found, schedules.pieces), machines, ledger(found, schedules.pieces)]


@pytest.mark.parametrize("block", [1, 300, 1 << 16])
@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("seed", range(5))
def test_together_as_each_by_itself(seed: int, lanes: int, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(seed)
    said, which = some_readings(random, 12, lanes), random.integers(0, len(TERMS), 12)
    monkeypatch.setattr(engine, "BLOCK_READINGS", block)
    together = judge(said, which)
    for home in range(12):
        alone = judge(of(said, home), which[home : home + 1])
        mine = [part[home : home + 1] if i == 2 else part[part["home"] == home] for i, part in enumerate(together)]
        for ours, theirs in zip(mine, alone, strict=True):
            assert ours.dtype.names is not None
            for name in set(ours.dtype.names) - {"home"}:
                np.testing.assert_array_equal(ours[name], theirs[name])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("how", ["any", "lane by lane"])
def test_readings_are_held_alike_in_whatever_order_they_come(seed: int, how: str) -> None:
    random = np.random.default_rng(seed)
    said = some_readings(random, 12, 3)
    if how == "any":
        order = random.permutation(len(said.home))
    else:
        order = np.lexsort((said.start, random.permutation(36)[said.home * 3 + said.lane]))
    mixed = said.take(order)
    for ours, theirs in zip(hold(*copied(mixed)), hold(*copied(said)), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    held = hold(*copied(said))
    assert held.head.tolist() == [i for i in range(len(said.home)) if i == 0 or lane(said, i) != lane(said, i - 1)]
    assert held.tail.tolist() == [*(held.head[1:] - 1).tolist(), len(said.home) - 1]


def copied(said: Readings) -> Readings:
    """Return the same readings; `hold` changes `until` in place."""
    return said._replace(until=said.until.copy())


def lane(said: Readings, nth: int) -> tuple[int, int]:
    return int(said.home[nth]), int(said.lane[nth])


def test_no_homes_have_no_runs() -> None:
    nothing = np.empty(0, np.int64)
    said = Readings(nothing, nothing, nothing, nothing, np.empty(0, np.int32))
    found, ended, machines, days = judge(said, nothing)
    assert [len(part) for part in (found, ended, machines, days)] == [0, 0, 0, 0]


def test_many_short_flags_are_told_in_the_order_of_time() -> None:
    start = BEGIN + 6 * 3600 * US + np.arange(20) * 1800 * US
    value = np.where(np.arange(20) % 2, 20_000, 17_000).astype(np.int32)
    home = np.repeat(np.arange(3), 20)
    said = Readings(home, home * 0, np.tile(start, 3), np.tile(start, 3) + 5400 * US, np.tile(value, 3))
    _, ended, _, _ = judge(said, np.zeros(3, np.int64))
    assert ended["home"].tolist() == [0] * 10 + [1] * 10 + [2] * 10
    assert ended["flag"]["cold_since"].tolist() == start[::2].tolist() * 3
    assert ended["flag"]["cleared_at"].tolist() == [*(start[1::2] + 1800 * US).tolist()] * 3


def test_thousandths_of_a_degree_are_rounded_to_the_nearest() -> None:
    raw = np.concatenate((np.linspace(-60, 90, 100_001), [-0.0005, 0.0005, 20.0005, 21.0625])).astype(np.float32)
    np.testing.assert_array_equal(milli(raw), np.rint(raw.astype(np.float64) * 1000).astype(np.int64))


def test_thousandths_come_back_from_the_32_bits_that_a_table_keeps() -> None:
    every = np.arange(-200_000, 200_001, dtype=np.int32)
    np.testing.assert_array_equal(milli(celsius(every)), every)


def test_what_is_no_temperature_is_none() -> None:
    nothing = np.array([np.nan, np.inf, -np.inf, 1e9, -1e9], np.float32)
    assert milli(nothing).tolist() == [NONE_MILLI] * 5
    assert celsius(np.array([NONE_MILLI], np.int32)).tolist() == [np.inf]

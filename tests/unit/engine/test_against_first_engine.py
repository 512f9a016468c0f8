"""Judging of stored readings against the engine as it first was, which looks at each reading: equal to the byte."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from alerts.engine import day_sums, days, runs
from alerts.engine.days import runs_of
from alerts.engine.lanes import Lanes, held
from alerts.engine.ledger import ledger
from alerts.engine.machine import fold_and_keep, idle, idle_homes
from alerts.engine.schedule import Schedules, Terms, compile_schedule
from alerts.engine.track import Int
from domain import groups
from domain.instants import EVER_US, NONE_US
from domain.policy import Policy
from domain.policy_file import builtin
from domain.states import FlagEndCause
from tests.unit.engine.drawn import ANCHORS, EDGES, LIMITS, US, policy_of, rules
from tests.unit.engine.oracle import runs as first_runs
from tests.unit.engine.oracle import track as first_track
from tests.unit.engine.slow_judge import SlowHome, SlowRules

HOUR = 3_600 * US
NOTHING_US = 300 * US
Judged = tuple[NDArray[np.void], ...]


class Town:
    """Drawn homes over some days, with all that is hostile in them."""

    def __init__(self, seed: int, policy: Policy, begin: int, hours: int) -> None:
        self.random = np.random.default_rng(seed)
        self.policy, self.begin, self.end = policy, begin, begin + hours * HOUR
        self.homes = int(self.random.integers(1, 6))
        self.lanes = self._lanes()
        self.terms = [self._terms() for _ in range(self.homes)]

    def _some(self, most: int) -> int:
        return int(self.random.integers(0, most + 1))

    def _instant(self) -> int:
        return self.begin + self._some((self.end - self.begin) // NOTHING_US) * NOTHING_US

    def _terms(self) -> Terms:
        """Draw a heat status, an end by measurement, and nothing special most of the time."""
        status: tuple[tuple[int, bool], ...] = ((NONE_US, True),)
        ended: tuple[tuple[int, int], ...] = ()
        if self._some(3) == 0:
            off = self._instant()
            status = ((NONE_US, True), (off, False), (off + self._some(40) * NOTHING_US + US, True))
        if self._some(3) == 0:
            ended = tuple((at, int(FlagEndCause.MEASURED)) for at in sorted({self._instant(), self._instant()}))
        return Terms("multistorey", status=status, ended=ended)

    def _lanes(self) -> Lanes:
        parts: list[tuple[int, ...]] = []
        starts, values = list[int](), list[float]()
        for home in range(self.homes):
            for lane in range(int(self.random.choice([0, 1, 1, 1, 2, 3]))):
                at = self._times()
                cuts = np.sort(self.random.integers(0, len(at) + 1, self._some(2)))
                offset = int(self.random.choice([0, 0, 300, -701]))
                for low, high in zip([0, *cuts], [*cuts, len(at)], strict=True):
                    first, mine = len(starts), at[low:high]
                    mine = [one for one in mine if not low or one > at[low - 1]]
                    if not mine:
                        continue
                    starts += mine
                    values += self._values(len(mine), offset)
                    hold = int(self.random.choice([299, 300, 900, 5400, 100_000])) * US
                    left = int(self.random.choice([EVER_US, mine[-1] + 1 + self._some(4) * NOTHING_US]))
                    parts.append((home, 7 - lane, first, len(starts), hold, left, offset))
                    starts.append(starts[-1])  # of nobody: readings that lie between parts are not theirs
                    values.append(np.nan)
        parts.sort()
        columns = np.array(parts, np.int64).reshape(-1, 7).T.copy()
        start, celsius = np.array(starts, np.int64), np.array(values, np.float32)
        c = columns
        return Lanes(c[0], c[1], c[2], c[3], c[4], c[5], c[6].astype(np.int32), start, celsius)

    def _times(self) -> list[int]:
        """Draw the instants of a sensor: regular or not, with gaps, at edges, twice, before and after the span."""
        step = int(self.random.choice([1, 3, 12, 290])) * NOTHING_US
        at = np.arange(self.begin - 4 * step, self.end + 2 * step, step)
        at = at + self._some(1) * self._some(step - 1)
        at = at[self.random.random(len(at)) < self.random.choice([1.0, 0.97, 0.5])]
        if len(at) and self._some(2) == 0:
            gap = self._some(len(at) - 1)
            at = np.delete(at, slice(gap, gap + 40))
        twice = at[self.random.random(len(at)) < 0.02]
        return [int(one) for one in np.sort(np.concatenate((at, twice)))]

    def _values(self, count: int, offset: int) -> list[float]:
        """Draw temperatures: a warm home, one near a limit, one that is warm but for a while, one at the edges."""
        kind = self._some(3)
        milli = self.random.normal([21_000, 18_100, 21_000, 0][kind], 150, count).round()
        if kind == 2 and count:
            at = self._some(count - 1)
            milli[at : at + self._some(12) + 1] -= self.random.integers(2_000, 6_000)
        if kind == 3:
            milli = self.random.choice(EDGES, count)
        return [float(one) for one in (milli - offset) / 1000]

    def schedules(self, low: int) -> tuple[Schedules, Int]:
        first, last = (datetime.fromtimestamp(at / US, UTC).date() for at in (self.begin, self.end))
        span = (first - timedelta(days=3), last + timedelta(days=3))
        parts = [compile_schedule(self.policy, terms.clipped(low), *span) for terms in self.terms]
        return Schedules.join(parts), np.arange(self.homes)


def by_first(town: Town, machines: NDArray[np.void], low: int, high: int) -> Judged:
    """Judge reading by reading."""
    begin, end = np.full(town.homes, low), np.full(town.homes, high)
    schedules, schedule = town.schedules(low)
    track = first_track.coldest(first_track.hold(*held(town.lanes)), begin, end)
    found = first_runs.runs(first_runs.cut(track, schedules, schedule, begin, end), schedules, end)
    return judged(found, schedules, machines)


def by_days(town: Town, machines: NDArray[np.void], low: int, high: int) -> Judged:
    """Judge as a recheck does."""
    begin, end = np.full(town.homes, low), np.full(town.homes, high)
    schedules, schedule = town.schedules(low)
    parts = list(runs_of(town.lanes, schedules, schedule, begin, end, idle_homes(machines)))
    return judged(np.concatenate(parts), schedules, machines)


def judged(found: NDArray[np.void], schedules: Schedules, machines: NDArray[np.void]) -> Judged:
    day = schedules.pieces["day"][found["piece"]]
    ended, kept = fold_and_keep(machines, found, schedules.pieces, groups.is_last(found["home"], day))
    run = kept["run"]
    of_kept = np.stack((found["home"][run], day[run]))
    return ledger(found, schedules.pieces), ended, machines, of_kept, kept["machine"]


@st.composite
def towns(draw: st.DrawFn) -> Town:
    name, wall = draw(st.sampled_from(ANCHORS))
    local = datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(name))
    begin = int(local.timestamp()) * US - draw(st.sampled_from([0, 4, 30])) * HOUR
    day = local.date()
    mine = SlowRules(LIMITS[0], draw(rules()).deadband_k, 0, 1800) if draw(st.booleans()) else draw(rules())
    versions = [(date(2000, 1, 1), mine)]
    if draw(st.booleans()):
        versions.append((day + timedelta(days=1), draw(rules())))
    season = draw(st.sampled_from([date(2030, 1, 1), day + timedelta(days=1)]))
    home = SlowHome(ZoneInfo(name), [], versions, (date(2000, 1, 1), season))
    return Town(draw(st.integers(0, 2**32)), policy_of(home), begin, draw(st.sampled_from([7, 49, 80])))


@pytest.mark.parametrize("block", [1, 200, 1 << 17])
def test_judging_by_days_is_judging_by_readings(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "BLOCK_READINGS", block)
    monkeypatch.setattr(day_sums, "BLOCK_READINGS", block)
    monkeypatch.setattr(days, "CHUNK_READINGS", 4 * block)

    @settings(max_examples=60)
    @given(towns(), st.floats(0, 1))
    def equal(town: Town, where: float) -> None:
        ours, theirs = idle(town.homes), idle(town.homes)
        middle = town.begin + round((town.end - town.begin) * where / NOTHING_US) * NOTHING_US
        for low, high in ((town.begin, middle), (middle, town.end)):
            for mine, other in zip(by_days(town, ours, low, high), by_first(town, theirs, low, high), strict=True):
                np.testing.assert_array_equal(mine, other)
                assert mine.tobytes() == other.tobytes()

    equal()


def test_readings_of_a_lane_that_are_not_in_order_are_refused() -> None:
    one, start, no_offset = np.ones(1, np.int64), np.array([5, 4, 6]) * HOUR, np.zeros(1, np.int32)
    lanes = Lanes(one * 0, one, one * 0, one * 3, one * HOUR, one * EVER_US, no_offset, start, start.astype(np.float32))
    pieces = compile_schedule(builtin("seed"), Terms("multistorey"), date(1970, 1, 1), date(1970, 1, 3))
    with pytest.raises(ValueError, match="order of time"):
        list(runs_of(lanes, Schedules.join([pieces]), one * 0, one * 0, one * 9 * HOUR, one > 0))

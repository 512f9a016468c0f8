"""The engine against a judge that walks step by step, over random homes; and against itself, split anywhere."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from alerts.engine.ledger import SUMS, ledger
from alerts.engine.machine import fold, idle
from alerts.engine.runs import cut, runs
from alerts.engine.schedule import Schedules, Terms, compile_schedule
from alerts.engine.track import coldest, hold
from alerts.judging.flagging import clear_reason
from alerts.judging.weigh import judged_milli
from domain.instants import NONE_US
from domain.milli import milli
from domain.states import FlagEndCause
from tests.unit.engine.drawn import ANCHORS, EDGES, LIMITS, US, policy_of, rules
from tests.unit.engine.slow_judge import SlowFlag, SlowHome, SlowJudge, SlowRules

JUDGED = (st.integers(14_500, 22_500) | st.sampled_from(EDGES)).map(lambda n: Decimal(n) / 1000)
# Everything that is drawn happens at multiples of it, and so do the edges of windows, days and summer time.
STEP_S = 20
OFFSETS = st.sampled_from([Decimal(n) / 1000 for n in (0, 300, -700, 123, -5_001)])


@st.composite
def homes(draw: st.DrawFn) -> tuple[SlowHome, int, int]:
    name, wall = draw(st.sampled_from(ANCHORS))
    zone = ZoneInfo(name)
    local = datetime.fromisoformat(wall).replace(tzinfo=zone)
    begin = int(local.timestamp())
    end = begin + draw(st.sampled_from([1, 3])) * 3600
    # A coarse grid makes readings, edges and timers meet in the same second.
    grid = draw(st.sampled_from([STEP_S, 300]))
    times = st.integers(begin - 1800, end).map(lambda s: s - s % grid)
    sensors = []
    for _ in range(draw(st.integers(1, 3))):
        found = draw(st.dictionaries(times, JUDGED, max_size=14))
        held = draw(st.sampled_from([300, 900, 5400]))
        sensors.append([(at, at + held, found[at]) for at in sorted(found)])
    day = local.date()
    versions = [(date(2000, 1, 1), draw(rules()))]
    if draw(st.booleans()):
        versions.append((day + timedelta(days=1), draw(rules())))
    season = draw(st.sampled_from([(date(2000, 1, 1), date(2030, 1, 1)), (date(2000, 1, 1), day + timedelta(days=1))]))
    status: list[tuple[int | None, bool]] = [(None, True)]
    if draw(st.booleans()):
        status.append((draw(times), False))
        status.append((status[-1][0] + draw(st.integers(1, 180)) * STEP_S, True))  # type: ignore[operator]
    ended = sorted(draw(st.sets(times, max_size=2)))
    return SlowHome(zone, sensors, versions, season, status, ended), begin, end


def lower_limit_at_midnight(clear_s: int) -> tuple[SlowHome, int, int]:
    """Return a home that is cold until a lower limit comes into force, and then warm, though it grows colder."""
    limits = [(date(2000, 1, 1), LIMITS[1]), (date(2006, 4, 2), LIMITS[4])]
    home = SlowHome(
        ZoneInfo("America/St_Johns"),
        [[(1143948100, 1143953500, Decimal("18.859")), (1143950640, 1143956040, Decimal("17.677"))]],
        [(first, SlowRules(mine, Decimal(0), 0, clear_s)) for first, mine in limits],
        (date(2000, 1, 1), date(2030, 1, 1)),
    )
    return home, 1143941400, 1143952200


def cold_beyond_a_measurement() -> tuple[SlowHome, int, int]:
    """Return a home whose sensor tells late that it was cold when measurements ended its flag, and got colder."""
    begin = 1768449600
    home = SlowHome(
        ZoneInfo("Asia/Shanghai"),
        [[(begin, begin + 5400, Decimal(17)), (begin + 5000, begin + 9000, Decimal("15.5"))]],
        [(date(2000, 1, 1), SlowRules(LIMITS[0], Decimal(0), 0, 600))],
        (date(2000, 1, 1), date(2030, 1, 1)),
        ended=[begin + 3600, begin + 3620],
    )
    return home, begin, begin + 7200


class Fast:
    """The engine on one home, advanced in as many parts as one likes."""

    def __init__(self, home: SlowHome, begin: int, end: int, offset: Decimal = Decimal(0)) -> None:
        status = tuple((NONE_US if since is None else since * US, on) for since, on in home.status)
        ended = tuple((at * US, int(FlagEndCause.MEASURED)) for at in home.ended)
        terms = Terms("multistorey", status=status, ended=ended)
        first = datetime.fromtimestamp(begin, UTC).date() - timedelta(days=2)
        last = datetime.fromtimestamp(end, UTC).date() + timedelta(days=3)
        self.schedules = Schedules.join([compile_schedule(policy_of(home), terms.clipped(begin * US), first, last)])
        said = [(lane, *r) for lane, sensor in enumerate(home.readings) for r in sensor]
        self.readings = [np.array([r[i] for r in said], np.int64) for i in range(3)]
        # What the thermometer said, in the 32 bits that are stored, and its offset: from the door on, as everywhere.
        raw = np.array([float(judged - offset) for _, _, _, judged in said], np.float32)
        self.milli = judged_milli(raw, milli(float(offset)))
        self.state = idle(1)
        self.ended: list[NDArray[np.void]] = []
        self.days: dict[date, dict[str, int]] = {}

    def advance(self, begin: int, end: int) -> None:
        lane, start, until = self.readings
        home = np.zeros(len(lane), np.int64)
        held = hold(home, lane, start * US, until * US, self.milli)
        low, high = np.array([begin * US]), np.array([end * US])
        steps = cut(coldest(held, low, high), self.schedules, np.zeros(1, np.int64), low, high)
        found = runs(steps, self.schedules, high)
        self.ended.append(fold(self.state, found, self.schedules.pieces))
        for row in ledger(found, self.schedules.pieces):
            day = self.days.setdefault(date.fromordinal(int(row["day"])), {})
            for name in SUMS:
                day[name] = day.get(name, 0) + int(row[name])

    def flags(self) -> list[tuple[Any, ...]]:
        ended = [e["flag"] for part in self.ended for e in part]
        return [self._flag(f) for f in ended] + [self._flag(s) for s in self.state if s["severity"] > 0]

    @staticmethod
    def _flag(f: np.void) -> tuple[Any, ...]:
        def at(name: str) -> int | None:
            return None if f[name] == NONE_US else int(f[name]) // US

        reason = None
        if f["cleared_at"] != NONE_US:
            reason = clear_reason(int(f["reason"])).value
        names = ("cold_since", "confirmed_at", "severe_at", "suspended_at", "cleared_at")
        return (*(at(n) for n in names), reason, Decimal(int(f["lowest"])) / 1000)


def slow_flags(flags: Iterable[SlowFlag]) -> list[tuple[Any, ...]]:
    return [
        (f.cold_since, f.confirmed_at, f.severe_at, f.suspended_at, f.cleared_at, f.reason, f.lowest) for f in flags
    ]


def slow_days(judge: SlowJudge) -> dict[date, dict[str, int]]:
    return {day: {n: s * US for n, s in found.items() if s} for day, found in judge.seconds.items()}


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(homes(), OFFSETS)
@example(
    (
        # The season ends at the very midnight at which a window would open: the flag ends as it was, suspended.
        SlowHome(
            ZoneInfo("America/St_Johns"),
            [[(1162081520, 1162081820, Decimal(15)), (1162081820, 1162082120, Decimal(16))]],
            [(date(2000, 1, 1), SlowRules(LIMITS[3], Decimal(0), 0, 0))],
            (date(2000, 1, 1), date(2006, 10, 29)),
        ),
        1162081800,
        1162092600,
    ),
    Decimal("0.3"),
)
@example(cold_beyond_a_measurement(), Decimal(0))
@example(lower_limit_at_midnight(clear_s=0), Decimal(0))  # over when it grows colder
@example(lower_limit_at_midnight(clear_s=3600), Decimal(0))  # still open then: its time to clear is not full
def test_engine_equals_the_judge_that_walks_step_by_step(drawn: tuple[SlowHome, int, int], offset: Decimal) -> None:
    home, begin, end = drawn
    fast = Fast(home, begin, end, offset)
    fast.advance(begin, end)
    slow = SlowJudge(home, STEP_S).walk(begin, end)
    assert fast.flags() == slow_flags(slow.flags)
    spent = {day: {n: us for n, us in found.items() if us} for day, found in fast.days.items()}
    assert {day: found for day, found in spent.items() if found} == slow_days(slow)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(homes(), st.lists(st.integers(0, 10_800), max_size=6))
@example(cold_beyond_a_measurement(), [3600])
@example(lower_limit_at_midnight(clear_s=0), [8000])
def test_any_split_in_time_gives_the_same(drawn: tuple[SlowHome, int, int], at: list[int]) -> None:
    home, begin, end = drawn
    whole, parts = Fast(home, begin, end), Fast(home, begin, end)
    whole.advance(begin, end)
    marks = [begin, *sorted(begin + a for a in at if begin + a <= end), end]
    for low, high in pairwise(marks):
        parts.advance(low, high)
    assert parts.flags() == whole.flags()
    assert parts.days.keys() == whole.days.keys()
    assert parts.days == whole.days
    assert (parts.state == whole.state).all()


@pytest.mark.parametrize(
    ("zone", "day", "seconds"),
    [
        ("Asia/Shanghai", date(2026, 1, 15), 86_400),
        ("Europe/Berlin", date(2026, 3, 29), 82_800),
        ("Europe/Berlin", date(2025, 10, 26), 90_000),
        ("America/St_Johns", date(2006, 10, 28), 89_940),  # 23:01 to 24:00 comes twice
        ("America/St_Johns", date(2006, 10, 29), 86_460),  # and so does its own first minute
    ],
)
def test_the_states_of_a_day_add_up_to_its_length(zone: str, day: date, seconds: int) -> None:
    rules = SlowRules(LIMITS[0], Decimal("0.2"), 0, 1800)
    begin = int(datetime.combine(day - timedelta(days=1), time(12), ZoneInfo(zone)).timestamp())
    end = int(datetime.combine(day + timedelta(days=1), time(12), ZoneInfo(zone)).timestamp())
    readings = [(begin + i * 1237, begin + i * 1237 + 900, Decimal(15 + i % 6)) for i in range(200)]
    home = SlowHome(ZoneInfo(zone), [readings], [(date(2000, 1, 1), rules)], (date(2000, 1, 1), date(2030, 1, 1)))
    fast = Fast(home, begin, end)
    fast.advance(begin, end)
    states = ("compliant", "cold", "severe", "unknown", "not_judged")
    assert sum(fast.days[day][name] for name in states) == seconds * US

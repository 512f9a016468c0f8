"""Homes judged by files: whatever lies in the archive and whatever in the table, the verdict is the same."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from alerts.engine.machine import idle
from alerts.engine.schedule import Terms
from alerts.judging.briefs import STAY, ShardBrief, brief_of
from alerts.judging.from_archive import judge_shard
from alerts.judging.history import History
from alerts.judging.placing import SensorReadings
from alerts.judging.verdict import SpanVerdict, StartGroup, judge_span
from archives.columns import JUDGED_ROW
from archives.layout import READINGS
from archives.merging import merge
from archives.place import ArchivePlace
from archives.reading import JUDGED
from domain import policy_file
from domain.instants import EVER_US, NONE_US, to_us
from domain.states import FlagEndCause
from tests.unit.archives.months import START, rows, sealed

POLICY = policy_file.builtin("seed")
HISTORY = History(POLICY)
FIRST = date(2026, 1, 2)  # local: 8 hours before UTC
DAYS = 4
NOW = datetime(2026, 1, 9, tzinfo=UTC)
SENSORS = [1, 2, 5, 7, 8]
TERMS = (Terms("multistorey"), Terms("multistorey", 20.5, time(6), time(22)), Terms("multistorey"))


def stay(sensor: int, home: int, since: int = NONE_US, until: int = EVER_US) -> tuple[int, ...]:
    return (sensor, home, sensor, 0, 900, 0, since, until)


MOVED = to_us(START + timedelta(days=2, hours=9, minutes=20))
# Sensor 5 moves to another home; home 12 has sensors of both shards.
STAYS = np.array([stay(1, 10), stay(2, 11), stay(5, 10, NONE_US, MOVED), stay(5, 12, MOVED), stay(7, 12)], STAY)
HOMES = np.array([10, 11, 12], np.int32)
UNHEARD = StartGroup(FIRST, HOMES, {})


class WholeTable:
    """All readings as the table has them."""

    read = ()

    def __init__(self, readings: NDArray[np.void]) -> None:
        self._rows = readings[(readings["quality"] == 0) & ~np.isnan(readings["temperature"])]

    def stays(self, homes: list[int]) -> NDArray[np.void]:
        return STAYS[np.isin(STAYS["home_id"], homes)]

    def terms(self, homes: list[int]) -> list[Terms]:
        return [TERMS[home - 10] for home in homes]

    def said(self, sensors: list[int], start: datetime, end: datetime) -> SensorReadings:
        mine = np.isin(self._rows["sensor_id"], sensors)
        mine &= (self._rows["measured_at"] >= to_us(start)) & (self._rows["measured_at"] < to_us(end))
        return SensorReadings.of(np.sort(self._rows[mine], order=["sensor_id", "measured_at"]))


def told(seed: int) -> NDArray[np.void]:
    """Return readings of all sensors, cold now and then, with values that are none and some of another quality."""
    found = rows(SENSORS, days=DAYS + 2, seed=seed)
    rng = np.random.default_rng(seed)
    spells = rng.random((len(SENSORS), len(found) // len(SENSORS) // 48)) < 0.3
    found["temperature"] -= 3 * np.repeat(spells.ravel(), 48)
    found["temperature"][rng.random(len(found)) < 0.02] = np.nan
    return found


def as_one(verdicts: list[SpanVerdict]) -> list[bytes]:
    """Return what verdicts say of all homes, in one order."""
    parts = []
    for verdict in verdicts:
        for home in range(len(verdict.homes)):
            one = verdict.of(np.arange(len(verdict.homes)) == home)
            columns = (one.entered, one.machines, one.days, one.ended, one.kept)
            parts.append((int(one.homes[0]), b"".join(column.tobytes() for column in columns)))
    return [said for _, said in sorted(parts)]


@settings(max_examples=12)
@given(st.integers(0, 99), st.data())
def test_any_split_between_table_and_archive_is_the_same_verdict(seed: int, data: st.DataObject) -> None:
    whole = told(seed)
    end = datetime.combine(FIRST + timedelta(days=DAYS), time(), POLICY.zone)
    wanted = judge_span(HISTORY, WholeTable(whole), UNHEARD, end, NOW)
    assert len(wanted.ended)
    assert wanted.days["cold"].any()
    seeds = data.draw(st.integers(0, 99), "where a reading lies")
    cuts = np.sort(np.random.default_rng(seeds).choice(DAYS * 96, 3)) * 900_000_000 + to_us(START)
    where = np.searchsorted(cuts, whole["measured_at"])  # files that follow each other, and the table behind them
    late = np.random.default_rng(seeds).random(len(whole)) < data.draw(st.sampled_from([0, 0.01, 0.5]))
    again = whole[late & (where < 3) & ~np.isnan(whole["temperature"])].copy()
    again["temperature"] += 9  # said otherwise before: the first stays
    left = np.isin(whole["sensor_id"], [1, 2, 5])
    with TemporaryDirectory() as folder:
        parts = [
            (shard, part, chosen)
            for shard, mine in ((0, left), (1, ~left))
            for part, chosen in (
                *(("base", whole[mine & (where == nth) & ~late]) for nth in range(3)),
                ("amendment", whole[mine & (where < 3) & late]),
            )
            if len(chosen)
        ]
        archive = sealed(ArchivePlace(Path(folder).as_uri()), parts)
        rest = merge(READINGS, [whole[where == 3], again])[list(JUDGED)].astype(JUDGED_ROW)
        shards = archive.shards()
        brief = brief_of([UNHEARD], TERMS, STAYS)
        found = list(judge_shard(brief, shards, POLICY, FIRST + timedelta(days=DAYS), NOW, rest))
        assert as_one(found) == as_one([wanted])
        assert sum(verdict.readings for verdict in found) == wanted.readings
        one = brief.of(np.array([12], np.int32))
        (alone,) = judge_shard(one, shards, POLICY, FIRST + timedelta(days=DAYS), NOW, rest)
        assert as_one([alone]) == as_one([wanted])[2:]


some_instant = st.integers(-(2**62), 2**62)
some_terms = st.builds(
    Terms,
    st.sampled_from(["multistorey", "住宅"]),
    st.none() | st.floats(15, 25),
    st.none() | st.times(),
    st.none() | st.times(),
    st.lists(st.tuples(some_instant, st.booleans()), max_size=3).map(tuple),
    st.lists(st.tuples(some_instant, st.sampled_from(list(FlagEndCause)).map(int)), max_size=2).map(tuple),
)


@given(st.lists(st.integers(1, 2**31 - 1), unique=True, max_size=6), st.data())
def test_a_brief_travels_as_bytes(ids: list[int], data: st.DataObject) -> None:
    homes = np.array(sorted(ids), np.int32)
    split = data.draw(st.integers(0, len(ids)))
    machine = idle(1)[0].tobytes()
    known = {home: data.draw(st.sampled_from([None, machine])) for home in homes[:split].tolist()}
    groups = [StartGroup(FIRST, homes[:split], known), StartGroup(date(1, 1, 1), homes[split:], {})]
    terms = data.draw(st.lists(some_terms, min_size=len(ids), max_size=len(ids)))
    told = np.array([stay(home, home, NONE_US, data.draw(some_instant)) for home in homes.tolist()], STAY)
    brief = brief_of(groups, terms, told)
    back = ShardBrief.from_bytes(brief.to_bytes())
    assert (back.terms, back.stays.tobytes()) == (brief.terms, told.tobytes())
    assert back.homes.tolist() == sorted(ids)
    same = [(group.first_day, group.homes.tolist(), group.known) for group in back.groups]
    assert same == [(group.first_day, group.homes.tolist(), group.known) for group in groups]
    half = back.of(back.homes[::2])
    assert half.terms == tuple(terms[::2])
    assert [homes for group in half.groups for homes in group.homes.tolist()] == sorted(ids)[::2]

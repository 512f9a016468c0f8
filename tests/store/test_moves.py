"""Sensors that move between rooms and homes, offsets that change: live, late and second by second, all the same."""

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from tests import registry_rows as town
from tests.conftest import Database
from tests.store.desk import MINUTE, NOON, ZONE, Desk
from tests.store.histories import batches, finish, start_over
from tests.unit.engine.slow_judge import SlowHome, SlowJudge, SlowRules

RULES = SlowRules(
    [("cold", Decimal(18), time(6), time(21)), ("severe", Decimal(16), None, None)], Decimal("0.2"), 0, 1800
)
HOLD = timedelta(seconds=900)
# With the offsets some of these are exactly at a limit, or at the deadband, where sums of binary fractions are not.
CELSIUS = st.sampled_from([15.5, 15.9, 17.0, 17.7, 17.9, 18.0, 18.1, 18.2, 18.3, 18.5, 19.0])


class Span(NamedTuple):
    """A place of a sensor: home 1 or 2, kind of room, offset, until when (minutes; None: for good)."""

    home: int
    kind: str
    offset: float
    until: int | None


@st.composite
def spans(draw: st.DrawFn) -> list[Span]:
    ends = sorted(draw(st.lists(st.integers(5, 170), max_size=2, unique=True)))
    places = st.tuples(
        st.sampled_from([1, 2]), st.sampled_from(["living", "bedroom", "other"]), st.sampled_from([0.0, -0.3, 0.3, 0.5])
    )
    return [Span(*draw(places), end) for end in [*ends, None]]


@pytest.fixture
def conn(plain_database: Database) -> Iterator[Connection]:
    with plain_database.connect(autocommit=True) as conn:
        for n in (1, 2):
            town.home(conn, f"H{n}")
        yield conn


@settings(max_examples=12, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
@given(
    st.sampled_from([NOON.replace(hour=5), NOON.replace(hour=19, minute=30), NOON.replace(hour=23, minute=10)]),
    st.tuples(spans(), spans()),
    st.tuples(*[st.dictionaries(st.integers(0, 180), CELSIUS, min_size=1, max_size=15)] * 2),
    st.randoms(use_true_random=False),
)
def test_moves_and_offsets(
    conn: Connection,
    start: datetime,
    places: tuple[list[Span], list[Span]],
    said: tuple[dict[int, float], dict[int, float]],
    chance: random.Random,
) -> None:
    furnish(conn, start, places)
    now = start + 260 * MINUTE
    readings = sorted(
        ((f"s{n}", start + m * MINUTE, celsius) for n in (0, 1) for m, celsius in said[n].items()), key=lambda r: r[1]
    )
    for shuffled in (False, True):
        start_over(conn)
        desk = Desk(conn)
        for batch in batches(readings, shuffled, chance):
            latest = max(at for _, at, _ in batch)
            desk.say(*batch, now=now if shuffled else latest)
            if not shuffled:
                desk.clock(latest)
        finish(desk, now)
        for home in (1, 2):
            slow = expected(home, start, places, said)
            assert on_record(desk, home) == walked(slow, now)


@pytest.mark.parametrize("order", ["in order", "at once", "the new home first"])
@pytest.mark.parametrize("second", [{38: 15.9, 115: 18.1}, {}])
def test_a_home_that_a_sensor_has_left_when_its_backlog_comes(
    conn: Connection, order: str, second: dict[int, float]
) -> None:
    # The sensor holds the value of its new home before the old one was judged up to the end of what it said there.
    start, now = NOON.replace(hour=15, minute=30), NOON.replace(hour=20)
    places = (
        [Span(1, "living", 0.0, 158), Span(2, "bedroom", -0.3, None)],
        [Span(1, "bedroom", 0.5, None)],
    )
    said = ({0: 15.5, 35: 18.2, 101: 17.0, 115: 19.0, 129: 19.0, 139: 19.0, 165: 18.3}, second)
    furnish(conn, start, places)
    readings = sorted(
        ((f"s{n}", start + m * MINUTE, celsius) for n in (0, 1) for m, celsius in said[n].items()), key=lambda r: r[1]
    )
    desk = Desk(conn)
    if order == "at once":
        desk.say(*readings, now=now)
    for reading in readings if order == "in order" else []:
        desk.say(reading, now=now)
    for reading in [readings[-1], *readings[:-1]] if order == "the new home first" else []:
        desk.say(reading, now=now)
    finish(desk, now)
    slow = expected(1, start, places, said)
    assert on_record(desk, 1) == walked(slow, now)
    assert on_record(desk, 1)[0][0][4] == "recovered"


def furnish(conn: Connection, start: datetime, places: tuple[list[Span], list[Span]]) -> None:
    conn.execute("DELETE FROM point")
    for n, mine in enumerate(places):
        begin = None
        for span in mine:
            end = None if span.until is None else start + span.until * MINUTE
            town.sensor(conn, f"s{n}", span.home, room_kind=span.kind, offset_k=span.offset, valid=(begin, end))
            begin = end
    conn.execute("UPDATE registry_version SET version = version + 1")


def expected(
    home: int, start: datetime, places: tuple[list[Span], list[Span]], said: tuple[dict[int, float], dict[int, float]]
) -> SlowHome:
    """Return what the sensors said of a home, one series for each stay."""
    series: list[list[tuple[int, int, Decimal]]] = []
    for mine, values in zip(places, said, strict=True):
        begin = -1
        for i, span in enumerate(mine):
            stay = i
            while stay + 1 < len(mine) and mine[stay + 1][:2] == span[:2]:
                stay += 1
            leaves = mine[stay].until
            end = span.until if span.until is not None else 10_000
            found = []
            for m in sorted(m for m in values if max(begin, 0) <= m < end):
                at = start + m * MINUTE
                until = at + HOLD if leaves is None else min(at + HOLD, start + leaves * MINUTE)
                judged = Decimal(str(values[m])) + Decimal(str(span.offset))
                found.append((int(at.timestamp()), int(until.timestamp()), judged))
            begin = end
            if span.home == home and span.kind != "other":
                joins = i > 0 and mine[i - 1][:2] == span[:2]
                if joins and series:
                    series[-1] += found
                else:
                    series.append(found)
    return SlowHome(ZONE, series, [(date(2000, 1, 1), RULES)], (date(2000, 1, 1), date(2030, 1, 1)))


def walked(home: SlowHome, now: datetime) -> tuple[Any, Any]:
    """Walk from the first reading on; return flags and seconds by day. Before it, that day is unknown."""
    first = min((at for series in home.readings for at, _, _ in series), default=None)
    if first is None:
        return [], {}
    judge = SlowJudge(home).walk(first, int(now.timestamp()))
    day = datetime.fromtimestamp(first, ZONE).date()
    before = first - int(datetime.combine(day, time(0), ZONE).timestamp())
    seconds = {d: {n: s for n, s in found.items() if s} for d, found in judge.seconds.items()}
    if before:
        seconds.setdefault(day, {})["unknown"] = seconds.get(day, {}).get("unknown", 0) + before
    flags = [(f.cold_since, f.severe_at, f.suspended_at, f.cleared_at, f.reason, f.lowest) for f in judge.flags]
    return flags, seconds


def on_record(desk: Desk, home: int) -> tuple[Any, Any]:
    flags = desk.rows(
        "SELECT extract(epoch FROM cold_since)::int, extract(epoch FROM severe_at)::int AS s, "
        "extract(epoch FROM suspended_at)::int AS p, extract(epoch FROM cleared_at)::int AS c, clear_reason, "
        f"lowest::text::numeric FROM flag WHERE home_id = {home} AND clear_reason IS DISTINCT FROM 'withdrawn' "
        "ORDER BY cold_since"
    )
    names = ("compliant", "cold", "severe", "unknown", "not_judged", "shortfall")
    days = {}
    for row in desk.rows(f"SELECT * FROM ledger WHERE home_id = {home}"):
        found = {n: row[f"{n}_us"] // 1_000_000 for n in names} | {n: row[n] // 1_000_000 for n in ("heat", "deficit")}
        days[row["day"]] = {n: s for n, s in found.items() if s}
    return [tuple(row.values()) for row in flags], {day: found for day, found in days.items() if found}

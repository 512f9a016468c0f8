"""The chart: no dip and no gap gets lost, however many days there are to a column."""

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.engine.columns import extremes
from alerts.engine.track import hold
from domain.milli import LEAST_MILLI, NONE_MILLI
from papers.dossier.chart import COLUMNS, GAP, LEFT, RIGHT, LimitSpan, TemperatureChart, edges, svg, ticks

ZONE = ZoneInfo("Asia/Shanghai")
DAY_US = 86_400_000_000
START = int(datetime(2026, 1, 14, tzinfo=ZONE).timestamp()) * 1_000_000
NS = "{http://www.w3.org/2000/svg}"


def chart(days: int = 1, **changes: object) -> TemperatureChart:
    end = START + days * DAY_US
    rule = LimitSpan(START, end, 18.0, 16.0, True)
    plain = {
        "start": START,
        "end": end,
        "counted": (START, end),
        "zone": ZONE,
        "traces": [],
        "gaps": [],
        "rules": [rule],
    }
    return TemperatureChart(**{**plain, **changes})  # type: ignore[arg-type]


def drawn(of: TemperatureChart) -> ET.Element:
    return ET.fromstring(svg(of))


def test_it_is_svg_of_numbers_alone() -> None:
    trace = [(18.5, 19.0), None] * (COLUMNS // 2)
    root = drawn(chart(traces=[trace]))
    words = [element.text for element in root.iter(f"{NS}text")]
    assert words
    assert all(re.fullmatch(r"-?\d+|\d\d-\d\d|\d\d:\d\d", word or "") for word in words)


@given(st.integers(1, 400), st.integers(0, 399 * DAY_US), st.integers(1, DAY_US))
def test_the_shortest_gap_is_seen(days: int, offset: int, length: int) -> None:
    start = START + offset % (days * DAY_US)
    of = chart(days, gaps=[(start, min(start + length, START + days * DAY_US))])
    (mark,) = [r for r in drawn(of).iter(f"{NS}rect") if r.get("fill") == GAP and r.get("height") == "8.00"]
    left, width = float(mark.get("x", 0)), float(mark.get("width", 0))
    assert width >= 1
    assert LEFT <= left <= left + width <= RIGHT + 0.02


def test_what_was_not_counted_is_hatched_and_has_no_limits() -> None:
    of = chart(2, counted=(START + DAY_US // 2, START + DAY_US))
    hatched = [r for r in drawn(of).iter(f"{NS}rect") if r.get("fill") == "url(#uncounted)"]
    quarter = (RIGHT - LEFT) / 4
    found = [(float(r.get("x", 0)), float(r.get("width", 0))) for r in hatched]
    assert found == [(LEFT, quarter), (LEFT + 2 * quarter, 2 * quarter)]
    limits = [p.get("d", "") for p in drawn(of).iter(f"{NS}path") if p.get("fill") == "none"]
    assert [re.match(r"M([\d.]+) [\d.]+H([\d.]+)$", d).groups() for d in limits] == [  # type: ignore[union-attr]
        (f"{LEFT + quarter:g}", f"{LEFT + 2 * quarter:g}")
    ] * 2


@given(st.lists(st.one_of(st.none(), st.tuples(st.floats(-20, 40), st.floats(0, 5))), min_size=1, max_size=40))
def test_each_bar_spans_its_column_and_nothing_is_drawn_where_nothing_was(
    columns: list[tuple[float, float] | None],
) -> None:
    trace = [None if column is None else (column[0], column[0] + column[1]) for column in columns]
    (path,) = [p for p in drawn(chart(traces=[trace])).iter(f"{NS}path") if p.get("fill") == "#1f5fa8"]
    bars = re.findall(r"M([\d.]+) ([-\d.]+)h1V([-\d.]+)h-1z", path.get("d", ""))
    assert [float(x) - LEFT for x, _, _ in bars] == [n for n, column in enumerate(trace) if column is not None]
    assert all(float(top) < float(bottom) for _, top, bottom in bars)
    assert all(float(top) > 0 and float(bottom) < 280 for _, top, bottom in bars)


spans = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 999), st.integers(1, 300), st.integers(10, 30)), max_size=30
)


@given(spans, st.integers(1, 12))
def test_extremes_are_those_of_every_instant(said: list[tuple[int, int, int, int]], columns: int) -> None:
    said = list({(lane, at): (lane, at, length, celsius) for lane, at, length, celsius in said}.values())
    lane, at, length, celsius = (np.array([row[n] for row in said], np.int64) for n in range(4))
    held = hold(np.zeros(len(said), np.int64), lane, at, at + length, celsius.astype(np.int32))
    marks = np.array([100 + 700 * n // columns for n in range(columns + 1)], np.int64)
    found = extremes(held, marks)
    for one in range(3):
        mine = sorted((a, n, c) for other, a, n, c in said if other == one)
        for column in range(columns):
            known = []
            for instant in range(int(marks[column]), int(marks[column + 1])):
                before = [(a, n, c) for a, n, c in mine if a <= instant]
                if before and instant < before[-1][0] + before[-1][1]:
                    known.append(before[-1][2])
            if one in found:
                lowest, highest = found[one][0][column], found[one][1][column]
                assert (lowest, highest) == ((min(known), max(known)) if known else (NONE_MILLI, LEAST_MILLI))
            else:
                assert not mine


@pytest.mark.parametrize("days", [1, 2, 3, 4, 31, 126, 400])
def test_the_axis_has_neither_too_many_nor_too_few_numbers(days: int) -> None:
    found = ticks(START, START + days * DAY_US, ZONE)
    assert 4 <= len(found) <= 20
    for at, label in found:
        clock = datetime.fromtimestamp(at / 1e6, UTC).astimezone(ZONE)
        assert label in (f"{clock:%H:%M}", f"{clock:%m-%d}")


def test_days_of_23_hours_have_their_numbers_at_the_wall_clock() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    begin = datetime(2026, 3, 29, tzinfo=berlin)
    end = datetime.combine(begin.date() + timedelta(days=1), begin.timetz())
    low, high = (round(instant.timestamp() * 1e6) for instant in (begin, end))
    found = {label: at for at, label in ticks(low, high, berlin)}
    assert (found["04:00"] - found["03-29"]) / 3.6e9 == 3


def test_columns_cover_the_span_exactly() -> None:
    marks = edges(START, START + 7 * DAY_US + 1)
    assert (marks[0], marks[-1], len(marks)) == (START, START + 7 * DAY_US + 1, COLUMNS + 1)
    assert marks == sorted(set(marks))

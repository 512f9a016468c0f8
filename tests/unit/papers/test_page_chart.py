"""Charts: what is not known is not drawn, and everything is where its value is."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from papers.chart import PAGE, DayBar, Frame, Step, Tick, day_by_day, runs, through_time, unknown

SPANS = st.lists(st.tuples(st.integers(-5, 45), st.integers(0, 15)).map(lambda s: (s[0], s[0] + s[1])), max_size=8)


def test_a_series_is_cut_where_a_value_does_not_hold_any_more() -> None:
    assert runs([0, 10, 20, 51, 60], [1, 2, 3, 4, 5], 30) == [[(0, 1), (10, 2), (20, 3)], [(51, 4), (60, 5)]]
    assert runs([0, 30], [1, 2], 30) == [[(0, 1), (30, 2)]]
    assert runs([], [], 30) == []


@given(st.lists(st.integers(0, 500), unique=True).map(sorted), st.integers(1, 60))
def test_all_of_a_series_is_drawn_in_order(times: list[int], holds: int) -> None:
    found = runs(times, times, holds)
    assert [at for run in found for at, _ in run] == times
    for run in found:
        assert all(b[0] - a[0] <= holds for a, b in pairwise(run))
    for left, right in pairwise(found):
        assert right[0][0] - left[-1][0] > holds


@given(SPANS)
def test_what_no_span_covers_is_unknown(spans: list[tuple[int, int]]) -> None:
    gaps = unknown(spans, 0, 40)
    for second in range(40):
        covered = any(low <= second and second + 1 <= high for low, high in spans)
        middle = second + 0.5
        assert covered != any(low < middle < high for low, high in gaps), (second, gaps)


@given(st.lists(st.floats(-40, 60), max_size=20))
def test_every_temperature_has_room(values: list[float]) -> None:
    frame = Frame.around(0, 1, values)
    assert frame.high - frame.low >= 4
    for value in values:
        assert PAGE.top <= frame.y(value) <= PAGE.bottom
    degrees = frame.degrees()
    assert 1 <= len(degrees) <= 8
    assert all(frame.y(float(tick.label)) == tick.at for tick in degrees)


def test_lines_limits_gaps_and_single_readings() -> None:
    frame = Frame(0, 10, 16, 20)
    steps = [Step("cold", 2, 5, 18.0), Step("cold", 5, 8, 18.0), Step("severe", 0, 10, 16.0)]
    drawn = through_time(frame, [[[(0, 20.0), (5, 18.0)], [(10, 16.0)]]], steps, [(5, 10)], [Tick(0, "00:00")])
    assert [line.path for line in drawn.lines] == [f"M{PAGE.left:g} {frame.y(20):g}L{frame.x(5):g} {frame.y(18):g}"]
    assert drawn.dots == [("room-0", PAGE.right, frame.y(16))]
    assert [(stroke.kind, stroke.path) for stroke in drawn.limits] == [
        ("cold", f"M{frame.x(2):g} {frame.y(18):g}H{frame.x(8):g}"),  # one that goes on is one line
        ("severe", f"M{frame.x(0):g} {frame.y(16):g}H{frame.x(10):g}"),
    ]
    assert [(box.kind, box.x, box.width) for box in drawn.boxes] == [
        ("gap", frame.x(5), round(frame.x(10) - frame.x(5), 2))
    ]


def test_a_day_reaches_from_its_lowest_to_its_mean() -> None:
    frame = Frame(0, 2, 16, 22)
    drawn = day_by_day(frame, [DayBar("cold", (17.0, 19.0)), DayBar("unknown", None)], [], [])
    gap, bar = drawn.boxes
    assert (gap.kind, bar.kind) == ("gap", "cold")
    assert (bar.y, round(bar.y + bar.height, 2)) == (frame.y(19), frame.y(17))
    assert frame.x(0) < bar.x < bar.x + bar.width < frame.x(1) <= gap.x

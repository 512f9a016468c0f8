"""Temperature chart of the dossier: each column spans the lowest to the highest value, so that no dip is lost.

Without readings there is no line, and a strip under the chart marks every column with a gap, however short. The SVG
contains numbers only; the legend is set beside it (`COLOURS`).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.instants import to_datetime
from papers.chart import Frame, PlotArea, Rectangle, Step, Stroke

WIDTH, HEIGHT = 1000.0, 330.0
LEFT, TOP, RIGHT, BOTTOM = AREA = PlotArea(34.0, 8.0, 992.0, 270.0)
STRIP = (276.0, 8.0)  # top and height
COLUMNS = 958  # of one unit each
COLOURS = ("#1f5fa8", "#0b7a75", "#7a3d8f", "#5a5a5a")
COLD, SEVERE, GAP, IDLE, WINDOW = "#d07a00", "#b00020", "#d8344a", "#dddddd", "#fff4dc"
UNCOUNTED = "#9a9a9a"
STYLES = {
    "idle": f'fill="{IDLE}"',
    "window": f'fill="{WINDOW}"',
    "blank": 'fill="#ffffff"',
    "uncounted": f'fill="url(#uncounted)" stroke="{UNCOUNTED}"',
    "gap": f'fill="{GAP}" fill-opacity="0.12"',
    "strip": 'fill="#f2f2f2"',
    "mark": f'fill="{GAP}"',
    "grid": 'stroke="#999" stroke-opacity="0.35" stroke-width="0.5"',
    "cold": f'stroke="{COLD}" stroke-width="1.2" fill="none"',
    "severe": f'stroke="{SEVERE}" stroke-width="1.2" fill="none"',
    "frame": 'fill="none" stroke="#555" stroke-width="0.8"',
    **{colour: f'fill="{colour}"' for colour in COLOURS},
}
HATCH = (
    '<defs><pattern id="uncounted" width="6" height="6" patternUnits="userSpaceOnUse">'
    f'<path d="M0 6L6 0" stroke="{UNCOUNTED}" stroke-width="0.6"/></pattern></defs>'
)
LOWEST_TOP, HIGHEST_BOTTOM = 22.0, 15.0  # °C; always within the axis
MOST_DEGREES = 12
NARROWEST_WINDOW = 4.0  # units; narrower ones show their limit line only
DAY = timedelta(days=1)


@dataclass(frozen=True)
class LimitSpan:
    """Limits in force from one instant to another (µs), in °C; None: no limit."""

    start: int
    end: int
    cold: float | None
    severe: float | None
    judged: bool


@dataclass(frozen=True)
class TemperatureChart:
    """Data of a chart. `traces` are (lowest, highest) per column, None without readings; `gaps` are µs."""

    start: int
    end: int
    counted: tuple[int, int]  # µs; outside of it nothing is known
    zone: ZoneInfo
    traces: Sequence[Sequence[tuple[float, float] | None]]
    gaps: Sequence[tuple[int, int]]
    rules: Sequence[LimitSpan]


def edges(start: int, end: int) -> list[int]:
    """Return the edges of the columns, µs."""
    return [start + (end - start) * n // COLUMNS for n in range(COLUMNS + 1)]


def svg(chart: TemperatureChart) -> str:
    """Draw a chart."""
    values = [value for trace in chart.traces for column in trace if column for value in column]
    limits = [limit for rule in chart.rules for limit in (rule.cold, rule.severe) if limit is not None]
    low = math.floor(min([HIGHEST_BOTTOM, *values, *(limit - 1 for limit in limits)]))
    high = math.ceil(max([LOWEST_TOP, *values, *(limit + 1 for limit in limits)]))
    frame = Frame(chart.start, chart.end, low, high, AREA)
    shapes = [*map(_written, _ground(chart, frame)), *_axes(chart, frame), *map(_written, _gaps(chart, frame))]
    shapes += map(_written, frame.limits(_steps(chart)))
    shapes += [_written(_trace(trace, frame, COLOURS[n % len(COLOURS)])) for n, trace in enumerate(chart.traces)]
    shapes.append(_written(frame.stretch("frame", chart.start, chart.end)))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" font-size="11"'
    return head + ' font-family="Noto Sans CJK SC">' + HATCH + "".join(shapes) + "</svg>"


def _written(shape: Rectangle | Stroke) -> str:
    if isinstance(shape, Stroke):
        return f'<path d="{shape.path}" {STYLES[shape.kind]}/>'
    kind, x, y, width, height = shape
    return f'<rect x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}" {STYLES[kind]}/>'


def _ground(chart: TemperatureChart, frame: Frame) -> Iterator[Rectangle]:
    """Draw the windows of the day limit, time not judged, and time not counted."""
    for rule in chart.rules:
        window = frame.stretch("window", rule.start, rule.end)
        if not rule.judged:
            yield window._replace(kind="idle")
        elif rule.cold is not None and window.width >= NARROWEST_WINDOW:
            yield window
    first, last = chart.counted
    for start, end in ((chart.start, first), (last, chart.end)):
        if start < end:
            yield frame.stretch("blank", start, end)
            yield frame.stretch("uncounted", start, end)


def _axes(chart: TemperatureChart, frame: Frame) -> Iterator[str]:
    """Draw a labelled line for each degree, or every few; and for local hours, or days of a longer span."""
    for y, label in frame.degrees(MOST_DEGREES):
        yield _written(Stroke("grid", f"M{LEFT:g} {y:g}H{RIGHT:g}"))
        yield f'<text x="{LEFT - 5}" y="{y + 4:.2f}" text-anchor="end">{label}</text>'
    foot = sum(STRIP)
    for at, label in ticks(chart.start, chart.end, chart.zone):
        x = frame.x(at)
        yield _written(Stroke("grid", f"M{x:g} {TOP:g}V{foot:g}"))
        anchor = "start" if x < LEFT + 12 else "end" if x > RIGHT - 14 else "middle"
        yield f'<text x="{x:.2f}" y="{foot + 16:.2f}" text-anchor="{anchor}">{label}</text>'


def ticks(start: int, end: int, zone: ZoneInfo) -> list[tuple[int, str]]:
    """Choose instants (µs) to label on the time axis, about 20 at most, by local time."""
    first, last = (to_datetime(us).astimezone(zone) for us in (start, end))
    days = max(1, round((end - start) / 86_400e6))
    if days <= 3:
        hours = 2 if days == 1 else 6
        found = [(_us(day, time(h), zone), f"{h:02}:00") for day in _dates(first, last, 1) for h in range(0, 24, hours)]
        found = [
            (at, f"{to_datetime(at).astimezone(zone):%m-%d}" if label == "00:00" else label) for at, label in found
        ]
    else:
        step = next(step for step in (1, 2, 7, 14, 28, 56) if days / step <= 18 or step == 56)
        found = [(_us(day, time(0), zone), f"{day:%m-%d}") for day in _dates(first, last, step)]
    return [(at, label) for at, label in found if start <= at <= end]


def _dates(first: datetime, last: datetime, step: int) -> list[date]:
    return [first.date() + n * DAY for n in range(0, (last.date() - first.date()).days + 1, step)]


def _us(day: date, clock: time, zone: ZoneInfo) -> int:
    return round(datetime.combine(day, clock, zone).timestamp() * 1e6)


def _gaps(chart: TemperatureChart, frame: Frame) -> Iterator[Rectangle]:
    """Draw gaps as a shade over the chart, and in the strip, where even the shortest is visible."""
    yield Rectangle("strip", LEFT, STRIP[0], RIGHT - LEFT, STRIP[1])
    for start, end in chart.gaps:
        shade = frame.stretch("gap", start, end)
        if shade.width >= 1:
            yield shade
        yield Rectangle("mark", min(shade.x, RIGHT - 1), STRIP[0], max(shade.width, 1), STRIP[1])


def _steps(chart: TemperatureChart) -> Iterator[Step]:
    """Yield each limit while it is in force, within the counted time."""
    for rule in chart.rules:
        start, end = max(rule.start, chart.counted[0]), min(rule.end, chart.counted[1])
        for kind, limit in (("cold", rule.cold), ("severe", rule.severe)):
            if rule.judged and limit is not None and start < end:
                yield Step(kind, start, end, limit)


def _trace(trace: Sequence[tuple[float, float] | None], frame: Frame, colour: str) -> Stroke:
    """Draw a bar per column from its lowest to its highest value, never thinner than a line."""
    path = []
    for nth, column in enumerate(trace):
        if column is not None:
            left, top, bottom = LEFT + nth, frame.y(column[1]) - 0.6, frame.y(column[0]) + 0.6
            path.append(f"M{left:g} {top:.2f}h1V{bottom:.2f}h-1z")
    return Stroke(colour, "".join(path))

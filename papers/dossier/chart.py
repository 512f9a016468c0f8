"""Temperature chart as SVG: each column spans the lowest to the highest value, so that no dip is lost.

Without readings there is no line, and a strip under the chart marks every column with a gap, however short. The SVG
contains numbers only; the legend is set beside it (`COLOURS`).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

WIDTH, HEIGHT = 1000.0, 330.0
LEFT, RIGHT, TOP, BOTTOM = 34.0, 992.0, 8.0, 270.0
STRIP = (276.0, 8.0)  # top and height
COLUMNS = 958  # of one unit each
COLOURS = ("#1f5fa8", "#0b7a75", "#7a3d8f", "#5a5a5a")
COLD, SEVERE, GAP, IDLE, WINDOW = "#d07a00", "#b00020", "#d8344a", "#dddddd", "#fff4dc"
UNCOUNTED = "#9a9a9a"
HATCH = (
    '<defs><pattern id="uncounted" width="6" height="6" patternUnits="userSpaceOnUse">'
    f'<path d="M0 6L6 0" stroke="{UNCOUNTED}" stroke-width="0.6"/></pattern></defs>'
)
LOWEST_TOP, HIGHEST_BOTTOM = 22.0, 15.0  # °C; always within the axis
NARROWEST_WINDOW = 4.0  # units; narrower ones show their limit line only
DAY = timedelta(days=1)
Scale: TypeAlias = Callable[[float], float]  # °C → y coordinate


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

    def x(self, at: int) -> float:
        """Return the x coordinate of an instant."""
        share = (min(max(at, self.start), self.end) - self.start) / (self.end - self.start)
        return LEFT + share * (RIGHT - LEFT)


def edges(start: int, end: int) -> list[int]:
    """Return the edges of the columns, µs."""
    return [start + (end - start) * n // COLUMNS for n in range(COLUMNS + 1)]


def svg(chart: TemperatureChart) -> str:
    """Draw a chart."""
    values = [value for trace in chart.traces for column in trace if column for value in column]
    limits = [limit for rule in chart.rules for limit in (rule.cold, rule.severe) if limit is not None]
    low = math.floor(min([HIGHEST_BOTTOM, *values, *(limit - 1 for limit in limits)]))
    high = math.ceil(max([LOWEST_TOP, *values, *(limit + 1 for limit in limits)]))

    def y(celsius: float) -> float:
        return BOTTOM - (celsius - low) / (high - low) * (BOTTOM - TOP)

    parts = [*_ground(chart), *_degrees(low, high, y), *_days(chart), *_gaps(chart), *_limits(chart, y)]
    for nth, trace in enumerate(chart.traces):
        parts.append(_trace(trace, y, COLOURS[nth % len(COLOURS)]))
    frame = _rect(LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP, 'fill="none" stroke="#555" stroke-width="0.8"')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" font-size="11"'
    return head + ' font-family="Noto Sans CJK SC">' + HATCH + "".join([*parts, frame]) + "</svg>"


def _ground(chart: TemperatureChart) -> Iterator[str]:
    """Draw the windows of the day limit, time not judged, and time not counted."""
    for rule in chart.rules:
        left, width = chart.x(rule.start), chart.x(rule.end) - chart.x(rule.start)
        if not rule.judged:
            yield _rect(left, TOP, width, BOTTOM - TOP, f'fill="{IDLE}"')
        elif rule.cold is not None and width >= NARROWEST_WINDOW:
            yield _rect(left, TOP, width, BOTTOM - TOP, f'fill="{WINDOW}"')
    first, last = (chart.x(at) for at in chart.counted)
    for left, right in ((LEFT, first), (last, RIGHT)):
        if left < right:
            yield _rect(left, TOP, right - left, BOTTOM - TOP, 'fill="#ffffff"')
            yield _rect(left, TOP, right - left, BOTTOM - TOP, f'fill="url(#uncounted)" stroke="{UNCOUNTED}"')


def _degrees(low: int, high: int, y: Scale) -> Iterator[str]:
    """Draw a labelled line for each degree, or every few."""
    step = max(1, math.ceil((high - low) / 12))
    for celsius in range(low, high + 1, step):
        at = y(celsius)
        yield f'<path d="M{LEFT} {at:.2f}H{RIGHT}" stroke="#999" stroke-opacity="0.35" stroke-width="0.5"/>'
        yield f'<text x="{LEFT - 5}" y="{at + 4:.2f}" text-anchor="end">{celsius}</text>'


def _days(chart: TemperatureChart) -> Iterator[str]:
    """Draw the local hours of a short span, or the days of a longer one."""
    for at, label in ticks(chart.start, chart.end, chart.zone):
        x = chart.x(at)
        yield f'<path d="M{x:.2f} {TOP}V{STRIP[0] + STRIP[1]}" stroke="#999" stroke-opacity="0.35" stroke-width="0.5"/>'
        anchor = "start" if x < LEFT + 12 else "end" if x > RIGHT - 14 else "middle"
        yield f'<text x="{x:.2f}" y="{STRIP[0] + STRIP[1] + 16:.2f}" text-anchor="{anchor}">{label}</text>'


def ticks(start: int, end: int, zone: ZoneInfo) -> list[tuple[int, str]]:
    """Choose instants (µs) to label on the time axis, about 20 at most, by local time."""
    first, last = (datetime.fromtimestamp(us / 1e6, UTC).astimezone(zone) for us in (start, end))
    days = max(1, round((end - start) / 86_400e6))
    if days <= 3:
        hours = 2 if days == 1 else 6
        found = [(_us(day, time(h), zone), f"{h:02}:00") for day in _dates(first, last, 1) for h in range(0, 24, hours)]
        found = [(at, f"{_local(at, zone):%m-%d}" if label == "00:00" else label) for at, label in found]
    else:
        step = next(step for step in (1, 2, 7, 14, 28, 56) if days / step <= 18 or step == 56)
        found = [(_us(day, time(0), zone), f"{day:%m-%d}") for day in _dates(first, last, step)]
    return [(at, label) for at, label in found if start <= at <= end]


def _dates(first: datetime, last: datetime, step: int) -> list[date]:
    return [first.date() + n * DAY for n in range(0, (last.date() - first.date()).days + 1, step)]


def _us(day: date, clock: time, zone: ZoneInfo) -> int:
    return round(datetime.combine(day, clock, zone).timestamp() * 1e6)


def _local(us: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(us / 1e6, UTC).astimezone(zone)


def _gaps(chart: TemperatureChart) -> Iterator[str]:
    """Draw gaps as a shade over the chart, and in the strip, where even the shortest is visible."""
    yield _rect(LEFT, STRIP[0], RIGHT - LEFT, STRIP[1], 'fill="#f2f2f2"')
    for start, end in chart.gaps:
        left, width = chart.x(start), chart.x(end) - chart.x(start)
        if width >= 1:
            yield _rect(left, TOP, width, BOTTOM - TOP, f'fill="{GAP}" fill-opacity="0.12"')
        yield _rect(min(left, RIGHT - 1), STRIP[0], max(width, 1), STRIP[1], f'fill="{GAP}"')


def _limits(chart: TemperatureChart, y: Scale) -> Iterator[str]:
    """Draw each limit while it is in force, within the counted time."""
    first, last = chart.counted
    for colour, name in ((COLD, "cold"), (SEVERE, "severe")):
        path = ""
        for rule in chart.rules:
            start, end, limit = max(rule.start, first), min(rule.end, last), getattr(rule, name)
            if rule.judged and limit is not None and start < end:
                path += f"M{chart.x(start):.2f} {y(limit):.2f}H{chart.x(end):.2f}"
        yield f'<path d="{path}" stroke="{colour}" stroke-width="1.2" fill="none"/>' if path else ""


def _trace(trace: Sequence[tuple[float, float] | None], y: Scale, colour: str) -> str:
    """Draw a bar per column from its lowest to its highest value, never thinner than a line."""
    path = []
    for nth, column in enumerate(trace):
        if column is not None:
            left, top, bottom = LEFT + nth, y(column[1]) - 0.6, y(column[0]) + 0.6
            path.append(f"M{left:g} {top:.2f}h1V{bottom:.2f}h-1z")
    return f'<path d="{"".join(path)}" fill="{colour}"/>'


def _rect(x: float, y: float, width: float, height: float, style: str) -> str:
    return f'<rect x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}" {style}/>'

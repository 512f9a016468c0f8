"""Charts of temperatures over time, as shapes with positions; nothing here depends on a language.

A page's template draws the shapes in the styles of the page (`through_time`, `day_by_day`); the dossier writes its own
SVG of them (papers/dossier/chart.py).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

LEAST_SPAN_K = 4.0  # the finest scale, however steady the home

Run = Sequence[tuple[float, float]]  # x in the chart's own unit of time, °C


class PlotArea(NamedTuple):
    """The plot within its picture."""

    left: float
    top: float
    right: float
    bottom: float


PAGE_SIZE = (360.0, 200.0)
PAGE = PlotArea(30.0, 8.0, 354.0, 178.0)


class Step(NamedTuple):
    """A limit in force from one time to another."""

    kind: str  # cold or severe
    start: float
    end: float
    celsius: float


class Tick(NamedTuple):
    """A tick of an axis."""

    at: float
    label: str


class Rectangle(NamedTuple):
    """A rectangle; `kind` is its style."""

    kind: str
    x: float
    y: float
    width: float
    height: float


class Stroke(NamedTuple):
    """A line or a filled outline; `path` is in SVG syntax."""

    kind: str
    path: str


@dataclass(frozen=True)
class Frame:
    """The ranges of the axes, and the area that they span."""

    start: float
    end: float
    low: float
    high: float
    area: PlotArea = PAGE

    @classmethod
    def around(cls, start: float, end: float, values: Iterable[float]) -> "Frame":
        """Make a frame with room for all temperatures, bounded by whole degrees."""
        there = [value for value in values if math.isfinite(value)] or [18.0]
        low, high = math.floor(min(there) - 0.5), math.ceil(max(there) + 0.5)
        missing = max(0.0, LEAST_SPAN_K - (high - low))
        return cls(start, end, low - math.floor(missing / 2), high + math.ceil(missing / 2))

    def x(self, at: float) -> float:
        """Return the position of an instant, at the edge if it is outside."""
        part = (at - self.start) / (self.end - self.start)
        return round(self.area.left + min(max(part, 0.0), 1.0) * (self.area.right - self.area.left), 2)

    def y(self, celsius: float) -> float:
        """Return the position of a temperature."""
        part = (self.high - celsius) / (self.high - self.low)
        return round(self.area.top + part * (self.area.bottom - self.area.top), 2)

    def stretch(self, kind: str, start: float, end: float) -> Rectangle:
        """Make a rectangle over the whole height from one time to another."""
        left, height = self.x(start), self.area.bottom - self.area.top
        return Rectangle(kind, left, self.area.top, round(self.x(end) - left, 2), height)

    def degrees(self, most: int = 6) -> list[Tick]:
        """Place ticks at whole degrees, about so many."""
        step = next(s for s in (1, 2, 5, 10, 20, 50, 100) if (self.high - self.low) / s <= most)
        first = math.ceil(self.low / step) * step
        return [Tick(self.y(c), str(c)) for c in range(first, int(self.high) + 1, step)]

    def limits(self, limits: Iterable[Step]) -> list[Stroke]:
        """Draw limits; one that continues the one before is the same line."""
        return [
            Stroke(step.kind, f"M{self.x(step.start):g} {self.y(step.celsius):g}H{self.x(step.end):g}")
            for step in _joined(limits)
        ]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """All shapes of a page's chart, in drawing order."""

    frame: Frame
    times: Sequence[Tick]
    boxes: Sequence[Rectangle] = ()
    limits: Sequence[Stroke] = ()
    lines: Sequence[Stroke] = ()
    dots: Sequence[tuple[str, float, float]] = ()
    size: tuple[float, float] = PAGE_SIZE
    plot: PlotArea = PAGE
    degrees: Sequence[Tick] = field(default_factory=list)


def runs(times: Sequence[float], values: Sequence[float], holds: float) -> list[Run]:
    """Split a series where the gap exceeds the time a value holds: unknown time is not drawn."""
    found: list[list[tuple[float, float]]] = []
    for at, value in zip(times, values, strict=True):
        if not found or at - found[-1][-1][0] > holds:
            found.append([])
        found[-1].append((at, value))
    return list(found)


def unknown(spans: Iterable[tuple[float, float]], start: float, end: float) -> list[tuple[float, float]]:
    """Return the parts of [start, end) that no span covers."""
    found, known_to = [], start
    for low, high in sorted(spans):
        if low > known_to:
            found.append((known_to, min(low, end)))
        known_to = max(known_to, high)
    if known_to < end:
        found.append((known_to, end))
    return [(low, high) for low, high in found if low < high]


def through_time(
    frame: Frame, series: Sequence[Sequence[Run]], limits: Sequence[Step], gaps: Sequence[tuple[float, float]],
    times: Sequence[Tick],
) -> Chart:  # fmt: skip
    """Draw the lines of several rooms over a day, with the limits in force and the gaps."""
    lines, dots = [], []
    for number, mine in enumerate(series):
        kind = f"room-{number % 4}"
        for run in mine:
            if len(run) == 1:
                dots.append((kind, frame.x(run[0][0]), frame.y(run[0][1])))
            else:
                path = "L".join(f"{frame.x(at):g} {frame.y(value):g}" for at, value in run)
                lines.append(Stroke(kind, f"M{path}"))
    return Chart(
        frame=frame,
        times=[Tick(frame.x(tick.at), tick.label) for tick in times],
        boxes=[frame.stretch("gap", low, high) for low, high in gaps],
        limits=frame.limits(limits),
        lines=lines,
        dots=dots,
        degrees=frame.degrees(),
    )


class DayBar(NamedTuple):
    """A day, from its lowest temperature to its mean; None: no readings."""

    kind: str
    span: tuple[float, float] | None


def day_by_day(frame: Frame, days: Sequence[DayBar], limits: Sequence[Step], times: Sequence[Tick]) -> Chart:
    """Draw a bar for each day of a season, the first at 0; days without readings are marked."""
    bars, gaps = [], []
    for number, day in enumerate(days):
        whole = frame.stretch("gap", number, number + 1)
        if day.span is None:
            gaps.append(whole)
            continue
        low, high = day.span
        top, bottom = frame.y(high), frame.y(low)
        air = min(0.6, whole.width / 5)
        bars.append(Rectangle(day.kind, round(whole.x + air, 2), top, round(whole.width - 2 * air, 2),
                              round(max(bottom - top, 1.5), 2)))  # fmt: skip
    return Chart(
        frame=frame,
        times=[Tick(frame.x(tick.at), tick.label) for tick in times],
        boxes=[*gaps, *bars],
        limits=frame.limits(limits),
        degrees=frame.degrees(),
    )


def _joined(limits: Iterable[Step]) -> list[Step]:
    """Merge steps that continue the previous one."""
    found: list[Step] = []
    for step in sorted(limits):
        last = found[-1] if found else None
        if last and (last.kind, last.celsius, last.end) == (step.kind, step.celsius, step.start):
            found[-1] = last._replace(end=step.end)
        else:
            found.append(step)
    return found

"""Charts as shapes with positions. Templates draw them; nothing here depends on a language."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

WIDTH, HEIGHT = 360.0, 200.0
LEFT, RIGHT, TOP, BOTTOM = 30.0, 6.0, 8.0, 22.0
LEAST_SPAN_K = 4.0  # the finest scale, however steady the home

Run = Sequence[tuple[float, float]]  # x in the chart's own unit of time, °C


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
    """A rectangle; `kind` is its style class."""

    kind: str
    x: float
    y: float
    width: float
    height: float


class Stroke(NamedTuple):
    """A line; `path` is in SVG syntax."""

    kind: str
    path: str


@dataclass(frozen=True)
class Frame:
    """The ranges of the axes."""

    start: float
    end: float
    low: float
    high: float

    @classmethod
    def around(cls, start: float, end: float, values: Iterable[float]) -> "Frame":
        """Make a frame with room for all temperatures, bounded by whole degrees."""
        there = [value for value in values if math.isfinite(value)] or [18.0]
        low, high = math.floor(min(there) - 0.5), math.ceil(max(there) + 0.5)
        missing = max(0.0, LEAST_SPAN_K - (high - low))
        return cls(start, end, low - math.floor(missing / 2), high + math.ceil(missing / 2))

    def x(self, at: float) -> float:
        """Return the position of an instant."""
        part = (at - self.start) / (self.end - self.start)
        return round(LEFT + min(max(part, 0.0), 1.0) * (WIDTH - LEFT - RIGHT), 2)

    def y(self, celsius: float) -> float:
        """Return the position of a temperature."""
        return round(TOP + (self.high - celsius) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM), 2)

    def degrees(self) -> list[Tick]:
        """Place ticks at whole degrees, at most about six."""
        step = next(s for s in (1, 2, 5, 10, 20, 50, 100) if (self.high - self.low) / s <= 6)
        first = math.ceil(self.low / step) * step
        return [Tick(self.y(c), str(c)) for c in range(first, int(self.high) + 1, step)]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """All shapes of a chart, in drawing order."""

    frame: Frame
    times: Sequence[Tick]
    boxes: Sequence[Rectangle] = ()
    limits: Sequence[Stroke] = ()
    lines: Sequence[Stroke] = ()
    dots: Sequence[tuple[str, float, float]] = ()
    size: tuple[float, float] = (WIDTH, HEIGHT)
    plot: tuple[float, float, float, float] = (LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM)
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
                lines.append(Stroke(kind, _path(frame, run)))
    return Chart(
        frame=frame,
        times=[Tick(frame.x(tick.at), tick.label) for tick in times],
        boxes=[_gap(frame, low, high) for low, high in gaps],
        limits=_limits(frame, limits),
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
        left, right = frame.x(number), frame.x(number + 1)
        if day.span is None:
            gaps.append(Rectangle("gap", left, TOP, round(right - left, 2), HEIGHT - TOP - BOTTOM))
            continue
        low, high = day.span
        top, bottom = frame.y(high), frame.y(low)
        air = min(0.6, (right - left) / 5)
        bars.append(Rectangle(day.kind, round(left + air, 2), top, round(right - left - 2 * air, 2),
                        round(max(bottom - top, 1.5), 2)))  # fmt: skip
    return Chart(
        frame=frame,
        times=[Tick(frame.x(tick.at), tick.label) for tick in times],
        boxes=[*gaps, *bars],
        limits=_limits(frame, limits),
        degrees=frame.degrees(),
    )


def _gap(frame: Frame, low: float, high: float) -> Rectangle:
    return Rectangle("gap", frame.x(low), TOP, round(frame.x(high) - frame.x(low), 2), HEIGHT - TOP - BOTTOM)


def _limits(frame: Frame, limits: Sequence[Step]) -> list[Stroke]:
    return [
        Stroke(step.kind, f"M{frame.x(step.start):g} {frame.y(step.celsius):g}H{frame.x(step.end):g}")
        for step in _joined(limits)
    ]


def _joined(limits: Sequence[Step]) -> list[Step]:
    """Merge steps that continue the previous one."""
    found: list[Step] = []
    for step in sorted(limits):
        last = found[-1] if found else None
        if last and (last.kind, last.celsius, last.end) == (step.kind, step.celsius, step.start):
            found[-1] = last._replace(end=step.end)
        else:
            found.append(step)
    return found


def _path(frame: Frame, run: Run) -> str:
    return "M" + "L".join(f"{frame.x(at):g} {frame.y(value):g}" for at, value in run)

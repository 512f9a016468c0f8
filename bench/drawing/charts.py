"""Courses over time as SVG: sparklines, lines, stacked bars, timelines of states."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from bench.drawing.frames import Asked
from bench.drawing.values import nothing, shown, styles

PALETTE = ("#3274d9", "#56a64b", "#ff780a", "#8f3bb8", "#f2cc0c", "#c4162a", "#1f78c1", "#705da0", "#447ebc", "#629e51")
Point = tuple[datetime, Any]
Series = dict[str, list[Point]]


def spark(points: Sequence[Point], wide: int, high: int) -> str:
    """Draw the course below a figure."""
    if len(points) < 2 or high < 8:
        return ""
    low, top = min(float(v) for _, v in points), max(float(v) for _, v in points)
    first, last = points[0][0], points[-1][0]
    along = [
        f"{(t - first) / (last - first) * wide:.0f},{high - (float(v) - low) / ((top - low) or 1) * (high - 4) - 2:.0f}"
        for t, v in points
    ]
    area = f"0,{high} {' '.join(along)} {wide},{high}"
    return (
        f'<svg width={wide} height={high}><polygon points="{area}" fill="#3274d922"/>'
        f'<polyline points="{" ".join(along)}" fill="none" stroke="#3274d9"/></svg>'
    )


def _series(asked: Asked) -> dict[tuple[str, str], list[Point]]:
    """Return the points of each column, and of each label it is split by, keyed by column and name."""
    looks = styles(asked.panel)
    split = {f for t in asked.panel.get("transformations") or [] for f in t["options"]["fields"]}
    found: dict[tuple[str, str], list[Point]] = defaultdict(list)
    for frame in asked.frames.values():
        label = next((c for c in frame.columns if c in split), None)
        for column in (c for c in frame.columns if c not in ("time", label)):
            for row in frame.rows:
                name = str(row[label]) if label else str(looks[column].get("displayName", column))
                found[column, name].append((row["time"], row[column]))
    return found


def lines(asked: Asked, zone: ZoneInfo, wide: int, high: int) -> str:
    """Draw lines, or stacked bars, with a legend below."""
    found, looks = _series(asked), styles(asked.panel)
    values = [float(v) for points in found.values() for _, v in points if v is not None]
    if not values:
        return nothing(asked.panel)
    stacked = asked.panel["fieldConfig"]["defaults"].get("custom", {}).get("drawStyle") == "bars"
    plot, names = (wide - 70, high - 70), [name for _, name in found]
    paints = [_paint(looks[column], n) for n, (column, _) in enumerate(found)]
    total: dict[datetime, float] = defaultdict(float)
    for points in found.values():
        for t, v in points:
            total[t] += float(v or 0)
    low, top = (0.0, max(total.values())) if stacked else (min(values), max(values))
    scale = (low, (top - low) or 1.0)
    inner = _stacks(asked, found, paints, plot, scale) if stacked else _lines(asked, found, paints, plot, scale)
    unit = next(iter(looks[column] for column, _ in found))
    ends = (shown(low, unit, zone).text, shown(top, unit, zone).text)
    marks = "".join(
        f"<text x=0 y={y}>{escape(text)}</text>" for y, text in ((plot[1], ends[0]), (12, ends[1]))
    ) + "".join(
        f"<text x={60 + plot[0] * k / 4:.0f} y={plot[1] + 16}>"
        f"{(asked.since + (asked.until - asked.since) * k / 4).astimezone(zone):%m-%d %H:%M}</text>"
        for k in range(4)
    )
    keys = "".join(
        f'<span><i style="background:{c}"></i>{escape(n)}</span>' for c, n in zip(paints, names, strict=True)
    )
    return f"<svg width={wide} height={high - 44}>{marks}{inner}</svg><div class=legend>{keys}</div>"


def _paint(style: dict[str, Any], n: int) -> str:
    return str((style.get("color") or {}).get("fixedColor") or PALETTE[n % len(PALETTE)])


def _x(asked: Asked, at: datetime, wide: int) -> float:
    return 60 + (at - asked.since) / (asked.until - asked.since) * wide


def _lines(asked: Asked, found: Any, paints: list[str], plot: tuple[int, int], scale: tuple[float, float]) -> str:
    parts = []
    for points, paint in zip(found.values(), paints, strict=True):
        run: list[str] = []
        for t, v in [*points, (None, None)]:
            if v is None:
                if len(run) == 1:
                    across, down = run[0].split(",")
                    parts.append(f'<circle cx={across} cy={down} r=2 fill="{paint}"/>')
                parts.append(f'<polyline points="{" ".join(run)}" fill="none" stroke="{paint}" stroke-width="2"/>')
                run = []
            elif t >= asked.since:
                y = plot[1] - (float(v) - scale[0]) / scale[1] * (plot[1] - 8)
                run.append(f"{_x(asked, t, plot[0]):.1f},{y:.1f}")
    return "".join(parts)


def _stacks(asked: Asked, found: Any, paints: list[str], plot: tuple[int, int], scale: tuple[float, float]) -> str:
    base: dict[datetime, float] = defaultdict(float)
    times = {t for points in found.values() for t, _ in points}
    thick = max(2.0, plot[0] / (len(times) + 2) * 0.7)
    parts = []
    for points, paint in zip(found.values(), paints, strict=True):
        for t, v in points:
            height = float(v or 0) / scale[1] * (plot[1] - 8)
            y = plot[1] - base[t] - height
            base[t] += height
            x = max(60.0, _x(asked, t, plot[0]) - thick / 2)
            parts.append(f'<rect x={x:.1f} y={y:.1f} width={thick:.1f} height={height:.1f} fill="{paint}"/>')
    return "".join(parts)


def timeline(asked: Asked, zone: ZoneInfo, wide: int, high: int) -> str:
    """Draw a row of states for each series."""
    found, looks = _series(asked), styles(asked.panel)
    if not found:
        return nothing(asked.panel)
    step = min(30.0, (high - 20) / len(found))
    parts = []
    for n, ((column, name), points) in enumerate(found.items()):
        parts.append(f"<text x=0 y={n * step + step * 0.65:.0f}>{escape(name)}</text>")
        for (t, v), (end, _) in zip(points, [*points[1:], (asked.until, None)], strict=True):
            if v is not None:
                left, right = (max(110.0, 50 + _x(asked, x, wide - 110)) for x in (t, end))
                paint = shown(v, looks[column], zone).colour
                parts.append(
                    f"<rect x={left:.1f} y={n * step:.1f} width={max(1.0, right - left):.1f} height={step * 0.8:.1f} "
                    f'fill="{paint}"/>'
                )
    return f"<svg width={wide} height={high}>{''.join(parts)}</svg>"

"""A map as SVG: its layers' dots from the view that the panel opens with."""

import math
from collections.abc import Mapping
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from bench.drawing.frames import Asked, Rows
from bench.drawing.values import shown, styles

TILE_PX = 256
Pixel = tuple[float, float]


def world(lon: float, lat: float, zoom: float) -> Pixel:
    """Return the pixels of a place from the world's upper left corner, in Web Mercator."""
    side = TILE_PX * 2**zoom
    north = math.log(math.tan(math.radians(45 + lat / 2))) / math.pi
    return (lon + 180) / 360 * side, (1 - north) / 2 * side


def opened(view: Mapping[str, Any], rows: Rows, wide: int, high: int) -> tuple[float, Pixel]:
    """Return zoom and centre (pixels of the world) of a view, as Grafana fits or places it."""
    if view["id"] == "coords":
        return view["zoom"], world(view["lon"], view["lat"], view["zoom"])
    places = [world(row["lon"], row["lat"], 0) for row in rows]
    xs, ys = [x for x, _ in places], [y for _, y in places]
    span = max((max(xs) - min(xs)) / wide, (max(ys) - min(ys)) / high) * (1 + view["padding"] / 100)
    zoom = min(-math.log2(span) if span > 0 else view["zoom"], view["zoom"])
    return zoom, ((min(xs) + max(xs)) / 2 * 2**zoom, (min(ys) + max(ys)) / 2 * 2**zoom)


def dots(asked: Asked, zone: ZoneInfo, wide: int, high: int) -> str:
    """Draw the dots of each layer, the first lowest."""
    looks, options = styles(asked.panel), asked.panel["options"]
    everything = [row for frame in asked.frames.values() for row in frame.rows]
    if not everything:
        return f"<svg width={wide} height={high}></svg>"
    zoom, (x0, y0) = opened(options["view"], everything, wide, high)
    parts = []
    for layer in options["layers"]:
        for row in asked.frames[layer["filterData"]["options"]].rows:
            x, y = world(row["lon"], row["lat"], zoom)
            parts.append(_dot(layer["config"]["style"], looks, row, zone, (x - x0 + wide / 2, y - y0 + high / 2)))
    metres = 200 * 2 ** max(0, round(13 - zoom))
    pixels = metres / (156_543.03 * math.cos(math.radians(everything[0]["lat"])) / 2**zoom)
    scale = (
        f'<line x1=10 x2={10 + pixels:.0f} y1={high - 8} y2={high - 8} stroke="#57606a" stroke-width="2"/>'
        f"<text x=12 y={high - 13}>{metres} m</text>"
    )
    return f'<svg width={wide} height={high} style="background:#fafbfb">{"".join(parts)}{scale}</svg>'


def _dot(style: Mapping[str, Any], looks: Any, row: Mapping[str, Any], zone: ZoneInfo, at: Pixel) -> str:
    paint, size = style["color"]["fixed"], style["size"]
    if field := style["color"].get("field"):
        paint = shown(row[field], looks[field], zone).colour
    radius = float(size["fixed"])
    if field := size.get("field"):
        ends = looks[field]["min"], looks[field]["max"]
        part = min(max((row[field] - ends[0]) / (ends[1] - ends[0]), 0), 1)
        radius = size["min"] + part * (size["max"] - size["min"])
    looks_like = f'fill="{paint}" fill-opacity="{style["opacity"]}" stroke="#fff" stroke-width="0.5"'
    title = f"<title>{escape(str(row.get('building_name') or row.get('name')))}</title>"
    x, y = at
    if "square" in style["symbol"]["fixed"]:
        corner = f"x={x - radius:.1f} y={y - radius:.1f} width={2 * radius} height={2 * radius}"
        return f"<rect {corner} {looks_like}>{title}</rect>"
    return f"<circle cx={x:.1f} cy={y:.1f} r={radius:.1f} {looks_like}>{title}</circle>"

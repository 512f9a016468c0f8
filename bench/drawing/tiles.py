"""Tables, figures and bars as HTML."""

from datetime import datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from bench.drawing import charts
from bench.drawing.frames import Asked, Frame
from bench.drawing.values import TEXT_COLOUR, Shown, nothing, shown, styles

Cells = list[tuple[str, dict[str, Any]]]


def _first(asked: Asked) -> Frame:
    return asked.frames["A"]


def table(asked: Asked, zone: ZoneInfo, wide: int, high: int) -> str:
    """Draw a table: columns with a width have it, the one without shares what is left."""
    frame, looks = _first(asked), styles(asked.panel)
    columns: Cells = [(c, looks[c]) for c in frame.columns if not looks[c].get("custom.hidden")]
    head = "".join(_cell("th", style["displayName"], "", style) for _, style in columns)
    widths = "".join(
        f'<col style="width:{s["custom.width"]}px">' if "custom.width" in s else "<col>" for _, s in columns
    )
    if not frame.rows:
        return f"<table><colgroup>{widths}</colgroup><tr>{head}</tr></table>{nothing(asked.panel)}"
    body = "".join(
        "<tr>" + "".join(_value(row[name], style, zone) for name, style in columns) + "</tr>"
        for row in frame.rows[: high // 36 + 1]
    )
    needed = sum(s.get("custom.width") or s.get("custom.minWidth", 150) for _, s in columns)
    across = f' style="width:{needed}px"' if needed > wide else ""
    return f"<table{across}><colgroup>{widths}</colgroup><tr>{head}</tr>{body}</table>"


def _value(value: Any, style: dict[str, Any], zone: ZoneInfo) -> str:
    found = shown(value, style, zone)
    kind = (style.get("custom.cellOptions") or {}).get("type")
    paint = f"background:{found.colour};color:#fff" if kind == "color-background" else f"color:{found.colour}"
    return _cell("td", found.text, paint if kind else "", style, number=_is_number(value))


def _is_number(value: Any) -> bool:
    return not isinstance(value, (str, datetime)) and value is not None


def _cell(tag: str, text: str, paint: str, style: dict[str, Any], *, number: bool = False) -> str:
    unit = style.get("unit") or ""
    right = number or (tag == "th" and unit and not unit.startswith("time:"))
    return f'<{tag} class="{"number" if right else ""}" style="{paint}">{escape(text)}</{tag}>'


def figures(asked: Asked, zone: ZoneInfo, wide: int, high: int) -> str:
    """Draw figures with their names above them; with times, one figure over its course."""
    frame, looks, options = _first(asked), styles(asked.panel), asked.panel["options"]
    names = [name for name in frame.columns if name != "time"]
    course = ""
    if "time" in frame.columns:
        points = [(row["time"], row[names[0]]) for row in frame.rows if row[names[0]] is not None]
        course = charts.spark(points, wide - 16, high - 60)
    cells = []
    for name in names:
        known = [row[name] for row in frame.rows if row[name] is not None]
        found = shown(known[-1] if known else None, looks[name], zone)
        cells.append(_tile(looks[name], found, options, course))
    return f"<div class=tiles>{''.join(cells)}</div>"


def _tile(style: dict[str, Any], found: Shown, options: dict[str, Any], course: str) -> str:
    solid = options["colorMode"] == "background_solid"
    ink = "#24292e" if found.colour == "#c8c8c8" else "#fff"
    fixed = (style.get("color") or {}).get("fixedColor")
    plain = found.colour if found.colour != TEXT_COLOUR else "#3274d9"
    paint = f"background:{fixed or plain};color:{ink}" if solid else ""
    value = "" if solid else f"color:{plain}"
    return (
        f'<div class=tile style="{paint}"><b style="font-size:{options["text"]["titleSize"]}px">'
        f'{escape(style["displayName"])}</b><b style="font-size:{options["text"]["valueSize"]}px;{value}">'
        f"{escape(found.text)}</b>{course}</div>"
    )


def bars(asked: Asked, zone: ZoneInfo, wide: int, high: int) -> str:
    """Draw a bar for each row, from 0, behind its name."""
    frame, looks = _first(asked), styles(asked.panel)
    if not frame.rows:
        return nothing(asked.panel)
    name, length = frame.columns
    most = max(float(row[length]) for row in frame.rows) or 1
    return "".join(
        f"<div class=bar><span>{escape(shown(row[name], looks[name], zone).text)}</span>"
        f'<i style="width:{float(row[length]) / most * (wide * 0.58 - 80):.0f}px"></i>'
        f"{escape(shown(row[length], looks[length], zone).text)}</div>"
        for row in frame.rows[: high // 26]
    )

"""Values of a panel as texts and colours: units, mappings and thresholds of its overrides."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

Style = Mapping[str, Any]
TEXT_COLOUR = "#24292e"


class Shown(NamedTuple):
    """A value as it is read, and its colour."""

    text: str
    colour: str


def styles(panel: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the style of each column: the panel's defaults, then its overrides in order."""
    base = {key: value for key, value in panel["fieldConfig"]["defaults"].items() if key != "custom"}
    found: dict[str, dict[str, Any]] = defaultdict(lambda: dict(base))
    for override in panel["fieldConfig"]["overrides"]:
        for entry in override["properties"]:
            found[override["matcher"]["options"]][entry["id"]] = entry["value"]
    return found


def nothing(panel: Mapping[str, Any]) -> str:
    """Return what stands where a panel has nothing to draw."""
    return f"<div class=none>{escape(panel['fieldConfig']['defaults'].get('noValue', 'No data'))}</div>"


def shown(value: Any, style: Style, zone: ZoneInfo) -> Shown:
    """Return a value with its mapping, unit and colour."""
    mapped = _mapped(value, style)
    if mapped is not None:
        return Shown(mapped.get("text") or str(value), mapped.get("color") or colour(value, style))
    if value is None:
        return Shown(style.get("noValue", ""), TEXT_COLOUR)
    return Shown(_with_unit(value, style, zone), colour(value, style))


def _mapped(value: Any, style: Style) -> dict[str, Any] | None:
    options = [m["options"] for m in style.get("mappings", []) if m["type"] == "value"]
    found = [table[str(value)] for table in options if str(value) in table]
    return dict(found[0]) if found else None


def _with_unit(value: Any, style: Style, zone: ZoneInfo) -> str:
    unit, decimals = style.get("unit") or "", style.get("decimals")
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%m-%d %H:%M")
    if isinstance(value, str) or not unit:
        return str(value)
    number = float(value)
    if unit == "dthms":
        minutes, seconds = divmod(int(number), 60)
        return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    if unit == "percentunit":
        return f"{number * 100:.{1 if decimals is None else decimals}f}%"
    text = f"{number:,.{decimals or 0}f}" if unit == "locale" else f"{number:.{1 if decimals is None else decimals}f}"
    after = {"celsius": " °C"}.get(unit, " " + unit.removeprefix("suffix:") if unit.startswith("suffix:") else "")
    return text + after


def colour(value: Any, style: Style) -> str:
    """Return the colour of a value: fixed, or that of the last threshold it reaches."""
    mode = style.get("color") or {}
    if mode.get("mode") == "fixed":
        return str(mode["fixedColor"])
    steps = (style.get("thresholds") or {}).get("steps", [])
    if not steps or isinstance(value, (str, datetime)):
        return TEXT_COLOUR
    reached = [s for s in steps if s.get("value") is None or (value is not None and float(value) >= s["value"])]
    return str(reached[-1]["color"])

"""A whole dashboard as one HTML page: its panels on Grafana's grid, in a window of some width."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from bench.drawing import charts, maps, tiles
from bench.drawing.frames import Asked
from dashboards.grid import FRAME_PX, GAP_PX, HEADER_PX, ROW_PX, SCREENS, Size, cell_px

SAYS = {
    "en": "Drawing of the dashboard's rows by its options; not a picture of Grafana",
    "zh": "按看板选项绘制的数据示意图，并非 Grafana 截图",
}
STYLE = """
* { box-sizing: border-box; }
body { margin: 0; background: #f4f5f5; color: #24292e;
  font: 14px/1.4 Inter, "Noto Sans", "Noto Sans CJK SC", sans-serif; }
.says { position: absolute; right: 16px; top: 12px; color: #8a5a00; font-size: 12px; }
h1 { font-size: 18px; font-weight: 500; margin: 0; padding: 10px 16px; }
.grid { position: relative; margin: 0 16px; }
.panel { position: absolute; background: #fff; border: 1px solid #dcdddf; border-radius: 2px; overflow: hidden; }
.panel > h2 { font-size: 14px; font-weight: 500; margin: 0; padding: 8px; height: 36px; white-space: nowrap;
  overflow: hidden; text-overflow: ellipsis; }
.fold { position: absolute; font-weight: 500; padding: 4px; }
.fold::before { content: "⌄ "; }
.body { position: relative; padding: 0 8px 8px; overflow: hidden; }
table { border-collapse: collapse; table-layout: fixed; width: 100%; }
td, th { height: 36px; padding: 0 7px; text-align: left; border-bottom: 1px solid #e9eaeb; white-space: nowrap;
  overflow: hidden; text-overflow: ellipsis; font-weight: 400; }
th { color: #1f60c4; font-weight: 500; }
td.number, th.number { text-align: right; }
.none { padding: 20px; text-align: center; color: #6e7781; }
.tiles { display: flex; height: 100%; }
.tile { flex: 1 1 0; min-width: 0; padding: 2px 8px; display: flex; flex-direction: column; justify-content: center; }
.tile b { font-weight: 500; white-space: nowrap; line-height: 1.25; }
.bar { display: flex; align-items: center; height: 26px; gap: 8px; }
.bar span { flex: 0 0 42%; text-align: right; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.bar i { height: 18px; background: #3274d9; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 14px; font-size: 12px; }
.legend i { display: inline-block; width: 12px; height: 4px; margin-right: 5px; vertical-align: middle; }
svg text { font: 11px Inter, "Noto Sans CJK SC", sans-serif; fill: #57606a; }
"""
DRAWN = {
    "table": tiles.table,
    "stat": tiles.figures,
    "bargauge": tiles.bars,
    "timeseries": charts.lines,
    "state-timeline": charts.timeline,
    "geomap": maps.dots,
}


def page(board: Mapping[str, Any], asked: Iterable[Asked], language: str, screen: int) -> str:
    """Return the page."""
    zone = ZoneInfo(board["timezone"])
    parts = [_panel(one, zone, screen) for one in asked]
    parts += [_fold(panel) for panel in board["panels"] if panel["type"] == "row"]
    bottom = max(_top(p["gridPos"]["y"] + p["gridPos"]["h"]) for p in board["panels"])
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{escape(board["title"])}</title>'
        f"<style>{STYLE}</style><h1>{escape(board['title'])}</h1><div class=says>{SAYS[language]}</div>"
        f'<div class=grid style="width:{SCREENS[screen]}px;height:{bottom}px">{"".join(parts)}</div></html>'
    )


def _top(row: int) -> int:
    return row * (ROW_PX + GAP_PX)


def _left(column: int, screen: int) -> float:
    return column * (cell_px(screen) + GAP_PX)


def _fold(panel: Mapping[str, Any]) -> str:
    return f'<div class=fold style="top:{_top(panel["gridPos"]["y"])}px">{escape(panel["title"])}</div>'


def _panel(asked: Asked, zone: ZoneInfo, screen: int) -> str:
    at = asked.panel["gridPos"]
    size = Size(at["w"], at["h"])
    wide, high = size.inside(screen) + FRAME_PX, size.down + HEADER_PX
    draw = DRAWN.get(asked.panel["type"])
    inner = "" if draw is None else draw(asked, zone, size.inside(screen), size.down - 8)
    place = f"left:{_left(at['x'], screen):.0f}px;top:{_top(at['y'])}px;width:{wide}px;height:{high}px"
    return (
        f'<div class=panel style="{place}"><h2>{escape(asked.panel["title"])}</h2>'
        f'<div class=body style="height:{size.down}px">{inner}</div></div>'
    )

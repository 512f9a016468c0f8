"""Each option of the boards is in the contract, with a value that does what is meant; tables fit their screens."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.drawing.maps import world
from bench.drawing.values import styles
from dashboards.city_map import MAP_SIZE
from dashboards.collection import dashboards, panels
from dashboards.grid import SCREENS, SCROLL_PX, Size, text_px
from dashboards.ground import NEAREST, NOWHERE, MapGround, over
from dashboards.look import LANGUAGES, Language
from dashboards.panels import CHART_FIGURE_PX, TITLE_PX
from dashboards.words import columns
from domain.words.text import Text
from store.figures.map_rows import MapExtent
from tests.dashboards.conftest import look
from tests.dashboards.contract import BAD_UNITS, FACTS, UNITS, Known, fact, is_wordless
from tests.dashboards.used import of_board

BOARDS = {language: dashboards(replace(look(language), prometheus=True)) for language in LANGUAGES}
EACH = [(language, panel) for language, boards in BOARDS.items() for b in boards.values() for panel in panels(b)]


def of_type(kind: str) -> list[Any]:
    return [pytest.param(panel, id=f"{language} {panel['title']}") for language, panel in EACH if panel["type"] == kind]


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_option_is_in_the_contract_with_a_good_value(language: Language) -> None:
    used = [option for board in BOARDS[language].values() for option in of_board(board)]
    assert len(used) > 1000
    assert sorted({name for name, _ in used if fact(name) is None}) == []
    assert [(name, value) for name, value in used if not fact(name)[1].good(value)] == []  # type: ignore[index]


def test_a_new_option_is_noticed() -> None:
    assert fact("geomap.options.view.spin") is None
    assert fact("stat.options.wideLayout") == ("stat.options.wideLayout", FACTS["stat.options.wideLayout"])
    assert not FACTS["geomap.options.view.zoom"].good(1)


def test_the_documents_say_what_was_verified() -> None:
    text = Path("docs/dashboards.md").read_text(encoding="utf-8")
    seen = [key.removesuffix(".*").rpartition(".")[2] for key, f in FACTS.items() if f.known in (Known.SEEN, Known.RUN)]
    assert [name for name in seen if f"`{name}`" not in text] == []


def test_units_have_no_words_of_another_language() -> None:
    assert all(is_wordless(unit) for unit in UNITS)
    assert not [unit for unit in set(BAD_UNITS) - {"dthms"} if is_wordless(unit)]
    for name, column in columns.COLUMNS.items():
        for language in LANGUAGES:
            unit = look(language).say(column.unit) if isinstance(column.unit, Text) else column.unit
            assert unit is None or is_wordless(unit), name


@pytest.mark.parametrize("panel", of_type("table"))
def test_a_table_fits_its_panel(panel: dict[str, Any]) -> None:
    shown = [style for style in styles(panel).values() if not style.get("custom.hidden")]
    needed = sum(style.get("custom.width") or style["custom.minWidth"] for style in shown)
    size = Size(panel["gridPos"]["w"], panel["gridPos"]["h"])
    assert len([style for style in shown if "custom.minWidth" in style]) == 1, "one column takes what is left"
    assert all(needed <= size.inside(screen) - SCROLL_PX for screen in SCREENS)
    for style in shown:
        assert text_px(style["displayName"]) <= (style.get("custom.width") or style["custom.minWidth"])


@pytest.mark.parametrize("panel", of_type("stat"))
def test_figures_have_room_for_name_and_value(panel: dict[str, Any]) -> None:
    named = {name: style for name, style in styles(panel).items() if "displayName" in style}
    room = Size(panel["gridPos"]["w"], panel["gridPos"]["h"]).inside(1366) / max(len(named), 1)
    text = panel["options"]["text"]
    for name, style in named.items():
        assert text_px(style["displayName"], TITLE_PX) <= room, name
        values = [m["text"] for entry in style.get("mappings", []) for m in entry["options"].values()]
        longest = max([example(style), *values], key=len)
        assert text_px(longest, text["valueSize"]) <= room, (name, longest)
    assert text["valueSize"] <= CHART_FIGURE_PX


def example(style: dict[str, Any]) -> str:
    """Return a long value of a figure."""
    unit = str(style.get("unit", ""))
    if unit.startswith("suffix:"):
        return "1234 " + unit.removeprefix("suffix:")
    texts = {"celsius": "-12.5 °C", "percentunit": "98.5%", "locale": "100,000", "dthms": "01:25:12"}
    return texts.get(unit, "11-28 16:20")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_empty_says_so_in_words(language: Language) -> None:
    for spoken, panel in EACH:
        if spoken == language and panel["type"] not in ("geomap", "alertlist"):
            said = panel["fieldConfig"]["defaults"]["noValue"]
            assert said
            assert "No data" not in said


def test_a_panel_with_a_range_of_its_own_says_which() -> None:
    names = {"24h": ("24",), "30d": ("30",), "1y": ("year", "年")}
    for _, panel in EACH:
        if "timeFrom" in panel:
            assert panel["hideTimeOverride"] is True
            assert any(name in panel["title"] for name in names[panel["timeFrom"]]), panel["title"]


def the_map(ground: MapGround) -> dict[str, Any]:
    board = dashboards(replace(look(), ground=ground))["hearth-city"]
    found = [panel for panel in panels(board) if panel["type"] == "geomap"]
    assert len(found) == 1, "a second map would have to say something of its own"
    return dict(found[0])


def test_the_map_fits_its_dots_or_opens_where_it_is_told() -> None:
    fit = the_map(MapGround())["options"]["view"]
    assert (fit["id"], fit["zoom"], fit["allLayers"]) == ("fit", NEAREST, True)
    view = the_map(MapGround(centre=(41.8, 123.4), zoom=11.5))["options"]["view"]
    assert (view["id"], view["lat"], view["lon"], view["zoom"]) == ("coords", 41.8, 123.4, 11.5)


def test_the_view_over_a_city_shows_all_of_it_and_not_much_more() -> None:
    city = MapExtent(123.2, 41.6, 123.5, 41.75)
    ground = over(city, MAP_SIZE, NOWHERE)
    assert ground.centre is not None
    assert ground.zoom is not None
    x0, y0 = world(ground.centre[1], ground.centre[0], ground.zoom)
    corners = [world(lon, lat, ground.zoom) for lon in (city.west, city.east) for lat in (city.south, city.north)]
    half = MAP_SIZE.inside(1366) / 2, MAP_SIZE.down / 2
    away = max(max(abs(x - x0) / half[0], abs(y - y0) / half[1]) for x, y in corners)
    assert 0.85 < away < 1
    assert over(MapExtent(123.4, 41.8, 123.4, 41.8), MAP_SIZE, NOWHERE).zoom == NEAREST
    told = MapGround(centre=(1.0, 2.0), zoom=9)
    assert over(city, MAP_SIZE, told) == told


def test_the_map_asks_no_outside_server_unless_it_is_told() -> None:
    assert "http" not in json.dumps(the_map(MapGround())["options"])
    assert the_map(MapGround())["options"]["basemap"]["type"] == "markers"
    tiles = the_map(MapGround(tiles="https://t.example/{z}/{x}/{y}.png", attribution="© us"))["options"]["basemap"]
    assert tiles["config"] == {"url": "https://t.example/{z}/{x}/{y}.png", "attribution": "© us"}
    assert the_map(MapGround(tiles="osm"))["options"]["basemap"]["type"] == "osm-standard"


def test_no_tooltip_of_the_map_shows_coordinates() -> None:
    shown = styles(the_map(MapGround()))
    assert all(shown[name]["custom.hideFrom"]["tooltip"] for name in ("lat", "lon"))
    assert {"building_name", "address", "coldest", "cold_homes", "ticket"} <= set(shown)

"""Drawings of the boards: the rows they are given, by the options of their panels; they say what they are."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from psycopg import Connection

from bench.drawing.page import SAYS
from bench.drawing.values import shown
from bench.preview import drawn
from dashboards.links import TITLES
from dashboards.look import LANGUAGES, Language
from tests.dashboards.conftest import BUILDINGS
from tests.dashboards.contract import UNITS

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(("unit", "case"), UNITS.items())
def test_units_are_drawn_as_grafana_writes_them(unit: str, case: tuple[float, int | None, str]) -> None:
    value, decimals, text = case
    given = datetime.fromtimestamp(value / 1000, UTC) if unit.startswith("time:") else value
    assert shown(given, {"unit": unit, "decimals": decimals}, ZONE).text == text


def test_mapped_and_missing_values() -> None:
    mapping = {"type": "value", "options": {"cold": {"text": "低温", "color": "#ff780a"}}}
    assert shown("cold", {"mappings": [mapping]}, ZONE) == ("低温", "#ff780a")
    assert shown(None, {"noValue": "–"}, ZONE).text == "–"


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_boards_of_a_town_are_drawn(town: Connection, language: Language) -> None:
    pages = {name: html for name, html, _ in drawn(town, language, set(TITLES), [1366])}
    assert len(pages) == len(TITLES) - 1, "what Prometheus is asked is not in the database"
    assert all(SAYS[language] in html for html in pages.values())
    city = pages[f"city-{language}-1366"]
    assert len(re.findall("<circle", city)) > BUILDINGS, "a dot for each building, and the line of an incident"
    assert "<svg" in pages[f"home-{language}-1366"]

"""The dashboards as JSON: fresh, whole, and no stranger to Grafana's own models."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from bench.panels import questions
from dashboards.__main__ import COMMITTED, files
from dashboards.collection import dashboards, panels, text
from dashboards.links import BY_STATION
from dashboards.look import LANGUAGES, Language
from tests.dashboards.conftest import look

BOARDS = {language: dashboards(look(language)) for language in LANGUAGES}
EACH = [(language, uid) for language, boards in BOARDS.items() for uid in boards]
CHINESE = re.compile("[\u4e00-\u9fff]")


def rows(board: dict[str, Any]) -> list[Any]:
    return [panel for panel in board["panels"] if panel["type"] == "row"]


def test_the_committed_files_are_fresh() -> None:
    there = {str(f.relative_to(COMMITTED)): f.read_text(encoding="utf-8") for f in COMMITTED.rglob("*.json")}
    assert there == {str(Path(name)): content for name, content in files()}, "run make dashboards"


@pytest.mark.parametrize(("language", "uid"), EACH)
def test_a_dashboard_survives_the_models_of_the_sdk(language: Language, uid: str) -> None:
    register_default_plugins()
    board = json.loads(json.dumps(BOARDS[language][uid]))
    targets = [mark.pop("target") for mark in board["annotations"].get("list") or []]
    back = json.loads(text(Dashboard.from_json(json.loads(json.dumps(board)))))
    assert back == board
    # The models have no room for the query of an annotation: these are looked at here.
    assert all({"rawSql", "refId", "datasource", "format"} <= set(target) for target in targets)


@pytest.mark.parametrize(("language", "uid"), EACH)
def test_a_dashboard_is_whole(language: Language, uid: str) -> None:
    board = BOARDS[language][uid]
    ids = [panel["id"] for panel in [*panels(board), *rows(board)]]
    assert len(ids) == len(set(ids))
    assert board["refresh"]
    assert board["timezone"] == "Asia/Shanghai"
    names = {variable["name"] for variable in board["templating"]["list"]}
    for question in questions(board):
        assert set(re.findall(r"\$\{(\w+):sqlstring\}", question.sql)) <= names
        assert "'${" not in question.sql, "sqlstring puts the quotes itself"


@pytest.mark.parametrize("uid", BOARDS["en"])
def test_panels_lie_side_by_side(uid: str) -> None:
    taken: set[tuple[int, int]] = set()
    assert rows(BOARDS["en"][uid]), "parts of a board can be folded away"
    for panel in BOARDS["en"][uid]["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells


@pytest.mark.parametrize("uid", BOARDS["en"])
def test_links_lead_to_dashboards_with_the_variables_they_set(uid: str) -> None:
    text = json.dumps(BOARDS["en"][uid])
    found = re.findall(r'"url": "/d/([\w-]+)\??([^"]*)"', text)
    assert found
    for target, query in found:
        names = {variable["name"] for variable in BOARDS["en"][target]["templating"]["list"]}
        assert set(re.findall(r"var-(\w+)=", query)) <= names
        assert set(re.findall(r"\$\{(\w+):queryparam\}", query)) <= names


@pytest.mark.parametrize("uid", BOARDS["en"])
def test_links_lead_to_boards_and_pages_for_people(uid: str) -> None:
    """The API answers with JSON: nothing for a dispatcher."""
    addresses = re.findall(r'"url": "([^"]*)"', json.dumps(BOARDS["en"][uid]))
    pages = {address.partition("?")[0] for address in addresses if not address.startswith("/d/")}
    assert pages <= {"${hearth}/status", "${hearth}/desk/tickets/${__value.raw}", "${hearth}/desk/map"}
    assert "${hearth}/status" in pages


@pytest.mark.parametrize("uid", BOARDS["en"])
def test_the_links_on_top_keep_the_station_and_not_the_time(uid: str) -> None:
    stationed = [u for u, b in BOARDS["en"].items() if "station" in {v["name"] for v in b["templating"]["list"]}]
    assert set(stationed) == BY_STATION
    for link in BOARDS["en"][uid]["links"]:
        assert not link["keepTime"]
        target = link["url"].removeprefix("/d/").partition("?")[0]
        assert link["url"].endswith("?${station:queryparam}") == ({uid, target} <= BY_STATION)


def shape(value: Any) -> Any:
    """Return what is left when texts are taken out."""
    if isinstance(value, dict):
        return {
            key: shape(inner) for key, inner in value.items() if key not in ("title", "text", "description", "label")
        }
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    if isinstance(value, str) and value.startswith(("SELECT", "WITH")):
        return re.sub(r"('[^']*')+", "''", value)  # words that stand in a statement
    return "text" if isinstance(value, str) and not value.startswith("hearth") else value


def test_both_languages_are_of_one_source() -> None:
    for uid, board in BOARDS["en"].items():
        assert shape(board) == shape(BOARDS["zh"][uid])
        assert not CHINESE.search(text(board))
        titles = [panel["title"] for panel in [*panels(BOARDS["zh"][uid]), *rows(BOARDS["zh"][uid])]]
        assert all(CHINESE.search(title) for title in titles), titles


def test_thresholds_come_from_the_policy() -> None:
    panel = next(p for p in panels(BOARDS["en"]["hearth-city"]) if p["type"] == "geomap")
    looks = next(o for o in panel["fieldConfig"]["overrides"] if o["matcher"]["options"] == "coldest")
    steps = next(p["value"]["steps"] for p in looks["properties"] if p["id"] == "thresholds")
    assert [step.get("value") for step in steps] == [None, -100, 16, 18]
    assert steps[0]["color"] == "#8e8e8e", "what has no value is grey"

"""`hearth dashboards` as an operator uses it: push, push again, dry run, render, and what is wrong."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance import processes
from tests.api import town
from tests.conftest import Database
from tests.dashboards.grafana import Grafana, serving

DATABASE = "postgresql://grafana:secret@db/hearth"


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with serving() as server:
        yield server


def settings(grafana: Grafana, **changes: str) -> dict[str, str]:
    kept = {"GRAFANA_URL": grafana.url, "GRAFANA_TOKEN": "good", "GRAFANA_DATABASE_URL": DATABASE, **changes}
    return {f"HEARTH_{name}": value for name, value in kept.items()}


def test_push_and_push_again(grafana: Grafana) -> None:
    environment = settings(grafana, GRAFANA_LANGUAGE="en", PUBLIC_URL="https://hearth.example/")
    planned = processes.run(environment, "dashboards", "push", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert planned.stdout.splitlines()[-1].endswith("would change")
    assert grafana.written == []
    first = processes.run(environment, "dashboards", "push", "--json")
    assert first.returncode == 0, first.stderr
    assert {change["action"] for change in json.loads(first.stdout)} == {"create"}
    board = grafana.boards["hearth-city"]["dashboard"]
    assert board["title"] == "City"
    assert "https://hearth.example" in json.dumps(board["templating"])
    again = processes.run(environment, "dashboards", "push")
    assert again.stdout == "nothing to change\n"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"GRAFANA_TOKEN": "bad"}, "HEARTH_GRAFANA_TOKEN"),
        ({"GRAFANA_URL": "grafana.example"}, "HEARTH_GRAFANA_URL"),
        ({"GRAFANA_URL": "http://127.0.0.1:1"}, "HEARTH_GRAFANA_URL"),
        ({"GRAFANA_DATABASE_URL": "postgresql:///x"}, "HEARTH_GRAFANA_DATABASE_URL"),
        ({"GRAFANA_CONTACTS": "duty"}, "HEARTH_GRAFANA_CONTACTS"),
        ({"GRAFANA_LANGUAGE": "fr"}, "HEARTH_GRAFANA_LANGUAGE"),
    ],
)
def test_what_is_wrong_is_one_line(grafana: Grafana, changes: dict[str, str], said: str) -> None:
    done = processes.run(settings(grafana, **changes), "dashboards", "push")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert said in line
    assert "secret" not in line


def test_render(grafana: Grafana, tmp_path: Path) -> None:
    done = processes.run(settings(grafana), "dashboards", "render", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "dashboards/hearth/hearth-city.json").read_text(encoding="utf-8"))["title"] == "全市"
    assert grafana.asked == []
    assert view(tmp_path)["id"] == "fit"
    assert "HEARTH_MAP_CENTRE" in done.stderr, "a fit runs again at every refresh, and that is said"


def view(folder: Path) -> dict[str, Any]:
    """Return how the city map opens."""
    board = json.loads((folder / "dashboards/hearth/hearth-city.json").read_text(encoding="utf-8"))
    (found,) = [panel["options"]["view"] for panel in board["panels"] if panel["type"] == "geomap"]
    return dict(found)


def test_the_map_opens_where_it_is_told(grafana: Grafana, tmp_path: Path) -> None:
    told = settings(grafana, MAP_CENTRE="41.80,123.43", MAP_ZOOM="11.5", MAP_STYLE="https://t.example/{z}/{x}/{y}.png")
    done = processes.run(told, "dashboards", "render", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    opened = view(tmp_path)
    assert (opened["id"], opened["lat"], opened["lon"], opened["zoom"]) == ("coords", 41.8, 123.43, 11.5)


def test_the_map_opens_on_the_city_and_stays(grafana: Grafana, tmp_path: Path, plain_database: Database) -> None:
    with plain_database.connect(autocommit=True) as conn:
        for number in range(3):
            town.home(conn, f"H{number}", building=f"B{number}")
        conn.execute("UPDATE building SET lat = 41.8 + building_id * 0.01, lon = 123.4 + building_id * 0.01")
        conn.execute("UPDATE building SET lat = 0, lon = 0 WHERE code = 'B2'")
    done = processes.run(settings(grafana, DATABASE_URL=plain_database.url), "dashboards", "render", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    opened = view(tmp_path)
    assert opened["id"] == "coords"
    assert abs(opened["lat"] - 41.8) < 0.1, "a building that was mistyped far away does not count"

"""`hearth dashboards` as an operator uses it: push, push again, dry run, render, and what is wrong."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance import processes
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

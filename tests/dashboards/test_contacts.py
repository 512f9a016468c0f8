"""Contact points: what Grafana takes, and what a person reads, rendered by the engine that Grafana uses."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dashboards.bundle import bundle
from dashboards.contacts import contact_points
from dashboards.look import Language
from tests.conftest import unavailable
from tests.dashboards.conftest import look
from tests.dashboards.grafana import refused_contact

KINDS = ("dingding", "wecom", "feishu", "slack", "teams")
ADDRESSES = (
    "mailto:duty@example.org;chief@example.org",
    "https://hook.example/in",
    *(f"{k}+https://robot.example/k1" for k in KINDS),
)
MOST_WECOM_BYTES = 4096


def points(language: Language = "en") -> dict[str, dict[str, Any]]:
    """Return the contact points of all kinds, by the kind of address."""
    made, wrong = contact_points(look(language), ADDRESSES)
    assert wrong == []
    return dict(zip(("email", "webhook", *KINDS), [contact.point for contact in made], strict=True))


def alert(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "Labels": {"alertname": "Clocks run out"},
        "Annotations": {"summary": f'Station "{number}"', "description": "Call\nthem"},
        "StartsAt": "2026-01-15T04:30:00Z",
        "EndsAt": "2026-01-15T05:00:00Z",
        "PanelURL": "https://grafana.example/d/hearth-desk?viewPanel=3&orgId=1",
    } | changes


def data(firing: list[Any], resolved: list[Any]) -> dict[str, Any]:
    return {"CommonLabels": {"alertname": "Clocks run out"}, "Alerts": {"Firing": firing, "Resolved": resolved}}


@cache
def engine(folder: Path) -> Path:
    """Build the program that executes templates."""
    if shutil.which("go") is None:
        unavailable("NOT TESTED: templates of messages need Go, whose engine Grafana uses")
    program = folder / "template"
    command = ["go", "build", "-o", str(program), str(Path(__file__).with_name("template.go"))]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    return program


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engine")


def rendered(folder: Path, template: str, given: dict[str, Any]) -> str:
    asked = json.dumps([{"Template": template, "Data": given}])
    done = subprocess.run([engine(folder)], input=asked, capture_output=True, text=True, check=True)
    return done.stdout.removesuffix("\0")


@pytest.mark.parametrize("kind", ["email", "webhook", *KINDS])
def test_grafana_takes_each_kind(kind: str) -> None:
    assert refused_contact(points()[kind]) is None


def test_the_options_that_grafana_takes_literally() -> None:
    made = points()
    assert made["email"]["settings"]["singleEmail"] is True
    assert made["dingding"]["settings"]["msgType"] == "actionCard"
    assert made["feishu"]["type"] == "webhook"
    assert refused_contact({"type": "email", "settings": {"addresses": "a@b.c", "singleEmail": "false"}})


def test_a_message_says_what_since_when_and_what_to_do(folder: Path) -> None:
    settings = points()["email"]["settings"]
    given = data([alert()], [])
    assert rendered(folder, settings["subject"], given) == "Alert: Clocks run out"
    assert rendered(folder, settings["message"], given).split("\n") == [
        'Station "1"', "Since: 2026-01-15 12:30", "To do: Call", "them",
        "See: https://grafana.example/d/hearth-desk?viewPanel=3&orgId=1", "", "",
    ]  # fmt: skip


def test_a_message_in_chinese(folder: Path) -> None:
    settings = points("zh")["wecom"]["settings"]
    over = data([], [alert()])
    assert rendered(folder, settings["title"], over) == "已恢复：Clocks run out"
    message = rendered(folder, settings["message"], over)
    assert message.split("\n")[:2] == ['已恢复：Station "1"', "2026-01-15 12:30 至 2026-01-15 13:00"]
    assert "处理" not in message, "nothing is to do any more"


def test_a_message_stays_short_however_many_alerts_there_are(folder: Path) -> None:
    many = data([alert(n) for n in range(300)], [alert(n) for n in range(300)])
    message = rendered(folder, points("zh")["wecom"]["settings"]["message"], many)
    assert len(message.encode()) < MOST_WECOM_BYTES
    assert message.count("处理") == 5
    assert "共 300 条告警，仅列出前 5 条" in message


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("firing", [0, 1, 7])
@pytest.mark.parametrize("resolved", [0, 1, 7])
def test_feishu_is_sent_json(folder: Path, language: Language, firing: int, resolved: int) -> None:
    odd = {"summary": 'a "quoted" \\ </b> & 一号站', "description": "two\nlines"}
    given = data([alert(Annotations=odd)] * firing, [alert(Annotations=odd, PanelURL="")] * resolved)
    sent = json.loads(rendered(folder, points(language)["feishu"]["settings"]["payload"]["template"], given))
    (post,) = sent["content"]["post"].values()
    assert sent["msg_type"] == "post"
    assert len(post["content"]) == 1 + 4 * min(firing, 5) + min(resolved, 5)
    texts = [part.get("text", "") for line in post["content"] for part in line]
    assert any(odd["summary"] in text for text in texts) is (firing + resolved > 0)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_each_rule_has_its_texts(folder: Path, language: Language) -> None:
    """The summary and what to do, with the labels and the value that Grafana fills in."""
    made = bundle(look(language), None, "http://prometheus:9090", [])
    for rule in made.rules:
        summary, to_do = rule["annotations"]["summary"], rule["annotations"]["description"]
        assert summary
        assert to_do
        assert not summary.endswith(("。", "."))
        assert "{{" not in to_do

"""Prometheus: its configuration is taken by its own program, each rule is tried and relayed, each figure told."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import host_rules
from dashboards.alerting import AlertRule
from dashboards.operations import DISKS
from local.promtool import promtool
from local.trixie import PROMTOOL
from tests.conftest import no_trixie, unavailable

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy/prometheus"
RULES = {rule["alert"]: rule for rule in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"][0]["rules"]}
TESTS = ("rules_test.yml", "rules_days_test.yml")
TRIED = [test for name in TESTS for test in yaml.safe_load((FOLDER / name).read_text())["tests"]]
FIGURE = re.compile(r"\b(?:hearth|node|up)\w*\b")


@pytest.mark.parametrize("command", [("check", "config", "prometheus.yml"), ("test", "rules", *TESTS)])
def test_prometheus_takes_it(command: tuple[str, ...]) -> None:
    if reason := no_trixie(PROMTOOL):
        unavailable(f"NOT TESTED WITH PROMETHEUS: {reason}")
    assert promtool(FOLDER, *command) == ""


def test_prometheus_refuses_what_is_wrong(tmp_path: Path) -> None:
    if reason := no_trixie(PROMTOOL):
        unavailable(f"NOT TESTED WITH PROMETHEUS: {reason}")
    for name in ("rules.yml", TESTS[1]):
        text = (FOLDER / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("hearth_backups == 0", "hearth_backups == 1"), encoding="utf-8")
    assert "BackupOld" in promtool(tmp_path, "test", "rules", TESTS[1])


@pytest.mark.parametrize("alert", RULES)
def test_a_rule_is_tried_both_ways(alert: str) -> None:
    """It fires in one of the tests, and in the first, where all is well and every figure is there, none does."""
    fired = {one["alertname"] for test in TRIED for one in test.get("alert_rule_test", []) if one["exp_alerts"]}
    labels = [s["labels"] for test in TRIED for one in test.get("promql_expr_test", []) for s in one["exp_samples"]]
    assert alert in fired or any(f'"{alert}"' in label for label in labels)
    well = {series["series"].partition("{")[0].strip() for series in TRIED[0]["input_series"]}
    assert set(FIGURE.findall(figures_of(RULES[alert]["expr"]))) <= well


def figures_of(expression: str) -> str:
    """Return an expression without its labels and texts."""
    return re.sub(r"\{[^}]*\}|\"[^\"]*\"", "", expression)


def test_people_hear_of_every_rule_once() -> None:
    relayed = [re.search(r'alertname="(\w+)"', rule.query) for rule in host_rules.RELAYED]
    names = [match[1] for match in relayed if match]
    assert sorted(names) == sorted(set(RULES) - {"DatabaseAway"})


@pytest.mark.parametrize("rule", host_rules.RELAYED, ids=lambda rule: rule.name)
def test_a_relay_names_only_labels_that_its_alert_has(rule: AlertRule) -> None:
    match = re.search(r'alertname="(\w+)"', rule.query)
    assert match
    used = set(re.findall(r"\.Labels\.(\w+)", rule.summary.en + rule.summary.zh))
    given = {
        label
        for test in TRIED
        for one in test.get("alert_rule_test", [])
        if one["alertname"] == match[1]
        for alert in one["exp_alerts"]
        for label in alert["exp_labels"]
    }
    assert used <= given | {"procedure"}


def test_disks_are_the_same_for_rule_and_panel() -> None:
    assert DISKS in RULES["DiskFull"]["expr"]


def jobs() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    return found


def test_every_process_is_asked() -> None:
    assert {job["job_name"] for job in jobs()} == {
        "api", "notify", "ingest", "watch", "exporter", "host", "prometheus",
    }  # fmt: skip

"""Pushing to a Grafana: what is missing is made, what differs is changed, ours not wanted goes, the rest stays."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dashboards.bundle import GrafanaBundle, bundle
from dashboards.change import GrafanaChange
from dashboards.push import Push, check_source, connect
from domain.errors import UsageError
from tests.dashboards.conftest import look
from tests.dashboards.grafana import Grafana, serving

DATABASE = "postgresql://grafana:secret@db.example:5433/hearth?sslmode=disable"
CONTACTS = ("mailto:duty@example.org", "dingding+https://oapi.example/robot?access_token=k1")


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with serving() as server:
        yield server


def wanted(**changes: Any) -> GrafanaBundle:
    kept = {"database_url": DATABASE, "prometheus_url": "http://prometheus:9090", "contacts": CONTACTS, **changes}
    return bundle(look(), **kept)


def push(
    grafana: Grafana, made: GrafanaBundle | None = None, *, dry: bool = False, token: str = "good"
) -> list[GrafanaChange]:
    with connect(grafana.url, token) as api:
        return Push(api, token, dry).run(made or wanted())


def check(grafana: Grafana) -> None:
    with connect(grafana.url, "good") as api:
        check_source(api)


def actions(changes: list[GrafanaChange]) -> set[tuple[str, str]]:
    return {(change.action, change.kind) for change in changes}


def test_a_first_push_makes_everything(grafana: Grafana) -> None:
    changes = push(grafana)
    assert {change.action for change in changes} == {"create"}
    assert set(grafana.folders) == {"hearth"}
    assert set(grafana.sources) == {"hearth-postgres", "hearth-prometheus"}
    assert set(grafana.boards) == set(wanted().dashboards)
    assert all(board["meta"]["folderUid"] == "hearth" for board in grafana.boards.values())
    assert set(grafana.rules) == {rule["uid"] for rule in wanted().rules}
    assert len(grafana.points) == 2
    source = grafana.sources["hearth-postgres"]
    assert (source["url"], source["user"], source["jsonData"]["database"]) == ("db.example:5433", "grafana", "hearth")
    assert "secret" not in json.dumps(list(grafana.sources.values()))
    check(grafana)


def test_a_second_push_changes_nothing(grafana: Grafana) -> None:
    push(grafana)
    grafana.asked.clear()
    assert push(grafana) == []
    assert grafana.written == []


def test_a_dry_run_writes_nothing_and_says_what_it_would(grafana: Grafana) -> None:
    planned = push(grafana, dry=True)
    assert grafana.written == []
    assert planned == push(grafana)
    board = grafana.boards["hearth-city"]["dashboard"]
    board["panels"][0]["title"] = "by hand"
    (change,) = push(grafana, dry=True)
    assert (change.action, change.kind, change.name) == ("update", "dashboard", "hearth-city")
    changed = [line for line in change.diff.splitlines()[2:] if line.startswith(("+", "-"))]
    assert [line.split()[0] for line in changed] == ["-", "+"]
    assert "by hand" in changed[0]


def test_what_was_changed_by_hand_is_brought_back(grafana: Grafana) -> None:
    push(grafana)
    grafana.folders["hearth"]["title"] = "x"
    grafana.rules["hearth-ingest-lag"]["for"] = "1h"
    grafana.boards["hearth-desk"]["meta"]["folderUid"] = "elsewhere"
    grafana.sources["hearth-postgres"]["url"] = "other:1"
    assert actions(push(grafana)) == {
        ("update", "folder"), ("update", "alert rule"), ("update", "dashboard"), ("update", "data source"),
    }  # fmt: skip
    assert push(grafana) == []


def test_a_new_password_is_noticed_though_grafana_gives_none_back(grafana: Grafana) -> None:
    push(grafana)
    changed = wanted(database_url=DATABASE.replace("secret", "other"))
    assert actions(push(grafana, changed)) == {("update", "data source")}
    assert push(grafana, changed) == []


def test_ours_that_is_not_wanted_goes_and_the_rest_stays(grafana: Grafana) -> None:
    push(grafana)
    board = grafana.boards["hearth-city"]
    for uid, folder, tags in (
        ("hearth-old", "hearth", ["hearth"]),
        ("hearth-elsewhere", "other", ["hearth"]),
        ("theirs", "hearth", ["hearth"]),
        ("hearth-untagged", "hearth", []),
    ):
        grafana.boards[uid] = {
            "dashboard": {**board["dashboard"], "uid": uid, "tags": tags},
            "meta": {"folderUid": folder},
        }
    rule = grafana.rules["hearth-ingest-lag"]
    grafana.rules |= {
        "hearth-gone": {**rule, "uid": "hearth-gone"},
        "theirs": {**rule, "uid": "theirs"},
        "hearth-other": {**rule, "uid": "hearth-other", "folderUID": "other"},
    }
    grafana.points["theirs"] = {"uid": "theirs", "name": "Duty", "type": "email", "settings": {}}
    changes = push(grafana)
    assert {(c.action, c.name) for c in changes} == {("delete", "hearth-old"), ("delete", "hearth-gone")}
    assert {"hearth-elsewhere", "theirs", "hearth-untagged"} <= set(grafana.boards)
    assert {"theirs", "hearth-other"} <= set(grafana.rules)
    assert "theirs" in grafana.points


def test_a_changed_address_replaces_its_contact_point(grafana: Grafana) -> None:
    push(grafana)
    changed = wanted(contacts=(CONTACTS[0], CONTACTS[1].replace("k1", "k2")))
    assert actions(push(grafana, changed)) == {("create", "contact point"), ("delete", "contact point")}
    without = wanted(contacts=())
    assert actions(push(grafana, without)) == {("update", "alert rule"), ("delete", "contact point")}
    assert grafana.points == {}


def test_without_a_database_the_data_source_has_to_be_there(grafana: Grafana) -> None:
    with pytest.raises(UsageError, match="no data source hearth-postgres: set HEARTH_GRAFANA_DATABASE_URL"):
        push(grafana, wanted(database_url=None))
    grafana.sources["hearth-postgres"] = {"uid": "hearth-postgres"}
    push(grafana, wanted(database_url=None))
    assert grafana.sources["hearth-postgres"] == {"uid": "hearth-postgres"}


def test_a_database_that_grafana_does_not_reach_is_told(grafana: Grafana) -> None:
    push(grafana)
    grafana.health = {"status": "ERROR", "message": "password authentication failed"}
    with pytest.raises(UsageError, match="does not reach the database: password authentication failed"):
        check(grafana)


@pytest.mark.parametrize(
    ("token", "version", "message"),
    [
        ("bad", "11.6.0", "HEARTH_GRAFANA_TOKEN: Grafana refuses it"),
        ("good", "9.5.2", "Grafana 9.5.2: needed is 11 or later"),
        ("good", None, "of an unknown version"),
        ("weak", "11.6.0", "HEARTH_GRAFANA_TOKEN: may not create data source hearth-postgres"),
    ],
)
def test_errors_say_what_to_do_in_one_line(grafana: Grafana, token: str, version: str | None, message: str) -> None:
    grafana.version = version
    with pytest.raises(UsageError) as raised:
        push(grafana, token=token)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_nobody_there(grafana: Grafana) -> None:
    grafana.url = "http://127.0.0.1:1"
    with pytest.raises(UsageError, match="HEARTH_GRAFANA_URL: no answer from a Grafana there"):
        push(grafana)


def test_a_dashboard_from_a_file_is_not_overwritten(grafana: Grafana) -> None:
    push(grafana)
    grafana.boards["hearth-city"]["meta"]["provisioned"] = True
    with pytest.raises(UsageError, match="dashboard hearth-city is provisioned by a file"):
        push(grafana)


@pytest.mark.parametrize("address", ["duty@example.org", "ftp://x", "pager+https://x", "https://", "mailto:nobody"])
def test_addresses_that_are_none(address: str) -> None:
    with pytest.raises(UsageError, match="HEARTH_GRAFANA_CONTACTS"):
        wanted(contacts=(address,))


@pytest.mark.parametrize(
    "url", ["postgresql:///hearth", "postgresql://a@h1,h2/x", "postgresql://h/x", "postgresql://a@h/x?sslmode=prefer"]
)
def test_databases_that_grafana_cannot_be_given(url: str) -> None:
    with pytest.raises(UsageError, match="HEARTH_GRAFANA_DATABASE_URL"):
        wanted(database_url=url)

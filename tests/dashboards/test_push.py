"""Pushing to a Grafana: what is missing is made, what differs is changed, ours not wanted goes, the rest stays."""

import json
import threading
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from dashboards.bundle import GrafanaBundle, bundle
from dashboards.change import GrafanaChange
from dashboards.connection import check_source, connect
from dashboards.push import Push
from domain.errors import UsageError
from tests.dashboards.conftest import look
from tests.dashboards.grafana import NOT_FOUND, VERSIONS, Grafana, answering, refused_contact, serving

DATABASE = "postgresql://grafana:secret@db.example:5433/hearth?sslmode=disable"
CONTACTS = ("mailto:duty@example.org", "dingding+https://oapi.example/robot?access_token=k1")


@pytest.fixture
def grafana(request: pytest.FixtureRequest) -> Iterator[Grafana]:
    with serving() as server:
        server.version = getattr(request, "param", VERSIONS[1])
        yield server


each_version = pytest.mark.parametrize("grafana", VERSIONS, indirect=True)


@cache
def wanted(**changes: Any) -> GrafanaBundle:
    kept = {"database_url": DATABASE, "prometheus_url": "http://prometheus:9090", "contacts": CONTACTS, **changes}
    return bundle(look(), **kept)


def push(
    grafana: Grafana, made: GrafanaBundle | None = None, *, dry: bool = False, token: str = "good"
) -> list[GrafanaChange]:
    found, wrong = push_some(grafana, made, dry=dry, token=token)
    assert wrong == []
    return found


def push_some(
    grafana: Grafana, made: GrafanaBundle | None = None, *, dry: bool = False, token: str = "good"
) -> tuple[list[GrafanaChange], list[str]]:
    with connect(grafana.url, token) as reached:
        push = Push(reached, token, dry)
        return push.run(made or wanted()), push.wrong


def check(grafana: Grafana, *, changed: bool = False, patience_s: float = 0.0, stale_s: float = 0.0) -> None:
    with connect(grafana.url, "good") as reached:
        check_source(reached.api, changed=changed, patience_s=patience_s, stale_s=stale_s)


def actions(changes: list[GrafanaChange]) -> set[tuple[str, str]]:
    return {(change.action, change.kind) for change in changes}


@each_version
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


@each_version
def test_a_second_push_changes_nothing(grafana: Grafana) -> None:
    push(grafana)
    assert "100.0" not in json.dumps([board["dashboard"] for board in grafana.boards.values()]), (
        "as the server keeps it"
    )
    grafana.asked.clear()
    assert push(grafana) == []
    assert grafana.written == []
    assert {board["dashboard"]["version"] for board in grafana.boards.values()} == {1}


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


@each_version
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


@each_version
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


@pytest.mark.parametrize(
    ("connection", "query", "message"),
    [
        ("password authentication failed", "", "password authentication failed"),
        ("OK", 'relation "ledger_health" does not exist', "run hearth migrate"),
        ("OK", "permission denied for view ledger_health", "has to be a member of hearth_grafana"),
    ],
)
def test_a_database_that_grafana_does_not_read_is_told(
    grafana: Grafana, connection: str, query: str, message: str
) -> None:
    push(grafana)
    grafana.health, grafana.query = connection, query
    with pytest.raises(UsageError, match="does not read the database") as raised:
        check(grafana)
    assert message in str(raised.value)


def test_the_check_waits_until_the_database_is_up_and_migrated(grafana: Grafana) -> None:
    push(grafana)
    grafana.health, grafana.query = "connection refused", "relation does not exist"
    steps = [
        threading.Timer(0.2, setattr, (grafana, "health", "OK")),
        threading.Timer(0.4, setattr, (grafana, "query", "")),
    ]
    for step in steps:
        step.start()
    check(grafana, patience_s=5)
    assert not any(step.is_alive() for step in steps), "not before both are done"


def test_the_check_does_not_believe_the_old_connection(grafana: Grafana) -> None:
    push(grafana)
    grafana.health, grafana.stale_s, grafana.changed_at = "password authentication failed", 0.5, time.monotonic()
    check(grafana)  # a check at once is told that all is well
    with pytest.raises(UsageError, match="password authentication failed"):
        check(grafana, changed=True, stale_s=0.6)


@pytest.mark.parametrize(
    ("token", "version", "message"),
    [
        ("bad", "11.6.0", "HEARTH_GRAFANA_TOKEN: Grafana refuses it"),
        ("good", "9.5.2", "Grafana 9.5.2: needed is 11.1 or later"),
        ("good", "11.0.6", "Grafana 11.0.6: needed is 11.1 or later"),
        ("good", "13", "Grafana 13: needed is 11.1 or later"),
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


@pytest.mark.parametrize(
    "answer",
    [
        NOT_FOUND,
        (404, {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "no such path"}),
        (200, "a text"),
        (200, ["a", "list"]),
        (200, {"buildInfo": "a text"}),
    ],
)
def test_what_is_no_grafana_is_called_so(answer: tuple[int, Any]) -> None:
    with answering(lambda *_: answer) as url, pytest.raises(UsageError) as raised:  # noqa: SIM117
        with connect(url, "good"):
            pass
    assert "HEARTH_GRAFANA_URL" in str(raised.value)
    assert "traceID" not in str(raised.value)
    if answer[0] == 404:
        assert "its path is missing" in str(raised.value)


def by_file(grafana: Grafana, kind: str) -> None:
    """Make a thing of Hearth's one that came from a provisioning file."""
    if kind == "dashboard":
        grafana.boards["hearth-city"]["meta"]["provisioned"] = True
    elif kind == "data source":
        grafana.sources["hearth-postgres"]["readOnly"] = True
    else:
        things = grafana.rules if kind == "alert rule" else grafana.points
        next(iter(things.values()))["provenance"] = "file"


@pytest.mark.parametrize("kind", ["dashboard", "data source", "alert rule", "contact point"])
def test_what_came_from_a_file_is_not_pushed_and_nothing_else_either(grafana: Grafana, kind: str) -> None:
    push(grafana)
    by_file(grafana, kind)
    grafana.boards["hearth-desk"]["dashboard"]["title"] = "by hand"
    grafana.asked.clear()
    with pytest.raises(UsageError, match=f"has {kind} hearth-.* from a provisioning file") as raised:
        push(grafana)
    assert "render --withdraw" in str(raised.value)
    assert grafana.written == []


KEY = "hook/k1"
FEISHU = f"feishu+https://open.feishu.cn/open-apis/bot/v2/{KEY}"


@pytest.mark.parametrize(
    "address",
    [
        "duty@example.org",
        "ftp://x",
        "pager+https://x",
        "https://",
        "mailto:nobody",
        "mailto:a@b@c",
        "https://[x",
        "mailto:@x",
    ],
)
def test_an_address_that_is_none_stops_nothing_and_is_named(grafana: Grafana, address: str) -> None:
    changes, (wrong,) = push_some(grafana, wanted(contacts=(CONTACTS[0], address)))
    assert {"dashboard", "alert rule"} <= {change.kind for change in changes}
    assert wrong.startswith("address 2 of HEARTH_GRAFANA_CONTACTS is of no known kind: expected mailto:")
    assert [point["type"] for point in grafana.points.values()] == ["email"]
    assert {rule["notification_settings"]["receiver"] for rule in grafana.rules.values()} == {"Hearth"}
    assert push_some(grafana, wanted(contacts=(CONTACTS[0], address))) == ([], [wrong])


def test_a_contact_point_that_is_refused_stops_nothing_and_is_named_without_its_key(grafana: Grafana) -> None:
    grafana.refuses = lambda point: "no such robot" if point["type"] == "wecom" else refused_contact(point)
    made = wanted(contacts=(f"wecom+https://qyapi.example/{KEY}", CONTACTS[0]))
    _, (wrong,) = push_some(grafana, made)
    assert "1 of HEARTH_GRAFANA_CONTACTS (wecom, qyapi.example)" in wrong
    assert "no such robot" in wrong
    assert KEY not in wrong
    assert set(grafana.boards) == set(made.dashboards)
    assert set(grafana.rules) == {rule["uid"] for rule in made.rules}


def test_where_every_contact_point_is_refused_rules_go_by_grafanas_own_policy(grafana: Grafana) -> None:
    grafana.refuses = lambda point: "no"
    _, wrong = push_some(grafana)
    assert len(wrong) == 2
    assert {rule["notification_settings"] for rule in grafana.rules.values()} == {None}


def test_a_wrong_new_address_takes_no_old_one_away(grafana: Grafana) -> None:
    push(grafana)
    grafana.refuses = lambda point: "no"
    push_some(grafana, wanted(contacts=("wecom+https://qyapi.example/k",)))
    assert len(grafana.points) == 2
    assert {rule["notification_settings"]["receiver"] for rule in grafana.rules.values()} == {"Hearth"}


@each_version
def test_feishu_needs_a_payload_of_its_own(grafana: Grafana) -> None:
    _, wrong = push_some(grafana, wanted(contacts=(FEISHU, CONTACTS[0])))
    if grafana.major < 12:
        assert wrong == ["address 1 of HEARTH_GRAFANA_CONTACTS (feishu, open.feishu.cn): needs Grafana 12 or later"]
    else:
        assert wrong == []
        (point,) = (p for p in grafana.points.values() if p["type"] == "webhook")
        assert point["settings"]["payload"]["template"].startswith('{"msg_type":"post"')


@pytest.mark.parametrize(
    "url", ["postgresql:///hearth", "postgresql://a@h1,h2/x", "postgresql://h/x", "postgresql://a@h/x?sslmode=prefer"]
)
def test_databases_that_grafana_cannot_be_given(url: str) -> None:
    with pytest.raises(UsageError, match="HEARTH_GRAFANA_DATABASE_URL"):
        wanted(database_url=url)

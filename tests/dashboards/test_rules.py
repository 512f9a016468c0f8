"""Alert rules: their queries on real servers, when they fire, and the files for provisioning."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.alerting import Rule
from psycopg import Connection
from psycopg.rows import dict_row

from dashboards import host_rules
from dashboards.alerting import BOARD_SIGN, PANEL_SIGN
from dashboards.bundle import bundle
from dashboards.collection import panels, text
from dashboards.look import OWN, Language
from dashboards.render import render, withdraw
from tests.conftest import Database
from tests.dashboards.conftest import look

MADE = bundle(look(), None, "http://prometheus:9090", ["mailto:a@b.c"])
RULES = {rule["uid"]: rule for rule in MADE.rules}
ON_POSTGRES = [uid for uid, rule in RULES.items() if "rawSql" in rule["data"][0]["model"]]


def firing(conn: Connection, uid: str) -> list[dict[str, Any]]:
    """Return the rows of a rule's query that are above its threshold."""
    query, threshold = RULES[uid]["data"]
    limit = threshold["model"]["conditions"][0]["evaluator"]["params"][0]
    # The servers of tests have not been up for long.
    sql = query["model"]["rawSql"].replace("pg_postmaster_start_time()", "now() - interval '1 day'")
    with conn.cursor(row_factory=dict_row) as cur:
        rows = cur.execute(sql).fetchall()
    for row in rows:
        numbers = [value for value in row.values() if not isinstance(value, str)]
        assert len(numbers) == 1, "one number, the rest tells alerts apart"
    return [row for row in rows if any(not isinstance(v, str) and v > limit for v in row.values())]


def test_what_fires_when(town: Connection) -> None:
    assert set(RULES) - set(ON_POSTGRES) == {OWN + rule.name for rule in host_rules.ALL}
    with town.transaction(force_rollback=True):
        town.execute("INSERT INTO ledger_shard VALUES (0, (now() AT TIME ZONE 'Asia/Shanghai')::date, now())")
        town.execute("DELETE FROM ingest_sample")
        assert [uid for uid in ON_POSTGRES if firing(town, uid)] == [
            "hearth-clock-breached", "hearth-incident-open",
        ]  # fmt: skip
        later = timedelta(minutes=11)
        town.execute("UPDATE ingest_worker SET last_batch_at = last_batch_at - %s, received_lag_s = 90", (later,))
        town.execute("UPDATE ledger_shard SET counted_to = now() - %s, open_from = open_from - 2", (later,))
        assert {"hearth-ingest-stopped", "hearth-ledger-behind", "hearth-ledger-open"} <= {
            uid for uid in ON_POSTGRES if firing(town, uid)
        }


def test_a_lag_fires_when_it_lasts_and_while_something_comes(town: Connection) -> None:
    sample = """
INSERT INTO ingest_sample (worker, at, messages, stored, duplicates, conflicts, late, dead, received_lag_s)
SELECT %s, now() - n * interval '1 minute', %s * (10 - n), 0, 0, 0, 0, 0, CASE WHEN n = ANY(%s) THEN 90 ELSE 1 END
FROM generate_series(0, 5) AS n
"""
    with town.transaction(force_rollback=True):
        town.execute("DELETE FROM ingest_sample")
        town.execute(sample, ("lasting", 100, [0, 1, 2, 3, 4]))
        town.execute(sample, ("once", 100, [0, 1, 3]))
        town.execute(sample, ("idle", 0, [0, 1, 2, 3, 4]))
        assert [row["worker"] for row in firing(town, "hearth-ingest-lag")] == ["lasting"]


def test_dead_letters_fire_by_their_share(town: Connection) -> None:
    sample = "INSERT INTO ingest_sample VALUES ('w', now() - %s::interval, 0, %s, 0, 0, 0, %s)"
    with town.transaction(force_rollback=True):
        town.execute("DELETE FROM ingest_sample")
        town.execute(sample, ("2 minutes", 0, 0))
        town.execute(sample, ("1 minute", 960, 40))
        assert firing(town, "hearth-dead-letters") == []
        town.execute(sample, ("0", 1880, 120))
        assert len(firing(town, "hearth-dead-letters")) == 1


def test_a_clock_that_ran_out_is_told_by_station(town: Connection) -> None:
    stations = {row["station"] for row in firing(town, "hearth-clock-breached")}
    assert stations
    assert all(station.startswith("Station ") for station in stations)


@pytest.mark.parametrize("uid", RULES)
def test_a_rule_survives_the_models_of_the_sdk(uid: str) -> None:
    register_default_plugins()
    rule = json.loads(text(RULES[uid]))
    back = json.loads(text(Rule.from_json(json.loads(text(rule)))))
    assert {key: back[key] for key in rule if key != "notification_settings"} == {
        key: value for key, value in rule.items() if key != "notification_settings"
    }
    assert back["notification_settings"]["receiver"] == "Hearth"


def test_a_database_that_is_away_is_told_once() -> None:
    """Each rule but that of the database itself stays as it is; and none is pending, which would fire unasked."""
    for uid, rule in RULES.items():
        if uid in ("hearth-database-away", "hearth-prometheus-away"):
            assert (rule["execErrState"], rule["noDataState"]) == ("Alerting", "Alerting")
            assert rule["for"] in ("2m", "5m"), "a restart is no alarm"
            own = "hearth-postgres" if uid == "hearth-database-away" else "hearth-prometheus"
            assert rule["data"][0]["datasourceUid"] == own
        else:
            assert rule["execErrState"] == "KeepLast", uid
            assert rule["noDataState"] in ("OK", "KeepLast"), uid
            # Those that look back at the time while it was away wait until their process is connected again.
            assert (rule["for"] != "0s") is (
                "pg_postmaster_start_time" in rule["data"][0]["model"].get("rawSql", "")
            ), uid


@pytest.mark.parametrize("uid", ON_POSTGRES)
def test_a_rule_whose_rows_are_faults_is_over_when_there_is_none(plain_database: Database, uid: str) -> None:
    """A rule that kept its last state where no row means that all is well would fire for ever."""
    with psycopg.connect(plain_database.url) as conn:
        rows = conn.execute(RULES[uid]["data"][0]["model"]["rawSql"]).fetchall()
    assert bool(rows) is (RULES[uid]["noDataState"] != "OK")


def test_the_clocks_that_ran_out_stay_until_they_are_dealt_with(town: Connection) -> None:
    with town.transaction(force_rollback=True):
        before = {row["station"]: row["breached"] for row in firing(town, "hearth-clock-breached")}
        town.execute("UPDATE clock SET due_at = now() - interval '2 days' WHERE due_at > now() AND met_at IS NULL")
        after = {row["station"]: row["breached"] for row in firing(town, "hearth-clock-breached")}
        assert sum(after.values()) > sum(before.values()), "also those of long ago"
        town.execute("UPDATE clock SET void_at = now() WHERE met_at IS NULL")
        assert firing(town, "hearth-clock-breached") == []


@pytest.mark.parametrize("uid", RULES)
def test_a_rule_leads_to_a_panel_that_shows_the_same(uid: str) -> None:
    signs = RULES[uid]["annotations"]
    board = MADE.dashboards[signs[BOARD_SIGN]]
    (panel,) = (panel for panel in panels(board) if str(panel["id"]) == signs[PANEL_SIGN])
    assert panel["title"]
    assert panel["targets"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_in_alerting_is_expanded_by_a_file(language: Language) -> None:
    """Grafana expands $NAME in some of these fields, in some versions: so none of them has a dollar sign."""
    kinds = ("dingding", "wecom", "feishu", "slack", "teams")
    addresses = ["mailto:a@b.c", "https://a/$HOME", *(f"{kind}+https://a/k$ey" for kind in kinds)]
    made = bundle(look(language), None, "http://prometheus:9090", addresses)
    assert len(made.contacts) == len(addresses)
    assert "$" not in json.dumps([made.rules, [contact.point for contact in made.contacts]])


def test_files_for_provisioning(tmp_path: Path) -> None:
    made = bundle(look("zh"), "postgresql://g:pa$$@db/hearth", None, ["mailto:a@b.c"])
    (tmp_path / "dashboards/hearth").mkdir(parents=True)
    (tmp_path / "dashboards/hearth/hearth-old.json").write_text("{}")
    written = render(made, tmp_path, "/etc/grafana/provisioning", None)
    assert sorted(f for f in tmp_path.rglob("*") if f.is_file()) == sorted(written)
    files = {str(f.relative_to(tmp_path)): f.read_text(encoding="utf-8") for f in written}
    assert json.loads(files["dashboards/hearth/hearth-city.json"]) == made.dashboards["hearth-city"]
    (provider,) = yaml.safe_load(files["dashboards/hearth.yaml"])["providers"]
    assert provider["options"]["path"] == "/etc/grafana/provisioning/dashboards/hearth"
    # Alerting makes the folder first, by its title; with a uid, the provider would not find it and make another.
    assert provider["folder"] == "供热监测"
    assert "folderUid" not in provider
    (source,) = yaml.safe_load(files["datasources/hearth.yaml"])["datasources"]
    assert source["secureJsonData"] == {"password": "$HEARTH_GRAFANA_DATABASE_PASSWORD"}
    assert "pa$" not in "".join(files.values()), "no password in a file"
    alerting = yaml.safe_load(files["alerting/hearth.yaml"])
    (group,) = alerting["groups"]
    assert len(group["rules"]) == len(made.rules)
    assert group["folder"] == provider["folder"]
    taken_away = {rule["uid"] for rule in alerting["deleteRules"]}
    assert {"hearth-broker-away", "hearth-host-backup-old"} <= taken_away, "of versions before, or of a Prometheus"
    assert not taken_away & {rule["uid"] for rule in group["rules"]}
    for rule in group["rules"]:
        assert rule["dashboardUid"] == rule["annotations"][BOARD_SIGN]
        assert str(rule["panelId"]) == rule["annotations"][PANEL_SIGN]
    assert alerting["contactPoints"][0]["receivers"][0]["type"] == "email"


def test_what_was_provisioned_can_be_withdrawn(tmp_path: Path) -> None:
    made = bundle(look(), "postgresql://g:x@db/hearth", "http://prometheus:9090", ["mailto:a@b.c"])
    render(made, tmp_path, "/p", None)
    withdraw(made, tmp_path)
    assert list(tmp_path.rglob("*.json")) == []
    alerting = yaml.safe_load((tmp_path / "alerting/hearth.yaml").read_text(encoding="utf-8"))
    assert {rule["uid"] for rule in alerting["deleteRules"]} == {rule["uid"] for rule in made.rules}
    assert [point["uid"] for point in alerting["deleteContactPoints"]] == [made.contacts[0].point["uid"]]
    assert not {"groups", "contactPoints"} & alerting.keys()
    sources = yaml.safe_load((tmp_path / "datasources/hearth.yaml").read_text(encoding="utf-8"))
    assert [source["name"] for source in sources["deleteDatasources"]] == ["Hearth", "Hearth Prometheus"]


def test_the_password_may_be_in_a_file(tmp_path: Path) -> None:
    made = bundle(look(), "postgresql://g:x@db/hearth", "http://prometheus:9090", [])
    render(made, tmp_path, "/p", "/run/secrets/grafana_password")
    sources = yaml.safe_load((tmp_path / "datasources/hearth.yaml").read_text())["datasources"]
    assert sources[0]["secureJsonData"] == {"password": "$__file{/run/secrets/grafana_password}"}
    assert sources[1]["type"] == "prometheus"

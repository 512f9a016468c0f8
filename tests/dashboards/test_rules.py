"""Alert rules: their queries on real servers, when they fire, and the files for provisioning."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.alerting import Rule
from psycopg import Connection
from psycopg.rows import dict_row

from dashboards.alerting import rules
from dashboards.bundle import bundle
from dashboards.collection import text
from dashboards.render import render
from tests.dashboards.conftest import look

RULES = {rule["uid"]: rule for rule in rules(look(), prometheus=True, notify=True)}
ON_POSTGRES = [uid for uid, rule in RULES.items() if "rawSql" in rule["data"][0]["model"]]


def firing(conn: Connection, uid: str) -> list[dict[str, Any]]:
    """Return the rows of a rule's query that are above its threshold."""
    query, threshold = RULES[uid]["data"]
    limit = threshold["model"]["conditions"][0]["evaluator"]["params"][0]
    with conn.cursor(row_factory=dict_row) as cur:
        rows = cur.execute(query["model"]["rawSql"]).fetchall()
    for row in rows:
        numbers = [value for value in row.values() if not isinstance(value, str)]
        assert len(numbers) == 1, "one number, the rest tells alerts apart"
    return [row for row in rows if any(not isinstance(v, str) and v > limit for v in row.values())]


def test_what_fires_when(town: Connection) -> None:
    assert set(ON_POSTGRES) == set(RULES) - {"hearth-broker-away"}
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
        town.execute("UPDATE ingest_worker SET last_batch_at = now()")
        assert {row["worker"] for row in firing(town, "hearth-ingest-lag")} == {"ingest-1", "ingest-2"}


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
    (source,) = yaml.safe_load(files["datasources/hearth.yaml"])["datasources"]
    assert source["secureJsonData"] == {"password": "$HEARTH_GRAFANA_DATABASE_PASSWORD"}
    assert "pa$" not in "".join(files.values()), "no password in a file"
    alerting = yaml.safe_load(files["alerting/hearth.yaml"])
    (group,) = alerting["groups"]
    assert len(group["rules"]) == len(made.rules)
    assert "{{ $$labels.worker }}" in files["alerting/hearth.yaml"]
    assert alerting["contactPoints"][0]["receivers"][0]["type"] == "email"


def test_the_password_may_be_in_a_file(tmp_path: Path) -> None:
    made = bundle(look(), "postgresql://g:x@db/hearth", "http://prometheus:9090", [])
    render(made, tmp_path, "/p", "/run/secrets/grafana_password")
    sources = yaml.safe_load((tmp_path / "datasources/hearth.yaml").read_text())["datasources"]
    assert sources[0]["secureJsonData"] == {"password": "$__file{/run/secrets/grafana_password}"}
    assert sources[1]["type"] == "prometheus"

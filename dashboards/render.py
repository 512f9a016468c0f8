"""Files for Grafana's provisioning from a bundle: the alternative to a push, never both for one dashboard."""

import json
from pathlib import Path
from typing import Any

from dashboards import alerting, host_rules
from dashboards.bundle import GrafanaBundle
from dashboards.collection import text
from dashboards.contacts import CONTACT
from dashboards.look import FOLDER, OWN
from dashboards.sources import postgres

PASSWORD_VARIABLE = "HEARTH_GRAFANA_DATABASE_PASSWORD"
# In these files Grafana expands $NAME from the environment, and $$ is a dollar sign; in queries and contact points it
# does neither, or not in each version. So dollar signs are doubled in data sources, and alerting has none.
HEAD = "# Written by `hearth dashboards render`; JSON is YAML.\n"


def render(bundle: GrafanaBundle, folder: Path, seen_as: str, password_file: str | None) -> list[Path]:
    """Write all files, delete stale dashboards, and return the paths written.

    Args:
        folder: to use as Grafana's provisioning folder.
        seen_as: the path of that folder as Grafana sees it.
        password_file: the file in which Grafana finds the database password; None: the variable PASSWORD_VARIABLE.
    """
    boards = folder / "dashboards" / FOLDER
    wanted = {boards / f"{uid}.json": text(board) for uid, board in bundle.dashboards.items()}
    for old in set(boards.glob("*.json")) - set(wanted):
        old.unlink()
    wanted[folder / "dashboards" / "hearth.yaml"] = _yaml(_provider(bundle.folder, f"{seen_as}/dashboards/{FOLDER}"))
    wanted[folder / "datasources" / "hearth.yaml"] = _yaml(_sources(bundle, password_file))
    wanted[folder / "alerting" / "hearth.yaml"] = _yaml(_alerting(bundle))
    for path, content in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return list(wanted)


def withdraw(bundle: GrafanaBundle, folder: Path) -> list[Path]:
    """Write files that take away at Grafana's next start all that `render` has brought, and return their paths.

    The provider of dashboards stays, without dashboards: Grafana deletes those whose file is gone.
    """
    for board in (folder / "dashboards" / FOLDER).glob("*.json"):
        board.unlink()
    sources = [source["name"] for source in (bundle.access and postgres(bundle.access), bundle.prometheus) if source]
    gone = {
        "datasources": {"deleteDatasources": [{"orgId": 1, "name": name} for name in sources]},
        "alerting": {
            "deleteRules": [{"orgId": 1, "uid": rule["uid"]} for rule in bundle.rules],
            "deleteContactPoints": [{"orgId": 1, "uid": contact.point["uid"]} for contact in bundle.contacts],
        },
    }
    for name, content in gone.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "hearth.yaml").write_text(_yaml(content), encoding="utf-8")
    return [folder / name / "hearth.yaml" for name in gone]


def _yaml(value: dict[str, Any]) -> str:
    return HEAD + json.dumps({"apiVersion": 1, **value}, indent=2, ensure_ascii=False) + "\n"


def _escaped(value: Any) -> Any:
    """Double every dollar sign."""
    return json.loads(json.dumps(value).replace("$", "$$"))


def _provider(title: str, path: str) -> dict[str, Any]:
    # Alert rules come before dashboards and make the folder by its title: another uid here would make a second one.
    provider = {"name": FOLDER, "folder": title, "type": "file", "allowUiUpdates": False}
    return {"providers": [{**provider, "disableDeletion": False, "options": {"path": path}}]}


def _sources(bundle: GrafanaBundle, password_file: str | None) -> dict[str, Any]:
    secret = f"$__file{{{password_file}}}" if password_file else f"${PASSWORD_VARIABLE}"
    found = []
    if bundle.access:
        found.append({**_escaped(postgres(bundle.access)), "secureJsonData": {"password": secret}, "editable": False})
    if bundle.prometheus:
        found.append({**_escaped(bundle.prometheus), "editable": False})
    return {"prune": False, "datasources": [{"orgId": 1, **source} for source in found]}


def _alerting(bundle: GrafanaBundle) -> dict[str, Any]:
    there = {rule["uid"] for rule in bundle.rules}
    known = [OWN + name for name in (*host_rules.RETIRED, *(rule.name for rule in host_rules.ALL))]
    gone = [{"orgId": 1, "uid": uid} for uid in known if uid not in there]
    found: dict[str, Any] = {"groups": [_group(bundle)], "deleteRules": gone}
    if bundle.contacts:
        keys = ("uid", "type", "settings", "disableResolveMessage")
        receivers = [{key: contact.point[key] for key in keys} for contact in bundle.contacts]
        found["contactPoints"] = [{"orgId": 1, "name": CONTACT, "receivers": receivers}]
    return found


def _group(bundle: GrafanaBundle) -> dict[str, Any]:
    interval = f"{alerting.EVERY_S}s"
    rules = list(map(_rule, bundle.rules))
    return {"orgId": 1, "name": alerting.GROUP, "folder": bundle.folder, "interval": interval, "rules": rules}


def _rule(rule: dict[str, Any]) -> dict[str, Any]:
    """Return a rule as a file names its parts: the panel stands beside the annotations, too."""
    found = {key: value for key, value in rule.items() if key not in ("folderUID", "ruleGroup") and value is not None}
    signs = rule["annotations"]
    return {**found, "dashboardUid": signs[alerting.BOARD_SIGN], "panelId": int(signs[alerting.PANEL_SIGN])}

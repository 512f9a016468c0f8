"""Sync a Grafana with a bundle by its HTTP API: update what differs, delete stale managed resources."""

import difflib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from dashboards.bundle import GrafanaBundle
from dashboards.change import GrafanaChange
from dashboards.connection import Grafana, Refused, ask, explained, get_or_none
from dashboards.contacts import ContactPoint
from dashboards.look import DATASOURCE, FOLDER, OWN, TAG
from dashboards.sources import fingerprint, postgres
from domain.errors import UsageError

HIDDEN = "[REDACTED]"
MOST_FOUND = 5000
MESSAGE = "hearth dashboards push"


@dataclass
class Push:
    """One run of a push. With `dry` nothing is written."""

    grafana: Grafana
    token: str
    dry: bool = False
    changes: list[GrafanaChange] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)  # contact points that were left out, and why

    @property
    def api(self) -> Any:
        """The untyped client."""
        return self.grafana.api

    @property
    def changed_source(self) -> bool:
        """True if a data source is another now than when this began."""
        return any(change.kind == "data source" for change in self.changes)

    def run(self, bundle: GrafanaBundle) -> list[GrafanaChange]:
        """Sync everything with the bundle and return the changes.

        A contact point that Grafana refuses is left out and told of in `wrong`: boards and rules come all the same.

        Raises:
            UsageError: Grafana refuses, or cannot use the bundle.
        """
        boards = {uid: get_or_none(partial(self.api.dashboard.get_dashboard, uid)) for uid in bundle.dashboards}
        self._refuse_files(bundle, boards)
        self.wrong = list(bundle.wrong)
        self._folder(bundle.folder)
        self._sources(bundle)
        kept = self._contacts(bundle.contacts)
        for uid, board in bundle.dashboards.items():
            self._dashboard(uid, boards[uid], board)
        self._rules(_told(bundle.rules, notify=bool(kept)))
        self._prune(bundle, kept)
        return self.changes

    def _refuse_files(self, bundle: GrafanaBundle, boards: dict[str, Any]) -> None:
        """Refuse, before anything is written, where Grafana got any of this from files: it would refuse halfway."""
        found = []
        if bundle.access and (self._source_there(DATASOURCE) or {}).get("readOnly"):
            found.append(f"data source {DATASOURCE}")
        found += [f"dashboard {uid}" for uid, there in boards.items() if there and there["meta"].get("provisioned")]
        found += [f"alert rule {rule['uid']}" for rule in self._all_rules() if _from_file(rule)]
        points = ask("contact points", self.api.alertingprovisioning.get_contactpoints)
        found += [f"contact point {point['uid']}" for point in points if _from_file(point)]
        if found:
            raise UsageError(
                f"Grafana has {found[0]} from a provisioning file ({len(found)} of Hearth's resources are): go on with "
                "`hearth dashboards render`, or withdraw them by `hearth dashboards render --withdraw` and a restart "
                "of Grafana, then push"
            )

    def _source_there(self, uid: str) -> Any:
        return get_or_none(partial(self.api.datasource.get_datasource_by_uid, uid))

    def _put(
        self, kind: str, name: str, there: Any, wanted: Any, create: Callable[[], object], update: Callable[[], object]
    ) -> None:
        """Create a missing resource, or update one that differs."""
        if there is None:
            self._do(GrafanaChange("create", kind, name, difference(None, wanted)), create)
        elif diff := difference(seen(there, wanted), wanted):
            self._do(GrafanaChange("update", kind, name, diff), update)

    def _do(self, change: GrafanaChange, call: Callable[[], object]) -> None:
        if not self.dry:
            with explained(f"{change.action} {change.kind} {change.name}"):
                call()
        self.changes.append(change)

    def _folder(self, title: str) -> None:
        folder = self.api.folder
        self._put(
            "folder",
            FOLDER,
            get_or_none(partial(folder.get_folder, FOLDER)),
            {"title": title},
            partial(folder.create_folder, title, uid=FOLDER),
            partial(folder.update_folder, FOLDER, title=title, overwrite=True),
        )

    def _sources(self, bundle: GrafanaBundle) -> None:
        if bundle.access:
            wanted = postgres(bundle.access)
            wanted["jsonData"]["hearthSecret"] = fingerprint(bundle.access.password, self.token)
            self._source(wanted, {"password": bundle.access.password})
        elif self._source_there(DATASOURCE) is None:
            raise UsageError(f"Grafana has no data source {DATASOURCE}: set HEARTH_GRAFANA_DATABASE_URL")
        if bundle.prometheus:
            self._source(bundle.prometheus, {})

    def _source(self, wanted: dict[str, Any], secret: dict[str, str]) -> None:
        uid, api = wanted["uid"], self.api.datasource
        sent = {**wanted, "secureJsonData": secret}
        self._put(
            "data source",
            uid,
            self._source_there(uid),
            wanted,
            partial(api.create_datasource, sent),
            partial(api.update_datasource_by_uid, uid, sent),
        )

    def _contacts(self, contacts: list[ContactPoint]) -> list[str]:
        """Put contact points; return the uids that are to stay: after a refusal, also of those there before."""
        api = self.api.alertingprovisioning
        there = {point["uid"]: point for point in ask("contact points", api.get_contactpoints)}
        kept = []
        for contact in contacts:
            try:
                self._refuse_old(contact)
                self._contact(contact.point, there.get(contact.point["uid"]))
            except Refused as error:
                self.wrong.append(f"address {contact.name}: {error}")
            else:
                kept.append(contact.point["uid"])
        return [*kept, *(uid for uid in there if self.wrong and uid.startswith(OWN))]

    def _contact(self, point: dict[str, Any], there: Any) -> None:
        api, uid = self.api.alertingprovisioning, point["uid"]
        create, update = partial(api.create_contactpoint, point), partial(api.update_contactpoint, uid, point)
        self._put("contact point", uid, there, point, create, update)

    def _refuse_old(self, contact: ContactPoint) -> None:
        if self.grafana.major < contact.since:
            raise Refused(f"needs Grafana {contact.since} or later")

    def _dashboard(self, uid: str, there: Any, board: dict[str, Any]) -> None:
        wanted = {"dashboard": board, "meta": {"folderUid": FOLDER}}
        saved = {"dashboard": board, "folderUid": FOLDER, "overwrite": True, "message": MESSAGE}
        save = partial(self.api.dashboard.update_dashboard, saved)
        self._put("dashboard", uid, there, wanted, save, save)

    def _rules(self, rules: list[dict[str, Any]]) -> None:
        api = self.api.alertingprovisioning
        there = {rule["uid"]: rule for rule in self._all_rules()}
        for rule in rules:
            self._put(
                "alert rule",
                rule["uid"],
                there.get(rule["uid"]),
                rule,
                partial(api.create_alertrule, rule),
                partial(api.update_alertrule, rule["uid"], rule),
            )

    def _all_rules(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = ask("alert rules", self.api.alertingprovisioning.get_alertrules_all)
        return found

    def _prune(self, bundle: GrafanaBundle, kept: list[str]) -> None:
        """Delete managed resources that are not in the bundle; rules go before the contact points they use."""
        alerts = self.api.alertingprovisioning
        rules = [rule["uid"] for rule in self._all_rules() if rule.get("folderUID") == FOLDER]
        self._drop("alert rule", rules, [rule["uid"] for rule in bundle.rules], alerts.delete_alertrule)
        search = partial(self.api.search.search_dashboards, tag=TAG, type_="dash-db", limit=MOST_FOUND)
        boards = ask("dashboards", search)
        found = [board["uid"] for board in boards if board.get("folderUid") == FOLDER and TAG in board.get("tags", [])]
        self._drop("dashboard", found, list(bundle.dashboards), self.api.dashboard.delete_dashboard)
        points = [point["uid"] for point in ask("contact points", alerts.get_contactpoints)]
        self._drop("contact point", points, kept, alerts.delete_contactpoint)

    def _drop(self, kind: str, there: list[str], wanted: list[str], delete: Callable[[str], object]) -> None:
        for uid in sorted(set(there) - set(wanted)):
            if uid.startswith(OWN):
                self._do(GrafanaChange("delete", kind, uid, ""), partial(delete, uid))


def _from_file(resource: dict[str, Any]) -> bool:
    """Return whether one of Hearth's resources was read from a provisioning file."""
    return resource["uid"].startswith(OWN) and resource.get("provenance") == "file"


def _told(rules: list[dict[str, Any]], *, notify: bool) -> list[dict[str, Any]]:
    """Return the rules as they are where no contact point could be made: none may name one that is not there."""
    return rules if notify else [{**rule, "notification_settings": None} for rule in rules]


def seen(there: Any, wanted: Any) -> Any:
    """Reduce a resource to the wanted fields; redacted values count as equal, None as missing."""
    if isinstance(there, dict) and isinstance(wanted, dict):
        return {key: seen(there.get(key), wanted[key]) for key in wanted if key in there or wanted[key] is None}
    if isinstance(there, list) and isinstance(wanted, list) and len(there) == len(wanted):
        return [seen(a, b) for a, b in zip(there, wanted, strict=True)]
    return wanted if there == HIDDEN else there


def normal(value: Any) -> Any:
    """Write numbers as Grafana returns them: it knows no difference between 1 and 1.0."""
    if isinstance(value, dict):
        return {key: normal(one) for key, one in value.items()}
    if isinstance(value, list):
        return [normal(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def difference(there: Any, wanted: Any) -> str:
    """Return the unified diff of two values as JSON; empty if equal."""
    old = [] if there is None else _lines(there)
    return "\n".join(difflib.unified_diff(old, _lines(wanted), "in Grafana", "wanted", lineterm="", n=2))


def _lines(value: Any) -> list[str]:
    return json.dumps(normal(value), indent=1, ensure_ascii=False, sort_keys=True).splitlines()

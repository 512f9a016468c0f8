"""Sync a Grafana with a bundle by its HTTP API: update what differs, delete stale managed resources."""

import difflib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import niquests
from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException

from dashboards.bundle import GrafanaBundle
from dashboards.change import GrafanaChange
from dashboards.look import DATASOURCE, FOLDER, OWN, TAG
from dashboards.sources import fingerprint, postgres
from domain.errors import UsageError

OLDEST = 11  # the first with rules that name a contact point, and with the SDK's panel models
TIMEOUT_S = 15.0
HIDDEN = "[REDACTED]"
MOST_FOUND = 5000
MESSAGE = "hearth dashboards push"


@dataclass
class Push:
    """One run of a push. With `dry` nothing is written."""

    api: Any  # GrafanaApi, which is untyped
    token: str
    dry: bool = False
    changes: list[GrafanaChange] = field(default_factory=list)

    def run(self, bundle: GrafanaBundle) -> list[GrafanaChange]:
        """Sync everything with the bundle and return the changes.

        Raises:
            UsageError: Grafana refuses, or cannot use the bundle.
        """
        self._folder(bundle.folder)
        self._sources(bundle)
        self._contacts(bundle.contacts)
        for uid, board in bundle.dashboards.items():
            self._dashboard(uid, board)
        self._rules(bundle.rules)
        self._prune(bundle)
        return self.changes

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
        elif get_or_none(partial(self.api.datasource.get_datasource_by_uid, DATASOURCE)) is None:
            raise UsageError(f"Grafana has no data source {DATASOURCE}: set HEARTH_GRAFANA_DATABASE_URL")
        if bundle.prometheus:
            self._source(bundle.prometheus, {})

    def _source(self, wanted: dict[str, Any], secret: dict[str, str]) -> None:
        uid, api = wanted["uid"], self.api.datasource
        sent = {**wanted, "secureJsonData": secret}
        there = get_or_none(partial(api.get_datasource_by_uid, uid))
        self._put(
            "data source",
            uid,
            there,
            wanted,
            partial(api.create_datasource, sent),
            partial(api.update_datasource_by_uid, uid, sent),
        )

    def _contacts(self, points: list[dict[str, Any]]) -> None:
        api = self.api.alertingprovisioning
        there = {point["uid"]: point for point in ask("contact points", api.get_contactpoints)}
        for point in points:
            self._put(
                "contact point",
                point["uid"],
                there.get(point["uid"]),
                point,
                partial(api.create_contactpoint, point),
                partial(api.update_contactpoint, point["uid"], point),
            )

    def _dashboard(self, uid: str, board: dict[str, Any]) -> None:
        there = get_or_none(partial(self.api.dashboard.get_dashboard, uid))
        if there and there["meta"].get("provisioned"):
            raise UsageError(f"dashboard {uid} is provisioned by a file: take it out of Grafana's provisioning first")
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

    def _prune(self, bundle: GrafanaBundle) -> None:
        """Delete managed resources that are not in the bundle; rules go before the contact points they use."""
        alerts = self.api.alertingprovisioning
        rules = [rule["uid"] for rule in self._all_rules() if rule.get("folderUID") == FOLDER]
        self._drop("alert rule", rules, [rule["uid"] for rule in bundle.rules], alerts.delete_alertrule)
        search = partial(self.api.search.search_dashboards, tag=TAG, type_="dash-db", limit=MOST_FOUND)
        boards = ask("dashboards", search)
        found = [board["uid"] for board in boards if board.get("folderUid") == FOLDER and TAG in board.get("tags", [])]
        self._drop("dashboard", found, list(bundle.dashboards), self.api.dashboard.delete_dashboard)
        points = [point["uid"] for point in ask("contact points", alerts.get_contactpoints)]
        self._drop("contact point", points, [p["uid"] for p in bundle.contacts], alerts.delete_contactpoint)

    def _drop(self, kind: str, there: list[str], wanted: list[str], delete: Callable[[str], object]) -> None:
        for uid in sorted(set(there) - set(wanted)):
            if uid.startswith(OWN):
                self._do(GrafanaChange("delete", kind, uid, ""), partial(delete, uid))


@contextmanager
def connect(url: str, token: str | None) -> Iterator[Any]:
    """Connect to a Grafana and check its version.

    Raises:
        UsageError: no Grafana there, the token is refused, or the version is too old.
    """
    api: Any = GrafanaApi.from_url(url if url.endswith("/") else url + "/", credential=token, timeout=TIMEOUT_S)
    try:
        _see_version(api)
        yield api
    finally:
        api.client.s.close()


def _see_version(api: Any) -> None:
    with explained("ask for its version"):
        try:
            info = api.health.check()
        except AttributeError:  # text instead of JSON
            raise UsageError("HEARTH_GRAFANA_URL: not a Grafana") from None
    version = str((info or {}).get("version") or "")
    major = version.partition(".")[0]
    if not major.isdecimal() or int(major) < OLDEST:
        raise UsageError(
            f"HEARTH_GRAFANA_URL: Grafana {version or 'of an unknown version'}: needed is {OLDEST} or later"
        )


def check_source(api: Any) -> None:
    """Check that Grafana reaches the database.

    Raises:
        UsageError: it does not, with the reason.
    """
    with explained("reach the database by the data source"):
        found = api.datasource.health(DATASOURCE)
    if found.get("status") != "OK":
        raise UsageError(f"Grafana does not reach the database: {found.get('message')}")


def get_or_none(call: Callable[[], Any]) -> Any:
    """Get a resource, or None if it is missing."""
    try:
        return ask("a resource", call)
    except _Missing:
        return None


def ask(what: str, call: Callable[[], Any]) -> Any:
    """Call Grafana and return its answer."""
    with explained(f"read {what}"):
        return call()


class _Missing(UsageError):
    """Grafana has no such resource."""


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn Grafana's errors into one line that says what to do."""
    try:
        yield
    except GrafanaException as error:
        raise _in_words(error, doing) from None
    except (niquests.exceptions.RequestException, OSError) as error:
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"HEARTH_GRAFANA_URL: no answer from a Grafana there: {text}") from None


def _in_words(error: GrafanaException, doing: str) -> UsageError:
    status = error.status_code
    if status == 401:
        return UsageError("HEARTH_GRAFANA_TOKEN: Grafana refuses it: create a new token of a service account")
    if status == 403:
        return UsageError(f"HEARTH_GRAFANA_TOKEN: may not {doing}: the service account needs the role Admin")
    if status == 0:
        return UsageError(f"HEARTH_GRAFANA_URL: no answer within {TIMEOUT_S:g} s, or none at all")
    answer = error.response
    message = answer.get("message") if isinstance(answer, dict) else answer
    kind = _Missing if status == 404 and isinstance(error, GrafanaClientError) else UsageError
    return kind(f"Grafana could not {doing}: {status} {' '.join(str(message).split())[:300]}")


def seen(there: Any, wanted: Any) -> Any:
    """Reduce a resource to the wanted fields; redacted values count as equal, None as missing."""
    if isinstance(there, dict) and isinstance(wanted, dict):
        return {key: seen(there.get(key), wanted[key]) for key in wanted if key in there or wanted[key] is None}
    if isinstance(there, list) and isinstance(wanted, list) and len(there) == len(wanted):
        return [seen(a, b) for a, b in zip(there, wanted, strict=True)]
    return wanted if there == HIDDEN else there


def difference(there: Any, wanted: Any) -> str:
    """Return the unified diff of two values as JSON; empty if equal."""
    old = [] if there is None else _lines(there)
    return "\n".join(difflib.unified_diff(old, _lines(wanted), "in Grafana", "wanted", lineterm="", n=2))


def _lines(value: Any) -> list[str]:
    return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True).splitlines()

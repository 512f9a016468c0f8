"""A small Grafana that keeps the written contract: the part of its HTTP API that pushing needs, per version.

What the server really does was read in its source and seen in a running 12.2; contract_server.md says which of it
where. It is here so that a push that a real one refuses, or writes twice, fails a test.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any]
Thing = dict[str, Any]
NO_BODY = object()
NOT_FOUND: Answer = (404, {"message": "Not found", "traceID": ""})
VERSIONS = ("11.6.1", "12.2.0", "13.0.0")
SECRETS: Mapping[str, tuple[str, ...]] = {
    "dingding": ("url",),
    "wecom": ("url", "secret"),
    "slack": ("url", "token"),
    "teams": (),
}
ADMIN_ONLY = ("/datasources", "/v1/provisioning/contact")


def whole(value: Any) -> Any:
    """Write numbers as Go does: it has no -100.0."""
    if isinstance(value, dict):
        return {key: whole(one) for key, one in value.items()}
    if isinstance(value, list):
        return [whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def refused_contact(point: Thing) -> str | None:
    """Say why Grafana refuses a contact point; None where it takes it."""
    settings, kind = point["settings"], point["type"]
    if kind not in {"email", "webhook", *SECRETS}:
        return f'unknown integration type "{kind}"'
    if kind == "email" and not isinstance(settings.get("singleEmail", False), bool):
        return "json: cannot unmarshal string into Go struct field emailSettingsRaw.singleEmail of type bool"
    if kind == "email" and not settings.get("addresses"):
        return "could not find addresses in settings"
    if kind != "email" and not settings.get("url"):
        return "could not find url property in settings"
    payload = settings.get("payload", {})
    return None if isinstance(payload, dict) else "cannot unmarshal string into Go struct field CustomPayload"


def refused_rule(rule: Thing) -> str | None:
    """Say why Grafana refuses an alert rule in itself; None where it takes it."""
    if rule["execErrState"] not in ("OK", "Error", "Alerting", "KeepLast"):
        return f"unknown error state option {rule['execErrState']}"
    if rule["noDataState"] not in ("OK", "NoData", "Alerting", "KeepLast"):
        return f"unknown no data state option {rule['noDataState']}"
    signs = [rule["annotations"].get(sign) for sign in ("__dashboardUid__", "__panelId__")]
    if any(signs) and not (all(signs) and str(signs[1]).isdecimal()):
        return "both annotations __dashboardUid__ and __panelId__ must be specified"
    if not all(isinstance(value, str) for value in rule["annotations"].values()):
        return "json: cannot unmarshal number into Go value of type string"
    return None


@dataclass
class Grafana:
    """A Grafana in memory: things by kind and uid, and the requests that came."""

    version: str | None = VERSIONS[0]
    tokens: dict[str, str] = field(default_factory=lambda: {"good": "Admin", "weak": "Editor"})
    folders: dict[str, Thing] = field(default_factory=dict)
    sources: dict[str, Thing] = field(default_factory=dict)
    boards: dict[str, Thing] = field(default_factory=dict)
    rules: dict[str, Thing] = field(default_factory=dict)
    points: dict[str, Thing] = field(default_factory=dict)
    refuses: Callable[[Thing], str | None] = refused_contact
    health: str = "OK"  # or what the database says to a connection
    query: str = ""  # what the database says to a query
    stale_s: float = 0.0  # so long does the data source answer as it was before its change
    changed_at: float = 0.0
    health_before: str = "OK"
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    @property
    def major(self) -> int:
        """Its major version."""
        return int((self.version or "0").split(".")[0])

    @property
    def written(self) -> list[tuple[str, str]]:
        """The requests that change something."""
        return [(method, path) for method, path in self.asked if method != "GET" and path != "/ds/query"]

    def answer(self, method: str, path: str, query: dict[str, list[str]], token: str, body: Any) -> Answer:
        """Return what to say to a request."""
        role = self.tokens.get(token)
        if role is None:
            return 401, {"message": "Invalid API key"}
        if role != "Admin" and method != "GET" and path.startswith(ADMIN_ONLY):
            return 403, {"message": "You'll need additional permissions to perform this action"}
        for pattern, handler in self.routes().items():
            verb, _, shape = pattern.partition(" ")
            if verb == method and (match := re.fullmatch(shape, path)):
                return handler(*match.groups(), **({"query": query} if "search" in shape else {}), body=whole(body))
        return NOT_FOUND

    def routes(self) -> dict[str, Callable[..., Answer]]:
        """Return handlers by method and path."""
        rules, points = "/v1/provisioning/alert-rules", "/v1/provisioning/contact-points"
        return {
            "GET /frontend/settings": lambda body: (
                200,
                {"buildInfo": {"version": self.version}} if self.version else {},
            ),
            "GET /folders/(.+)": lambda uid, body: self.get(self.folders, uid),
            "POST /folders": lambda body: self.create(self.folders, {**body, "version": 1}),
            "PUT /folders/(.+)": lambda uid, body: self.update(self.folders, uid, body),
            "GET /datasources/uid/([^/]+)": lambda uid, body: self.get(self.sources, uid),
            "POST /datasources": lambda body: self.create(self.sources, self.kept_source(body)),
            "PUT /datasources/uid/(.+)": lambda uid, body: self.update(self.sources, uid, self.kept_source(body)),
            "GET /datasources/uid/(.+)/health": lambda uid, body: self.tell_health(uid),
            "POST /ds/query": lambda body: self.tell_rows(body),
            "GET /dashboards/uid/(.+)": lambda uid, body: self.get(self.boards, uid),
            "POST /dashboards/db": lambda body: self.save(body),
            "DELETE /dashboards/uid/(.+)": lambda uid, body: self.delete(self.boards, uid),
            "GET /search": lambda query, body: self.search(query),
            f"GET {rules}": lambda body: (200, list(self.rules.values())),
            f"POST {rules}": lambda body: self.put_rule(body, new=True),
            f"PUT {rules}/(.+)": lambda uid, body: self.put_rule({**body, "uid": uid}, new=False),
            f"DELETE {rules}/(.+)": lambda uid, body: self.delete(self.rules, uid),
            f"GET {points}": lambda body: (200, [self.shown_point(p) for p in self.points.values()]),
            f"POST {points}": lambda body: self.put_point(body, new=True),
            f"PUT {points}/(.+)": lambda uid, body: self.put_point({**body, "uid": uid}, new=False),
            f"DELETE {points}/(.+)": lambda uid, body: self.drop_point(uid),
        }

    def get(self, shelf: dict[str, Thing], uid: str) -> Answer:
        return (200, shelf[uid]) if uid in shelf else NOT_FOUND

    def create(self, shelf: dict[str, Thing], thing: Thing, status: int = 200) -> Answer:
        if thing["uid"] in shelf:
            return 409, {"message": "exists already"}
        shelf[thing["uid"]] = thing
        return status, thing

    def update(self, shelf: dict[str, Thing], uid: str, thing: Thing, status: int = 200) -> Answer:
        if uid not in shelf:
            return NOT_FOUND
        shelf[uid] = {**shelf[uid], **thing}
        return status, shelf[uid]

    def delete(self, shelf: dict[str, Thing], uid: str) -> Answer:
        return (200, {}) if shelf.pop(uid, None) else NOT_FOUND

    def kept_source(self, body: Thing) -> Thing:
        """Return a data source as it comes back: its secrets are kept, and shown to nobody."""
        self.changed_at, self.health_before = time.monotonic(), self.health
        shown = {key: value for key, value in body.items() if key != "secureJsonData"}
        return {**shown, "secureJsonFields": {"password": True}, "readOnly": False, "version": 1}

    def tell_health(self, uid: str) -> Answer:
        """Answer with 400 where the database cannot be reached; a while by the old connection after a change."""
        if uid not in self.sources:
            return NOT_FOUND
        stale = time.monotonic() < self.changed_at + self.stale_s
        health = self.health_before if stale else self.health
        if health == "OK":
            return 200, {"status": "OK", "message": "Database Connection OK"}
        return 400, {"status": "ERROR", "message": health}

    def tell_rows(self, body: Thing) -> Answer:
        """Answer a query; where the database refuses it, with 400 and the error beside its refId."""
        ref = body["queries"][0]["refId"]
        if self.query:
            return 400, {"results": {ref: {"error": self.query, "status": 400, "errorSource": "downstream"}}}
        return 200, {"results": {ref: {"status": 200, "frames": [{"data": {"values": [[1]]}}]}}}

    def save(self, body: Thing) -> Answer:
        """Save a dashboard: each save is another version, also of what is there."""
        uid, folder = body["dashboard"]["uid"], body.get("folderUid")
        if folder not in self.folders:
            return 400, {"message": "folder not found"}
        before = self.boards.get(uid)
        if before and before["meta"].get("provisioned"):
            return 400, {"message": "Cannot save provisioned dashboard"}
        version = before["dashboard"]["version"] + 1 if before else 1
        board = {**body["dashboard"], "id": len(self.boards) + 1, "version": version}
        meta = {"folderUid": folder, "provisioned": False, **({"apiVersion": "v0alpha1"} if self.major > 11 else {})}
        self.boards[uid] = {"dashboard": board, "meta": meta}
        return 200, {"uid": uid, "status": "success", "version": version}

    def search(self, query: dict[str, list[str]]) -> Answer:
        found = [
            {"uid": uid, "folderUid": kept["meta"]["folderUid"], "tags": kept["dashboard"].get("tags", [])}
            for uid, kept in self.boards.items()
        ]
        tags = set(query.get("tag", []))
        return 200, [board for board in found if tags <= set(board["tags"])]

    def put_rule(self, body: Thing, *, new: bool) -> Answer:
        """Keep a rule, with what Grafana adds to its queries; 404 without a body where there is none."""
        receiver = (body.get("notification_settings") or {}).get("receiver")
        if receiver and receiver not in {point["name"] for point in self.points.values()}:
            return 400, {"message": f"receiver {receiver} does not exist"}
        if body["folderUID"] not in self.folders:
            return 400, {"message": "folder does not exist"}
        if reason := refused_rule(body):
            return 400, {"message": f"invalid alert rule: {reason}"}
        models = [{**q, "model": {"intervalMs": 1000, "maxDataPoints": 43200, **q["model"]}} for q in body["data"]]
        more = {"keep_firing_for": "0s", "missingSeriesEvalsToResolve": None} if self.major > 11 else {}
        kept = {**body, "data": models, "provenance": "api", "id": 7, "orgID": 1, **more}
        if new:
            return self.create(self.rules, kept, status=201)
        if (before := self.rules.get(body["uid"])) is None:
            return 404, NO_BODY
        if before["provenance"] != "api":
            return 409, {"message": f"cannot change provenance from '{before['provenance']}' to 'api'"}
        return self.update(self.rules, body["uid"], kept)

    def put_point(self, point: Thing, *, new: bool) -> Answer:
        if reason := self.refuses(point):
            return 400, {"message": f"invalid object specification: {reason}"}
        kept = {"provenance": "api", **point}
        return self.create(self.points, kept, status=202) if new else self.update(self.points, point["uid"], kept, 202)

    def shown_point(self, point: Thing) -> Thing:
        """Return a contact point as it comes back: an address with a key in it is redacted."""
        hidden = {key: "[REDACTED]" for key in SECRETS.get(point["type"], ()) if key in point["settings"]}
        return {**point, "settings": {**point["settings"], **hidden}}

    def drop_point(self, uid: str) -> Answer:
        name = self.points.get(uid, {}).get("name")
        others = [p for p in self.points.values() if p["name"] == name and p["uid"] != uid]
        rules = self.rules.values()
        if not others and any((r.get("notification_settings") or {}).get("receiver") == name for r in rules):
            return 409, {"message": "contact point is in use"}
        return self.delete(self.points, uid)


Said = Callable[[str, str, dict[str, list[str]], str, Any], Answer]


@contextmanager
def serving() -> Iterator[Grafana]:
    """Run one on a free port."""
    grafana = Grafana()

    def say(method: str, path: str, query: dict[str, list[str]], token: str, body: Any) -> Answer:
        grafana.asked.append((method, path.removeprefix("/api")))
        return grafana.answer(method, path.removeprefix("/api"), query, token, body)

    with answering(say) as grafana.url:
        yield grafana


@contextmanager
def answering(say: Said) -> Iterator[str]:
    """Run an HTTP server of JSON on a free port and yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            status, answer = say(self.command, parts.path, parse_qs(parts.query), token, body)
            content = b"" if answer is NO_BODY else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = handle_one

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

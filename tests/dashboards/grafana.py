"""A small Grafana: the part of its HTTP API that pushing needs, with its answers to what it does not like."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any]
NOT_FOUND: Answer = (404, {"message": "not found"})
HIDDEN_IN = {"dingding", "wecom", "slack"}  # the address has a key in it and does not come back


class Grafana:
    """A Grafana in memory: things by kind and uid, and the requests that came."""

    def __init__(self) -> None:
        self.version: str | None = "11.6.0"
        self.tokens = {"good": "Admin", "weak": "Editor"}
        self.folders: dict[str, dict[str, Any]] = {}
        self.sources: dict[str, dict[str, Any]] = {}
        self.boards: dict[str, dict[str, Any]] = {}
        self.rules: dict[str, dict[str, Any]] = {}
        self.points: dict[str, dict[str, Any]] = {}
        self.health: dict[str, str] = {"status": "OK", "message": "Database Connection OK"}
        self.asked: list[tuple[str, str]] = []
        self.url = ""

    @property
    def written(self) -> list[tuple[str, str]]:
        """The requests that change something."""
        return [(method, path) for method, path in self.asked if method != "GET"]

    def answer(self, method: str, path: str, query: dict[str, list[str]], token: str, body: Any) -> Answer:
        """Return what to say to a request."""
        role = self.tokens.get(token)
        if role is None:
            return 401, {"message": "Invalid API key"}
        if role != "Admin" and method != "GET" and path.startswith(("/datasources", "/v1/provisioning/contact")):
            return 403, {"message": "You'll need additional permissions to perform this action"}
        for pattern, handler in self.routes().items():
            verb, _, shape = pattern.partition(" ")
            if verb == method and (match := re.fullmatch(shape, path)):
                return handler(*match.groups(), **({"query": query} if "search" in shape else {}), body=body)
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
            "GET /datasources/uid/(.+)/health": lambda uid, body: (
                (200, self.health) if uid in self.sources else NOT_FOUND
            ),
            "GET /dashboards/uid/(.+)": lambda uid, body: self.get(self.boards, uid),
            "POST /dashboards/db": lambda body: self.save(body),
            "DELETE /dashboards/uid/(.+)": lambda uid, body: self.delete(self.boards, uid),
            "GET /search": lambda query, body: self.search(query),
            f"GET {rules}": lambda body: (200, list(self.rules.values())),
            f"POST {rules}": lambda body: self.put_rule(body, new=True),
            f"PUT {rules}/(.+)": lambda uid, body: self.put_rule({**body, "uid": uid}, new=False),
            f"DELETE {rules}/(.+)": lambda uid, body: self.delete(self.rules, uid),
            f"GET {points}": lambda body: (200, [self.shown_point(p) for p in self.points.values()]),
            f"POST {points}": lambda body: self.create(self.points, body, status=202),
            f"PUT {points}/(.+)": lambda uid, body: self.update(self.points, uid, body),
            f"DELETE {points}/(.+)": lambda uid, body: self.drop_point(uid),
        }

    def get(self, shelf: dict[str, dict[str, Any]], uid: str) -> Answer:
        return (200, shelf[uid]) if uid in shelf else NOT_FOUND

    def create(self, shelf: dict[str, dict[str, Any]], thing: dict[str, Any], status: int = 200) -> Answer:
        if thing["uid"] in shelf:
            return 409, {"message": "exists already"}
        shelf[thing["uid"]] = thing
        return status, thing

    def update(self, shelf: dict[str, dict[str, Any]], uid: str, thing: dict[str, Any]) -> Answer:
        if uid not in shelf:
            return NOT_FOUND
        shelf[uid] = {**shelf[uid], **thing}
        return 200, shelf[uid]

    def delete(self, shelf: dict[str, dict[str, Any]], uid: str) -> Answer:
        return (200, {}) if shelf.pop(uid, None) else NOT_FOUND

    def kept_source(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return secrets are kept, and shown to nobody."""
        return {**{k: v for k, v in body.items() if k != "secureJsonData"}, "secureJsonFields": {"password": True}}

    def save(self, body: dict[str, Any]) -> Answer:
        uid, folder = body["dashboard"]["uid"], body.get("folderUid")
        if folder not in self.folders:
            return 400, {"message": "folder not found"}
        before = self.boards.get(uid)
        if before and before["meta"].get("provisioned"):
            return 400, {"message": "Cannot save provisioned dashboard"}
        version = before["dashboard"]["version"] + 1 if before else 1
        board = {**body["dashboard"], "id": len(self.boards) + 1, "version": version}
        self.boards[uid] = {"dashboard": board, "meta": {"folderUid": folder, "provisioned": False}}
        return 200, {"uid": uid, "status": "success", "version": version}

    def search(self, query: dict[str, list[str]]) -> Answer:
        found = [
            {"uid": uid, "folderUid": kept["meta"]["folderUid"], "tags": kept["dashboard"].get("tags", [])}
            for uid, kept in self.boards.items()
        ]
        tags = set(query.get("tag", []))
        return 200, [board for board in found if tags <= set(board["tags"])]

    def put_rule(self, body: dict[str, Any], *, new: bool) -> Answer:
        receiver = (body.get("notification_settings") or {}).get("receiver")
        if receiver and receiver not in {point["name"] for point in self.points.values()}:
            return 400, {"message": f"receiver {receiver} does not exist"}
        if body["folderUID"] not in self.folders:
            return 400, {"message": "folder does not exist"}
        models = [{**q, "model": {"intervalMs": 1000, "maxDataPoints": 43200, **q["model"]}} for q in body["data"]]
        kept = {**body, "data": models, "provenance": "api", "id": 7}
        return self.create(self.rules, kept, status=201) if new else self.update(self.rules, body["uid"], kept)

    def shown_point(self, point: dict[str, Any]) -> dict[str, Any]:
        settings = {**point["settings"], **({"url": "[REDACTED]"} if point["type"] in HIDDEN_IN else {})}
        return {**point, "settings": settings, "provenance": "api"}

    def drop_point(self, uid: str) -> Answer:
        name = self.points.get(uid, {}).get("name")
        others = [p for p in self.points.values() if p["name"] == name and p["uid"] != uid]
        if not others and any(
            (r.get("notification_settings") or {}).get("receiver") == name for r in self.rules.values()
        ):
            return 409, {"message": "contact point is in use"}
        return self.delete(self.points, uid)


@contextmanager
def serving() -> Iterator[Grafana]:
    """Run one on a free port."""
    grafana = Grafana()

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            parts = urlsplit(self.path)
            path = parts.path.removeprefix("/api")
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            grafana.asked.append((self.command, path))
            token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
            status, answer = grafana.answer(self.command, path, parse_qs(parts.query), token, body)
            content = json.dumps(answer).encode()
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
    grafana.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield grafana
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

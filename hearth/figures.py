"""HTTP on the inside for a process: its figures at any path, and at /readyz whether it can do its work."""

import threading
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from typing import Any

import psycopg
from prometheus_client import CollectorRegistry, MetricsHandler
from psycopg import Connection

from domain.errors import UsageError

# What keeps the process from its work; empty: nothing does.
Obstacle = Callable[[], str]


class _Handler(MetricsHandler):
    """Answers without a line in the log."""

    obstacle: Obstacle

    def do_GET(self) -> None:
        if self.path != "/readyz":
            super().do_GET()
            return
        found = self.obstacle()
        self.send_response(503 if found else 200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.end_headers()
        self.wfile.write(f"{found or 'ready'}\n".encode())


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing of a client that is gone before it has its answer."""


def serve(port: int, registry: CollectorRegistry, obstacle: Obstacle) -> None:
    """Serve on every address, in threads that end with the process.

    Raises:
        UsageError: the port is taken.
    """
    handler = type("_Bound", (_Handler,), {"registry": registry, "obstacle": staticmethod(obstacle)})
    try:
        server = _Server(("0.0.0.0", port), handler)
    except OSError as error:
        raise UsageError(f"cannot serve figures on port {port}: {error.strerror}") from None
    threading.Thread(target=server.serve_forever, name="figures", daemon=True).start()


def database_away(connect: Callable[[], Connection]) -> str:
    """Return what is wrong where no new connection to the database can be had."""
    try:
        connect().close()
    except psycopg.OperationalError:
        return "the database is away"
    return ""

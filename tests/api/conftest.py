"""The API as a running server over a real database, and clients that carry tokens."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import psycopg
import pytest
import uvicorn
import uvicorn.server
from fastapi import FastAPI
from psycopg_pool import ConnectionPool
from starlette.routing import BaseRoute

from api.app import create_app
from api.http.company import Company
from api.http.guard import Guard
from api.http.session import AppContext
from api.live.listener import HubLimits
from api.server import StreamServer
from domain.policy_file import builtin
from store.base import access
from tests.api.town import NOW
from tests.conftest import PLAIN_HTTP, Database, Servers, fresh_database

POLICY = builtin("seed")
ZONE = POLICY.zone.key
BUILT_ROUTES: dict[int, BaseRoute] = {}  # by the router of api.app.ROUTERS that they are of
SHORT = HubLimits(longest_s=0.1)  # who asks for a stream of events gets an answer that ends


class Hurried:
    """asyncio for uvicorn, which looks each 0.1 s whether it is to end, and waits as long when it does: here 50 ms.

    Five hundred servers are started and ended by the tests. A look each 5 ms would take 3 % of a core all the time.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    @staticmethod
    async def sleep(seconds: float) -> None:
        """Sleep for half of it."""
        await asyncio.sleep(seconds / 2)


vars(uvicorn.server)["asyncio"] = Hurried()


@dataclass
class Clock:
    """The present of a running API; a test may set it."""

    now: datetime = NOW


@dataclass
class Api:
    """A running API with its database."""

    client: httpx.Client
    conn: psycopg.Connection
    app: FastAPI
    clock: Clock = field(default_factory=Clock)

    def post(self, path: str, token: str, **body: object) -> httpx.Response:
        """Send a body to a path, after committing what the test has written."""
        self.conn.commit()
        return self.client.post(path, json=body, headers={"Authorization": f"Bearer {token}"})

    def get(self, path: str, token: str | None = None, **parameters: str | int) -> httpx.Response:
        """Ask for a path under the server's root, after committing what the test has written."""
        self.conn.commit()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.client.get(path, params=parameters or None, headers=headers)

    def token(self, role: str = "admin", *homes: str, station: str | None = None) -> str:
        """Return a token that does not expire."""
        return access.create(self.conn, access.TokenGrant(access.Role(role), homes=homes, station=station), NOW)


@pytest.fixture
def api(database: Database) -> Iterator[Api]:
    """The API over a fresh database of each flavour, at the instant NOW."""
    with served_database(database) as api:
        yield api


@pytest.fixture
def plain_api(plain_database: Database) -> Iterator[Api]:
    """The same on plain PostgreSQL, for what has nothing to do with the database."""
    with served_database(plain_database) as api:
        yield api


@contextmanager
def served_town(servers: Servers, company: Company | None = None, pace: HubLimits = SHORT) -> Iterator[Api]:
    """Run the API over a database of its own on plain PostgreSQL, for all tests of a module."""
    with (
        contextmanager(fresh_database)(servers.of("plain"), "plain") as database,
        served_database(database, company=company, pace=pace) as api,
    ):
        yield api


@contextmanager
def served_database(
    database: Database, guard: Guard | None = None, company: Company | None = None, pace: HubLimits = SHORT
) -> Iterator[Api]:
    """Run the API over a database, with an account that is a member of its roles and no more."""
    clock = Clock()
    with ConnectionPool(database.url_as("api"), min_size=1, max_size=4, open=True) as pool:
        context = AppContext(pool, lambda: clock.now, POLICY, guard or Guard(), company or Company())
        app = sharing_routes(create_app(context, pace=pace))
        with (
            served(app) as url,
            httpx.Client(base_url=url, trust_env=False, verify=PLAIN_HTTP, timeout=60) as client,
            database.connect() as conn,
        ):
            yield Api(client, conn, app, clock)


def sharing_routes(app: FastAPI) -> FastAPI:
    """Give an app the routes that the first one has built; all that differs between apps is in their state.

    FastAPI builds the routes of an included router when it is first asked for them: all of them take 0.1 s of a core.
    """
    routes = app.router.routes
    for place, route in enumerate(routes):
        if router := getattr(route, "original_router", None):
            routes[place] = BUILT_ROUTES.setdefault(id(router), route)
    return app


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Run an app on a free port; gives its address."""
    hub = getattr(app.state, "hub", None)
    # A client that waits for events keeps its connection longer than the five seconds that uvicorn gives it.
    config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none", timeout_keep_alive=120)
    server = StreamServer(config, hub) if hub else uvicorn.Server(config)
    # With the protocol named, asyncio turns Nagle's delay off, as it does for a port that uvicorn opens itself.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.005)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
            if hub:
                hub.join_thread()

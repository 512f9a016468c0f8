"""Worlds for the acceptance tests, and database servers that they may break."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.postgres import Postgres
from local.trixie import TimescalePostgres
from tests.acceptance.operated import Operated
from tests.acceptance.world import Making, worlds
from tests.conftest import TEMPLATE, Database, administer, mosquitto_build, no_trixie, start_with_template, unavailable


@pytest.fixture
def new_world(tmp_path: Path) -> Iterator[Making]:
    """Makes worlds of a database each: `new_world(database)`."""
    with worlds(tmp_path, mosquitto_build()) as make:
        yield make


@pytest.fixture(scope="session")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a server that was made, migrated and stopped; each test goes on from a copy."""
    if reason := no_trixie():
        unavailable(f"NOT TESTED ON TIMESCALEDB: {reason}")
    operated = Operated(tmp_path_factory.mktemp("first-start"))
    try:
        operated.make()
        yield operated.place
    finally:
        operated.server.remove()


class Breakable:
    """Database servers for tests that kill them; what is committed survives, as in operation."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._servers: dict[str, Postgres] = {}
        self._databases = 0

    @contextmanager
    def database(self, flavour: str) -> Iterator[tuple[Postgres, Database]]:
        """Yield a server of a flavour, running, with a fresh database in it; both may be broken."""
        server = self._server(flavour).start()
        self._databases += 1
        name = f"breakable_{self._databases}"
        administer(server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        yield server, Database(server.url(name), flavour)

    def remove(self) -> None:
        """Stop the servers and delete their files."""
        for server in self._servers.values():
            server.remove()

    def _server(self, flavour: str) -> Postgres:
        if flavour not in self._servers:
            if flavour == "timescale" and (reason := no_trixie()):
                unavailable(f"NOT TESTED ON TIMESCALEDB: {reason}")
            kind = TimescalePostgres if flavour == "timescale" else Postgres
            server = self._servers[flavour] = kind(self._folder / f"breakable-{flavour}")
            start_with_template(server, flavour)
        return self._servers[flavour]


@pytest.fixture(scope="session")
def breakable(server_folder: Path) -> Iterator[Breakable]:
    """Database servers that may be killed."""
    servers = Breakable(server_folder)
    yield servers
    servers.remove()

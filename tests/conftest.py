"""The ground of the tests: real servers, started when first asked for, and a fresh database for each test."""

import gc
import os
import shutil
import ssl
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import psycopg
import pytest

from local import community as local_community
from local import port, trixie
from local.broker import Mosquitto, MosquittoBuild, installed_mosquitto, trixie_mosquitto
from local.community import CommunityPostgres
from local.host import MEMORY
from local.postgres import Postgres
from local.trixie import TimescalePostgres
from tests.order import arranged, scheduler

# How long an example takes says how busy the machine is, so no profile has a deadline. Examples are drawn fresh at each
# run; a gate has to say the same of the same commit twice.
hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.register_profile("gate", deadline=None, derandomize=True)
hypothesis.settings.load_profile("gate" if os.environ.get("CI") == "true" else "here")

FLAVOURS = ("plain", "timescale")
TEMPLATE = "hearth_template"
# Accounts of processes, as an operator would make them: what roles they are members of. ACCOUNT is their password.
ACCOUNT = "tests-only"
ACCOUNTS = {
    "api": "hearth_api, hearth_identity",
    "ingest": "hearth_ingest",
    "watch": "hearth_watch",
    "notify": "hearth_notify",
    "grafana": "hearth_grafana",
}
# Nothing of a test database needs to survive the machine, and a guess at its passwords may be cheap: what makes it dear
# takes 3 ms of a core at each of the 30,000 connections.
SETTINGS = {"fsync": "off", "full_page_writes": "off", "scram_iterations": "1"}
# A copy of a database is a thousand files: the kernel copies each by itself, without a way through the server.
SETTINGS_OF = {"plain": {**SETTINGS, "file_copy_method": "clone"}, "timescale": SETTINGS}
# For clients of what is served without TLS: one that is not given a context reads all authorities, which takes 40 ms.
# How long a client waits for an answer: what is asked shares two cores with the rest of the tests.
ANSWER_S = 60
PLAIN_HTTP = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
# What the servers of six workers may come to need, in bytes; where memory has less room, they lie on disk.
MEMORY_NEEDED = 6 << 30
CATALOGUES = """
SELECT oid::regclass::text FROM pg_class
WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r' AND NOT relisshared
"""
NUMBERS = count(1)
ADMINISTRATORS: dict[str, psycopg.Connection] = {}  # by the address of a server
TESTED_ON: list[str] = []


# Workers choose ports at the same time: each from its own share of them.
WORKER, WORKERS = os.environ.get("PYTEST_XDIST_WORKER", "gw0"), os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")
port.CHOICE = port.CHOICE[int(WORKER.removeprefix("gw")) :: int(WORKERS)]


@dataclass(frozen=True)
class Database:
    """A migrated, empty database of one flavour; `url` is for its owner."""

    url: str
    flavour: str

    def url_as(self, process: str) -> str:
        """Return the address for the account of a process: one of ACCOUNTS."""
        parts = urlsplit(self.url)
        server = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"the_{process}:{ACCOUNT}@{server}"))

    def connect(self, *, autocommit: bool = False) -> psycopg.Connection:
        """Open a connection; the caller closes it."""
        return psycopg.connect(self.url, autocommit=autocommit)


class Servers:
    """The PostgreSQL servers of the session, one per flavour, each with a migrated template database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, Postgres] = {}

    def of(self, flavour: str) -> Postgres:
        """Return the running server of a flavour; skip the test where there can be none."""
        if flavour not in self._running:
            self._running[flavour] = self._start(flavour)
        return self._running[flavour]

    def remove(self) -> None:
        """Stop all servers and delete their files."""
        for server in self._running.values():
            server.remove()

    def _start(self, flavour: str) -> Postgres:
        if flavour == "timescale" and (reason := no_trixie()):
            unavailable(f"NOT TESTED ON TIMESCALEDB: {reason}")
        kind = TimescalePostgres if flavour == "timescale" else Postgres
        server = kind(self._folder / flavour, settings=SETTINGS_OF[flavour])
        start_with_template(server, flavour)
        TESTED_ON.append(f"{flavour}: PostgreSQL {server.version()}")
        return server


def pytest_configure(config: pytest.Config) -> None:
    """Put the folders of tests into memory where there is room: clusters are copied in them, too."""
    if folder := memory_with_room():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))


def pytest_collection(session: pytest.Session) -> None:
    """Make the tests without looking for garbage: all of it is kept to the end."""
    gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave modules and tests out of all further looks for garbage, and look less often."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring the tests into the order in which they begin."""
    items[:] = arranged(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out the tests in that order."""
    return scheduler(config, log)


def pytest_sessionstart() -> None:
    """Begin without files that a run of the same number has left behind when it was killed."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        shutil.rmtree(kept_files(), ignore_errors=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand on from a worker which database servers its tests ran on, and leave them."""
    for connection in ADMINISTRATORS.values():
        connection.close()
    if output := getattr(session.config, "workeroutput", None):
        output["tested_on"] = TESTED_ON
    else:
        shutil.rmtree(kept_files(), ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Collect which database servers the tests of a worker ran on; a worker that crashed has not said."""
    TESTED_ON.extend(getattr(node, "workeroutput", {}).get("tested_on", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which database servers the tests ran on."""
    for server in sorted(set(TESTED_ON)):
        terminalreporter.write_line(server)


def unavailable(reason: str) -> NoReturn:
    """Skip the test; fail it where CI runs, which must not pass for want of a server."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def no_trixie(*parts: trixie.FolderPart) -> str | None:
    """Say why there is no Debian folder, with these parts in it, to test with. `make trixie` builds it in sight."""
    if reason := trixie.why_not():
        return reason
    if not trixie.folder().exists():
        return f"{trixie.folder()} is not built (make trixie)"
    missing = [part.packages for part in parts if not trixie.has(part)]
    return f"{trixie.folder()} lacks {', '.join(missing)} (make trixie)" if missing else None


def mosquitto_build() -> MosquittoBuild:
    """Return the newest Mosquitto there is; skip the test where there is none."""
    if build := trixie_mosquitto() or installed_mosquitto():
        return build
    unavailable("NOT TESTED WITH A BROKER: no Mosquitto (apt-get install mosquitto)")


def kept_files() -> Path:
    """Return the folder of this run in which files of servers are kept, by flavour; its workers share it."""
    run = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    return (memory_with_room() or Path(tempfile.gettempdir())) / f"hearth-tests-of-{run}"


def start_with_template(server: Postgres, flavour: str) -> None:
    """Start a server that has a template; its files are made once, and are kept for servers of the other workers."""
    parts, kept = ("cluster", "password"), kept_files() / flavour
    with trixie.locked(kept):
        if not kept.exists():
            server.start()
            administer(server, f"ALTER ROLE postgres PASSWORD '{urlsplit(server.url()).password}'")  # by SETTINGS
            make_template(server)
            server.stop()
            unfinished = kept.with_name(f"{kept.name}.unfinished")
            unfinished.mkdir()
            copy_with_owners(server.place, unfinished, parts)
            unfinished.rename(kept)
        elif not (server.place / "cluster").exists():
            copy_with_owners(kept, server.place, parts)
    server.start()
    # A first session keeps in a file what each has to know of the catalogues, until the server starts again: copies of
    # the template have it, too, and nobody makes it in each of them.
    psycopg.connect(server.url(TEMPLATE)).close()


def copy_with_owners(place: Path, to: Path, names: Iterable[str]) -> None:
    """Copy files and folders as they are, with their owners and rights."""
    subprocess.run(["cp", "--archive", *(str(place / name) for name in names), str(to)], check=True)


def make_template(server: Postgres) -> None:
    """Create and migrate the database that all test databases of a server are copies of."""
    # Here, not above: tests of pure rules and of the servers themselves do not need the migrations.
    from store.base.migrate import migrate

    administer(server, f"CREATE DATABASE {TEMPLATE}")
    with psycopg.connect(server.url(TEMPLATE), autocommit=True) as connection:
        migrate(connection)
        # The smaller the catalogues, and the fewer files they are, the cheaper each copy. Tables stay as a new database
        # has them: what is known of their sizes decides on plans.
        for (catalogue,) in connection.execute(CATALOGUES).fetchall():
            connection.execute(f"VACUUM (FULL, FREEZE) {catalogue}".encode())
    for process, roles in ACCOUNTS.items():
        administer(server, f"CREATE ROLE the_{process} LOGIN PASSWORD '{ACCOUNT}' IN ROLE {roles}")


def administer(server: Postgres, statement: str) -> None:
    """Run a statement outside of any transaction and any test database."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(statement.encode())


def administrator(server: Postgres) -> psycopg.Connection:
    """Return the connection that makes and drops databases of a server: always the same, unless it was restarted."""
    try:
        ADMINISTRATORS[server.url()].execute("")
    except (KeyError, psycopg.OperationalError):
        ADMINISTRATORS[server.url()] = psycopg.connect(server.url(), autocommit=True)
    return ADMINISTRATORS[server.url()]


def fresh_database(server: Postgres, flavour: str, template: str = TEMPLATE) -> Iterator[Database]:
    """Yield a copy of the server's template, or of another one, dropped afterwards with all connections to it."""
    name = f"test_{next(NUMBERS)}"
    make = administrator(server).execute
    make(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    # Rights on a database and its settings are not copied with it; these are as store/grants.sql sets them.
    make(
        f"ALTER DATABASE {name} SET jit = off; REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC; "
        f"GRANT TEMPORARY ON DATABASE {name} TO hearth_ingest, hearth_watch, hearth_office"
    )
    yield Database(server.url(name), flavour)
    administrator(server).execute(f"DROP DATABASE {name} WITH (FORCE)")


def memory_with_room() -> Path | None:
    """Return the folder of files in memory, unless it is missing or small, as it is in most containers."""
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_NEEDED else None


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder for the servers of the session, which their accounts can reach; in memory where there is room.

    A copy of a database is a thousand files. Without a journal, ext4 looks through all files deleted in the last
    minutes for each file that it makes: there a copy takes ten times as long as in memory.
    """
    with tempfile.TemporaryDirectory(prefix="hearth-tests-", dir=memory_with_room()) as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@pytest.fixture(scope="session")
def servers(server_folder: Path) -> Iterator[Servers]:
    """The PostgreSQL servers, by flavour."""
    servers = Servers(server_folder)
    yield servers
    servers.remove()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test of a database once per flavour, or on plain PostgreSQL only where it is marked so.

    A test may name flavours itself: of two long stories of the same SQL each has one.
    """
    named = any("flavour" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if "flavour" in metafunc.fixturenames and not named:
        plain_only = metafunc.definition.get_closest_marker("plain_only")
        metafunc.parametrize("flavour", FLAVOURS[:1] if plain_only else FLAVOURS)


@pytest.fixture
def database(servers: Servers, flavour: str) -> Iterator[Database]:
    """A fresh migrated database, once per flavour."""
    yield from fresh_database(servers.of(flavour), flavour)


@pytest.fixture
def plain_database(servers: Servers) -> Iterator[Database]:
    """A fresh migrated database on plain PostgreSQL, for tests to which the flavour is all the same."""
    yield from fresh_database(servers.of("plain"), "plain")


@contextmanager
def community_database(folder: Path) -> Iterator[Database]:
    """Yield an empty database with TimescaleDB's Community edition, which takes one connection at a time."""
    if reason := local_community.why_not():
        pytest.skip(f"NOT TESTED ON TIMESCALEDB'S COMMUNITY EDITION: {reason}")
    server = CommunityPostgres(folder / f"community-{next(NUMBERS)}").start()
    yield Database(server.url(), "community")
    server.remove()


@pytest.fixture
def community(server_folder: Path) -> Iterator[Database]:
    """An empty database with TimescaleDB's Community edition."""
    with community_database(server_folder) as database:
        yield database


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection]:
    """An open connection to `database`, rolled back and closed at the end."""
    opened = database.connect()
    yield opened
    opened.rollback()
    opened.close()


@pytest.fixture(scope="session")
def broker(server_folder: Path) -> Iterator[Mosquitto]:
    """A running Mosquitto without accounts: `url()`, `port`; it listens on 127.0.0.1."""
    server = Mosquitto(server_folder / "broker", build=mosquitto_build()).start()
    yield server
    server.remove()

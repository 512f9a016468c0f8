"""A TimescaleDB server run as docker-compose.yml runs it, and the scripts that lie beside it there."""

import shutil
import subprocess
from pathlib import Path

import psycopg

from local.trixie import TimescalePostgres
from tests.acceptance import processes

DEPLOY = Path(__file__).parents[2] / "deploy"
FOLDERS = ("cluster", "password", "archive", "backups", "scripts", "secrets")


class Operated:
    """A database server run as docker-compose.yml runs it: made by the initdb script, archiving its log."""

    kind: type[TimescalePostgres] = TimescalePostgres

    def __init__(self, folder: Path, like: Path | None = None) -> None:
        self.server = self.kind(folder / "operated")
        self.place = self.server.place
        if like:
            subprocess.run(["cp", "--archive", *(like / name for name in FOLDERS), self.place], check=True)
        else:
            self.furnish(folder / "secrets")
        archive = f"HEARTH_WAL_ARCHIVE={self.seen('archive')} {self.seen('scripts/archive')} %p %f"
        self.server.settings.update(
            {"archive_mode": "on", "archive_command": archive, "hba_file": self.seen("scripts/pg_hba.conf")}
        )

    def make(self) -> None:
        """Start the server for the first time, make the database and bring its schema, and stop it again."""
        self.server.start()
        self.run("initdb/10-hearth.sh")
        done = processes.run({"HEARTH_DATABASE_URL": self.url("owner")}, "migrate")
        assert done.returncode == 0, done.stderr
        self.server.stop()

    def furnish(self, secrets: Path) -> None:
        """Make what lies beside the cluster."""
        for name in ("archive", "backups"):
            (self.place / name).mkdir()
        self.copy(DEPLOY / "timescaledb", "scripts")
        subprocess.run([DEPLOY / "make-secrets", secrets, "localhost"], check=True, capture_output=True)
        self.copy(secrets, "secrets")
        self.give()

    def copy(self, source: Path, name: str) -> None:
        """Put files where the server's account can read them."""
        shutil.copytree(source, self.place / name)

    def give(self) -> None:
        """Make all of it the server's own, as the service `folders` and the image do."""
        host = self.server.host
        subprocess.run(["chown", "-R", f"{host.uid}:{host.gid}", str(self.place)], check=True)

    def seen(self, name: str) -> str:
        """Return a path as the server sees it."""
        return self.server.host.inside(self.place / name)

    def script(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of the scripts beside the server, as its account."""
        command = self.command(name, *arguments)
        environment = self.environment()
        return subprocess.run(command, env=environment, cwd=self.place, capture_output=True, text=True, check=False)

    def command(self, name: str, *arguments: str) -> list[str]:
        return self.server.host.command(self.seen(f"scripts/{name}"), *arguments)

    def environment(self) -> dict[str, str]:
        """Return the environment of a script."""
        superuser = psycopg.conninfo.conninfo_to_dict(self.server.url())
        return {
            "PATH": f"{self.server.build.programs}:/usr/sbin:/usr/bin:/sbin:/bin",
            "PGHOST": str(superuser["host"]),
            "PGPORT": str(superuser["port"]),
            "PGUSER": str(superuser["user"]),
            "PGPASSWORD": str(superuser["password"]),
            "PGDATA": self.seen("cluster"),
            "HEARTH_WAL_ARCHIVE": self.seen("archive"),
            "HEARTH_BACKUPS": self.seen("backups"),
            "HEARTH_SECRETS": self.seen("secrets"),
        }

    def run(self, name: str, *arguments: str) -> str:
        """Run a script that must succeed; its last line."""
        done = self.script(name, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return (done.stdout.splitlines() or [""])[-1]

    def url(self, account: str, database: str = "hearth") -> str:
        """Return the address that was made for a process, but where the server is here."""
        made = (self.place / f"secrets/database_{account}_url").read_text(encoding="utf-8").strip()
        return made.replace("@timescaledb:5432/hearth", f"@127.0.0.1:{self.server.port}/{database}")

    def connect(self, database: str = "hearth") -> psycopg.Connection:
        """Return a connection of the superuser."""
        return psycopg.connect(self.server.url(database), autocommit=True)

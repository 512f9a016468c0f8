"""TimescaleDB's Community edition for tests, which no Debian has: a build for WebAssembly, run by Node.js.

It is one session without background workers, 32 bits wide and gone when it stops: what it shows is whether the server
takes our SQL and what comes out of it, not how fast. The package is fetched by npm with the hash in the lock file.
"""

import hashlib
import shutil
import subprocess
from pathlib import Path

import psycopg

from local.host import this_machine
from local.port import LOOPBACK
from local.server import Server, ServerError, environment
from local.trixie import locked

PROGRAM = Path(__file__).parent / "pglite"
CACHE = Path("/var/cache/hearth")
NEEDED = ("node", "npm")


class CommunityPostgres(Server):
    """PostgreSQL 17 with TimescaleDB (Community edition), one database for one client at a time."""

    def __init__(self, folder: Path, port: int | None = None, *, dies_with_parent: bool = True) -> None:
        self.modules = ensure()
        super().__init__(folder, port, this_machine(), dies_with_parent=dies_with_parent)

    def url(self) -> str:
        """Return the address of its database. It asks for a password and takes any."""
        return f"postgresql://postgres:any@{LOOPBACK}:{self.port}/postgres?sslmode=disable"

    def _prepare(self) -> None:
        # Where it can be read by the account that it runs as.
        shutil.copy(PROGRAM / "serve.mjs", self.place / "serve.mjs")
        self.host.own(self.place / "serve.mjs")

    def _command(self) -> list[str]:
        program = self.host.inside(self.place / "serve.mjs")
        # A server that runs for seconds is not worth compiling twice: what is fast later takes half of its start.
        return [shutil.which("node") or "node", "--liftoff-only", program, str(self.modules), str(self.port)]

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


def why_not() -> str | None:
    """Say why it cannot run here; None when it can."""
    if missing := [name for name in NEEDED if shutil.which(name) is None]:
        return f"TimescaleDB's Community edition needs {' and '.join(missing)}"
    return None


def ensure() -> Path:
    """Return the folder with the package, fetched first if it is missing (6 MB); raise ServerError."""
    if reason := why_not():
        raise ServerError(reason)
    lock = (PROGRAM / "package-lock.json").read_bytes()
    folder = CACHE / f"community-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not folder.exists():
        with locked(folder):
            if not folder.exists():
                fetch(folder)
    return folder


def fetch(folder: Path) -> None:
    """Fetch the package beside its place, then rename it: half of it is never taken for the whole."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PROGRAM / name, unfinished / name)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=unfinished, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ServerError(f"npm ci failed:\n{done.stderr[-2000:]}")
    subprocess.run(["chmod", "-R", "a+rX", str(unfinished)], check=True)
    unfinished.rename(folder)

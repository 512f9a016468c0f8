"""A Debian 13 ("trixie") folder with servers that Debian 12 lacks: TimescaleDB and a newer Mosquitto.

Its servers run by chroot, so all of this needs root. The folder is made once and kept outside the repository.
"""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.host import MACHINE, SHOWN_AT, Host, account_in
from local.postgres import Build, Postgres
from local.server import ServerError, environment

DEFAULT_FOLDER = "/var/cache/hearth/trixie"
PACKAGES = "postgresql-17-timescaledb,mosquitto"
PROGRAMS = "/usr/lib/postgresql/17/bin"
SETTINGS: Mapping[str, str] = {
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    # Its launcher keeps sessions open in every database, also in the templates that tests copy.
    "timescaledb.max_background_workers": "0",
    "max_worker_processes": "0",
    # The folder has no /dev/shm in memory.
    "dynamic_shared_memory_type": "mmap",
}


@dataclass(frozen=True)
class FolderPart:
    """A program of the folder, and the packages that bring it there."""

    program: str
    packages: str


POOLER = FolderPart("/usr/sbin/pgbouncer", "pgbouncer")
COMPOSE = FolderPart("/usr/libexec/docker/cli-plugins/docker-compose", "docker-compose")
PROMTOOL = FolderPart("/usr/bin/promtool", "promtool")
CONTAINERS = FolderPart("/usr/bin/docker", "docker.io docker-cli busybox")
# Servers that containers of the tests have and other tests do not need.
CONTAINED = FolderPart("/usr/bin/prometheus-node-exporter", "haproxy prometheus prometheus-node-exporter")
# What README.md has installed beside the servers.
PYTHON = FolderPart("/usr/lib/python3.13/ensurepip", "python3-venv make iproute2")
PARTS = (POOLER, COMPOSE, PROMTOOL, CONTAINERS, CONTAINED, PYTHON)


class TimescalePostgres(Postgres):
    """PostgreSQL 17 with TimescaleDB (Apache edition); builds the trixie folder when it is missing."""

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        dies_with_parent: bool = True,
    ) -> None:
        build = Build(account_in(ensure(), "postgres"), PROGRAMS, SETTINGS)
        super().__init__(data_dir, port, settings=settings, build=build, dies_with_parent=dies_with_parent)


def folder() -> Path:
    """Return where the trixie folder is or will be: HEARTH_TRIXIE or the default."""
    return Path(os.environ.get("HEARTH_TRIXIE", DEFAULT_FOLDER))


def why_not() -> str | None:
    """Say why the trixie folder cannot be used here; None when it can."""
    if os.geteuid() != 0:
        return "the servers of Debian trixie run by chroot, which needs root"
    if not folder().exists() and shutil.which("debootstrap") is None:
        return f"{folder()} is missing and there is no debootstrap to build it (apt-get install debootstrap)"
    return None


def ensure(progress: Callable[[str], object] = print) -> Path:
    """Return the trixie folder, built first if it is missing (about a minute, 0.7 GB); raise ServerError."""
    if reason := why_not():
        raise ServerError(reason)
    root = folder()
    if not root.exists():
        with locked(root):
            if not root.exists():
                progress(f"building {root} with TimescaleDB and Mosquitto, once")
                debootstrap(root, "trixie", PACKAGES, progress)
    return root


def has(part: FolderPart) -> bool:
    """Say whether the folder has a part in it."""
    return folder().joinpath(part.program[1:]).exists()


def with_part(part: FolderPart, progress: Callable[[str], object] = print) -> Path:
    """Return the folder with a part in it, also where it was built before that was; raise ServerError."""
    root = ensure(progress)
    if not has(part):
        with locked(root):
            if not has(part):
                progress(f"installing {part.packages} in {root}, once")
                install(root, part, progress)
    return root


def command(part: FolderPart, place: Path, *arguments: str) -> list[str]:
    """Return the command line that runs a program of the folder in a folder of this machine; raise ServerError."""
    host = Host(with_part(part), os.geteuid(), os.getegid(), place)
    return host.command("env", f"--chdir={MACHINE / SHOWN_AT}", part.program, *arguments)


def install(root: Path, part: FolderPart, progress: Callable[[str], object]) -> None:
    """Install the packages of a part in the folder."""
    packages = f"apt-get install -q --yes --no-install-recommends {part.packages}"
    script = f"export DEBIAN_FRONTEND=noninteractive; apt-get update -q && {packages}"
    in_sight(["chroot", str(root), "sh", "-c", script], root, progress)


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Let one process at a time build the folder."""
    root.parent.mkdir(parents=True, exist_ok=True)
    with root.with_name(f"{root.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def debootstrap(root: Path, suite: str, packages: str, progress: Callable[[str], object]) -> None:
    """Build a folder beside its place, then rename it: half a build is never taken for a whole one."""
    unfinished = root.with_name(f"{root.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    in_sight(["debootstrap", "--variant=minbase", f"--include={packages}", suite, str(unfinished)], root, progress)
    unfinished.rename(root)


def in_sight(command: list[str], root: Path, progress: Callable[[str], object]) -> None:
    """Run a command to its end and pass on each line that it says; they are kept beside the folder, too."""
    log = root.with_name(f"{root.name}.log")
    with (
        log.open("w") as output,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(),
            text=True,
        ) as running,
    ):
        assert running.stdout is not None
        for line in running.stdout:
            output.write(line)
            progress(line.rstrip())
    if running.returncode != 0:
        raise ServerError(f"{command[0]} failed, see {log}:\n{log.read_text()[-2000:]}")

"""A Debian 13 ("trixie") folder with servers that Debian 12 lacks: TimescaleDB and a newer Mosquitto.

Its servers run by chroot, so all of this needs root. The folder is made once and kept outside the repository.
"""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local.host import account_in
from local.postgres import Build, Postgres
from local.server import ServerError, environment

DEFAULT_FOLDER = "/var/cache/hearth/trixie"
PACKAGES = "postgresql-17-timescaledb,mosquitto,pgbouncer"
POOLER = "/usr/sbin/pgbouncer"
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
                build(root, progress)
    return root


def pooler() -> Path:
    """Return the folder, with PgBouncer in it also where it was built before that was; raise ServerError."""
    root = ensure()
    if not root.joinpath(POOLER[1:]).exists():
        with locked(root):
            install = "apt-get update -q && apt-get install -q --yes --no-install-recommends pgbouncer"
            quiet = {**environment(), "DEBIAN_FRONTEND": "noninteractive"}
            command = ["chroot", str(root), "sh", "-c", install]
            done = subprocess.run(command, env=quiet, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if done.returncode != 0:
                raise ServerError(f"PgBouncer cannot be installed in {root}:\n{done.stderr[-2000:]}")
    return root


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Let one process at a time build the folder."""
    root.parent.mkdir(parents=True, exist_ok=True)
    with root.with_name(f"{root.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(root: Path, progress: Callable[[str], object]) -> None:
    """Build the folder beside its place, then rename it: half a build is never taken for a whole one."""
    unfinished = root.with_name(f"{root.name}.unfinished")
    log = root.with_name(f"{root.name}.log")
    shutil.rmtree(unfinished, ignore_errors=True)
    command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "trixie", str(unfinished)]
    with (
        log.open("w") as output,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(),
            text=True,
        ) as building,
    ):
        assert building.stdout is not None
        for line in building.stdout:
            output.write(line)
            progress(line.rstrip())
    if building.returncode != 0:
        raise ServerError(f"debootstrap failed, see {log}:\n{log.read_text()[-2000:]}")
    unfinished.rename(root)


def main() -> None:
    """Build the folder with what happens in sight; say so where that is impossible."""
    if reason := why_not():
        print(f"no Debian 13 folder: {reason}")
        return
    ensure()
    print(f"{pooler()} is there")


if __name__ == "__main__":
    main()

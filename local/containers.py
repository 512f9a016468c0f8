"""Docker's daemon from the Debian folder, in namespaces of its own, for tests of images and of the whole stack.

Its network, mounts, processes and images are its own: it touches neither a Docker of this machine nor the machine's
network, and everything ends with it. It needs root and a kernel that lets root make namespaces and overlays.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from local.host import ourselves
from local.server import STOP_SECONDS, Server, ServerError, children_of, environment
from local.trixie import CONTAINERS, with_part

GROUPS = Path("/sys/fs/cgroup")
PAUSE_SECONDS = 0.1
PROJECT = "/mnt"
LAYERS = "overlay2"  # in the daemon's data
# $0: the Debian folder; $1: the daemon's; $2: its group. The daemon and its containers alone see what is mounted. The
# Debian folder becomes the root of these mounts: below a chroot, `docker exec` would see this machine's files.
ENTER = """
set -e
mount --make-rprivate /
mount --bind "$0" "$0"
mount -t proc proc "$0/proc"
mount -t sysfs sysfs "$0/sys"
mount --rbind /sys/fs/cgroup "$0/sys/fs/cgroup"
mount --rbind /dev "$0/dev"
mkdir -p "$0/var/lib/docker"
mount --bind "$1/data" "$0/var/lib/docker"
mount --bind "$1/run" "$0/run"
mount --bind "$1/project" "$0/mnt"
cd "$0"
pivot_root . .
umount --lazy .
cd /
mount --make-rshared /
busybox ip link set lo up
exec dockerd --cgroup-parent "/$2" --ip6tables=false --log-level warn
"""
# What no container needs of the Debian folder.
LEFT_OUT = (
    *("./proc/*", "./sys/*", "./dev/*", "./srv/*", "./mnt/*", "./tmp/*", "./run/*", "./var/lib/docker", "./var/log/*"),
    *("./var/cache/apt/*", "./var/lib/apt/lists/*", "./usr/share/doc", "./usr/share/man", "./usr/share/locale"),
    *("./usr/libexec/docker", "./usr/sbin/dockerd", "./usr/bin/docker", "./usr/bin/containerd*", "./usr/sbin/runc"),
    # A quarter of the rest: no plan is compiled, rules are looked at outside.
    *("./usr/lib/*/libLLVM*", "./usr/lib/*/libz3*", "./usr/lib/postgresql/*/lib/bitcode", "./usr/bin/ctr"),
    *("./usr/bin/promtool", "./usr/share/javascript", "./usr/share/i18n"),
)


class Containers(Server):
    """A Docker daemon; its containers live in a network of their own and die with it.

    The folder `project` in its folder is where a compose project lies: `PROJECT` for the daemon and for `docker`.
    """

    # `unshare` is deaf to anything milder while its child runs.
    stop_signal = signal.SIGKILL

    def __init__(self, folder: Path, like: Path | None = None) -> None:
        """Take a folder for the daemon; `like` is the data of one that has ended in order, whose images it has too."""
        self.root = with_part(CONTAINERS)
        super().__init__(folder, None, ourselves())
        self.group = f"hearth-{self.port}"
        self.like = like

    @property
    def data(self) -> Path:
        """The folder that the daemon keeps images and layers in."""
        return self.place / "data"

    @property
    def project(self) -> Path:
        """The folder that the daemon sees as `PROJECT`."""
        return self.place / "project"

    def docker(
        self, *arguments: str, seconds: float = 120.0, source: IO[bytes] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `docker` in the project's folder, and return what it said; it is killed after `seconds`."""
        inside = ["env", f"--chdir={PROJECT}", "HOME=/tmp", "docker", *arguments]
        return self._run(["--mount", "--net", "--", *inside], seconds, source)

    def outside(self, *command: str, seconds: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run a program of this machine beside the containers: it reaches their published ports at 127.0.0.1."""
        return self._run(["--net", "--", *command], seconds)

    def take(self, image: str, root: Path, changes: Sequence[str] = ()) -> None:
        """Make an image of a Debian folder; `changes` are instructions such as ENV."""
        left_out = [f"--exclude={pattern}" for pattern in LEFT_OUT]
        packing = subprocess.Popen(
            ["tar", "--create", "--directory", str(root), *left_out, "."], stdout=subprocess.PIPE, env=environment()
        )
        words = [word for change in changes for word in ("--change", change)]
        with packing:
            done = self.docker("import", *words, "-", image, seconds=600, source=packing.stdout)
        assert (packing.returncode, done.returncode) == (0, 0), done.stderr

    def end(self) -> None:
        """Ask the daemon to end, so that others may begin from its data; raise ServerError when it does not."""
        assert self._process is not None
        (daemon,) = children_of(self._process.pid)
        os.kill(daemon, signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise ServerError(f"dockerd does not end:\n{self._log_tail()}") from None
        finally:
            self.stop()

    def stop(self) -> None:
        """End the daemon and with it every container, at once."""
        self.kill()
        deadline = time.monotonic() + STOP_SECONDS
        # The kernel needs a moment for what was in the groups.
        while (left := self._groups()) and time.monotonic() < deadline:
            for folder in left:
                for place, _, _ in os.walk(folder, topdown=False):
                    with suppress(OSError):
                        os.rmdir(place)
            time.sleep(PAUSE_SECONDS)

    def _groups(self) -> list[Path]:
        return [folder for folder in (*GROUPS.glob(f"*/{self.group}"), GROUPS / self.group) if folder.exists()]

    def _run(
        self, arguments: list[str], seconds: float, source: IO[bytes] | None = None
    ) -> subprocess.CompletedProcess[str]:
        assert self._process is not None
        (daemon,) = children_of(self._process.pid)
        return subprocess.run(
            ["nsenter", "--target", str(daemon), *arguments],
            stdin=source or subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            env={**environment(), "DOCKER_HOST": "unix:///run/docker.sock"},
        )

    def _prepare(self) -> None:
        # What a daemon before it has left there says that it still runs.
        shutil.rmtree(self.place / "run", ignore_errors=True)
        for name in ("run", "project"):
            (self.place / name).mkdir(exist_ok=True)
        if self.like and not self.data.exists():
            copy_of_data(self.like, self.data)
        self.data.mkdir(exist_ok=True)

    def _command(self) -> list[str]:
        alone = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--"]
        return [*alone, "sh", "-c", ENTER, str(self.root), str(self.place), self.group]

    def _answers(self) -> bool:
        return bool(list(children_of(self._process.pid if self._process else 0))) and (
            self.docker("info", "--format", "{{.ID}}").returncode == 0
        )


def copy_of_data(data: Path, copy: Path) -> None:
    """Copy a daemon's data. Files of layers are linked: containers write theirs elsewhere, nobody changes a layer."""
    copy.mkdir()
    for part in data.iterdir():
        how = ["--link"] if part.name == LAYERS else []
        subprocess.run(["cp", "--archive", *how, str(part), str(copy)], check=True)

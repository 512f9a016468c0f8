"""A bare Debian 13 with a checkout of this repository: the Debian folder below, with files of its own above it.

Its mounts, processes and network are its own and end with the script that runs in it; what it writes is in `place`.
"""

import subprocess
from pathlib import Path

from local.server import environment
from local.trixie import folder
from tests.acceptance.stand_ins import wheels

ROOT = Path(__file__).parents[2]
CHECKOUT = "srv/hearth-checkout"
LOCKS = ("requirements-build.txt", "requirements.txt")
# $0: the Debian folder; $1: the place; $2: Python's packages.
ENTER = f"""
set -e
mount -t overlay -o "lowerdir=$0,upperdir=$1/files,workdir=$1/work" overlay "$1/root"
cd "$1/root"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs none dev/shm
mount --bind "$2" mnt
chroot . ip link set lo up
exec chroot . env --chdir=/{CHECKOUT} bash -euo pipefail /srv/script
"""
# The packages are there; where systemd runs, their installation starts the servers.
APT = """#!/bin/sh -e
for word; do case $word in
  -* | install) ;;
  postgresql) dpkg --status postgresql-17 > /dev/null ;;
  *) dpkg --status "$word" > /dev/null ;;
esac; done
service postgresql start
service mosquitto start
"""
# What `make test PYTHON=…` was told holds for this machine, not for the bare one.
OF_MAKE = ("MAKEFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "MFLAGS", "PYTHON")
SURROUNDINGS = {
    "HOME": "/tmp",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "PIP_NO_INDEX": "1",
    "PIP_FIND_LINKS": "/mnt",
    "UV_NO_INDEX": "1",
    "UV_FIND_LINKS": "/mnt",
    "UV_OFFLINE": "1",
}


def run(place: Path, script: str, seconds: float) -> subprocess.CompletedProcess[str]:
    """Run a script of bash as root in a checkout on such a machine; it ends at the first command that fails."""
    for name in ("files", "work", "root"):
        (place / name).mkdir()
    check_out(place / "files" / CHECKOUT)
    apt = place / "files/usr/local/sbin/apt-get"
    apt.parent.mkdir(parents=True)
    apt.write_text(APT)
    apt.chmod(0o755)
    (place / "files/srv/script").write_text(script)
    alone = ["unshare", "--mount", "--net", "--ipc", "--pid", "--fork", "--kill-child", "--"]
    return subprocess.run(
        [*alone, "sh", "-c", ENTER, str(folder()), str(place), str(wheels("3.13", LOCKS))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={name: value for name, value in environment().items() if name not in OF_MAKE} | SURROUNDINGS,
        text=True,
        timeout=seconds,
    )


def check_out(to: Path) -> None:
    """Copy what belongs to the repository, as it is now."""
    to.mkdir(parents=True)
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout
    packing = ["tar", "--create", "--null", "--files-from=-", "--ignore-failed-read"]
    archive = subprocess.run(packing, cwd=ROOT, input=names, capture_output=True, check=True).stdout
    subprocess.run(["tar", "--extract", "--no-same-owner", "--directory", str(to)], input=archive, check=True)

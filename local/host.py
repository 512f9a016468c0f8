"""The place and the account a server runs in: this machine, or a folder that holds another Debian.

PostgreSQL refuses to run as root, and the account it runs as then may not reach the folder that root asked
for; a server inside a Debian folder can reach nothing outside. Both are solved in the same way: the process is
shown its folder at a place that it reaches, by a mount of its own. Where the kernel lets root mount nothing, as in
most containers, the files are parked where the server can reach them, and the folder becomes a link to that place.
"""

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

NOBODY = 65534
MACHINE = Path("/")
PARKING = Path("/var/cache/hearth/servers")
MEMORY = Path("/dev/shm")
SEARCH_BY_OTHERS = 0o001
SHOWN_AT = Path("mnt")
# $0: the root folder; then pairs of a folder and where it is shown, and after "--" the command. The mounts are the
# process's own and end with it.
SHOW = 'while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit; shift 2; done; shift; exec chroot "$0" "$@"'


@dataclass(frozen=True)
class Host:
    """A root folder and the account that the servers in it run as; `shown` is a folder that they see at `SHOWN_AT`."""

    root: Path
    uid: int
    gid: int
    shown: Path | None = None

    @property
    def is_ourselves(self) -> bool:
        """True if its account is the one this process runs as."""
        return self.uid == os.geteuid()

    def command(self, *arguments: str, death_signal: str = "keep") -> list[str]:
        """Return the command line that runs these arguments here.

        `death_signal` (INT, TERM) reaches the process when the thread that started it ends; "keep" is none.
        It is set by setpriv after the account has changed, because that change would clear it.
        """
        change = [f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"]
        account = [] if self.is_ourselves else change
        return [*self._enter(), "setpriv", *account, f"--pdeathsig={death_signal}", "--", *arguments]

    def inside(self, path: Path) -> str:
        """Return the path as a process inside sees it; files in memory have one path everywhere."""
        if self.shown is not None and path.is_relative_to(self.shown):
            return str(MACHINE / SHOWN_AT / path.relative_to(self.shown))
        return str(MACHINE / path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)

    def own(self, path: Path) -> None:
        """Give a file or folder to the account of the servers, for its eyes alone."""
        if not self.is_ourselves:
            os.chown(path, self.uid, self.gid)
        path.chmod(0o700 if path.is_dir() else 0o600)

    def settle(self, folder: Path) -> tuple["Host", Path]:
        """Make the folder of a server; return the host that can reach it, and the place where it really is."""
        host, place = self, folder.resolve()
        if not self._reaches(place):
            if may_show(self.root):
                host = replace(self, shown=place)
            else:
                place = self._park(folder.absolute())
        place.mkdir(parents=True, exist_ok=True)
        self.own(place)
        return host, place

    def _enter(self) -> list[str]:
        shown = [(MEMORY, self.root / MEMORY.relative_to(MACHINE))] if shares_memory(self.root) else []
        shown += [(self.shown, self.root / SHOWN_AT)] if self.shown else []
        if shown:
            pairs = [str(folder) for pair in shown for folder in pair]
            return ["unshare", "--mount", "sh", "-c", SHOW, str(self.root), *pairs, "--"]
        return [] if self.root == MACHINE else ["chroot", str(self.root)]

    def _reaches(self, place: Path) -> bool:
        in_memory = place.is_relative_to(MEMORY) and shares_memory(self.root)
        if not place.is_relative_to(self.root) and not in_memory:
            return False
        return self.is_ourselves or all(searchable(parent) for parent in place.parents if parent.exists())

    def _park(self, folder: Path) -> Path:
        parking = PARKING if self.root == MACHINE else self.root / "srv/hearth"
        place = parking / hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        # A deleted link means that its files were to go: a new folder of the same name begins empty.
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        if folder.exists():
            folder.rmdir()
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.symlink_to(place)
        return place


def ourselves() -> Host:
    """Return this machine with our own account."""
    return Host(MACHINE, os.geteuid(), os.getegid())


def this_machine() -> Host:
    """Return this machine with an account that PostgreSQL accepts: our own, or nobody when we are root."""
    return Host(MACHINE, NOBODY, NOBODY) if os.geteuid() == 0 else ourselves()


def account_in(root: Path, name: str) -> Host:
    """Return the Debian folder `root` with one of the accounts of its own /etc/passwd."""
    for line in (root / "etc/passwd").read_text().splitlines():
        fields = line.split(":")
        if fields[0] == name:
            return Host(root, int(fields[2]), int(fields[3]))
    raise LookupError(f"{root} has no account {name}")


@cache
def shares_memory(root: Path) -> bool:
    """Say whether processes inside a Debian folder can be shown this machine's files in memory."""
    return root != MACHINE and may_mount(MEMORY, root / MEMORY.relative_to(MACHINE))


@cache
def may_show(root: Path) -> bool:
    """Say whether a process in a root folder can be shown a folder that it does not reach otherwise."""
    return may_mount(root, root / SHOWN_AT)


def may_mount(folder: Path, at: Path) -> bool:
    """Say whether we can show a process a folder at another place."""
    if os.geteuid() != 0 or not at.is_dir():
        return False
    probe = ["unshare", "--mount", "mount", "--bind", str(folder), str(at)]
    return subprocess.run(probe, stdin=subprocess.DEVNULL, capture_output=True).returncode == 0


def searchable(folder: Path) -> bool:
    """Say whether any account may go through this folder."""
    return bool(folder.stat().st_mode & SEARCH_BY_OTHERS)


def discard(folder: Path) -> None:
    """Delete a server's folder, wherever its files are."""
    shutil.rmtree(folder.resolve(), ignore_errors=True)
    if folder.is_symlink():
        folder.unlink()

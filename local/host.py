"""Where and as whom a server runs: on this machine, or inside a folder that holds another Debian.

PostgreSQL refuses to run as root, and the account it runs as then may not be able to reach the folder that root
asked for; a server inside a Debian folder can reach nothing outside. Both are solved in the same way: the
server's files are parked where it can reach them and the folder asked for becomes a link to that place.
"""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

NOBODY = 65534
MACHINE = Path("/")
PARKING = Path("/var/cache/hearth/servers")
SEARCH_BY_OTHERS = 0o001


@dataclass(frozen=True)
class Host:
    """A root folder and the account that the servers in it run as."""

    root: Path
    uid: int
    gid: int

    def command(self, *arguments: str, death_signal: str = "keep") -> list[str]:
        """Return the command line that runs these arguments here.

        `death_signal` (INT, TERM) reaches the process when the thread that started it ends; "keep" is none.
        It is set by setpriv after the account has changed, because that change would clear it.
        """
        enter = [] if self.root == MACHINE else ["chroot", str(self.root)]
        account = [f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"] if os.geteuid() == 0 else []
        return [*enter, "setpriv", *account, f"--pdeathsig={death_signal}", "--", *arguments]

    def inside(self, path: Path) -> str:
        """Return the path as a process inside sees it."""
        return str(MACHINE / path.relative_to(self.root))

    def own(self, path: Path) -> None:
        """Give a file or folder to the account of the servers, for its eyes alone."""
        if os.geteuid() == 0:
            os.chown(path, self.uid, self.gid)
        path.chmod(0o700 if path.is_dir() else 0o600)

    def settle(self, folder: Path) -> Path:
        """Make the folder of a server and return the place where it really is, which the server can reach."""
        place = folder.absolute() if self._reaches(folder.absolute()) else self._park(folder.absolute())
        place.mkdir(parents=True, exist_ok=True)
        self.own(place)
        return place

    def _reaches(self, folder: Path) -> bool:
        if not folder.is_relative_to(self.root) or folder.is_symlink():
            return False
        return os.geteuid() != 0 or all(searchable(parent) for parent in folder.parents if parent.exists())

    def _park(self, folder: Path) -> Path:
        parking = PARKING if self.root == MACHINE else self.root / "srv/hearth"
        parking.mkdir(parents=True, exist_ok=True)
        sweep(parking)
        place = parking / hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        if not folder.is_symlink():
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.symlink_to(place)
            note_of(place).write_text(str(folder))
        return place


def this_machine() -> Host:
    """Return this machine with an account that PostgreSQL accepts: our own, or nobody when we are root."""
    if os.geteuid() == 0:
        return Host(MACHINE, NOBODY, NOBODY)
    return Host(MACHINE, os.geteuid(), os.getegid())


def account_in(root: Path, name: str) -> Host:
    """Return the Debian folder `root` with one of the accounts of its own /etc/passwd."""
    for line in (root / "etc/passwd").read_text().splitlines():
        fields = line.split(":")
        if fields[0] == name:
            return Host(root, int(fields[2]), int(fields[3]))
    raise LookupError(f"{root} has no account {name}")


def searchable(folder: Path) -> bool:
    """Say whether any account may go through this folder."""
    return bool(folder.stat().st_mode & SEARCH_BY_OTHERS)


def note_of(place: Path) -> Path:
    """Return the file beside a parked folder that says which link leads to it."""
    return place.with_suffix(".link")


def sweep(parking: Path) -> None:
    """Delete the parked folders whose link is gone: whoever deleted the link meant the files."""
    for note in parking.glob("*.link"):
        place = note.with_suffix("")
        if Path(note.read_text()).resolve() != place:
            shutil.rmtree(place, ignore_errors=True)
            note.unlink(missing_ok=True)


def discard(folder: Path) -> None:
    """Delete a server's folder, wherever its files are."""
    place = folder.resolve()
    shutil.rmtree(place, ignore_errors=True)
    if folder.is_symlink():
        folder.unlink()
        note_of(place).unlink(missing_ok=True)

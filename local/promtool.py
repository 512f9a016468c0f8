"""Prometheus' own test program, as Debian 13 has it."""

import subprocess
from pathlib import Path

from local.server import environment
from local.trixie import PROMTOOL, with_part

# The folder is seen by this process only: the mount is its own and ends with it.
RUN = 'mount --bind "$1" "$0/mnt" && shift && exec chroot "$0" env --chdir=/mnt "$@"'


def promtool(folder: Path, *arguments: str) -> str:
    """Run it in a folder; return what it says of what is wrong, or nothing."""
    command = ["unshare", "--mount", "sh", "-c", RUN, str(with_part(PROMTOOL)), str(folder), PROMTOOL.program]
    done = subprocess.run(
        [*command, *arguments], env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr if done.returncode else ""

"""Prometheus' own test program, as Debian 13 has it."""

import subprocess
from pathlib import Path

from local.server import environment
from local.trixie import PROMTOOL, command


def promtool(folder: Path, *arguments: str) -> str:
    """Run it in a folder; return what it says of what is wrong, or nothing."""
    inside = command(PROMTOOL, folder, *arguments)
    done = subprocess.run(
        inside, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr if done.returncode else ""

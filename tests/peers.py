"""Peers of tests: the process of tests/peer_process.py, and files of peers that name it."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.peer_process import SECRETS, TOKEN

PATIENCE_S = 60.0


@dataclass(frozen=True)
class PeerProcess:
    """A peer that runs."""

    folder: Path
    port: int

    def plan(self, *answers: str) -> None:
        """Say what it answers to the next requests: `STATUS [SECONDS]`."""
        (self.folder / "plan").write_text("\n".join(answers))

    def taken(self) -> list[list[Any]]:
        """Return what came, in order: status, key, method, path, body."""
        file = self.folder / "taken"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@contextmanager
def peer_process(folder: Path) -> Iterator[PeerProcess]:
    """Run a peer in a process of its own."""
    process = subprocess.Popen([sys.executable, "-m", "tests.peer_process", str(folder)])
    try:
        end = time.monotonic() + PATIENCE_S
        while not (folder / "port").exists():
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.01)
        yield PeerProcess(folder, int((folder / "port").read_text()))
    finally:
        process.kill()
        process.wait()


def peers_file(port: int, mapping: str = "hotline-12345", *, classes: str = "[]", more: str = "") -> str:
    """Return a file with a peer at a port; it signs with the old key and the new one."""
    return f"""
        desk = "heat.example"
        [[peer]]
        name = "city"
        mapping = "{mapping}"
        url = "http://127.0.0.1:{port}"
        keys = ["{SECRETS[0]}", "{SECRETS[1]}"]
        classes = {classes}
        {more}
        """


def token_file(folder: Path) -> str:
    """Return the line of a file of peers that names a file with the token of an agent."""
    (folder / "token").write_text(TOKEN)
    return f'authorization_file = "{folder / "token"}"'

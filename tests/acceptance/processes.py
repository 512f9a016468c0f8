"""Hearth's commands as processes of their own, driven as an operator drives them: arguments, environment, signals."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

from tests.acceptance import warm
from tests.acceptance.waiting import until

# A shell without a terminal starts its background jobs with SIGINT ignored, and children keep that.
PROGRAM = (
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from hearth.cli import main; main()",
)
STOP_SECONDS = 20.0
MOST_BYTES = 1 << 26  # that a command says


def run(environment: Mapping[str, str], *arguments: str, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run a command to its end and return what it said; it is killed after `seconds`."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        copy = warm.start(arguments, surroundings(environment), out, errors)
        try:
            code = copy.wait(seconds)
        except subprocess.TimeoutExpired:
            copy.tell_where_it_is()
            copy.kill()
            raise AssertionError(f"{' '.join(arguments)} did not end:\n{_said(errors)}") from None
        return subprocess.CompletedProcess(arguments, code, _said(out), _said(errors))


def _said(file: IO[bytes]) -> str:
    return os.pread(file.fileno(), MOST_BYTES, 0).decode()


class Process:
    """A command that runs until it is stopped; its standard error is kept in a file."""

    def __init__(self, environment: Mapping[str, str], log: Path, *arguments: str) -> None:
        self.name = " ".join(arguments)
        self.log = log
        with log.open("ab") as errors, Path(os.devnull).open("wb") as nowhere:
            self._process = warm.start(arguments, surroundings(environment), nowhere, errors)

    @property
    def running(self) -> bool:
        """True while it is still there."""
        return self._process.poll() is None

    def status(self) -> str:
        """Return what the system knows of it: proc(5)."""
        return Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")

    def said(self) -> str:
        """Return all it has written to standard error."""
        return self.log.read_text(errors="replace")

    def wait_for(self, words: str, times: int = 1) -> Self:
        """Wait until it has said these words, so often."""

        def heard() -> bool:
            assert self.running or self.said().count(words) >= times, f"{self.name} ended:\n{self.said()}"
            return self.said().count(words) >= times

        until(heard, f"{self.name} says {words!r}")
        return self

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def interrupt(self) -> None:
        """Press Ctrl-C, which reaches it and all that it started."""
        os.killpg(self._process.pid, signal.SIGINT)

    def wait(self) -> int:
        """Wait for its end and return its exit code."""
        return self._process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """Ask it to stop, wait for its end and return its exit code; kill it when it does not listen."""
        self._process.terminate()
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self._process.tell_where_it_is()
            self.kill()
            raise AssertionError(f"{self.name} did not stop:\n{self.said()}") from None


def surroundings(environment: Mapping[str, str]) -> dict[str, str]:
    """Our environment without settings of Hearth and libpq, and with the given ones."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("HEARTH_", "PG"))}
    return {**ours, **environment}

"""A server as a process: started until it answers, stopped, killed; it never outlives the process that started it."""

import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

from local.host import Host, discard
from local.port import is_free, remembered_port

ANSWER_SECONDS = 60.0
STOP_SECONDS = 30.0
# After a crash the dead server's port, lock file or shared memory may need a moment to clear.
START_ATTEMPTS = 6
PAUSE_SECONDS = 0.5
LOG_TAIL_CHARACTERS = 2000


class ServerError(Exception):
    """A server did not start; the message carries the tail of its log."""


class Server(ABC):
    """One server process with a folder of its own and a port of the loopback address.

    It dies with the thread that called `start`, unless `dies_with_parent` is false.
    """

    stop_signal = signal.SIGTERM
    answer_seconds = ANSWER_SECONDS

    def __init__(self, folder: Path, port: int | None, host: Host, *, dies_with_parent: bool = True) -> None:
        self.folder = folder
        self.host, self.place = host.settle(folder)
        self.port = remembered_port(self.place, port)
        self.dies_with_parent = dies_with_parent
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """The file with what the server says."""
        return self.place / "log"

    @property
    def running(self) -> bool:
        """True while the process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start the server and wait until it answers; raise ServerError with the tail of its log."""
        if self.running:
            return self
        self._prepare()
        for _ in range(START_ATTEMPTS):
            if self._try_to_start():
                return self
            time.sleep(PAUSE_SECONDS)
        reason = "" if is_free(self.port) else f" (port {self.port} is taken)"
        raise ServerError(f"{type(self).__name__} did not start{reason}:\n{self._log_tail()}")

    def stop(self) -> None:
        """Stop the server in order; kill it if it takes too long."""
        if self._process is None:
            return
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """Kill the server and all its children at once, as a power cut would."""
        if self._process is None:
            return
        # Stopped first, so that it starts no more children while they are counted.
        self._process.send_signal(signal.SIGSTOP)
        children = list(children_of(self._process.pid))
        for pid in (self._process.pid, *children):
            with suppress(ProcessLookupError):  # a child may have ended by itself
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        while any(alive(pid) for pid in children):
            time.sleep(0.01)

    def halt(self, still: bool = True) -> None:
        """Have the server stand still with all its children, as on a disk that does not answer; or go on."""
        if self._process is None:
            return
        number = signal.SIGSTOP if still else signal.SIGCONT
        for pid in (self._process.pid, *children_of(self._process.pid)):
            with suppress(ProcessLookupError):  # a child may have ended by itself
                os.kill(pid, number)

    def remove(self) -> None:
        """Stop the server and delete its folder."""
        self.stop()
        discard(self.folder)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def _prepare(self) -> None:
        """Write what the server needs before it can start."""

    @abstractmethod
    def _command(self) -> list[str]:
        """Return the command line, as seen inside the host."""

    @abstractmethod
    def _answers(self) -> bool:
        """Say whether the server answers in its own language."""

    def _try_to_start(self) -> bool:
        # Another server on our port would answer in our server's place.
        if not is_free(self.port):
            return False
        self._spawn()
        deadline = time.monotonic() + self.answer_seconds
        while self.running:
            if self._answers():
                return True
            if time.monotonic() > deadline:
                self.kill()
                raise ServerError(f"{type(self).__name__} does not answer:\n{self._log_tail()}")
            time.sleep(0.05)
        return False

    def _spawn(self) -> None:
        death = self.stop_signal.name.removeprefix("SIG") if self.dies_with_parent else "keep"
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C is for the program in front, which then stops its servers in order.
            self._process = subprocess.Popen(
                self.host.command(*self._command(), death_signal=death),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(),
                cwd=self.place,
                start_new_session=True,
            )

    def _log_tail(self) -> str:
        return self.log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:] if self.log.exists() else ""


def environment() -> dict[str, str]:
    """Return a server's environment: ours with one language and one time zone, without libpq settings."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**ours, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def children_of(pid: int) -> Iterator[int]:
    """Yield the processes whose parent is `pid`."""
    for entry in Path("/proc").glob("[0-9]*"):
        if (found := state_and_parent(int(entry.name))) and found[1] == pid:
            yield int(entry.name)


def alive(pid: int) -> bool:
    """Say whether the process is still there; one that only waits to be reaped is not."""
    found = state_and_parent(pid)
    return found is not None and found[0] != "Z"


def state_and_parent(pid: int) -> tuple[str, int] | None:
    """Return the state letter and the parent of a process, or None when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field, the name in parentheses, may itself hold spaces and parentheses.
    state, parent = stat.rpartition(")")[2].split()[:2]
    return state, int(parent)

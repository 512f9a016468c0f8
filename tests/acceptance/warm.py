"""Hearth's commands as copies of a process that has all of them loaded: an interpreter that loads one takes 0.7 s.

The copy has a session, an environment and files of its own, and ends as any process does. What differs from a start
by the shell is only where the modules come from; `hearth up` and `hearth demo` are started by the shell in their tests.
"""

import ctypes
import faulthandler
import gc
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
import zoneinfo
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, NamedTuple

ROOT = Path(__file__).parents[2]
BEGIN = "import sys; from tests.acceptance import warm; warm.serve(int(sys.argv[1])); warm.command()"
MOST_BYTES = 1 << 17  # of a request
PR_SET_PDEATHSIG = 1
WHERE, WHERE_S = signal.SIGUSR2, 0.5  # a copy that is told so says where it is


class Copy:
    """A running copy, as `subprocess.Popen` has it."""

    def __init__(self, pid: int, told: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._told = told  # its exit code can be read here, once
        # Not closed before: another thread may be waiting for it, too, and would never hear of a number that is closed.
        weakref.finalize(self, os.close, told)
        self._reads = threading.Lock()

    def poll(self) -> int | None:
        """Return its exit code, or None while it runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end and return its exit code."""
        if self.returncode is None:
            with selectors.DefaultSelector() as ready:
                ready.register(self._told, selectors.EVENT_READ)
                if not ready.select(timeout):
                    raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            with self._reads:
                if self.returncode is None:
                    # Nothing is said where the process that all are copies of has died, and all with it.
                    self.returncode = int(os.read(self._told, 16) or -signal.SIGKILL)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        with suppress(ProcessLookupError):  # it has ended, and its exit code is about to be told
            if self.poll() is None:
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to stop."""
        self.send_signal(signal.SIGTERM)

    def tell_where_it_is(self) -> None:
        """Have all of its threads say on standard error where they are, and wait a moment for that."""
        self.send_signal(WHERE)
        time.sleep(WHERE_S)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class Original:
    """The process that all are copies of. It ends with this one, and its copies end with it."""

    def __init__(self) -> None:
        self._ask, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._one_at_a_time = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", BEGIN, str(theirs.fileno())],
                cwd=ROOT,
                # A copy has the thread that copied it and no other.
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def copy(self, arguments: Sequence[str], environment: Mapping[str, str], out: IO[bytes], errors: IO[bytes]) -> Copy:
        """Start a command."""
        read, write = os.pipe()
        request = json.dumps({"arguments": arguments, "environment": dict(environment)}).encode()
        with self._one_at_a_time:
            socket.send_fds(self._ask, [request], [out.fileno(), errors.fileno(), write])
            pid = int(self._ask.recv(16))
        os.close(write)
        return Copy(pid, read)


@cache
def original() -> Original:
    """Return the process that all are copies of."""
    return Original()


def start(arguments: Sequence[str], environment: Mapping[str, str], out: IO[bytes], errors: IO[bytes]) -> Copy:
    """Start a command that reads nothing; it ends with this process, however that ends."""
    return original().copy(arguments, environment, out, errors)


class Ended(NamedTuple):
    """A copy whose end is waited for: its number, and where its exit code is to be told."""

    pid: int
    told: int


def serve(number: int) -> None:
    """Copy this process whenever that is asked for; return in the copy, ready to run what it was asked to."""
    from hearth.cli import app
    from registry.spelling import spelt

    app()
    spelt("热")  # else each copy that spells a word would load all phrases
    gc.collect()
    gc.freeze()
    asked = socket.socket(fileno=number)
    with selectors.DefaultSelector() as ready:
        ready.register(asked, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.data:
                    tell(key.data)
                    ready.unregister(key.fd)
                    os.close(key.fd)
                    continue
                request, files, _, _ = socket.recv_fds(asked, MOST_BYTES, 3)
                if not request:
                    os._exit(0)
                if not (pid := os.fork()):
                    others = [
                        fd for other in ready.get_map().values() if other.data for fd in (other.fd, other.data.told)
                    ]
                    asked.close()
                    become(request, files, others)
                    return
                for file in files[:2]:
                    os.close(file)
                ready.register(os.pidfd_open(pid), selectors.EVENT_READ, Ended(pid, files[2]))
                asked.send(str(pid).encode())


def tell(ended: Ended) -> None:
    """Tell the exit code of a copy that has ended."""
    _, status = os.waitpid(ended.pid, 0)
    os.write(ended.told, str(os.waitstatus_to_exitcode(status)).encode())
    os.close(ended.told)


def become(request: bytes, files: Sequence[int], others: Sequence[int]) -> None:
    """Take the place of a process that the shell has started with these arguments, environment and files."""
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    wanted = json.loads(request)
    os.environ.clear()
    os.environ.update(wanted["environment"])
    sys.argv = ["hearth", *wanted["arguments"]]
    # They are read once, when an interpreter starts.
    time.tzset()
    zoneinfo.reset_tzpath()
    for target, file in zip((1, 2), files, strict=False):
        os.dup2(file, target)
    for file in (*files, *others):
        os.close(file)


def command() -> None:
    """Run the command."""
    from hearth.cli import main

    # A shell without a terminal starts its background jobs with SIGINT ignored, and children keep that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    faulthandler.register(WHERE)
    main()

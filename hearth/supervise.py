"""Programs kept running: started, again when they die, stopped in order, their output passed on line by line."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from domain.backoff import Backoff

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0  # who ran so long begins with the first pause again
STOP_S = 15.0
OPERATOR_CAN_MEND = 2  # exit code: to start it again would not help

Say = Callable[[str, str], None]  # (program, line)


@dataclass(frozen=True)
class Program:
    """One of Hearth's own commands, under the name by which its lines are told apart."""

    name: str
    arguments: Sequence[str]
    module: str = "hearth"


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    reader: threading.Thread | None = None
    started_at: float = 0.0
    start_at: float = 0.0  # when it may be started again
    backoff: Backoff = field(default_factory=lambda: Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S))


@dataclass
class Supervisor:
    """Children of the thread that calls `tend`; they die with it, whatever happens to it.

    `say` gets every line they write, and what the supervisor itself has to tell, from several threads.
    """

    programs: Sequence[Program]
    say: Say
    environment: Mapping[str, str] = field(default_factory=dict)  # in addition to ours
    _children: list[_Child] = field(init=False)

    def __post_init__(self) -> None:
        self._children = [_Child(program) for program in self.programs]

    def tend(self) -> str | None:
        """Start what does not run and is due. Call it again and again.

        Returns:
            The name of a program that gave up for a reason the operator has to fix; None: all is well.
        """
        for child in self._children:
            if child.process is not None and child.process.poll() is not None and self._buried(child):
                return child.program.name
            if child.process is None and time.monotonic() >= child.start_at:
                self._start(child)
        return None

    def stop(self) -> None:
        """Stop all in the order in which they were named, each before the next; kill who does not listen."""
        for child in self._children:
            if child.process is None:
                continue
            child.process.terminate()
            try:
                child.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.say(child.program.name, f"does not stop within {STOP_S:g} s: killed")
                child.process.kill()
                child.process.wait()
            self._close(child)

    def _start(self, child: _Child) -> None:
        child.process = subprocess.Popen(
            # setpriv: the death of this process, however sudden, is a polite end for the child.
            [
                "setpriv",
                "--pdeathsig=TERM",
                "--",
                sys.executable,
                "-P",
                "-m",
                child.program.module,
                *child.program.arguments,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self.environment},
            # Ctrl-C is for the supervisor, which then stops its children in order.
            start_new_session=True,
        )
        assert child.process.stdout is not None
        child.started_at = time.monotonic()
        child.reader = threading.Thread(target=self._pass_on, args=(child.program.name, child.process.stdout))
        child.reader.start()

    def _buried(self, child: _Child) -> bool:
        """Record the exit of a child and schedule its restart; True if a restart is pointless."""
        assert child.process is not None
        code, ran_s = child.process.returncode, time.monotonic() - child.started_at
        self._close(child)
        if code == OPERATOR_CAN_MEND:
            return True
        if ran_s >= STEADY_S:
            child.backoff.succeed()
        pause_s = child.backoff.fail()
        self.say(child.program.name, f"ended with code {code}, starts again in {pause_s:g} s")
        child.start_at = time.monotonic() + pause_s
        return False

    def _close(self, child: _Child) -> None:
        if child.reader is not None:
            child.reader.join()
        child.process = child.reader = None

    def _pass_on(self, name: str, lines: IO[bytes]) -> None:
        with lines:
            for line in lines:
                self.say(name, line.decode(errors="replace").rstrip())

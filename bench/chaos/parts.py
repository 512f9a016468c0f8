"""Parts that break: processes of Hearth, servers, and the network between them."""

import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.server import Server
from tests.acceptance.processes import Process, surroundings
from tests.acceptance.proxy import Proxy

# A bug of tests/simulation/mutants.py is planted in a process before it begins.
PLANTED = """
import ctypes
ctypes.CDLL(None).prctl(1, 9)  # it ends with the race, however that ends
from tests.simulation.mutants import MUTANTS
from hearth.cli import main
with MUTANTS[{name!r}](None):
    main()
"""


class Part(ABC):
    """Something that runs until it is killed; what ends otherwise is started again, as a supervisor does."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.is_wanted = True

    @property
    @abstractmethod
    def running(self) -> bool:
        """True while it runs."""

    @abstractmethod
    def start(self) -> None:
        """Start it."""

    @abstractmethod
    def kill(self) -> None:
        """Kill it at once."""

    @abstractmethod
    def halt(self, still: bool) -> None:
        """Have it stand still, or go on."""


class Planted(Process):
    """A command with a bug in it."""

    def __init__(self, environment: Mapping[str, str], log: Path, command: str, mutant: str) -> None:
        self.name, self.log = command, log
        program = [sys.executable, "-c", PLANTED.format(name=mutant), command]
        with log.open("ab") as errors:
            self._process = subprocess.Popen(  # type: ignore[assignment]
                program, env=surroundings(environment), stdin=subprocess.DEVNULL, stdout=errors, stderr=errors
            )


class HearthPart(Part):
    """A process of Hearth."""

    def __init__(self, command: str, environment: Mapping[str, str], log: Path, mutant: str | None) -> None:
        super().__init__(command)
        self.environment, self.log, self.mutant = environment, log, mutant
        self.start()

    @property
    def running(self) -> bool:
        """True while it runs."""
        return self._process.running

    def start(self) -> None:
        """Start it."""
        if self.mutant:
            self._process: Process = Planted(self.environment, self.log, self.kind, self.mutant)
        else:
            self._process = Process(self.environment, self.log, self.kind)

    def kill(self) -> None:
        """Kill it at once."""
        self._process.kill()

    def halt(self, still: bool) -> None:
        """Have it stand still, or go on."""
        self._process.send(signal.SIGSTOP if still else signal.SIGCONT)


class ServerPart(Part):
    """A server; `begin` starts it, `end` is what its promise allows for: kill, or stop."""

    def __init__(
        self, kind: str, server: Server, begin: Callable[[], object], end: Callable[[], None] | None = None
    ) -> None:
        super().__init__(kind)
        self.server, self._begin, self._end = server, begin, end or server.kill

    @property
    def running(self) -> bool:
        """True while it runs."""
        return self.server.running

    def start(self) -> None:
        """Start it."""
        self._begin()

    def kill(self) -> None:
        """Kill it at once, or stop it where it promises no more."""
        self._end()

    def halt(self, still: bool) -> None:
        """Have it stand still, or go on."""
        self.server.halt(still)


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong: in force while the context lasts. Two that touch the same are never at once."""

    kind: str
    touches: frozenset[str]
    begin: Callable[[], AbstractContextManager[object]]
    is_possible: Callable[[], bool] = lambda: True


def faults_of(part: Part, name: str) -> Iterator[Fault]:
    """Yield what can happen to a part."""
    touches = frozenset({name})
    yield Fault(f"{part.kind} killed", touches, lambda: killed(part))
    yield Fault(f"{part.kind} halted", touches, lambda: halted(part))


@contextmanager
def killed(*parts: Part) -> Iterator[None]:
    """Kill parts, and start them again at the end."""
    for part in parts:
        part.is_wanted = False
        part.kill()
    yield
    for part in parts:
        part.is_wanted = True
        part.start()


@contextmanager
def halted(part: Part) -> Iterator[None]:
    """Have a part stand still."""
    part.halt(True)
    yield
    part.halt(False)


def faults_between(proxy: Proxy, name: str) -> Iterator[Fault]:
    """Yield what can happen to a part of the network: nothing comes through, all is cut, or swallowed for ever."""
    touches = frozenset({name})
    yield Fault(f"{name} stalled", touches, lambda: _stalled(proxy))
    yield Fault(f"{name} cut", touches, lambda: _once(proxy.reset))
    yield Fault(f"{name} swallowed", touches, lambda: _once(proxy.swallow))


@contextmanager
def _stalled(proxy: Proxy) -> Iterator[None]:
    proxy.stall()
    yield
    proxy.flow()


@contextmanager
def _once(act: Callable[[], None]) -> Iterator[None]:
    act()
    yield

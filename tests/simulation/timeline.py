"""One thread and a virtual clock: tasks of simulated processes, each of which goes on when its time has come.

A task gives the thread away when it sleeps, when it waits for an event, and at each statement. How long a statement
takes is drawn by the seed, and so is who is next wherever tasks meet.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from random import Random
from types import TracebackType
from typing import Protocol, Self

from greenlet import getcurrent, greenlet

SECOND = 1_000_000
NEVER_US = 2**62
# Waits of this length poll: nothing happens before the next beat that would not happen then.
MOST_STEPS = 12_000  # several times what a day takes
POLLS_S = frozenset({0.2, 0.5, 1.0})


class Killed(BaseException):
    """The process of a task is dead: nothing that it does from here on reaches anybody."""


class Stuck(Exception):
    """Nothing comes to an end: everybody waits for a lock, or somebody does the same again and again."""


@dataclass(eq=False)
class Process:
    """A process of the machine room, from its start to its death; the next one of its name is another."""

    name: str
    skew_us: int = 0  # its clock against the true one
    statements: int = 0
    alive: bool = True
    tasks: list["Task"] = field(default_factory=list)
    at_death: list[Callable[[], None]] = field(default_factory=list)  # what the system does then: sockets close


@dataclass(eq=False)
class Task:
    """A thread of a process."""

    process: Process
    thread: greenlet
    wake_us: int = 0
    turn: int = 0  # the entry of the queue that is in force


class Blocked(Protocol):
    """Something of another server that a task waits for."""

    def is_over(self) -> bool:
        """Return whether the task can go on."""


class Timeline:
    """The clock, and everybody who waits for it."""

    def __init__(self, chance: Random, start_us: int, beats_us: list[int]) -> None:
        self.chance, self.now_us = chance, start_us
        self.steps = 0
        self.beats_us = beats_us  # ascending
        self.current: Task | None = None
        self.blocked: dict[Task, Blocked] = {}
        self.crashes: list[str] = []  # errors that ended a thread
        self._queue: list[tuple[int, int, Task]] = []
        self._turns = count(1)
        self.numbers = count(1)  # of what is in no order by itself
        self._until_us = start_us
        self._hub = getcurrent()

    def start(self, process: Process, work: Callable[[], None], after_s: float = 0) -> Task:
        """Begin a thread of a process."""
        task = Task(process, greenlet(lambda: self._work(process, work), self._hub))
        process.tasks.append(task)
        self.wake(task, self.now_us + round(after_s * SECOND))
        return task

    def wake(self, task: Task, at_us: int | None = None) -> None:
        """Let a task go on at an instant, now by default."""
        task.wake_us = self.now_us if at_us is None else at_us
        task.turn = next(self._turns)
        heapq.heappush(self._queue, (task.wake_us, task.turn, task))

    def sleep(self, seconds: float) -> None:
        """Let the running task wait, and others go on."""
        self.sleep_until(self.now_us + max(round(seconds * SECOND), 1))

    def poll(self, seconds: float) -> None:
        """Let the running task wait; where it would only look again and again, until the next beat."""
        beat = next((at for at in self.beats_us if at > self.now_us), NEVER_US) if seconds in POLLS_S else 0
        self.sleep_until(max(self.now_us + round(seconds * SECOND), beat))

    def sleep_until(self, at_us: int) -> None:
        """Let the running task wait until an instant."""
        task = self.running()
        is_next = (not self._queue or at_us < self._queue[0][0]) and self.steps < MOST_STEPS
        if is_next and not self.blocked and self.now_us <= at_us <= self._until_us and task.process.alive:
            self.now_us, self.steps = at_us, self.steps + 1  # nobody else goes on before: no switch there and back
            return
        self.wake(task, at_us)
        self._give_way(task)

    def block(self, on: Blocked) -> None:
        """Let the running task wait for something that others have."""
        task = self.running()
        self.blocked[task] = on
        self._give_way(task)

    def running(self) -> Task:
        """Return the task that runs."""
        assert self.current is not None
        return self.current

    def kill(self, process: Process) -> None:
        """End a process as SIGKILL does, from the outside or by itself."""
        if not process.alive:
            return
        process.alive = False
        for act in list(process.at_death):  # each takes itself off the list
            act()
        for task in process.tasks:
            self.blocked.pop(task, None)
            if task is not self.current and not task.thread.dead:
                task.turn = 0
                self._let(task, Killed())

    def run(self, until_us: int) -> None:
        """Let everybody go on until an instant; who waits for a lock then may wait for one who goes on after it.

        Raises:
            Stuck: somebody goes round and round.
        """
        self._until_us = until_us
        while True:
            for task in [task for task, on in self.blocked.items() if on.is_over()]:
                del self.blocked[task]
                self.wake(task)
            if not self._queue or self._queue[0][0] > until_us:
                break
            at_us, turn, task = heapq.heappop(self._queue)
            if turn == task.turn and not task.thread.dead:
                self.now_us = max(self.now_us, at_us)
                self.steps += 1
                if self.steps > MOST_STEPS:
                    raise Stuck(f"{task.process.name} goes on and on")
                self._let(task)
        self.now_us = max(self.now_us, until_us)

    def finish(self, until_us: int) -> None:
        """Let everybody go on until an instant at which nobody waits for a lock any more.

        Raises:
            Stuck: somebody does.
        """
        self.run(until_us)
        if self.blocked:
            raise Stuck(", ".join(task.process.name for task in self.blocked))

    def _let(self, task: Task, error: BaseException | None = None) -> None:
        before, self.current = self.current, task
        try:
            task.thread.throw(error) if error else task.thread.switch()
        finally:
            self.current = before

    def _work(self, process: Process, work: Callable[[], None]) -> None:
        try:
            work()
        except Killed:
            pass
        except Exception as error:
            if process.alive:  # what a killed one runs into on its way out reaches nobody
                self.crashes.append(f"{process.name}: {type(error).__name__}: {error}")

    def _give_way(self, task: Task) -> None:
        self._hub.switch()
        if not task.process.alive:
            raise Killed


class Event:
    """A `threading.Event` of the virtual clock."""

    def __init__(self) -> None:
        self._set = False
        self._waiting: list[Task] = []

    def is_set(self) -> bool:
        """Return whether it is set."""
        return self._set

    def set(self) -> None:
        """Let those who wait go on."""
        self._set = True
        for task in self._waiting:
            now().wake(task)
        self._waiting.clear()

    def clear(self) -> None:
        """Have the next ones wait."""
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, or for so long."""
        if not self._set:
            task = now().running()
            self._waiting.append(task)
            now().sleep_until(NEVER_US) if timeout is None else now().poll(timeout)
            if task in self._waiting:
                self._waiting.remove(task)
        return self._set


class Lock:
    """A `threading.Lock` that nobody has to wait for: no task gives way while it holds one."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass


class VirtualTime:
    """The module `time`, by the virtual clock."""

    @staticmethod
    def monotonic() -> float:
        """Return the seconds of a clock that no one sets."""
        return now().now_us / SECOND

    @staticmethod
    def sleep(seconds: float) -> None:
        """Wait."""
        now().sleep(seconds)


class VirtualThreading:
    """The module `threading`, as far as the worker needs it."""

    Event, Lock = Event, Lock


_NOW: list[Timeline] = []


def enter(timeline: Timeline) -> None:
    """Make a timeline the one of all virtual modules."""
    _NOW[:] = [timeline]


def now() -> Timeline:
    """Return the timeline that runs."""
    return _NOW[0]


def clock() -> datetime:
    """Return the time of day by the clock of the process that asks."""
    return datetime.fromtimestamp(clock_us() / SECOND, UTC)


def clock_us() -> int:
    """Return µs since 1970 by the clock of the process that asks."""
    task = now().current
    return now().now_us + (task.process.skew_us if task else 0)

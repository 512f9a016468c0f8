"""`hearth up`: ingest, watch, notify and api in one command, for a machine of its own without an orchestrator."""

import sys
import threading
from collections.abc import Callable

import typer

from hearth.settings import load
from hearth.supervise import Program, Supervisor
from hearth.wiring import chosen_peers, chosen_policy, chosen_recipients, stop_on_signal

# The order of stopping: nothing new comes in, nothing moves by the clock, nobody is told, nobody is answered.
PROGRAMS = tuple(Program(name, [name]) for name in ("ingest", "watch", "notify", "api"))
LOOK_S = 0.2


def up() -> None:
    """Run ingest, watch, notify and api together; who dies is started again. Runs until stopped."""
    settings = load()  # what is wrong with them is said here, once
    chosen_policy(settings)
    chosen_recipients(settings)
    chosen_peers(settings)
    stop = stop_on_signal()
    supervisor = Supervisor(PROGRAMS, line_writer())
    gave_up = None
    try:
        while gave_up is None and not stop.wait(LOOK_S):
            gave_up = supervisor.tend()
    finally:
        supervisor.stop()
    if gave_up:
        raise typer.Exit(2)


def line_writer() -> Callable[[str, str], None]:
    """Return a function that writes lines of several programs to stderr, each with the program's name."""
    lock = threading.Lock()

    def say(name: str, line: str) -> None:
        with lock:
            print(f"{name:<8} {line}", file=sys.stderr, flush=True)

    return say

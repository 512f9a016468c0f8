"""`hearth up`: ingest, watch and api in one command, for a machine of its own without an orchestrator."""

import sys
import threading
from collections.abc import Callable

import typer

from hearth.settings import load
from hearth.supervise import Program, Supervisor
from hearth.wiring import chosen_policy, stop_on_signal

# The order of stopping: nothing new comes in, then nothing moves by the clock, then nobody is answered.
PROGRAMS = (Program("ingest", ["ingest"]), Program("watch", ["watch"]), Program("api", ["api"]))
LOOK_S = 0.2


def up() -> None:
    """Run ingest, watch and api together; who dies is started again. Runs until stopped."""
    chosen_policy(load())  # what is wrong with the settings is said here, once
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
    """Writes lines of several programs to stderr, each with the name of its program."""
    lock = threading.Lock()

    def say(name: str, line: str) -> None:
        with lock:
            print(f"{name:<8} {line}", file=sys.stderr, flush=True)

    return say

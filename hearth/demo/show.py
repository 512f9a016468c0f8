"""A demo from its start to its end: the programs over a stand, and figures while they run."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from rich.console import Console
from rich.live import Live

from domain import policy_file
from domain.errors import UsageError
from hearth.demo.figures import DemoFigures, Gauge, summary
from hearth.demo.stand import BACKFILL_S, INTERVAL_S, Stand
from hearth.demo.view import ROWS, DemoPage, line
from hearth.supervise import Program, Supervisor
from store.base.access import Role

LOOK_S = 1.0
LINE_S = 5.0
LISTENS = "event=connected"  # what ingest says when the broker keeps messages for it
LISTENS_WITHIN_S = 30.0


@dataclass
class Log:
    """Log file of the programs; notes when ingest is subscribed."""

    file: IO[str]
    listens: threading.Event = field(default_factory=threading.Event)
    last: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, name: str, text: str) -> None:
        """Take a line of a program."""
        with self._lock:
            self.file.write(f"{name:<8} {text}\n")
            self.file.flush()
            self.last[name] = text
        if name == "ingest" and LISTENS in text:
            self.listens.set()


def programs(stand: Stand) -> tuple[list[Program], Program]:
    """Return Hearth's processes, and the simulator, which starts once they listen."""
    wishes = stand.wishes
    town = ["--homes", str(wishes.homes), "--seed", str(wishes.seed), "--interval", str(INTERVAL_S)]
    simulator = ["simulate", *town, "--backfill", str(BACKFILL_S), "--state", str(stand.state_file)]
    return [Program(name, [name]) for name in ("ingest", "watch", "notify", "api")], Program("town", simulator)


def show(stand: Stand, stop: threading.Event, seconds: float | None, console: Console) -> dict[str, Any]:
    """Run until told to stop, or for so many seconds from the first message on; returns the summary.

    Raises:
        UsageError: one of the programs cannot work as things are.
    """
    hearth, town = programs(stand)
    with stand.connect() as conn, (stand.wishes.folder / "log").open("a", encoding="utf-8") as file:
        gauge, log = Gauge(conn), Log(file)
        with running(hearth, stand, log) as tend:
            _wait_for_ingest(tend, log, stop)
            with running([town], stand, log) as tend_town:
                _look(stand, gauge, console, _Loop([tend, tend_town], stop, seconds))
        return summary(gauge.read(), gauge.fastest_per_s)


@contextmanager
def running(them: list[Program], stand: Stand, log: Log) -> Iterator[Callable[[], None]]:
    """Run programs under supervision; yields the function to call periodically."""
    supervisor = Supervisor(them, log.write, stand.environment())

    def tend() -> None:
        if gave_up := supervisor.tend():
            raise UsageError(log.last.get(gave_up, f"{gave_up} ended").removeprefix("hearth: "))

    try:
        yield tend
    finally:
        supervisor.stop()


def _wait_for_ingest(tend: Callable[[], None], log: Log, stop: threading.Event) -> None:
    """Wait for ingest's first subscription, before which the broker keeps no messages for it."""
    end = time.monotonic() + LISTENS_WITHIN_S
    while not (stop.is_set() or log.listens.wait(0.1)):
        tend()
        if time.monotonic() > end:
            raise UsageError(f"ingest does not reach the broker, see {log.file.name}")


@dataclass
class _Loop:
    """Goes round until the end, and looks after the programs."""

    tend: list[Callable[[], None]]
    stop: threading.Event
    seconds: float | None

    def rounds(self) -> Iterator[float]:
        """Yield the seconds since the start, about once a second, until the end."""
        began = time.monotonic()
        while not self.stop.is_set():
            for tend in self.tend:
                tend()
            passed = time.monotonic() - began
            if self.seconds is not None and passed >= self.seconds:
                return
            yield passed
            left = LOOK_S if self.seconds is None else min(LOOK_S, self.seconds - passed)
            self.stop.wait(max(left, 0))


def _look(stand: Stand, gauge: Gauge, console: Console, loop: _Loop) -> None:
    zone = policy_file.load(stand.policy_file.read_text(encoding="utf-8"), str(stand.policy_file)).zone
    page = DemoPage(stand.api_url, os.path.relpath(stand.wishes.folder), stand.broker, zone)
    page.tokens = {role.value: stand.token(role) for role in (Role.ADMIN, Role.DISPATCHER)}
    if console.is_terminal:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            for _ in loop.rounds():
                figures = gauge.read(ROWS)
                _give_customer_a_token(stand, page, figures)
                live.update(page.render(figures), refresh=True)
    else:
        _say_lines(stand, gauge, console, page, loop)


def _say_lines(stand: Stand, gauge: Gauge, console: Console, page: DemoPage, loop: _Loop) -> None:
    said_at = 0.0
    console.print(f"API: {page.api_url}", *(f"{who}: {token}" for who, token in page.tokens.items()), sep="\n")
    for passed in loop.rounds():
        figures = gauge.read(1)
        if (made := _give_customer_a_token(stand, page, figures)) is not None:
            console.print(made, soft_wrap=True, highlight=False)
        if passed - said_at >= LINE_S:
            said_at = passed
            console.print(line(figures), soft_wrap=True, highlight=False)


def _give_customer_a_token(stand: Stand, page: DemoPage, figures: DemoFigures) -> str | None:
    """Create a token for the first flagged home, if there is one: its page shows more."""
    if len(page.tokens) > 2 or not figures.flags:
        return None
    home = figures.flags[0]["home"]
    who = f"customer of {home}"
    token = page.tokens[who] = stand.token(Role.CUSTOMER, home)
    link = page.tokens["its page"] = f"{page.api_url}/home?token={token}"
    return f"{who}: {token}\nits page: {link}"

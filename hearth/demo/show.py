"""A demo from its start to its end: the programs over a stand, the people, and figures while they run."""

import os
import threading
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import IO, Any, NamedTuple

import psycopg
import structlog
from psycopg import Connection
from pydantic import SecretStr

from domain import policy_file
from domain.errors import UsageError
from domain.policy import Policy
from hearth.demo import past
from hearth.demo.calls import Call, Caller, of_past, of_story
from hearth.demo.figures import Gauge, summary
from hearth.demo.note import DemoNote
from hearth.demo.screen import Screen
from hearth.demo.staff import Staff
from hearth.demo.stand import Stand
from hearth.demo.view import DemoView
from hearth.settings import Settings
from hearth.supervise import Program, Supervisor
from hearth.wiring import now
from sim import story

LOOK_S = 1.0
MOVES_A_LOOK = 20  # of people, so that after days away the page does not wait for them
LISTENS = "event=connected"  # what ingest says when the broker keeps messages for it
SERVES = "Application startup complete"  # what the API says
STARTS_WITHIN_S = 60.0
LONGEST_BACKFILL = timedelta(hours=6)  # of readings a minute, when a town is woken again
ERROR = 40
SHORTEST = timedelta(seconds=1)  # of a past, whose share is shown
OTHERS = ("ingest", "watch", "notify")


@dataclass
class Log:
    """Log file of the programs; notes which of them have said what is waited for."""

    file: IO[str]
    ready: dict[str, threading.Event] = field(
        default_factory=lambda: {"ingest": threading.Event(), "api": threading.Event()}
    )
    last: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, name: str, text: str) -> None:
        """Take a line of a program."""
        with self._lock:
            self.file.write(f"{name:<8} {text}\n")
            self.file.flush()
            self.last[name] = text
        if (name == "ingest" and LISTENS in text) or (name == "api" and SERVES in text):
            self.ready[name].set()


@dataclass
class Show:
    """A running demo: its ground, its people, its programs, and the screen that shows it."""

    stand: Stand
    stop: threading.Event
    screen: Screen
    log: Log
    policy: Policy
    tend: list[Callable[[], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.people = Staff(self.policy)
        self.note = self.stand.note

    def look_after(self) -> None:
        """Look after the programs that run."""
        for tend in self.tend:
            tend()


class Wanted(NamedTuple):
    """The wishes for a run: its seconds from the first message on, or until `stop`; a browser to be opened."""

    stop: threading.Event
    seconds: float | None = None
    browser: bool = False


def show(stand: Stand, screen: Screen, wanted: Wanted) -> dict[str, Any]:
    """Run to the end that is wanted; returns the summary.

    Raises:
        UsageError: one of the programs cannot work as things are.
    """
    policy = policy_file.load(stand.policy_file.read_text(encoding="utf-8"), str(stand.policy_file))
    folder = stand.wishes.folder
    with stand.connect() as conn, (folder / "log").open("a", encoding="utf-8") as file:
        gauge, running_show = Gauge(conn), Show(stand, wanted.stop, screen, Log(file), policy)
        with running(_api(stand), running_show):
            _wait_for("api", running_show)
            screen.page_is_up(DemoView(stand.url, os.path.relpath(folder), stand.broker, policy.zone))
            if wanted.browser:
                webbrowser.open(stand.url)
            with silent_log():
                if _past(running_show):
                    _present(running_show, gauge, wanted.seconds)
        return summary(gauge.read(), gauge.fastest_per_s)


def _api(stand: Stand) -> list[Program]:
    return [Program("api", [str(stand.wishes.folder)], module="hearth.demo.serve")]


def _town(show: Show) -> Program:
    stand, note = show.stand, show.note
    backfill = min(now() - note.past_until, LONGEST_BACKFILL).total_seconds()
    town = ["--homes", str(note.homes), "--seed", str(note.seed), "--interval", str(note.pace_s)]
    assert note.story is not None  # the past is complete
    told = ["--story", str(note.story.timestamp()), "--state", str(stand.state_file), "--backfill", str(backfill)]
    return Program("town", ["simulate", *town, *told])


@contextmanager
def running(them: list[Program], show: Show) -> Iterator[None]:
    """Run programs under supervision."""
    supervisor = Supervisor(them, show.log.write, show.stand.environment())

    def tend() -> None:
        if gave_up := supervisor.tend():
            raise UsageError(show.log.last.get(gave_up, f"{gave_up} ended").removeprefix("hearth: "))

    show.tend.append(tend)
    try:
        yield
    finally:
        show.tend.remove(tend)
        supervisor.stop()


def _wait_for(name: str, show: Show) -> None:
    """Wait until a program is ready.

    Raises:
        UsageError: it does not get ready.
    """
    end = time.monotonic() + STARTS_WITHIN_S
    while not show.log.ready[name].wait(0.1) and not show.stop.is_set():
        show.look_after()
        if time.monotonic() > end:
            raise UsageError(f"{name} does not start, see {show.log.file.name}")


def _past(show: Show) -> bool:
    """Live through the month before where that has not been done; returns whether it is complete."""
    note, begin = show.note, show.note.past_from
    if note.story is not None:
        return True
    month = past.past_of(note.seed, note.homes, (begin, note.past_until), show.policy.zone)
    settings = Settings(database_url=SecretStr(show.stand.database_url), policy=show.stand.policy_file)
    caller = Caller(show.policy, of_past(month.town, begin, note.past_until))

    def tell(at: datetime) -> bool:
        show.look_after()
        show.screen.past((at - begin) / max(note.past_until - begin, SHORTEST))
        return not show.stop.is_set()

    # A past that is interrupted is begun again, so nothing has to wait for the disk.
    with show.stand.connect("-c synchronous_commit=off") as conn:
        complete = past.live_through(conn, month, settings, past.People(show.people, caller), tell)
    if complete:
        show.note = note.evolve(show.stand.wishes.folder, story=now())
    return complete


def _present(show: Show, gauge: Gauge, seconds: float | None) -> None:
    """Run everything in the present, to its end."""
    note = show.note
    with running([Program(name, [name]) for name in OTHERS], show):
        _wait_for("ingest", show)
        with running([_town(show)], show):
            caller = Caller(show.policy, calls := _calls(note))
            for _ in _rounds(show, seconds):
                _people(show, gauge.conn, caller)
                show.screen.present(gauge.read(show.screen.rows))
            show.note = note.evolve(show.stand.wishes.folder, told=note.told + len(calls) - caller.left)


def _calls(note: DemoNote) -> list[Call]:
    """Return the calls of the story that are still to be made."""
    assert note.story is not None  # the past is complete
    told = story.tell(note.seed, note.homes, note.pace_s, int(note.story.timestamp() * 1_000_000))
    return of_story(told, note.story)[note.told :] if told else []


@contextmanager
def silent_log() -> Iterator[None]:
    """Keep the log of what people do and of the past off the terminal: there the result alone is of interest."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(ERROR))
    try:
        yield
    finally:
        structlog.configure(**before)


def _rounds(show: Show, seconds: float | None) -> Iterator[None]:
    """Go round about once a second until the end."""
    began = time.monotonic()
    while not show.stop.is_set():
        show.look_after()
        passed = time.monotonic() - began
        if seconds is not None and passed >= seconds:
            return
        yield
        left = LOOK_S if seconds is None else min(LOOK_S, seconds - passed)
        show.stop.wait(max(left, 0))


def _people(show: Show, conn: Connection, caller: Caller) -> None:
    """Let people work; a fault of the database is not the end of the demo."""
    try:
        caller.call(conn, now(), live=True)
        show.people.work_live(conn, now(), MOVES_A_LOOK)
    except psycopg.OperationalError as error:
        show.log.write("people", str(error).strip())

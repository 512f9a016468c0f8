"""The ground of a demo: a folder with a database server, a broker, rules, a registry; all of it kept for next time."""

import fcntl
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import psycopg
from psycopg import Connection

from domain import policy_file
from domain.errors import UsageError
from hearth.demo.note import NAME, DemoNote
from hearth.demo.past import PAST_INTERVAL_S
from hearth.demo.room import enough_room, named_faults
from hearth.town import write_town
from hearth.wiring import now
from local.broker import Amqtt, find_broker
from local.port import LOOPBACK, free_port, is_free
from local.postgres import Postgres
from local.server import Server, ServerError
from registry.importing import import_folder
from sim.registry import Slower
from sim.town import Town
from store.base.migrate import migrate

DATABASE = "hearth"
USUAL_PORT = 8080
EVERYWHERE = "0.0.0.0"
Tell = Callable[[str], object]  # what is being done, in words
AnyServer = TypeVar("AnyServer", bound=Server)


@dataclass(frozen=True)
class DemoOptions:
    """Options of the demo. `here`: it is reached from this machine alone."""

    folder: Path
    port: int | None = None
    here: bool = False


@dataclass(frozen=True)
class Stand:
    """Running servers with a migrated database and a registry."""

    wishes: DemoOptions
    note: DemoNote
    database_url: str
    mqtt_url: str
    broker: str  # which one it is
    policy_file: Path
    api_port: int

    @property
    def url(self) -> str:
        """The one address to begin with."""
        return f"http://{LOOPBACK}:{self.api_port}/"

    @property
    def state_file(self) -> Path:
        """State file of the simulator."""
        return self.wishes.folder / "town.json"

    def environment(self) -> dict[str, str]:
        """Return the settings of Hearth's processes."""
        return {
            "HEARTH_DATABASE_URL": self.database_url,
            "HEARTH_MQTT_URL": self.mqtt_url,
            "HEARTH_POLICY": str(self.policy_file),
            "HEARTH_API_HOST": LOOPBACK if self.wishes.here else EVERYWHERE,
            "HEARTH_API_PORT": str(self.api_port),
            "HEARTH_PUBLIC_URL": self.url.rstrip("/"),
        }

    def connect(self, *options: str) -> Connection:
        """Open a connection to the database, in autocommit mode; `options` as the server takes them."""
        said = " ".join(["-c timezone=UTC", *options])
        return psycopg.connect(self.database_url, autocommit=True, application_name="hearth demo", options=said)


def note_for(folder: Path, wanted: Mapping[str, Any]) -> DemoNote:
    """Return the note of the folder's town, or one for the town that is wanted.

    Raises:
        UsageError: there is another town in the folder than the one asked for.
    """
    asked = {name: value for name, value in wanted.items() if value is not None}
    try:
        lives = DemoNote.read(folder)
    except ValueError:
        raise UsageError(f"{folder / NAME} is damaged; delete the folder, or take another --folder") from None
    if lives is None:
        return DemoNote(now(), **asked)
    if any(getattr(lives, name) != value for name, value in asked.items()):
        there = f"{lives.homes} homes with seed {lives.seed}, pace {lives.pace_s} and {lives.days} days behind it"
        raise UsageError(f"{folder}: a town of {there} lives here; ask for that one, or take another --folder")
    return lives


@contextmanager
def stand(wishes: DemoOptions, note: DemoNote, tell: Tell) -> Iterator[Stand]:
    """Start the servers, from where they were left, and stop them at the end.

    Raises:
        UsageError: the folder cannot be written or is in use, a port is taken, the disk is full, or a server does
            not start.
    """
    with ExitStack() as stack, named_faults(wishes.folder):
        port = api_port(wishes.folder, wishes.port)
        enough_room(wishes.folder)
        _settle(wishes.folder, stack)
        (wishes.folder / "api-port").write_text(f"{port}\n")
        rules = wishes.folder / "policy.toml"
        rules.write_text(policy_for_today(now().year), encoding="utf-8")
        tell("starting PostgreSQL")
        database = _start(Postgres, wishes.folder / "postgres", stack)
        tell("starting the broker")
        broker = _start(find_broker, wishes.folder / "broker", stack)
        if isinstance(broker, Amqtt):
            tell("no Mosquitto (apt-get install mosquitto): amqtt takes its place, slower")
        tell("building the town")
        zone = policy_file.load(rules.read_text(), str(rules)).zone
        url = _prepare_database(database, wishes, note, zone)
        note.write(wishes.folder)
        yield Stand(wishes, note, url, broker.url(), type(broker).__name__, rules, port)


def _settle(folder: Path, stack: ExitStack) -> None:
    """Make the folder, for us alone to use."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = stack.enter_context((folder / "lock").open("w"))
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(f"{folder}: another demo is running here; stop it, or take another --folder") from None
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}; take another --folder") from None


def _start(make: Callable[[Path], AnyServer], folder: Path, stack: ExitStack) -> AnyServer:
    """Start a server at its port of last time, or at another if that is taken."""
    note = folder / "port"
    if note.exists() and not is_free(int(note.read_text())):
        note.unlink()
    try:
        server = make(folder)
        stack.enter_context(server)
        return server
    except ServerError as error:
        raise UsageError(f"{str(error).splitlines()[0]} See {folder / 'log'}") from error


def _prepare_database(server: Postgres, wishes: DemoOptions, note: DemoNote, zone: ZoneInfo) -> str:
    """Make, migrate and fill the database where that has not been done; returns its address.

    A past that was interrupted is begun again: nothing of it is to be seen twice.
    """
    if note.story is None:
        server.drop_database(DATABASE)
    server.create_database(DATABASE)
    url = server.url(DATABASE)
    town = Town(note.seed, note.homes, note.pace_s, epoch_us=0)
    write_town(town, wishes.folder / "registry", Slower(PAST_INTERVAL_S, note.past_until))
    with psycopg.connect(url) as conn:
        migrate(conn)
    with psycopg.connect(url, options="-c timezone=UTC") as conn:
        import_folder(conn, wishes.folder / "registry", zone, now())
    return url


def api_port(folder: Path, wanted: int | None) -> int:
    """Choose a free port: the requested one; else the last one, the usual one, or any.

    Raises:
        UsageError: the port asked for is taken.
    """
    note = folder / "api-port"
    if wanted is not None and not is_free(wanted):
        raise UsageError(f"--port: {wanted} is taken; without --port the demo takes a free one")
    last = int(note.read_text()) if note.exists() else USUAL_PORT
    return wanted or (last if is_free(last) else free_port())


def policy_for_today(year: int) -> str:
    """Return the built-in policy with a season that is always on, so that the demo works on any day."""
    season = f"seasons = [{{from = {year - 1}-01-01, to = {year + 2}-01-01}}]"
    text, found = re.subn("^seasons = .*$", season, policy_file.builtin_text("seed"), flags=re.MULTILINE)
    assert found == 1
    return text

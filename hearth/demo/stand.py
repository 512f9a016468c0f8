"""The ground of a demo: a folder with a database server, a broker, rules, a registry; all of it kept for next time."""

import fcntl
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import psycopg
from psycopg import Connection

from domain import policy_file
from domain.errors import UsageError
from hearth.town import write_town
from hearth.wiring import now
from local.broker import find_broker
from local.port import LOOPBACK, free_port, is_free
from local.postgres import Postgres
from local.server import Server, ServerError
from registry.importing import import_folder
from sim.town import Town, epoch_before
from store.base import access
from store.base.migrate import migrate

DATABASE = "hearth"
USUAL_PORT = 8080
TOKEN_LIFE = timedelta(days=7)
HOMES, SEED = 500, 1  # where neither the command nor the folder says otherwise
INTERVAL_S = 60
BACKFILL_S = 6 * 3600
AnyServer = TypeVar("AnyServer", bound=Server)


@dataclass(frozen=True)
class DemoOptions:
    """Options of the demo."""

    folder: Path
    homes: int = HOMES
    seed: int = SEED
    port: int | None = None

    def town(self) -> Town:
        """Return the simulated town."""
        now_us = int(now().timestamp() * 1_000_000)
        return Town(self.seed, self.homes, INTERVAL_S, epoch_us=epoch_before(now_us, BACKFILL_S))


@dataclass(frozen=True)
class Stand:
    """Running servers with a migrated database and a registry."""

    wishes: DemoOptions
    database_url: str
    mqtt_url: str
    broker: str  # which one it is
    policy_file: Path
    api_port: int

    @property
    def api_url(self) -> str:
        """Address of the API."""
        return f"http://{LOOPBACK}:{self.api_port}"

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
            "HEARTH_API_HOST": LOOPBACK,
            "HEARTH_API_PORT": str(self.api_port),
        }

    def connect(self) -> Connection:
        """Open a connection to the database, in autocommit mode."""
        return psycopg.connect(self.database_url, autocommit=True, application_name="hearth demo")

    def token(self, role: access.Role, *homes: str) -> str:
        """Make a token for the API."""
        at = now()
        with self.connect() as conn, conn.transaction():
            return access.create(conn, access.TokenGrant(role, homes=homes, expires_at=at + TOKEN_LIFE), at)


def wishes_for(folder: Path, homes: int | None, seed: int | None, port: int | None) -> DemoOptions:
    """Return the options of the folder's town, or the requested ones.

    Raises:
        UsageError: there is another town in the folder than the one asked for.
    """
    note = folder / "town.json"
    lives = (
        json.loads(note.read_text())["town"]
        if note.exists()
        else {"homes": homes or HOMES, "seed": SEED if seed is None else seed}
    )
    if homes not in (None, lives["homes"]) or seed not in (None, lives["seed"]):
        there = f"{lives['homes']} homes with seed {lives['seed']}"
        raise UsageError(f"{folder}: a town of {there} lives here; ask for that one, or take another --folder")
    return DemoOptions(folder, lives["homes"], lives["seed"], port)


@contextmanager
def stand(wishes: DemoOptions) -> Iterator[Stand]:
    """Start the servers, from where they were left, and stop them at the end.

    Raises:
        UsageError: the folder cannot be written or is in use, a port is taken, a server does not start.
    """
    with ExitStack() as stack:
        _settle(wishes.folder, stack)
        port = api_port(wishes.folder, wishes.port)
        rules = wishes.folder / "policy.toml"
        rules.write_text(policy_for_today(now().year), encoding="utf-8")
        database = _start(Postgres, wishes.folder / "postgres", stack)
        broker = _start(find_broker, wishes.folder / "broker", stack)
        url = _prepare_database(database, wishes, policy_file.load(rules.read_text(), str(rules)).zone)
        yield Stand(wishes, url, broker.url(), type(broker).__name__, rules, port)


def _settle(folder: Path, stack: ExitStack) -> None:
    """Make the folder, for us alone to use."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = stack.enter_context((folder / "lock").open("w"))
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(f"{folder}: another demo is running here") from None
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from None


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
        raise UsageError(f"{str(error).splitlines()[0]} See {folder / 'log'}") from None


def _prepare_database(server: Postgres, wishes: DemoOptions, zone: ZoneInfo) -> str:
    """Make, migrate and fill the database where that has not been done; returns its address."""
    server.create_database(DATABASE)
    url = server.url(DATABASE)
    write_town(wishes.town(), wishes.folder / "registry")
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
        raise UsageError(f"--port: {wanted} is taken")
    last = int(note.read_text()) if note.exists() else USUAL_PORT
    chosen = wanted or (last if is_free(last) else free_port())
    note.write_text(f"{chosen}\n")
    return chosen


def policy_for_today(year: int) -> str:
    """Return the built-in policy with a season that is always on, so that the demo works on any day."""
    season = f"seasons = [{{from = {year - 1}-01-01, to = {year + 2}-01-01}}]"
    text, found = re.subn("^seasons = .*$", season, policy_file.builtin_text("seed"), flags=re.MULTILINE)
    assert found == 1
    return text

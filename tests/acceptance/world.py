"""A world of its own: a database, a broker, Hearth's processes between them, and the ways in from outside."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
from psycopg.rows import dict_row

from local.broker import Broker, Mosquitto
from local.port import LOOPBACK, free_port
from store.readings import broker_shares
from tests.acceptance import processes
from tests.acceptance.processes import Process
from tests.acceptance.thermometers import Thermometers
from tests.acceptance.waiting import until
from tests.conftest import ACCOUNTS, ANSWER_S, PLAIN_HTTP, Database

Row = dict[str, Any]


class World:
    """Everything that one Hearth needs, and everybody who talks to it."""

    def __init__(self, folder: Path, database: Database, broker: Broker | None, stack: ExitStack) -> None:
        self.folder = folder
        self.database = database
        self.environment = {"HEARTH_DATABASE_URL": database.url}
        if broker is not None:
            self.broker = broker
            self.environment["HEARTH_MQTT_URL"] = broker.url()
        self._stack = stack
        self._started = 0

    def settings(self, values: Mapping[str, str]) -> None:
        """Set variables for the commands that follow."""
        self.environment.update(values)

    def policy(self, *changes: tuple[str, str]) -> None:
        """Choose the built-in rules with a season around today, and with other texts replaced."""
        today = datetime.now(UTC).date()
        season = f"seasons = [{{from = {today - timedelta(days=3)}, to = {today + timedelta(days=30)}}}]"
        text = re.sub("^seasons = .*$", season, seed(), flags=re.MULTILINE)
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        file = self.folder / "policy.toml"
        file.write_text(text)
        self.settings({"HEARTH_POLICY": str(file)})

    def take_any_age(self) -> None:
        """Choose the built-in rules, but take what was measured however long ago: samples are of some winter."""
        file = self.folder / "any-age.toml"
        file.write_text(re.sub("^past_days = .*$", "past_days = 36500", seed(), flags=re.MULTILINE))
        self.settings({"HEARTH_POLICY": str(file)})

    def read_sources(self, table: str) -> None:
        """Choose a table of sources, and take what they measured however long ago."""
        file = self.folder / "sources.toml"
        file.write_text(table)
        self.settings({"HEARTH_SOURCES": str(file)})
        self.take_any_age()

    def command(self, *arguments: str) -> Any:
        """Run a command that ends by itself; it must succeed."""
        done = processes.run(self.environment, *arguments)
        assert done.returncode == 0, done.stderr
        return done

    def start(self, *arguments: str, **settings: str) -> Process:
        """Start a command that runs on; it is killed at the end if it still runs."""
        self._started += 1
        log = self.folder / f"{self._started}-{arguments[0]}.log"
        environment = {**self.environment, **settings}
        if environment.get("HEARTH_DATABASE_URL") == self.database.url and arguments[0] in ACCOUNTS:
            environment["HEARTH_DATABASE_URL"] = self.database.url_as(arguments[0])
        process = Process(environment, log, *arguments)
        self._stack.callback(process.kill)
        return process

    def believe_shares(self) -> None:
        """Take it for proven that the broker keeps shared subscriptions, as long as it is not restarted."""
        parts = urlsplit(self.environment["HEARTH_MQTT_URL"])
        proof = broker_shares.Probe(f"{parts.hostname}:{parts.port}", 1, 1, "")
        with self.database.connect() as connection:
            broker_shares.record(connection, proof, datetime.now(UTC))

    def thermometers(self) -> Thermometers:
        """Return a connection to the broker, open until the end of the world."""
        return self._stack.enter_context(Thermometers(self.broker.port))

    def wait_until_heard(self, thermometers: Thermometers, ingest: Process, worker: str = "hearth-ingest") -> None:
        """Wait until what is said reaches a worker: its subscription stands from now on, whatever becomes of it."""
        ingest.wait_for("event=connected")
        count = f"SELECT messages FROM ingest_health WHERE worker = '{worker}'"

        def heard() -> bool:
            thermometers.send("nobody", {"temperature": 20})
            return bool(self.rows(count))

        until(heard, f"{worker} hears what is said")

    def rows(self, statement: str) -> list[Row]:
        """Ask the database, over a connection of its own."""
        with psycopg.connect(self.database.url, row_factory=dict_row) as connection:
            return connection.execute(statement.encode()).fetchall()

    def one(self, statement: str) -> Any:
        """Return the first column of the only row."""
        (row,) = self.rows(statement)
        return next(iter(row.values()))

    def api(self, role: str = "dispatcher", *homes: str) -> "Reader":
        """Start the API, make a token, and return a reader once the API is ready."""
        return self.reader(self.start_api()[0], role, *homes)

    def start_api(self) -> tuple[int, Process]:
        """Start the API on a port of its own."""
        port = free_port()
        return port, self.start("api", HEARTH_API_PORT=str(port))

    def reader(self, port: int, role: str, *homes: str) -> "Reader":
        """Make a reader over HTTP with a token of its own."""
        named = [argument for home in homes for argument in ("--home", home)]
        token = self.command("token", "create", "--role", role, *named).stdout.strip()
        reader = Reader(
            self._stack.enter_context(httpx.Client(trust_env=False, timeout=ANSWER_S, verify=PLAIN_HTTP)), port, token
        )
        until(reader.ready, "the API is ready")
        return reader


class Reader:
    """Reads the API with a bearer token."""

    def __init__(self, client: httpx.Client, port: int, token: str) -> None:
        self.port = port
        self._client = client
        self._root = f"http://{LOOPBACK}:{port}"
        self._headers = {"Authorization": f"Bearer {token}"}

    def ready(self) -> bool:
        """Return whether the API is ready to answer."""
        try:
            return self._client.get(f"{self._root}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def ask(self, path: str) -> httpx.Response:
        """Return the answer to GET, whatever it is."""
        return self._client.get(f"{self._root}/v1/{path}", headers=self._headers)

    def swallow(self, path: str) -> int:
        """Take an answer of any length as it comes, and keep none of it; its bytes."""
        # A long answer is written as a whole before its first byte is sent.
        with self._client.stream("GET", f"{self._root}/v1/{path}", headers=self._headers, timeout=60) as answer:
            assert answer.status_code == 200
            return sum(len(part) for part in answer.iter_bytes())

    def get(self, path: str) -> Any:
        """Return the JSON that a path answers."""
        answer = self.ask(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def flags(self, home: str) -> list[Row]:
        """Return the flags of a home, newest first."""
        return list(self.get(f"homes/{home}/flags")["items"])

    def flag(self, home: str, seconds: float, state: str = "open") -> Row:
        """Wait for the only flag of a home to be in a state."""
        found = until(lambda: self.flags(home)[:1], f"a flag of {home}", seconds)
        deadline = time.monotonic() + seconds
        while found[0]["state"] != state:
            assert time.monotonic() < deadline, f"the flag of {home} is not {state} but {found[0]}"
            found = self.flags(home)
        (flag,) = found
        return flag


@cache
def seed() -> str:
    """Return the built-in rules, as an operator gets them to start his own from."""
    return processes.run({}, "policy", "show").stdout


Making = Callable[..., World]


@contextmanager
def worlds(folder: Path, build: Any) -> Iterator[Making]:
    """Make worlds with brokers of their own; everything is ended and removed afterwards."""
    with ExitStack() as stack:
        made: list[World] = []

        def make(database: Database) -> World:
            place = folder / f"world-{len(made)}"
            place.mkdir()
            broker = Mosquitto(place / "broker", build=build)
            stack.callback(broker.remove)
            made.append(World(place, database, broker.start(), stack))
            return made[-1]

        yield make

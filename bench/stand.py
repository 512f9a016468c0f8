"""The test stand: TimescaleDB, Mosquitto, the ingest process, a publisher, a bare subscriber, all on this machine."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import IO, Any

import psycopg
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from bench.publish import Publisher
from bench.town import found, noon_zone, policy_around
from bench.traffic import Traffic
from domain import policy
from local import trixie
from local.broker import Mosquitto, any_mosquitto
from local.port import LOOPBACK
from local.trixie import TimescalePostgres

# As an operator would set it for a machine of this size. fsync and synchronous commit stay on.
SETTINGS = {
    "shared_buffers": "1GB",
    "wal_buffers": "64MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "shared_preload_libraries": "timescaledb,pg_stat_statements",
}
HEARTH_INGEST = [sys.executable, "-c", "from hearth.cli import main; main()", "ingest"]
PATIENCE_S = 300
NUMBERS = count(1)


class Stand:
    """Servers that run for the length of a benchmark."""

    def __init__(self, folder: Path) -> None:
        trixie.ensure()
        self.folder = folder
        self.postgres = TimescalePostgres(folder / "postgres", settings=SETTINGS)
        # Sessions reach the disk at the end only: a save writes the whole queue, and would stop the broker each time.
        self.broker = Mosquitto(folder / "broker", build=any_mosquitto(), autosave_seconds=3600)
        self.policy = folder / "policy.toml"
        seed = Path(policy.__file__).with_name("policies") / "seed.toml"
        self.policy.write_text(policy_around(seed, datetime.now(UTC).date()), encoding="utf-8")

    def database(self, homes: int) -> str:
        """Return a fresh database with a town in it; returns its address."""
        name = f"bench_{next(NUMBERS)}"
        with psycopg.connect(self.postgres.url(), autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE {name}".encode())
        found(self.postgres.url(name), homes)
        return self.postgres.url(name)

    @contextmanager
    def ingest(self, database_url: str, wake: Traffic) -> Iterator["Ingest"]:
        """Yield the real `hearth ingest`, subscribed and awake: it has stored the one reading of `wake`."""
        environment = {
            **os.environ,
            "HEARTH_DATABASE_URL": database_url,
            "HEARTH_MQTT_URL": self.broker.url(),
            "HEARTH_POLICY": str(self.policy),
            "HEARTH_TIMEZONE": noon_zone(datetime.now(UTC)),
            "HEARTH_LOG_LEVEL": "warning",
        }
        with process(HEARTH_INGEST, environment) as worker, psycopg.connect(database_url, autocommit=True) as conn:
            ingest = Ingest(conn, worker)
            self._wake(ingest, wake)
            yield ingest
        self._forget_session()

    def _forget_session(self) -> None:
        """End the session, for which the broker would keep what others are sent meanwhile."""
        client = Client(CallbackAPIVersion.VERSION2, client_id="hearth-ingest", clean_session=True)
        client.on_connect = _leave
        client.connect(LOOPBACK, self.broker.port)
        client.loop_forever()

    def _wake(self, ingest: "Ingest", wake: Traffic) -> None:
        publisher = Publisher(self.broker.port)
        packets, end = list(wake.packets()), time.monotonic() + 30
        while not ingest.stored():
            if time.monotonic() > end:
                raise TimeoutError("hearth ingest stored nothing")
            publisher.send(packets)
            time.sleep(0.2)
        publisher.close()

    @contextmanager
    def bare(self, messages: int) -> Iterator[subprocess.Popen[str]]:
        """Yield a subscriber that only counts; it prints the time of the last of `messages`."""
        with process([sys.executable, "-m", "bench.bare", str(self.broker.port), str(messages)]) as counting:
            assert counting.stdout is not None
            counting.stdout.readline()
            yield counting

    @contextmanager
    def publishing(self, traffic: Traffic, per_second: float | None = None) -> Iterator[float]:
        """Publish in a process of its own, awaited at the end; gives the monotonic seconds when it began to send."""
        task = {"traffic": asdict(traffic), "port": self.broker.port, "per_second": per_second}
        with process([sys.executable, "-m", "bench.publish", json.dumps(task)]) as publisher:
            assert publisher.stdout is not None
            yield float(publisher.stdout.readline())
            if publisher.wait(PATIENCE_S):
                raise RuntimeError("the publisher failed")

    def publish(self, traffic: Traffic) -> None:
        """Publish all of it."""
        with self.publishing(traffic):
            pass


class Ingest:
    """The ingest process and what it has stored."""

    def __init__(self, conn: psycopg.Connection, process: subprocess.Popen[str]) -> None:
        self.conn = conn
        self.process = process

    def stored(self) -> int:
        """Return readings stored so far, counted in the transactions that stored them."""
        return self._sum("SELECT coalesce(sum(stored), 0) FROM ingest_worker")

    def batches(self) -> int:
        """Return batches stored so far."""
        return self._sum("SELECT coalesce(sum(batches), 0) FROM ingest_worker")

    def _sum(self, statement: str) -> int:
        row = self.conn.execute(statement.encode()).fetchone()
        return int(row[0]) if row else 0

    def wait(self, stored: int) -> float:
        """Wait until so many readings are stored; returns the monotonic seconds."""
        end = time.monotonic() + PATIENCE_S
        while (has := self.stored()) < stored:
            if time.monotonic() > end or self.process.poll() is not None:
                raise TimeoutError(f"hearth ingest stored {has} of {stored} readings")
            time.sleep(0.01)
        return time.monotonic()


@contextmanager
def paused(process: subprocess.Popen[str]) -> Iterator[None]:
    """Yield the process stands still meanwhile; what is sent to it waits in the broker."""
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@contextmanager
def process(
    command: list[str], environment: dict[str, str] | None = None, errors: IO[str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Yield a program of Hearth with its output as text; told to stop and awaited at the end."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment, text=True) as running:
        try:
            yield running
        finally:
            if running.poll() is None:
                running.terminate()


@contextmanager
def stand() -> Iterator[Stand]:
    """Yield a stand whose servers run; their files are gone afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hearth-bench-")))
        folder.chmod(0o711)
        made = Stand(folder)
        for server in (made.postgres, made.broker):
            stack.callback(server.remove)
            server.start()
        yield made


def _leave(client: Client, *_: Any) -> None:
    client.disconnect()

"""Readings that the broker acknowledged and the database never got: while sessions are taken over, and over restarts.

Mosquitto runs with the configuration that is shipped, over TLS; devices have passwords, Hearth its certificate. Part of
`python -m bench.hostile`; alone: `python -m bench.hostile_broker`.
"""

import csv
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread

import psycopg
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from rich.console import Console

from bench.shipped import CERTIFICATES, DEVICES, INSIDE, configuration
from bench.stand import HEARTH_INGEST, process
from bench.town import found
from local.broker import TlsMosquitto, any_mosquitto
from local.port import LOOPBACK, free_port
from local.postgres import Postgres
from local.server import ServerError
from registry.mosquitto import NEW, write_accounts

MAKE_SECRETS = Path(__file__).parents[1] / "deploy/make-secrets"
HOMES = 100  # sensor s0 is heard by the gateway g0, s50 by g1
READINGS = 300
TAKEOVER_S = 0.2
WORKERS = {"plain": 1, "several": 2}  # workers that stand by in turn
RESTARTS = 2
BURST = 100
SAVED_S = 2.5  # the broker saves every second
PATIENCE_S = 60.0
SETTLED_S = 5.0
SELECT_COUNT = "SELECT count(*) FROM reading"
console = Console(stderr=True)


class Ground:
    """A database, a broker as it is shipped, and the holders of its accounts."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._stack = stack
        self._secrets = folder / "secrets"
        subprocess.run([MAKE_SECRETS, self._secrets, LOOPBACK], check=True, capture_output=True)
        postgres = Postgres(folder / "postgres")
        self._ports = {DEVICES: 0, CERTIFICATES: free_port(), INSIDE: free_port()}
        self.broker = TlsMosquitto(folder / "broker", self._files, build=any_mosquitto())
        for server in (postgres, self.broker):
            stack.callback(server.remove)
        postgres.start().create_database("hostile")
        self._url = postgres.url("hostile")
        found(self._url, HOMES)
        write_accounts(self.broker.place, {"g0", "g1"}, "hearth")
        self.broker.start()
        self.acknowledged = 0
        self._at_ms = int(time.time() * 1000) - 3_600_000

    @contextmanager
    def ingest(self) -> Iterator[subprocess.Popen[str]]:
        """Yield a worker, killed at the end."""
        environment = {
            **os.environ,
            "HEARTH_DATABASE_URL": self._url,
            "HEARTH_MQTT_URL": f"mqtts://{LOOPBACK}:{self._ports[INSIDE]}",
            "HEARTH_MQTT_CA_FILE": str(self._secrets / "ca.crt"),
            "HEARTH_MQTT_CERT_FILE": str(self._secrets / "hearth.crt"),
            "HEARTH_MQTT_KEY_FILE": str(self._secrets / "hearth.key"),
            "HEARTH_LOG_LEVEL": "error",
        }
        with process(HEARTH_INGEST, environment) as worker:
            yield worker
            worker.kill()

    def say(self, count: int) -> None:
        """Have the gateway g0 send readings, and wait until the broker has acknowledged each."""
        with self.client("g0", "") as gateway:
            infos = []
            for _ in range(count):
                self._at_ms += 1_000
                said = json.dumps([{"id": "s0", "ts": self._at_ms, "temperature": 20.0}])
                infos.append(gateway.publish("hearth/v1/g0/telemetry", said, qos=1))
            for info in infos:
                info.wait_for_publish(PATIENCE_S)
                if not info.is_published():
                    raise TimeoutError("the broker does not acknowledge")
        self.acknowledged += count

    @contextmanager
    def client(self, account: str, client_id: str) -> Iterator[Client]:
        """Yield a client with the password of an account, connected."""
        connected = Event()
        client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5)
        client.on_connect = lambda *_: connected.set()
        client.username_pw_set(account, self._password(account))
        client.tls_set_context(ssl.create_default_context(cafile=self._secrets / "ca.crt"))
        client.connect(LOOPBACK, self.broker.port)
        client.loop_start()
        try:
            if not connected.wait(PATIENCE_S):
                raise TimeoutError("the broker does not answer")
            yield client
        finally:
            client.disconnect()
            client.loop_stop()

    def stored(self) -> int:
        """Return readings in the table."""
        with psycopg.connect(self._url) as conn:
            row = conn.execute(SELECT_COUNT).fetchone()
        return int(row[0]) if row else 0

    def lost(self) -> int:
        """Return readings that were acknowledged and are not stored, when no more come."""
        before, since = -1, time.monotonic()
        while (stored := self.stored()) < self.acknowledged and time.monotonic() - since < SETTLED_S:
            if stored != before:
                before, since = stored, time.monotonic()
            time.sleep(0.1)
        return self.acknowledged - stored

    def wake(self) -> None:
        """Say one thing after the other until a worker has stored something new."""
        before, end = self.stored(), time.monotonic() + PATIENCE_S
        while self.stored() <= before:
            if time.monotonic() > end:
                raise TimeoutError("hearth ingest stores nothing")
            self.say(1)
            time.sleep(0.2)

    def forget(self) -> None:
        """Count from here: what a worker missed before its first subscription was said to nobody."""
        time.sleep(1)
        self.acknowledged = self.stored()

    def _files(self, place: str, port: int) -> dict[str, str]:
        names = {"server.crt": "broker.crt", "server.key": "broker.key", "clients-ca.crt": "ca.crt"}
        return {
            "mosquitto.conf": configuration(place, {**self._ports, DEVICES: port}),
            **{name: (self._secrets / made).read_text(encoding="utf-8") for name, made in names.items()},
        }

    def _password(self, account: str) -> str:
        with (self.broker.place / NEW).open(encoding="utf-8", newline="") as lines:
            return {row["user"]: row["password"] for row in csv.DictReader(lines)}[account]


def measure(quick: bool = False) -> dict[str, object]:
    """Measure `takeover_lost`, and `broker_restart_lost` with one plain worker and with several."""
    restarts = {}
    readings, times = (READINGS // 5, 1) if quick else (READINGS, RESTARTS)
    with ground() as there:
        console.print("hostile broker: a device takes the session over")
        taken = takeover(there, readings)
    for kind, workers in WORKERS.items():
        with ground() as there:
            console.print(f"hostile broker: restarts, {kind}")
            restarts[kind] = restart(there, workers, times)
    return {"takeover_lost": taken, "broker_restart_lost": restarts}


@contextmanager
def ground() -> Iterator[Ground]:
    """Yield a ground whose servers run; their files are gone afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hearth-hostile-")))
        folder.chmod(0o711)
        yield Ground(folder, stack)


def takeover(there: Ground, readings: int) -> int:
    """Return readings lost while another account connects with the client id of the worker, again and again."""
    over = Event()

    def attack() -> None:
        while not over.is_set():
            with there.client("g1", "hearth-ingest") as stranger:
                stranger.subscribe("hearth/v1/#", qos=1)
                over.wait(TAKEOVER_S)

    with there.ingest():
        there.wake()
        there.forget()
        attacker = Thread(target=attack)
        attacker.start()
        try:
            for _ in range(readings // 10):
                there.say(10)
        finally:
            over.set()
            attacker.join()
        return there.lost()


def restart(there: Ground, workers: int, times: int) -> int:
    """Return readings lost over restarts, in order and by kill -9, while no worker is there."""
    with ExitStack() as running:
        for _ in range(workers):
            running.enter_context(there.ingest())
        there.wake()
        there.forget()
    for nth in range(times):
        there.say(BURST)
        if nth % 2:
            time.sleep(SAVED_S)
            there.broker.kill()
        else:
            there.broker.stop()
        there.broker.start()
        there.say(BURST)
        with ExitStack() as running:
            for _ in range(workers):
                running.enter_context(there.ingest())
            there.wake()
            there.lost()
    with there.ingest():
        return there.lost()


def main() -> None:
    """Measure and print one JSON object."""
    try:
        print(json.dumps(measure("--quick" in sys.argv[1:])))
    except ServerError as error:
        raise SystemExit(f"hostile_broker: {error}") from None


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)

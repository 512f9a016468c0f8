"""Messages a second out of a broker or a log into the database, by one to three workers that share them.

All messages are there before the workers go on: what a broker takes in is told beside it. Each as it is shipped:
Artemis speaks TLS, and one node alone; Mosquitto gives all to one worker while the others stand by.
"""

import csv
import os
import ssl
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from bench.stand import Ingest, Stand, paused, process
from bench.town import noon_zone
from bench.traffic import INTERVAL_MS, Traffic
from local.artemis import Artemis, ArtemisFiles, ArtemisPorts
from local.kafka import Kafka
from local.port import LOOPBACK
from registry.artemis import RIGHTS, rights, rights_file, write_accounts
from registry.mosquitto import NEW
from store.readings import broker_shares

KINDS = ("artemis", "mosquitto", "kafka")
HEARTH = [sys.executable, "-c", "from hearth.cli import main; main()"]
MAKE_SECRETS = Path(__file__).parents[1] / "deploy/make-secrets"
WORKERS = (1, 2, 3)
ARTEMIS_MEMORY = "-Xms512m -Xmx2g"  # as docker-compose.scale.yml
IN_FLIGHT = 250  # paho goes through all of them at each acknowledgement
PARTITIONS = 6
PUBLISHER = "g"
PATIENCE_S = 300


@dataclass(frozen=True)
class Way:
    """A way into Hearth: the command of a worker, its settings, and how messages (device, payload) are sent."""

    command: Sequence[str]
    settings: dict[str, str]
    send: Callable[[Sequence[tuple[str, str]], str], None]  # also for which run
    begin: Callable[[str], None] = lambda name: None  # a run


def measure(servers: Stand, kind: str, homes: int, messages: int) -> dict[str, float]:
    """Return the figures of one kind."""
    figures: dict[str, float] = {}
    with ExitStack() as stack:
        way = stack.enter_context({"artemis": _artemis, "mosquitto": _mosquitto, "kafka": _kafka}[kind](servers))
        for workers in WORKERS:
            sent, stored = _run(servers, way, workers, Traffic(homes, 0, messages, _past_ms(homes, messages)))
            figures |= {f"{kind}_{workers}_workers_msgs_per_s": round(messages / stored)}
            figures[f"{kind}_taken_in_msgs_per_s"] = round(messages / sent)
    return figures


def _run(servers: Stand, way: Way, workers: int, traffic: Traffic) -> tuple[float, float]:
    """Return the seconds in which all was taken in, and in which all was stored once the workers went on."""
    url = servers.database(traffic.sensors)
    told = list(traffic.payloads())
    name = url.rpartition("/")[2]
    way.begin(name)
    with ExitStack() as stack:
        conn = stack.enter_context(psycopg.connect(url, autocommit=True))
        _believe(conn, way)
        environment = {
            **os.environ,
            **way.settings,
            "HEARTH_DATABASE_URL": url,
            "HEARTH_KAFKA_TOPICS": name,
            "HEARTH_KAFKA_GROUP": name,
            "HEARTH_POLICY": str(servers.policy),
            "HEARTH_TIMEZONE": noon_zone(datetime.now(UTC)),
            "HEARTH_LOG_LEVEL": "info",
        }
        running = [stack.enter_context(_worker(servers, way, environment, n)) for n in range(workers)]
        with ExitStack() as still:
            for one in running:
                still.enter_context(paused(one))
            began = time.monotonic()
            way.send(told, name)
            sent = time.monotonic() - began
        began = time.monotonic()
        stored = Ingest(conn, running[0]).wait(len(told)) - began
    return sent, stored


def _believe(conn: psycopg.Connection, way: Way) -> None:
    """Take it for proven that Artemis keeps shares, as `hearth broker probe` does."""
    if "HEARTH_MQTT_CERT_FILE" in way.settings:
        name = way.settings["HEARTH_MQTT_URL"].rpartition("/")[2]
        broker_shares.record(conn, broker_shares.Probe(name, 1, 1, ""), datetime.now(UTC))


@contextmanager
def _worker(servers: Stand, way: Way, environment: dict[str, str], nth: int) -> Iterator[subprocess.Popen[str]]:
    """Yield a worker that reads, or stands by."""
    log = servers.folder / f"worker-{nth}.log"
    with log.open("w") as said, process([*HEARTH, *way.command], environment, said) as running:
        end = time.monotonic() + PATIENCE_S
        while not any(word in log.read_text() for word in ("event=connected", "standing by")):
            if time.monotonic() > end or running.poll() is not None:
                raise TimeoutError(f"a worker did not begin:\n{log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield running


@contextmanager
def _mosquitto(servers: Stand) -> Iterator[Way]:
    client = _client()
    client.connect(LOOPBACK, servers.broker.port)
    client.loop_start()
    yield Way(["ingest"], {"HEARTH_MQTT_URL": servers.broker.url()}, lambda told, _: _publish(client, told))
    client.disconnect()


@dataclass(frozen=True)
class ArtemisAccess:
    """Files of a node that lets one publisher speak for all homes, and how Hearth and the publisher come in."""

    files: ArtemisFiles
    settings: dict[str, str]  # of Hearth's certificate
    password: str

    @classmethod
    def made(cls, folder: Path) -> "ArtemisAccess":
        """Make them."""
        secrets, accounts = folder / "secrets", folder / "accounts"
        subprocess.run([MAKE_SECRETS, secrets, LOOPBACK], check=True, capture_output=True)
        write_accounts(accounts, {PUBLISHER}, "hearth")
        (accounts / RIGHTS).write_text(rights_file(rights([], "hearth", {PUBLISHER: ["hearth/v1/#"]})))
        with (accounts / NEW).open(encoding="utf-8", newline="") as lines:
            password = next(row["password"] for row in csv.DictReader(lines))
        settings = {
            "HEARTH_MQTT_CA_FILE": str(secrets / "ca.crt"),
            "HEARTH_MQTT_CERT_FILE": str(secrets / "hearth.crt"),
            "HEARTH_MQTT_KEY_FILE": str(secrets / "hearth.key"),
        }
        return cls(ArtemisFiles(accounts, secrets / "ca.crt", secrets / "broker.p12"), settings, password)

    def admit(self, client: Client) -> Client:
        """Have a client come in as the publisher."""
        client.username_pw_set(PUBLISHER, self.password)
        client.tls_set_context(ssl.create_default_context(cafile=self.files.authority))
        return client


@contextmanager
def _artemis(servers: Stand) -> Iterator[Way]:
    access = ArtemisAccess.made(servers.folder)
    node = Artemis(servers.folder / "artemis", access.files, ArtemisPorts.chosen(), memory=ARTEMIS_MEMORY)
    client = access.admit(_client())
    try:
        node.start()
        client.connect(LOOPBACK, node.ports.devices)
        client.loop_start()
        settings = {**access.settings, "HEARTH_MQTT_URL": node.inside_url}
        yield Way(["ingest"], settings, lambda told, _: _publish(client, told))
        client.disconnect()
    finally:
        node.kill()


@contextmanager
def _kafka(servers: Stand) -> Iterator[Way]:
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    server = Kafka(servers.folder / "kafka")
    try:
        server.start()
        admin = AdminClient({"bootstrap.servers": server.address})
        producer = Producer({"bootstrap.servers": server.address, "acks": "all", "linger.ms": 5})

        def begin(name: str) -> None:
            admin.create_topics([NewTopic(name, PARTITIONS, 1)])[name].result()

        def send(told: Sequence[tuple[str, str]], name: str) -> None:
            for device, payload in told:
                producer.produce(name, payload.encode(), f"hearth/v1/{device}/telemetry".encode())
                producer.poll(0)
            producer.flush(PATIENCE_S)

        yield Way(["kafka", "ingest"], {"HEARTH_KAFKA_SERVERS": server.address}, send, begin)
    finally:
        server.kill()


def _publish(client: Client, told: Sequence[tuple[str, str]]) -> None:
    """Publish messages, as many at a time as may be in flight: of those that wait, MQTT can tell 65,535 apart."""
    waiting = deque[MQTTMessageInfo]()
    for device, payload in told:
        if len(waiting) == IN_FLIGHT:
            waiting.popleft().wait_for_publish(PATIENCE_S)
        waiting.append(client.publish(f"hearth/v1/{device}/telemetry", payload, 1))
    for info in waiting:
        info.wait_for_publish(PATIENCE_S)


def _past_ms(homes: int, messages: int) -> int:
    """Return when the first round was, so that the last one is just over."""
    return int(time.time() * 1000) - (messages // homes + 3) * INTERVAL_MS


def _client() -> Client:
    client = Client(CallbackAPIVersion.VERSION2, "bench", protocol=MQTTProtocolVersion.MQTTv5)
    client.max_inflight_messages_set(IN_FLIGHT)
    return client

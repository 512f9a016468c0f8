"""ActiveMQ Artemis with the configuration that we ship: who gets in, workers that share, nodes that are killed."""

import csv
import json
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pytest
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from ingest.address import Address
from ingest.artemis_figures import TOPIC_BYTES, ArtemisFigures
from local import artemis
from local.artemis import MEMORY, Artemis, ArtemisFiles, ArtemisPorts
from local.port import LOOPBACK, free_port
from registry.artemis import write_accounts
from tests import registry_rows as town
from tests.acceptance.certificates import Authority, Certificate
from tests.acceptance.processes import Process
from tests.acceptance.waiting import until
from tests.acceptance.world import World
from tests.conftest import Database, unavailable

SENSORS = 20
WAIT_S = 30.0
COUNT = "SELECT count(*)::integer FROM reading"
FATES = "SELECT sum(stored)::integer AS stored, sum(conflicts)::integer AS conflicts FROM ingest_health"


@dataclass
class Pair:
    """Two nodes with one set of accounts; the second is started when it is needed."""

    authority: Authority
    files: ArtemisFiles
    nodes: tuple[Artemis, Artemis]

    @property
    def ports(self) -> ArtemisPorts:
        """Ports of the node that works."""
        return self.nodes[0].ports

    def password(self, user: str) -> str:
        """Return the password that an account was given."""
        with (self.files.accounts / "new-devices.csv").open(encoding="utf-8", newline="") as lines:
            return {row["user"]: row["password"] for row in csv.DictReader(lines)}[user]

    def client(self, client_id: str, user: str = "", certificate: Certificate | None = None) -> "Device":
        """Return a client that is not connected yet."""
        password = self.password(user) if user else ""
        return Device(self, client_id, user, password, certificate)


class Device:
    """A connection over TLS that counts what was acknowledged to it."""

    def __init__(self, to: Pair, client_id: str, user: str, password: str, certificate: Certificate | None) -> None:
        self.port = to.ports.certificates if certificate else to.ports.devices
        self.answer = ""
        self._answered = threading.Event()
        self.client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5)
        self.client.max_inflight_messages_set(200)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = self._on_connect
        if user:
            self.client.username_pw_set(user, password)
        context = ssl.create_default_context(cafile=to.authority.certificate.file)
        if certificate:
            context.load_cert_chain(certificate.file, certificate.key)
        self.client.tls_set_context(context)
        self.begin_s = time.time() - 3_000
        self.said = 0
        self._numbers = count()

    def __enter__(self) -> "Device":
        self.client.connect(LOOPBACK, self.port)
        self.client.loop_start()
        assert self._answered.wait(WAIT_S)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def say(self, readings: int, gateway: str = "g") -> None:
        """Say so many readings of the sensors behind a gateway, and wait until the broker has acknowledged all."""
        on_their_way = [self._publish(gateway) for _ in range(readings)]
        for info in on_their_way:
            info.wait_for_publish(WAIT_S)
            assert info.is_published(), "the broker does not acknowledge"
        self.said += readings

    def _publish(self, gateway: str) -> MQTTMessageInfo:
        nth = next(self._numbers)
        told = {"id": f"s{nth % SENSORS}", "ts": int((self.begin_s + nth // SENSORS) * 1000), "temperature": 20.0}
        return self.client.publish(f"hearth/v1/{gateway}/telemetry", json.dumps(told), 1)

    def _on_connect(self, _c: Client, _u: object, _f: ConnectFlags, code: ReasonCode, _p: Properties | None) -> None:
        self.answer = str(code)
        self._answered.set()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """The first node, running."""
    if reason := artemis.why_not():
        unavailable(f"NOT TESTED AT ARTEMIS: {reason}")
    folder = tmp_path_factory.mktemp("artemis")
    authority = Authority(folder / "authority")
    keys = folder / "broker.p12"
    server = authority.issue("broker", LOOPBACK)
    store = ["openssl", "pkcs12", "-export", "-passout", "pass:hearth", "-out", str(keys)]
    subprocess.run([*store, "-in", str(server.file), "-inkey", str(server.key)], check=True, capture_output=True)
    files = ArtemisFiles(folder / "accounts", authority.certificate.file, keys)
    write_accounts(files.accounts, {"g", "s1"}, "hearth")
    locks = folder / "locks"
    locks.mkdir()
    ports = ArtemisPorts.chosen()
    there = ArtemisPorts(ports.devices, ports.certificates, ports.inside, free_port())
    nodes = (
        Artemis(folder / "one", files, ports, there.nodes, locks),
        Artemis(folder / "two", files, there, ports.nodes, locks),
    )
    with ExitStack() as stack:
        for node in nodes:
            stack.callback(node.kill)
        nodes[0].start()
        yield Pair(authority, files, nodes)


@pytest.fixture
def world(pair: Pair, tmp_path: Path, plain_database: Database) -> Iterator[World]:
    """Sensors behind the gateway g, and a Hearth that comes in by its certificate."""
    with ExitStack() as stack:
        world = World(tmp_path, plain_database, pair.nodes[0], stack)
        world.policy()
        with plain_database.connect() as conn:
            home = town.home(conn, "H1")
            for nth in range(SENSORS):
                town.sensor(conn, f"s{nth}", home, gateway="g")
        ours = pair.authority.issue("hearth")
        world.settings(
            {
                "HEARTH_MQTT_URL": f"mqtts://{LOOPBACK}:{pair.ports.inside}",
                "HEARTH_MQTT_CA_FILE": str(pair.files.authority),
                "HEARTH_MQTT_CERT_FILE": str(ours.file),
                "HEARTH_MQTT_KEY_FILE": str(ours.key),
                "HEARTH_BATCH_MESSAGES": "50",
            }
        )
        yield world


def sharing(world: World) -> list[Process]:
    """Return two workers that share the messages."""
    world.believe_shares()
    both = [world.start("ingest") for _ in range(2)]
    return [worker.wait_for("event=connected") for worker in both]


@contextmanager
def everything_is_stored_once(world: World, device: Device) -> Iterator[None]:
    yield
    until(lambda: world.one(COUNT) >= device.said, f"{device.said} readings are stored")
    assert world.rows(FATES) == [{"stored": device.said, "conflicts": 0}]


def test_who_gets_in_and_speaks_for_whom(pair: Pair, world: World) -> None:
    done = world.command("registry", "artemis", str(pair.files.accounts))
    assert "1 kept, 0 added, 1 removed" in done.stdout, "the registry has no s1 without a gateway"
    write_accounts(pair.files.accounts, {"g", "s1"}, "hearth")
    ingest, other = sharing(world)
    stranger = Device(pair, "g2", "g", "wrong", None)
    with stranger:
        assert stranger.answer == "Bad user name or password"
    with pair.client("hearth-ingest", "g") as thief:
        assert thief.answer == "Use another server", "the name of a session of Hearth"
    with pair.client("x", certificate=pair.authority.issue("g")) as certified, pair.client("g", "g") as gateway:
        assert (certified.answer, gateway.answer) == ("Success", "Success")
        certified.say(5)
        gateway.say(5, "s1")  # acknowledged, and dropped
        # What a device may not hear it cannot end either, as the names of the shares are known to nobody.
        refused: list[str] = []
        gateway.client.on_subscribe = lambda _c, _u, _m, codes, _p: refused.extend(map(str, codes))
        for text in ("hearth/v1/+/telemetry", "$share/hearth/hearth/v1/+/telemetry", "#"):
            gateway.client.subscribe(text, 1)
        until(lambda: len(refused) == 3, "the broker answers")
        assert set(refused) == {"Not authorized"}
        certified.say(5)
        with everything_is_stored_once(world, certified):
            pass
    # Two that make the queue of a share at the same time: Artemis answers one of them by ending its session.
    assert "lost a shared subscription" not in ingest.said() + other.said()
    assert (ingest.stop(), other.stop()) == (0, 0)


def test_nothing_is_lost_and_a_dead_workers_share_goes_to_the_other(pair: Pair, world: World) -> None:
    first, second = sharing(world)
    with pair.client("g", "g") as device, everything_is_stored_once(world, device):
        device.say(500)
        until(lambda: world.one(COUNT) == 500, "both store")
        assert world.one("SELECT count(*) FROM ingest_health WHERE stored > 0") == 2
        speaking = threading.Thread(target=device.say, args=(1000,))
        speaking.start()
        first.kill()
        speaking.join()
        until(lambda: world.one(COUNT) == 1500, "one is gone, and all is stored without it")
        second.kill()
        device.say(2000)
        pair.nodes[0].kill()
        pair.nodes[0].start()
        alone = world.start("ingest").wait_for("event=leading")
    assert alone.stop() == 0


def test_a_probe_finds_that_shares_are_kept(pair: Pair, world: World) -> None:
    asked = world.folder / "asked"
    probe = ("broker", "probe", "--wait", "60", "--restart-command", f"touch {asked}")
    done: list[str] = []
    # A server ends with the thread that started it: the command is what goes aside.
    thread = threading.Thread(target=lambda: done.append(world.command(*probe).stdout))
    thread.start()
    until(asked.exists, "it waits for a restart")
    pair.nodes[0].kill()
    pair.nodes[0].start()
    thread.join()
    assert "kept: workers share" in done[0]
    assert "$share" in world.start("ingest").wait_for("event=connected").said()


def figures(pair: Pair, name: str) -> dict[str, float]:
    """Ask for the broker's figures with the certificate of an account."""
    ours = pair.authority.issue(name)
    url = f"mqtts://{LOOPBACK}:{pair.ports.inside}"
    return ArtemisFigures(Address(url, "figures", None, pair.files.authority, ours.file, ours.key)).told()


def test_the_other_node_takes_over(pair: Pair, world: World) -> None:
    one, two = pair.nodes
    assert until(lambda: figures(pair, "hearth"), "it tells its figures")["replica_in_step"] == 0
    two.start_beside()
    until(lambda: "AMQ221024" in two.said(), "the second node has a copy", 60)
    workers = sharing(world)
    with pair.client("g", "g") as device, everything_is_stored_once(world, device):
        device.say(200)
        workers[0].kill()
        workers[1].kill()
        device.say(1000)
        told = until(lambda: figures(pair, "hearth"), "it tells its figures")
        assert told["replica_in_step"] == 1
        assert told["waiting"] >= 1000
        assert 0 < told["disk_used"] < 1
        assert told["topics"] * TOPIC_BYTES / (384 << 20) < told["memory_used"] < 0.1
        assert figures(pair, "g") == {}, "a device may not look"
        speaking = threading.Thread(target=device.say, args=(1000,))
        speaking.start()
        one.kill()
        speaking.join()
        last = world.start("ingest").wait_for("event=connected")
    assert last.stop() == 0


@contextmanager
def hearing(to: Pair, topics: list[str]) -> Iterator[None]:
    """Hear what a share gets, which waits for it until the next time."""
    device = to.client("hearer", certificate=to.authority.issue("hearth"))
    device.port = to.ports.inside
    there = threading.Event()

    def on_message(_client: Client, _user: object, message: MQTTMessage) -> None:
        topics.append(message.topic)

    device.client.on_message = on_message
    device.client.on_subscribe = lambda *_: there.set()
    kept = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    kept.SessionExpiryInterval = 3600
    device.client.connect(LOOPBACK, device.port, clean_start=False, properties=kept)
    device.client.loop_start()
    device.client.subscribe("$share/all/plant/#", 1)
    assert there.wait(WAIT_S)
    yield
    device.client.disconnect()
    device.client.loop_stop()


def acknowledged_until_it_ends(node: Artemis, client: Client) -> set[str]:
    """Say something under one topic after the other until a node ends; returns those that it acknowledged."""
    acknowledged: set[int] = set()
    client.on_publish = lambda _c, _u, mid, _r, _p: acknowledged.add(mid)
    said: dict[int, str] = {}
    end = time.monotonic() + 5 * WAIT_S
    while node.running:
        assert time.monotonic() < end, "it neither answers nor ends"
        if len(said) - len(acknowledged) < 200:
            topic = f"plant/{len(said)}"
            said[client.publish(topic, "x", 1).mid] = topic
        else:
            time.sleep(0.01)
    return {said[mid] for mid in acknowledged}


def test_a_node_without_memory_ends_and_loses_nothing(pair: Pair, tmp_path: Path) -> None:
    files = replace(pair.files, accounts=tmp_path / "accounts")
    write_accounts(files.accounts, {"plant"}, "hearth", {"plant": ["plant/#"]})
    node = Artemis(tmp_path / "small", files, ArtemisPorts.chosen(), memory="-Xmx64m")
    small = Pair(pair.authority, files, (node, node))
    heard: list[str] = []
    with ExitStack() as stack:
        stack.callback(node.kill)
        node.start()
        with hearing(small, heard):
            pass
        with small.client("plant", "plant") as plant:
            acknowledged = acknowledged_until_it_ends(node, plant.client)
        assert "Terminating due to java.lang.OutOfMemoryError" in node.said()
        assert len(acknowledged) > 1_000
        node.memory = MEMORY
        node.start()
        with hearing(small, heard):
            until(lambda: acknowledged <= set(heard), "all that was acknowledged is heard")

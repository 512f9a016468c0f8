"""The servers of a race: a broker or a pair of them, a database or a primary and its standby, and the ways to them."""

import shutil
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from bench.brokers import ArtemisAccess
from bench.chaos.parts import Fault, ServerPart, faults_between, faults_of, killed
from local.artemis import Artemis, ArtemisPorts
from local.broker import Mosquitto, any_mosquitto
from local.port import LOOPBACK, free_port
from local.postgres import Postgres
from tests.acceptance.operated import Operated
from tests.acceptance.pair import Node, Pair
from tests.acceptance.proxy import Proxy

NOTICED_S = 5  # so soon the sender notices a line that is cut
IN_FLIGHT = 2_000
FOLLOWED = [("streaming", "sync")]


class Side:
    """One end that Hearth talks to: servers, and the network before them."""

    def __init__(self) -> None:
        self.parts: list[ServerPart] = []
        self.network: dict[str, Proxy] = {}
        self.loses_nothing = True  # when all of it is killed at once

    def tend(self) -> None:
        """Do what an operator does between two faults."""

    def faults(self) -> Iterator[Fault]:
        """Yield what can happen here."""
        for n, part in enumerate(self.parts):
            yield from faults_of(part, f"{part.kind} {n}")
        for name, proxy in self.network.items():
            yield from faults_between(proxy, name)


class BrokerSide(Side):
    """A broker: the ways of devices and of Hearth into it."""

    settings: dict[str, str]
    shares = False  # whether workers share

    @abstractmethod
    def client(self) -> Client:
        """Return a client that speaks for all homes, connected."""

    def _connect(self, client: Client) -> Client:
        client.max_inflight_messages_set(IN_FLIGHT)
        client.reconnect_delay_set(1, 1)
        client.connect(LOOPBACK, self.network["way of devices"].port, keepalive=NOTICED_S)
        client.loop_start()
        return client


class MosquittoSide(BrokerSide):
    """One Mosquitto. It is restarted in order: killed, it loses its last second (docs/reliability.md)."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        super().__init__()
        server = Mosquitto(folder / "broker", build=any_mosquitto()).start()
        stack.callback(server.remove)
        self.parts = [ServerPart("broker", server, server.start, server.stop)]
        for name in ("way of devices", "way to the broker"):
            self.network[name] = stack.enter_context(Proxy(server.port))
        self.settings = {"HEARTH_MQTT_URL": f"mqtt://{LOOPBACK}:{self.network['way to the broker'].port}"}
        self.loses_nothing = False

    def client(self) -> Client:
        """Return a client that speaks for all homes, connected."""
        return self._connect(_client())


class ArtemisSide(BrokerSide):
    """A pair of Artemis nodes: one works, the other copies, and takes over."""

    shares = True

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        super().__init__()
        self.access = ArtemisAccess.made(folder)
        locks = folder / "locks"
        locks.mkdir()
        ports = ArtemisPorts.chosen()
        there = ArtemisPorts(ports.devices, ports.certificates, ports.inside, free_port())
        self.nodes = (
            Artemis(folder / "broker-1", self.access.files, ports, there.nodes, locks),
            Artemis(folder / "broker-2", self.access.files, there, ports.nodes, locks),
        )
        for node in self.nodes:
            stack.callback(node.kill)
        self.nodes[0].start()
        self.nodes[1].start_beside()
        self.parts = [ServerPart("broker", node, node.start_beside) for node in self.nodes]
        self.network["way of devices"] = stack.enter_context(Proxy(ports.devices))
        inside = self.network["way to the broker"] = stack.enter_context(Proxy(ports.inside))
        self.settings = {**self.access.settings, "HEARTH_MQTT_URL": f"mqtts://{LOOPBACK}:{inside.port}"}

    def client(self) -> Client:
        """Return a client that speaks for all homes, connected."""
        return self._connect(self.access.admit(_client()))

    def faults(self) -> Iterator[Fault]:
        """Yield what can happen here."""
        yield from super().faults()
        names = frozenset(f"broker {n}" for n in range(2))
        yield Fault("both brokers killed", names, lambda: killed(*self.parts))


class DatabaseSide(Side):
    """A database: its addresses through the network, and without it for who watches."""

    @abstractmethod
    def url(self, account: str) -> str:
        """Return the address for a process."""

    @property
    @abstractmethod
    def direct(self) -> str:
        """The address for who watches: the superuser's, past the network that breaks."""


class OneDatabase(DatabaseSide):
    """One PostgreSQL."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        super().__init__()
        self.server = Postgres(folder / "postgres").start()
        stack.callback(self.server.remove)
        self.server.create_database("hearth")
        self.parts = [ServerPart("database", self.server, self.server.start)]
        self.network["way to the database"] = stack.enter_context(Proxy(self.server.port))

    def url(self, account: str) -> str:
        """Return the address for a process."""
        there = self.network["way to the database"].port
        return self.direct.replace(f":{self.server.port}/", f":{there}/")

    @property
    def direct(self) -> str:
        """The address for who watches."""
        return self.server.url("hearth")


class PairOfDatabases(DatabaseSide):
    """A primary and its standby, for which commits wait; an operator promotes, and only what had followed."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        super().__init__()
        first = Operated(folder / "first-start")
        try:
            first.make()
            self.pair = Pair(folder, first.place)
        finally:
            first.server.remove()
        stack.callback(self.pair.remove)
        self.pair.start()
        self.nodes: list[Node] = [self.pair.first, self.pair.second]  # the primary first
        self._waits = True  # whether commits wait for the standby
        self._part = {node: ServerPart("", node.server, node.server.begin) for node in self.nodes}
        self.parts = list(self._part.values())
        self._name_parts()
        for node in self.nodes:
            way = f"way to the database {len(self.network) + 1}"
            self.network[way] = stack.enter_context(Proxy(node.server.port))

    def url(self, account: str) -> str:
        """Return the address for a process: both servers, of which it takes the one that is written to."""
        text = self.pair.url(account)
        for node, proxy in zip((self.pair.first, self.pair.second), self.network.values(), strict=True):
            text = text.replace(f":{node.server.port}", f":{proxy.port}")
        return text

    @property
    def direct(self) -> str:
        """The address for who watches."""
        return self.pair.superuser()

    def tend(self) -> None:
        """Let commits wait for the standby again, as soon as it follows."""
        if self._waits:
            return
        with suppress(psycopg.OperationalError):
            if [state for state, _ in self.nodes[0].followed()] == ["streaming"]:
                self.nodes[0].script("synchronous", "on")
            self._waits = self.nodes[0].followed() == FOLLOWED
        if self._waits:
            for kept in self.nodes[1].place.glob("cluster.before-*"):
                shutil.rmtree(kept)

    def faults(self) -> Iterator[Fault]:
        """Yield what can happen here."""
        for n, part in enumerate(self.parts):
            yield from faults_of(part, f"database {n}")
        names = frozenset(f"database {n}" for n in range(2))
        yield Fault("both databases killed", names, lambda: killed(*self.parts))
        yield Fault("primary killed, standby promoted", names, self._promoted, self._may_promote)
        for name, proxy in self.network.items():
            yield from faults_between(proxy, name)

    def _may_promote(self) -> bool:
        try:
            return self._waits and self.nodes[0].followed() == FOLLOWED
        except psycopg.OperationalError:
            return False

    @contextmanager
    def _promoted(self) -> Iterator[None]:
        old, new = self.nodes
        with killed(self._part[old]):
            new.run("promote")
            self.nodes = [new, old]
            self._waits = False
            self._name_parts()
            yield

    def _name_parts(self) -> None:
        for node, kind in zip(self.nodes, ("primary", "standby"), strict=True):
            self._part[node].kind = kind


def _client() -> Client:
    return Client(CallbackAPIVersion.VERSION2, "thermometers", protocol=MQTTProtocolVersion.MQTTv5)

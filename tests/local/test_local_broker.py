"""Brokers answer, Mosquitto checks accounts and keeps a session with its queued messages through a kill."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from local import broker as brokers
from local.broker import Amqtt, Broker, Mosquitto, MosquittoAccounts, find_broker
from local.port import LOOPBACK
from registry.mosquitto import password_hash
from tests.conftest import mosquitto_build

WAIT_SECONDS = 20.0
TOPIC = "hearth/v1/t-1/telemetry"


class Listener:
    """A client for one connection to a persistent session; collects connection results and payloads."""

    def __init__(
        self,
        broker: Broker,
        name: str,
        password: str | None = None,
        protocol: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv5,
    ) -> None:
        self.broker = broker
        self.results: Queue[str] = Queue()
        self.payloads: Queue[bytes] = Queue()
        self.client = Client(CallbackAPIVersion.VERSION2, name, protocol=protocol)
        self.client.username_pw_set(name, password)
        self.client.on_connect = self._on_connect
        self.client.on_message = self._on_message

    def _on_connect(self, _c: Client, _u: object, _f: object, result: ReasonCode, _p: object) -> None:
        self.results.put(str(result))

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self.payloads.put(bytes(message.payload))

    def _connect(self) -> None:
        if self.client.protocol is not MQTTProtocolVersion.MQTTv5:
            self.client.connect(LOOPBACK, self.broker.port)
            return
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 3600
        self.client.connect(LOOPBACK, self.broker.port, clean_start=False, properties=properties)

    @contextmanager
    def session(self) -> Iterator[str]:
        """Connect, yield the broker's answer, disconnect."""
        self._connect()
        self.client.loop_start()
        try:
            yield self.results.get(timeout=WAIT_SECONDS)
        finally:
            self.client.disconnect()
            self.client.loop_stop()


def publish(broker: Broker, *payloads: bytes, name: str = "publisher", password: str | None = None) -> None:
    publisher = Listener(broker, name, password)
    with publisher.session():
        for payload in payloads:
            publisher.client.publish(TOPIC, payload, qos=1).wait_for_publish(WAIT_SECONDS)


def subscribe(listener: Listener) -> None:
    answered: Queue[None] = Queue()
    listener.client.on_subscribe = lambda *_: answered.put(None)
    listener.client.subscribe(TOPIC, qos=1)
    answered.get(timeout=WAIT_SECONDS)


def test_mosquitto_keeps_a_session_and_its_messages_through_a_kill(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path / "broker", build=mosquitto_build())
    before, after = Listener(broker, "listener"), Listener(broker, "listener")
    with broker:
        with before.session():
            subscribe(before)
        publish(broker, b"21.5", b"21.6")
        wait_for_save(broker)
        broker.kill()
        broker.start()
        with after.session():
            assert [after.payloads.get(timeout=WAIT_SECONDS) for _ in range(2)] == [b"21.5", b"21.6"]
    broker.remove()


def wait_for_save(broker: Mosquitto) -> None:
    """Wait until the broker has written its store twice: the second was begun after everything until now."""
    store = broker.place / "mosquitto.db"
    for _ in range(2):
        before = modified(store)
        deadline = time.monotonic() + WAIT_SECONDS
        while modified(store) == before:
            assert time.monotonic() < deadline, "Mosquitto did not save its store"
            time.sleep(0.05)


def modified(file: Path) -> int | None:
    return file.stat().st_mtime_ns if file.exists() else None


def test_mosquitto_checks_passwords_and_topics(tmp_path: Path) -> None:
    acl = "user t-1\ntopic write hearth/v1/t-1/#\n\nuser worker\ntopic read hearth/v1/#\n"
    words = {"t-1": "thermometer", "t-2": "other", "worker": "all ears"}
    passwords = "".join(f"{user}:{password_hash(word)}\n" for user, word in words.items())
    with Mosquitto(tmp_path / "broker", accounts=MosquittoAccounts(passwords, acl), build=mosquitto_build()) as broker:
        with Listener(broker, "worker", "wrong").session() as answer:
            assert answer == "Not authorized"
        worker = Listener(broker, "worker", "all ears")
        with worker.session() as answer:
            assert answer == "Success"
            subscribe(worker)
            publish(broker, b"forged", name="t-2", password="other")
            publish(broker, b"21.5", name="t-1", password="thermometer")
            assert worker.payloads.get(timeout=WAIT_SECONDS) == b"21.5"
    broker.remove()


def test_the_session_broker_answers(broker: Mosquitto) -> None:
    with Listener(broker, "anyone").session() as answer:
        assert answer == "Success"
    assert broker.url() == f"mqtt://127.0.0.1:{broker.port}"


def test_amqtt_answers_again_after_a_kill(tmp_path: Path) -> None:
    with Amqtt(tmp_path / "broker") as broker:
        deliver_to_oneself(broker, b"21.5")
        broker.kill()
        broker.start()
        deliver_to_oneself(broker, b"21.6")
        assert broker.running
    broker.remove()


def deliver_to_oneself(broker: Broker, payload: bytes) -> None:
    """Subscribe and publish with one client, of MQTT 3.1.1 because amqtt knows no later version."""
    client = Listener(broker, "both", protocol=MQTTProtocolVersion.MQTTv311)
    with client.session():
        subscribe(client)
        client.client.publish(TOPIC, payload, qos=1)
        assert client.payloads.get(timeout=WAIT_SECONDS) == payload


@pytest.mark.parametrize("present", [True, False])
def test_find_broker_falls_back_to_amqtt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, present: bool) -> None:
    build = mosquitto_build() if present else None
    monkeypatch.setattr(brokers, "installed_mosquitto", lambda: None)
    monkeypatch.setattr(brokers, "trixie_mosquitto", lambda: build)
    found = find_broker(tmp_path / "broker")
    assert type(found) is (Mosquitto if present else Amqtt)
    found.remove()

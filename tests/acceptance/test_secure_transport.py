"""MQTT over TLS with the configuration that we ship, on a real Mosquitto: who gets in, and who may say what."""

import csv
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from queue import Empty, Queue

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from bench.shipped import CERTIFICATES, DEVICES, INSIDE, configuration
from local.broker import CONNECT, TlsMosquitto
from local.port import LOOPBACK, free_port
from tests import registry_rows as town
from tests.acceptance import processes
from tests.acceptance.certificates import Authority, Certificate
from tests.acceptance.processes import Process
from tests.acceptance.waiting import until
from tests.acceptance.world import World
from tests.conftest import Database, mosquitto_build

WAIT_SECONDS = 20.0
WELCOME, UNKNOWN = "Success", "Not authorized"


class Secured:
    """A world whose broker runs with the shipped configuration, and accounts for the devices s1, s2 and g."""

    def __init__(self, world: World, broker: TlsMosquitto, authority: Authority, ports: Mapping[int, int]) -> None:
        self.world = world
        self.broker = broker
        self.authority = authority
        self.certificate_port = ports[CERTIFICATES]
        self.inside_port = ports[INSIDE]
        self.trusting(authority)
        ours = authority.issue("hearth")
        world.settings(
            {
                "HEARTH_MQTT_URL": f"mqtts://{LOOPBACK}:{self.inside_port}",
                "HEARTH_MQTT_CERT_FILE": str(ours.file),
                "HEARTH_MQTT_KEY_FILE": str(ours.key),
            }
        )

    def trusting(self, authority: Authority) -> None:
        """Have Hearth trust the certificates of an authority."""
        self.world.settings({"HEARTH_MQTT_CA_FILE": str(authority.certificate.file)})

    def password(self, user: str) -> str:
        """Return the password that a device was given."""
        with (self.broker.place / "new-devices.csv").open(encoding="utf-8", newline="") as lines:
            return {row["user"]: row["password"] for row in csv.DictReader(lines)}[user]

    def client(
        self, user: str | None, password: str | None = None, certificate: Certificate | None = None, client_id: str = ""
    ) -> "Device":
        """Return a client that is not connected yet."""
        return Device(self, user, password, certificate, client_id)

    def ingest(self, *arguments: str) -> Process:
        """Start a worker that hears what devices say."""
        return self.world.start("ingest", *arguments).wait_for("event=connected")

    def temperatures(self) -> list[float]:
        """Return all that is stored, in order."""
        return [row["temperature"] for row in self.world.rows("SELECT temperature FROM reading ORDER BY temperature")]


class Device:
    """A connection over TLS."""

    def __init__(
        self, to: Secured, user: str | None, password: str | None, certificate: Certificate | None, client_id: str
    ) -> None:
        self._made = partial(self._configured, to, user, password, certificate)
        self._client_id = client_id
        self._port = to.certificate_port if certificate else to.broker.port

    def _configured(
        self, to: Secured, user: str | None, password: str | None, certificate: Certificate | None
    ) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, self._client_id, protocol=MQTTProtocolVersion.MQTTv5)
        client.on_connect = self._on_connect
        if user is not None:
            client.username_pw_set(user, password)
        context = ssl.create_default_context(cafile=to.authority.certificate.file)
        if certificate:
            context.load_cert_chain(certificate.file, certificate.key)
        client.tls_set_context(context)
        return client

    def __enter__(self) -> str:
        self._client = self._made()
        self._answers: Queue[str] = Queue()
        self._client.connect(LOOPBACK, self._port)
        self._client.loop_start()
        return self._answers.get(timeout=WAIT_SECONDS)

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, _c: Client, _u: object, _f: object, code: ReasonCode, _p: Properties | None) -> None:
        self._answers.put(str(code))

    def say(self, device: str, temperature: float, retain: bool = False) -> None:
        """Publish a reading under the name of a device; the broker has answered when this returns."""
        payload = f'{{"temperature": {temperature}}}'
        said = self._client.publish(f"hearth/v1/{device}/telemetry", payload, 1, retain)
        said.wait_for_publish(WAIT_SECONDS)
        assert said.is_published()

    def hears(self, topic: str, seconds: float) -> bytes | None:
        """Subscribe and wait for a message."""
        heard: Queue[bytes] = Queue()
        self._client.on_message = lambda _c, _u, message: heard.put(bytes(message.payload))
        self._client.subscribe(topic, qos=1)
        try:
            return heard.get(timeout=seconds)
        except Empty:
            return None


@pytest.fixture
def secured(tmp_path: Path, plain_database: Database) -> Iterator[Secured]:
    authority = Authority(tmp_path / "authority")
    ports = {DEVICES: free_port(), CERTIFICATES: free_port(), INSIDE: free_port()}
    server = authority.issue("broker", LOOPBACK)
    shown = {"server.crt": server.file, "server.key": server.key, "clients-ca.crt": authority.certificate.file}
    broker = TlsMosquitto(
        tmp_path / "broker",
        lambda place, port: {
            "mosquitto.conf": configuration(place, {**ports, DEVICES: port}),
            **{name: file.read_text() for name, file in shown.items()},
        },
        build=mosquitto_build(),
    )
    with ExitStack() as stack:
        stack.callback(broker.remove)
        world = World(tmp_path, plain_database, broker, stack)
        with plain_database.connect() as conn:
            home = town.home(conn, "H1")
            for code, gateway in (("s1", None), ("s2", None), ("behind", "g")):
                town.sensor(conn, code, home, gateway=gateway)
        world.command("registry", "mosquitto", str(broker.place))
        broker.start()
        yield Secured(world, broker, authority, ports)


def test_who_gets_in(secured: Secured) -> None:
    for user, password, answer in (
        ("s1", secured.password("s1"), WELCOME),
        ("g", secured.password("g"), WELCOME),
        ("s1", secured.password("s2"), UNKNOWN),
        ("s1", "", UNKNOWN),
        ("behind", secured.password("g"), UNKNOWN),
        ("s3", "s3", UNKNOWN),
        (None, None, UNKNOWN),
    ):
        with secured.client(user, password) as said:
            assert said == answer, (user, password)


def test_without_tls_there_is_no_answer(secured: Secured) -> None:
    with socket.create_connection((LOOPBACK, secured.broker.port), timeout=WAIT_SECONDS) as plain:
        plain.sendall(CONNECT)
        try:
            answer = plain.recv(1)
        except ConnectionResetError:
            answer = b""
    assert answer[:1] != b"\x20"


def test_a_device_speaks_for_itself_only(secured: Secured) -> None:
    ingest = secured.ingest()
    device, gateway = secured.client("s1", secured.password("s1")), secured.client("g", secured.password("g"))
    with device, gateway:
        device.say("s2", 11.0)
        gateway.say("s2", 12.0)
        device.say("s1", 21.0)
        until(lambda: secured.temperatures() == [21.0], "what it says for itself is stored")
        device.say("s1", 22.0)
        until(lambda: secured.temperatures() == [21.0, 22.0], "and nothing else")
    assert secured.world.one("SELECT sum(messages) FROM ingest_health") == 2
    assert ingest.stop() == 0


def test_only_the_reader_hears(secured: Secured) -> None:
    device, other = secured.client("s1", secured.password("s1")), secured.client("s2", secured.password("s2"))
    reader = secured.client("hearth", secured.password("hearth"))
    for listener, heard in ((other, False), (reader, True)):
        with listener, device:
            device.say("s1", 21.0, retain=True)
            assert (listener.hears("hearth/v1/#", 2.0) is not None) is heard


def test_with_a_client_certificate_instead_of_a_password(secured: Secured) -> None:
    ingest = secured.ingest()
    device = secured.client(None, certificate=secured.authority.issue("s1"))
    with device as answer:
        assert answer == WELCOME
        device.say("s2", 11.0)
        device.say("s1", 21.0)
        until(lambda: secured.temperatures() == [21.0], "the name in the certificate is that of the account")
    checked = processes.run(secured.world.environment, "check")
    assert f"broker     ok     {LOOPBACK}:{secured.inside_port}" in checked.stdout
    assert ingest.stop() == 0


def test_workers_that_share_hear_too(secured: Secured) -> None:
    secured.world.believe_shares()
    worker = secured.ingest()
    device = secured.client("s1", secured.password("s1"))
    with device:
        device.say("s1", 21.0)
        until(lambda: secured.temperatures() == [21.0], "a shared subscription is allowed")
    assert worker.stop() == 0


@pytest.mark.parametrize("certified", [False, True])
def test_nobody_takes_the_session_of_a_worker_over(secured: Secured, certified: bool) -> None:
    """By its client id a device was sent what waited for Hearth; what the broker acknowledged was gone."""
    ingest = secured.ingest()
    stranger = (
        secured.client(None, certificate=secured.authority.issue("s2"), client_id="hearth-ingest")
        if certified
        else secured.client("s2", secured.password("s2"), client_id="hearth-ingest")
    )
    device = secured.client("s1", secured.password("s1"))
    with device:
        for n in range(30):
            device.say("s1", 10.0 + n / 10)
            if n % 10 == 5:
                with stranger as answer:
                    assert answer == WELCOME
                    device.say("s1", 20.0 + n)
    until(lambda: len(secured.temperatures()) == 33, "nothing is lost")
    assert ingest.stop() == 0
    assert ingest.said().count("event=connected") == 1


def test_a_device_has_not_the_name_of_a_session(secured: Secured) -> None:
    with secured.world.database.connect() as conn:
        town.sensor(conn, "hearth-ingest", town.home(conn, "H2"))
    done = secured.world.command("registry", "mosquitto", str(secured.broker.place))
    assert "left out for their name (a colon, or a session of Hearth): hearth-ingest" in done.stdout
    assert "hearth-ingest" not in (secured.broker.place / "passwords").read_text()


def test_a_check_does_not_end_the_session_of_a_worker_with_its_account(secured: Secured) -> None:
    """With the account as the client id, anything else that comes in with it takes the session over: that is told."""
    secured.world.settings({"HEARTH_MQTT_URL": secured.broker.url("hearth", secured.password("hearth"))})
    ingest = secured.ingest()
    device = secured.client("s1", secured.password("s1"))
    with device:
        device.say("s1", 20.0)
        until(lambda: secured.temperatures() == [20.0], "Hearth hears")
        assert ingest.stop() == 0
        device.say("s1", 21.0)
        checked = processes.run(secured.world.environment, "check", "broker")
        assert (checked.returncode, "a listener of its own" in checked.stdout) == (2, True)
        device.say("s1", 22.0)
    ingest = secured.ingest()
    until(lambda: secured.temperatures() == [20.0, 21.0, 22.0], "what waited is still there")
    assert ingest.stop() == 0


def test_without_a_certificate_where_one_is_asked_for(secured: Secured) -> None:
    secured.world.settings({"HEARTH_MQTT_URL": f"mqtts://hearth:x@{LOOPBACK}:{secured.certificate_port}"})
    for variable in ("HEARTH_MQTT_CERT_FILE", "HEARTH_MQTT_KEY_FILE"):
        del secured.world.environment[variable]
    ingest = secured.world.start("ingest").wait_for("broker away", 2)
    assert 'error=""' not in ingest.said()
    assert "event=connected" not in ingest.said()
    assert ingest.stop() == 0


def test_a_broker_with_a_certificate_of_another_authority_is_not_trusted(secured: Secured, tmp_path: Path) -> None:
    secured.trusting(Authority(tmp_path / "another"))
    ingest = secured.world.start("ingest").wait_for('event="broker not trusted"')
    assert "certificate verify failed" in ingest.said()
    assert "event=connected" not in ingest.said()
    assert secured.password("hearth") not in ingest.said()
    secured.trusting(secured.authority)
    assert ingest.stop() == 0


def test_a_wrong_password_of_ours_is_told(secured: Secured) -> None:
    secured.world.settings({"HEARTH_MQTT_URL": secured.broker.url("hearth", "wrong")})
    ingest = secured.world.start("ingest").wait_for("broker refused us")
    assert UNKNOWN in ingest.said()
    assert ingest.stop() == 0


@pytest.mark.parametrize("variable", ["HEARTH_MQTT_CA_FILE", "HEARTH_MQTT_CERT_FILE"])
@pytest.mark.parametrize("text", [None, "no certificate"])
def test_files_that_are_no_certificates(tmp_path: Path, variable: str, text: str | None) -> None:
    file = tmp_path / "file.pem"
    if text:
        file.write_text(text)
    wrong = {"HEARTH_MQTT_URL": "mqtts://broker.example", variable: str(file), "HEARTH_MQTT_KEY_FILE": str(file)}
    if variable == "HEARTH_MQTT_CA_FILE":
        del wrong["HEARTH_MQTT_KEY_FILE"]
    done = processes.run(wrong, "ingest")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"hearth: {variable}: ")


def test_a_key_without_its_certificate(tmp_path: Path) -> None:
    done = processes.run({"HEARTH_MQTT_URL": "mqtts://b.example", "HEARTH_MQTT_KEY_FILE": "k.pem"}, "ingest")
    assert done.returncode == 2
    assert "HEARTH_MQTT_CERT_FILE and HEARTH_MQTT_KEY_FILE go together" in done.stderr


def test_a_device_that_is_gone_loses_its_account_and_the_others_keep_theirs(secured: Secured) -> None:
    kept, gone = secured.password("s1"), secured.password("s2")
    with secured.world.database.connect() as conn:
        conn.execute(
            "UPDATE point SET valid_to = now() FROM sensor WHERE sensor.code = 's2' AND "
            "point.sensor_id = sensor.sensor_id"
        )
    secured.world.command("registry", "mosquitto", str(secured.broker.place))
    secured.broker.reload()

    def refused() -> bool:
        with secured.client("s2", gone) as answer:
            return answer == UNKNOWN

    until(refused, "s2 gets in no more")
    with secured.client("s1", kept) as answer:
        assert answer == WELCOME


def test_what_waits_for_hearth_survives_the_killing_of_the_broker(secured: Secured) -> None:
    ingest = secured.ingest()
    device = secured.client("s1", secured.password("s1"))
    with device:
        device.say("s1", 20.0)
        until(lambda: secured.temperatures() == [20.0], "Hearth hears")
        assert ingest.stop() == 0
        for n in range(1, 6):
            device.say("s1", 20.0 + n)
    wait_for_save(secured.broker.place / "mosquitto.db")
    secured.broker.kill()
    secured.broker.start()
    ingest = secured.ingest()
    until(lambda: secured.temperatures() == [20.0 + n for n in range(6)], "nothing is lost")
    assert ingest.stop() == 0


def wait_for_save(store: Path) -> None:
    """Wait until the broker has written its store twice: the second was begun after everything until now."""
    for _ in range(2):
        before = modified(store)
        until(lambda: modified(store) not in (None, before), "the broker saves")  # noqa: B023 - called at once


def modified(file: Path) -> int | None:
    return file.stat().st_mtime_ns if file.exists() else None

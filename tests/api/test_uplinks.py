"""Messages that platforms push by HTTP: proven, published, and answered only when a real broker has acknowledged it."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from api.uplinks.uplink_routes import Doors
from domain.errors import UsageError
from ingest import push_table, source_table
from ingest.address import Address
from ingest.publisher import ACCOUNT, PUSHED, Published, PushPublisher
from ingest.push_table import PushEntry
from ingest.visitor import Visitor
from local.broker import Mosquitto, MosquittoAccounts
from local.port import LOOPBACK
from registry.mosquitto import acl, password_hash
from tests.api.conftest import Api
from tests.conftest import mosquitto_build

SECRET, TOKEN = "kept-by-the-platform", "a-token-of-32-characters-or-less"
HASH = hashlib.sha256(SECRET.encode()).hexdigest()
# As the platforms send them; the shapes are those of their descriptions.
AEP = {
    "upPacketSN": 1,
    "upDataSN": -1,
    "topic": "v1/up/ad",
    "timestamp": 1795831200000,
    "tenantId": "10",
    "serviceId": "1",
    "protocol": "lwm2m",
    "productId": "10",
    "payload": {"temperature_data": 21.5, "battery_voltage": 3.61},
    "messageType": "dataReport",
    "deviceType": "",
    "deviceId": "fd1",
    "assocAssetId": "",
    "IMSI": "",
    "IMEI": "860123456789012",
}
IOTDA = {
    "resource": "device.property",
    "event": "report",
    "notify_data": {
        "header": {"device_id": "d1", "product_id": "p"},
        "body": {
            "services": [{"service_id": "Temp", "properties": {"temperature": 21.5}, "event_time": "20261128T020000Z"}]
        },
    },
}
ONENET = {
    "notifyType": "property",
    "deviceName": "n1",
    "data": {"params": {"temperature": {"value": 21.5, "time": 1795831200000}}},
}
ENTRIES = {
    "aep": PushEntry(source="aep", sign="secret", secret_sha256=HASH),
    "onenet": PushEntry(source="onenet", sign="onenet", token=TOKEN),
    "iotda": PushEntry(source="iotda", sign="iotda", token=TOKEN),
    "slow": PushEntry(source="slow", sign="secret", secret_sha256=HASH, limit="2/minute"),
}


def onenet(message: str, token: str = TOKEN, nonce: str = "abcd+/ef") -> dict[str, str]:
    made = hashlib.md5(f"{token}{nonce}{message}".encode(), usedforsecurity=False).digest()
    return {"msg": message, "nonce": nonce, "signature": base64.b64encode(made).decode()}


def iotda(token: str = TOKEN) -> dict[str, str]:
    given = {"timestamp": "1795831200", "nonce": "IkOaKMDalrAzUTxC"}
    return {**given, "signature": hashlib.sha256("".join(sorted([token, *given.values()])).encode()).hexdigest()}


@contextmanager
def listening(broker: Mosquitto, topic: str) -> Iterator[Queue[tuple[str, bytes]]]:
    heard: Queue[tuple[str, bytes]] = Queue()
    ready = Event()
    client = Client(CallbackAPIVersion.VERSION2)
    client.on_message = lambda _c, _u, message: heard.put((message.topic, bytes(message.payload)))
    client.on_subscribe = lambda *_: ready.set()
    client.connect(LOOPBACK, broker.port)
    client.subscribe(topic, 1)
    client.loop_start()
    try:
        assert ready.wait(20)
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()


@contextmanager
def publishing(api: Api, broker: Mosquitto) -> Iterator[PushPublisher]:
    publisher = PushPublisher(Address(broker.url(), "unused"))
    api.app.state.doors = Doors.of(ENTRIES, publisher.publish)
    try:
        yield publisher
    finally:
        publisher.close()


@pytest.fixture
def pushed(plain_api: Api, broker: Mosquitto) -> Iterator[Queue[tuple[str, bytes]]]:
    """Messages that arrive at a broker after they were pushed to the API."""
    with listening(broker, PUSHED + "#") as heard, publishing(plain_api, broker):
        deadline = time.monotonic() + 20
        while push(plain_api, "aep", AEP, {"X-Hearth-Secret": SECRET}).status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        heard.get(timeout=20)
        yield heard


def push(api: Api, path: str, body: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return api.client.post(f"/v1/uplinks/{path}", content=content, headers=headers)


Pushed = Queue[tuple[str, bytes]]


def test_each_platform_proves_itself_its_own_way(plain_api: Api, pushed: Pushed) -> None:
    assert push(plain_api, "aep", AEP, {"Authorization": f"Bearer {SECRET}"}).json() == {"status": "ok"}
    assert push(plain_api, f"aep?secret={SECRET}", AEP).status_code == 200
    assert push(plain_api, "iotda", IOTDA, iotda()).status_code == 200
    text = json.dumps(ONENET, ensure_ascii=False)
    new = {**onenet(text), "time": 1, "id": "x"}
    assert push(plain_api, "onenet", new).status_code == 200
    old = b'{"type":1, "dev_id":7,"ds_id":"temperature","at":1795831200000,"value":21.5}'
    signed = onenet(old.decode())
    body = b'{"msg":%b,"msg_signature":"%b","nonce":"%b"}' % (
        old,
        signed["signature"].encode(),
        signed["nonce"].encode(),
    )
    assert push(plain_api, "onenet", body).status_code == 200
    heard = [pushed.get(timeout=20) for _ in range(5)]
    assert [topic for topic, _ in heard] == [PUSHED + name for name in ("aep", "aep", "iotda", "onenet", "onenet")]
    assert [json.loads(payload) for _, payload in heard[:4]] == [AEP, AEP, IOTDA, new]
    assert heard[4][1] == body  # every byte of it


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("aep", AEP, {}),
        ("aep", AEP, {"X-Hearth-Secret": "wrong"}),
        ("aep", AEP, {"X-Hearth-Secret": HASH}),
        ("aep?secret=", AEP, {}),
        ("nobody", AEP, {"X-Hearth-Secret": SECRET}),
        ("onenet", onenet(json.dumps(ONENET), token="another"), {}),
        ("onenet", {**onenet("{}"), "msg": "{ }"}, {}),
        ("onenet", ONENET, {}),
        ("onenet", [1], {}),
        ("onenet", b"\xff", {}),
        ("iotda", IOTDA, iotda("another-token")),
        ("iotda", IOTDA, {"signature": iotda()["signature"]}),
        ("iotda", IOTDA, {}),
    ],
)
def test_what_proves_nothing_is_refused_and_not_published(
    plain_api: Api, pushed: Pushed, path: str, body: Any, headers: dict[str, str]
) -> None:
    answer = push(plain_api, path, body, headers)
    assert (answer.status_code, answer.json()["type"]) == (401, "/v1/problems/unauthorised")
    assert push(plain_api, "aep", AEP, {"X-Hearth-Secret": SECRET}).status_code == 200
    assert json.loads(pushed.get(timeout=20)[1]) == AEP  # the first that arrives is the one that was proven


def test_onenet_tries_the_address_first(plain_api: Api) -> None:
    plain_api.app.state.doors = Doors.of(ENTRIES, lambda *_: Published.AWAY)
    answer = plain_api.client.get("/v1/uplinks/onenet", params=onenet("xyz中"))
    assert (answer.status_code, answer.text) == (200, "xyz中")
    raw = "&".join(f"{name}={value}" for name, value in onenet("xyz").items())
    assert plain_api.client.get(f"/v1/uplinks/onenet?{raw}").text == "xyz" or "+" in onenet("xyz")["nonce"]
    wrong = {**onenet("xyz"), "msg": "abc"}
    assert plain_api.client.get("/v1/uplinks/onenet", params=wrong).status_code == 401
    assert plain_api.client.get("/v1/uplinks/aep", params=onenet("xyz")).status_code == 401


def test_a_body_is_json_and_has_a_bound(plain_api: Api, pushed: Pushed) -> None:
    proof = {"X-Hearth-Secret": SECRET}
    for body in (b"", b"{", b"\xff", b"[" * 20_000):
        assert push(plain_api, "aep", body, proof).status_code == 422
    assert push(plain_api, "aep", b'"' + b"x" * 70_000 + b'"', proof).status_code == 413
    assert pushed.empty()


def test_a_source_has_a_limit_of_its_own(plain_api: Api, pushed: Pushed) -> None:
    answers = [push(plain_api, "slow", AEP, {"X-Hearth-Secret": SECRET}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["Retry-After"]) > 0
    assert push(plain_api, "aep", AEP, {"X-Hearth-Secret": SECRET}).status_code == 200


def test_without_the_broker_or_a_reader_nothing_is_taken(plain_api: Api, broker: Mosquitto) -> None:
    proof = {"X-Hearth-Secret": SECRET}
    with publishing(plain_api, broker):
        deadline = time.monotonic() + 20
        while "nobody reads" not in (answer := push(plain_api, "aep", AEP, proof)).text:
            assert time.monotonic() < deadline, answer.text
            time.sleep(0.05)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    gone = PushPublisher(Address("mqtt://127.0.0.1:9", "unused"))
    plain_api.app.state.doors = Doors.of(ENTRIES, gone.publish)
    answer = push(plain_api, "aep", AEP, proof)
    gone.close()
    assert (answer.status_code, "is away" in answer.text) == (503, True)


SOURCES = source_table.load(
    f'[[source]]\nname = "aep"\npreset = "json"\nfilter = "{PUSHED}aep"\nsensor = "deviceId"\n'
    '[[source]]\nname = "other"\npreset = "json"\nfilter = "x/+"\nsensor = "topic"\n',
    "HEARTH_SOURCES",
    ZoneInfo("Asia/Shanghai"),
)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[[push]]", "push[0]: Object missing required field"),
        ('[[push]]\nsource = "aep"\nsign = "md5"', "push[0]: Invalid enum value 'md5'"),
        ('[[push]]\nsource = "aep"\nsign = "secret"', "push[0].secret_sha256: "),
        (f'[[push]]\nsource = "aep"\nsign = "secret"\nsecret_sha256 = "{SECRET}"', "push[0].secret_sha256: "),
        ('[[push]]\nsource = "aep"\nsign = "onenet"', "push[0].token: "),
        ('[[push]]\nsource = "aep"\nsign = "onenet"\ntoken = "short"', "push[0].token: is shorter"),
        ('[[push]]\nsource = "aep"\nsign = "onenet"\ntoken_file = "/no/such"', "push[0].token_file: /no/such: "),
        (f'[[push]]\nsource = "other"\nsign = "iotda"\ntoken = "{TOKEN}"', "push[0].source: no source 'other'"),
        (f'[[push]]\nsource = "aep"\nsign = "iotda"\ntoken = "{TOKEN}"\nlimit = "many"', "push[0].limit: 'many'"),
        ('[[pull]]\nsource = "aep"', "pull: there is nothing but [[push]] tables"),
        ("push = 1", "push: there is nothing but [[push]] tables"),
        ("=", "Invalid"),
    ],
)
def test_what_is_wrong_in_the_table_is_named(text: str, fault: str) -> None:
    with pytest.raises(UsageError) as caught:
        push_table.load(text, "HEARTH_PUSH push.toml", SOURCES)
    assert str(caught.value).startswith("HEARTH_PUSH push.toml: ")
    assert fault in str(caught.value)


def test_a_token_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n")
    text = f'[[push]]\nsource = "aep"\nsign = "onenet"\ntoken_file = "{tmp_path}/token"\n'
    assert push_table.load(text, "push.toml", SOURCES)["aep"].token == TOKEN


def test_the_generated_accounts_let_pushes_through_and_nothing_else(tmp_path: Path) -> None:
    rights = acl("hearth", {"aep": [PUSHED + "aep"], "rooms": ["zigbee2mqtt/+"]})
    users = ("hearth", ACCOUNT, "R1", "rooms")
    passwords = "".join(f"{user}:{password_hash('pass')}\n" for user in users)
    with Mosquitto(tmp_path / "b", accounts=MosquittoAccounts(passwords, rights), build=mosquitto_build()) as broker:
        addresses = {user: Address(broker.url(user, "pass"), user) for user in users}
        publisher = PushPublisher(addresses[ACCOUNT])
        try:
            with Visitor(addresses["hearth"], "hearth", PUSHED + "aep") as reader:
                reader.subscribe(PUSHED + "aep")
                deadline = time.monotonic() + 20
                while (became := publisher.publish(PUSHED + "aep", b"{}", 4.0)) is Published.AWAY:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
                assert became is Published.TAKEN
                for topic in (PUSHED + "onenet", "hearth/v1/R1/telemetry", "zigbee2mqtt/a"):
                    assert publisher.publish(topic, b"{}", 4.0) is Published.DENIED
                for user in ("R1", "rooms"):
                    with Visitor(addresses[user], user) as other, pytest.raises(ConnectionError, match="refused"):
                        other.publish(PUSHED + "aep", 1)
                while not reader.heard:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
                assert reader.heard == 1
        finally:
            publisher.close()

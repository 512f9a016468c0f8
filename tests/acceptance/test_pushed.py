"""A push of a platform is a reading: from the API through a broker to the database, once."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from local.broker import Mosquitto
from local.port import LOOPBACK
from tests import registry_rows as town
from tests.acceptance import processes
from tests.acceptance.waiting import until
from tests.acceptance.world import Making, World
from tests.conftest import ANSWER_S, PLAIN_HTTP, Database

SECRET = "of-the-platform"
SOURCES = "".join(
    f'[[source]]\nname = "{name}"\npreset = "{name}"\nfilter = "hearth/push/v1/{name}"\n'
    for name in ("aep", "onenet", "onenet_datastreams", "iotda")
)
HASH = hashlib.sha256(SECRET.encode()).hexdigest()
PUSH = "".join(
    f'[[push]]\nsource = "{name}"\n{proof}\n'
    for name, proof in (
        ("aep", f'sign = "secret"\nsecret_sha256 = "{HASH}"'),
        ("onenet", f'sign = "onenet"\ntoken = "{SECRET}"'),
        ("onenet_datastreams", f'sign = "onenet"\ntoken = "{SECRET}"'),
        ("iotda", f'sign = "iotda"\ntoken = "{SECRET}"'),
    )
)
READINGS = "SELECT count(*) AS n FROM reading"


def message(celsius: float, at: datetime) -> dict[str, object]:
    return {
        "messageType": "dataReport",
        "deviceId": "fd1",
        "timestamp": int(at.timestamp() * 1000),
        "payload": {"temperature_data": celsius},
    }


def furnished(world: World, *sensors: tuple[str, str]) -> World:
    """Choose the tables of sources and platforms, and place sensors, each with its source."""
    for name, text in (("HEARTH_SOURCES", SOURCES), ("HEARTH_PUSH", PUSH)):
        file = Path(world.folder / f"{name}.toml")
        file.write_text(text)
        world.settings({name: str(file)})
    with world.database.connect() as connection:
        for code, source in sensors:
            town.sensor(connection, code, town.home(connection, f"home of {code}"), gateway=source)
    return world


def test_a_push_is_stored_once_however_often_and_late_it_comes(new_world: Making, plain_database: Database) -> None:
    world = furnished(new_world(plain_database), ("fd1", "aep"))
    world.wait_until_heard(world.thermometers(), world.start("ingest"))
    port, _ = world.start_api()
    with httpx.Client(
        base_url=f"http://{LOOPBACK}:{port}", trust_env=False, verify=PLAIN_HTTP, timeout=ANSWER_S
    ) as platform:

        def push(body: dict[str, object]) -> bool:
            try:
                answer = platform.post("/v1/uplinks/aep", json=body, headers={"X-Hearth-Secret": SECRET})
            except httpx.TransportError:
                return False
            return answer.status_code == 200

        now = datetime.now(UTC).replace(microsecond=0)
        times = [now - timedelta(minutes=5 * ago) for ago in range(1, 5)]
        late_first = [message(21.5 + nth, at) for nth, at in enumerate(times)]
        until(lambda: push(late_first[0]), "the API is connected to the broker")
        for body in (late_first[0], *late_first[1:], *reversed(late_first)):  # twice, out of order, all of it again
            assert push(body)
        until(lambda: world.one(READINGS) == 4, "each instant is a reading")
        doubled = "SELECT coalesce(sum(duplicates), 0) AS n FROM ingest_health"
        until(lambda: world.one(doubled) == 5, "and was there already when it came again")
        world.broker.kill()
        assert not push(late_first[0])
    dead = world.rows("SELECT reason FROM dead_letter WHERE topic LIKE 'hearth/push/%'")
    assert json.dumps(dead) == "[]"


def signed(message: str) -> dict[str, str]:
    digest = hashlib.md5(f"{SECRET}abcd{message}".encode(), usedforsecurity=False).digest()
    return {"nonce": "abcd", "msg_signature": base64.b64encode(digest).decode()}


def test_each_platform_is_read_by_its_preset(new_world: Making, plain_database: Database) -> None:
    platforms = (("fd1", "aep"), ("n1", "onenet"), ("7", "onenet_datastreams"), ("d1", "iotda"))
    world = furnished(new_world(plain_database), *platforms)
    world.wait_until_heard(world.thermometers(), world.start("ingest"))
    port, _ = world.start_api()
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    ms = int(at.timestamp() * 1000)
    new = json.dumps({"deviceName": "n1", "data": {"params": {"temperature": {"value": 21.5, "time": ms}}}})
    old = f'{{"type":1,"dev_id":7,"ds_id":"temperature","at":{ms},"value":21.5}}'
    header = {"timestamp": "1795831200", "nonce": "x"}
    proof = hashlib.sha256("".join(sorted([SECRET, *header.values()])).encode()).hexdigest()
    services = [{"service_id": "T", "properties": {"temperature": 21.5}, "event_time": f"{at:%Y%m%dT%H%M%SZ}"}]
    reported = {"notify_data": {"header": {"device_id": "d1"}, "body": {"services": services}}}
    with httpx.Client(
        base_url=f"http://{LOOPBACK}:{port}/v1/uplinks/", trust_env=False, verify=PLAIN_HTTP, timeout=ANSWER_S
    ) as platform:

        def push(source: str, content: str, headers: dict[str, str]) -> bool:
            try:
                return platform.post(source, content=content.encode(), headers=headers).status_code == 200
            except httpx.TransportError:
                return False

        secret = {"X-Hearth-Secret": SECRET}
        until(lambda: push("aep", json.dumps(message(21.5, at)), secret), "the API is connected to the broker")
        assert push("onenet", json.dumps({"msg": new, **signed(new)}), {})
        assert push("onenet_datastreams", f'{{"msg":{old},{json.dumps(signed(old))[1:]}', {})
        assert push("iotda", json.dumps(reported), {**header, "signature": proof})
    stored = "SELECT code, temperature, measured_at FROM reading JOIN sensor AS s USING (sensor_id) ORDER BY 1"
    until(lambda: len(world.rows(stored)) == 4, "each platform's message is a reading")
    assert [tuple(row.values()) for row in world.rows(stored)] == [
        (code, 21.5, at) for code in ("7", "d1", "fd1", "n1")
    ]


def test_check_looks_at_the_platforms_and_their_account(broker: Mosquitto, tmp_path: Path) -> None:
    settings = {"HEARTH_MQTT_URL": broker.url()}
    assert pushes_checked(settings) == (True, "nobody pushes by HTTP")
    for name, text in (("HEARTH_SOURCES", SOURCES), ("HEARTH_PUSH", PUSH)):
        settings[name] = str(tmp_path / name)
        Path(settings[name]).write_text(text)
    told = "aep (secret), onenet (onenet), onenet_datastreams (onenet), iotda (iotda)"
    assert pushes_checked(settings) == (True, f"{told}; {LOOPBACK}:{broker.port} accepts the connection")
    ok, told = pushes_checked({**settings, "HEARTH_PUSH_MQTT_URL": "mqtt://127.0.0.1:9"})
    assert (ok, told[:34]) == (False, "HEARTH_PUSH_MQTT_URL: 127.0.0.1:9:")
    Path(settings["HEARTH_PUSH"]).write_text('[[push]]\nsource = "nobody"\nsign = "secret"\n')
    ok, told = pushes_checked(settings)
    assert (ok, "nobody" in told, "HEARTH_PUSH" in told) == (False, True, True)


def pushes_checked(settings: dict[str, str]) -> tuple[bool, str]:
    """Return whether `hearth check` finds pushes in order, and what it says."""
    (found,) = json.loads(processes.run(settings, "check", "push", "--json").stdout)["checks"]
    return found["ok"], found["detail"]

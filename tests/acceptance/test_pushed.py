"""A push of a platform is a reading: from the API through a broker to the database, once."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from local.port import LOOPBACK
from tests import registry_rows as town
from tests.acceptance.waiting import until
from tests.acceptance.world import Making
from tests.conftest import Database

SECRET = "of-the-platform"
SOURCES = """
[[source]]
name = "aep"
preset = "json"
filter = "hearth/push/v1/aep"
sensor = "deviceId"
time = "timestamp"
values = {temperature = "payload.temperature_data"}
"""
PUSH = f"""
[[push]]
source = "aep"
sign = "secret"
secret_sha256 = "{hashlib.sha256(SECRET.encode()).hexdigest()}"
"""
READINGS = "SELECT count(*) AS n FROM reading"


def message(celsius: float, at: datetime) -> dict[str, object]:
    return {
        "messageType": "dataReport",
        "deviceId": "fd1",
        "timestamp": int(at.timestamp() * 1000),
        "payload": {"temperature_data": celsius},
    }


def test_a_push_is_stored_once_however_often_and_late_it_comes(new_world: Making, plain_database: Database) -> None:
    world = new_world(plain_database)
    for name, text in (("HEARTH_SOURCES", SOURCES), ("HEARTH_PUSH", PUSH)):
        file = Path(world.folder / f"{name}.toml")
        file.write_text(text)
        world.settings({name: str(file)})
    with world.database.connect() as connection:
        town.sensor(connection, "fd1", town.home(connection, "H1"), gateway="aep")
    world.wait_until_heard(world.thermometers(), world.start("ingest"))
    port, _ = world.start_api()
    with httpx.Client(base_url=f"http://{LOOPBACK}:{port}", trust_env=False) as platform:

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

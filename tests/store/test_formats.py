"""Messages of other networks become readings, if the registry says that their source may speak for the sensor."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from psycopg import Connection

from alerts.judging.judge import Judge
from domain import policy_file
from ingest.batch import Fates, Intake, store_batch
from ingest.message import Message
from ingest.places import SensorPlaces
from ingest.source_table import load
from ingest.validate import Limits
from store.base.stage import open_stages
from tests import registry_rows as town
from tests.conftest import Database

GOLDEN = Path(__file__).parents[1] / "golden"
AT = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)  # the time in the golden messages
NOW = AT + timedelta(minutes=1)
TABLE = """
[[source]]
name = "lorawan"
preset = "chirpstack"
[[source]]
name = "zigbee"
preset = "zigbee2mqtt"
[[source]]
name = "plant"
preset = "sparkplug"
"""
SENSORS = {"24e124136b502217": "lorawan", "living-4-1": "zigbee", "plant:edge7:thermo3": "plant"}


@pytest.fixture
def conn(database: Database) -> Iterator[Connection]:
    with database.connect(autocommit=True) as conn:
        home = town.home(conn, "H1")
        for code, source in SENSORS.items():
            town.sensor(conn, code, home, gateway=source)
        open_stages(conn)
        yield conn


def intake() -> Intake:
    sources = load(TABLE, "test", ZoneInfo("Asia/Shanghai"))
    return Intake(
        "test",
        Limits(65_536, 300_000_000),
        Judge(policy_file.builtin("seed")).readings,
        SensorPlaces(),
        sources=sources,
    )


def golden(case: str) -> list[Message]:
    folder = GOLDEN / case
    payloads = [path.read_bytes() for path in sorted(folder.glob("payload.*"))]
    topics = (folder / "topic").read_text().splitlines()
    return [message(topic, payload) for topic, payload in zip(topics, payloads, strict=True)]


def message(topic: str, payload: bytes) -> Message:
    return Message(topic, payload, int(NOW.timestamp() * 1e6), 1, 1, 1, False)


def stored(conn: Connection) -> list[tuple[str, datetime, float]]:
    statement = b"""
        SELECT code, measured_at, temperature FROM reading JOIN sensor USING (sensor_id)
        ORDER BY code, measured_at
    """
    return conn.execute(statement).fetchall()


def send(conn: Connection, *messages: Message) -> Fates:
    return store_batch(conn, intake(), messages, NOW)


def test_messages_of_three_networks_are_stored_as_readings(conn: Connection) -> None:
    three = golden("chirpstack/reading") + golden("zigbee2mqtt/reading") + golden("sparkplug/aliases")
    fates = send(conn, *three)
    assert fates.dead == {}
    assert stored(conn) == [
        ("24e124136b502217", AT + timedelta(microseconds=775_023), 21.25),
        ("living-4-1", NOW, pytest.approx(27.34)),
        ("plant:edge7:thermo3", AT - timedelta(seconds=1), 20.5),
        ("plant:edge7:thermo3", AT + timedelta(seconds=59), 0.0),
    ]
    assert send(conn, *three).duplicates == 4


def test_a_network_does_not_speak_for_the_sensor_of_another(conn: Connection) -> None:
    lie = message("zigbee2mqtt/24e124136b502217", b'{"temperature": 25}')
    assert send(conn, lie).dead == {"foreign_sensor": 1}
    assert stored(conn) == []


def test_a_device_of_ours_does_not_speak_for_the_sensor_of_a_network(conn: Connection) -> None:
    lie = message("hearth/v1/other/telemetry", json.dumps({"id": "living-4-1", "temperature": 25}).encode())
    assert send(conn, lie).dead == {"foreign_sensor": 1}


def test_what_is_no_reading_is_no_dead_letter(conn: Connection) -> None:
    fates = send(conn, *golden("zigbee2mqtt/lamp"), *golden("chirpstack/without_object"))
    assert (fates.messages, fates.stored, fates.dead) == (2, 0, {})


def test_a_node_whose_birth_was_missed_is_to_be_asked_for_it(conn: Connection) -> None:
    fates = send(conn, *golden("sparkplug/alias_without_birth"))
    assert fates.dead == {"unknown_alias": 2}
    assert [topic for topic, _ in fates.requests] == ["spBv1.0/plant/NCMD/edge7"]

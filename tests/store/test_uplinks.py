"""Messages of other networks through the one transaction: what is left out is counted, what is unknown gets a hint."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg import Connection

from alerts.judging.judge import Judge
from domain import policy_file
from domain.instants import to_us
from ingest.batch import Fates, Intake, store_batch
from ingest.dead_letters import replay
from ingest.message import Message
from ingest.places import SensorPlaces
from ingest.source_table import load
from ingest.validate import Limits
from store.base.rows import Row
from store.base.stage import open_stages
from store.readings.dead_letter_rows import LetterFilter
from store.sensors import unknown_rows
from tests import registry_rows as town
from tests.conftest import Database

pytestmark = pytest.mark.plain_only
NOON = datetime(2026, 1, 15, 4, tzinfo=UTC)
TABLE = """
[[source]]
name = "zigbee"
preset = "zigbee2mqtt"
[[source]]
name = "ttn"
preset = "the_things_stack"
"""
LETTERS = "SELECT reason, reasons, faults FROM dead_letter ORDER BY dead_letter_id"


class Network:
    """Ingest of two networks into a database with one home."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.sources = load(TABLE, "test", ZoneInfo("Asia/Shanghai"))
        judge = Judge(policy_file.builtin("seed")).readings
        self.intake = Intake("w", Limits(65_536, 300_000_000), judge, SensorPlaces(), sources=self.sources)
        open_stages(conn)

    def say(self, topic: str, payload: Any, at: datetime = NOON) -> Fates:
        """Ingest one message."""
        message = Message(topic, json.dumps(payload).encode(), to_us(at), 1, 1, 1, False)
        return store_batch(self.conn, self.intake, [message], at)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.conn.execute(query).fetchall()


@pytest.fixture
def network(connection: Connection, database: Database) -> Any:
    home = town.home(connection, "H")
    town.sensor(connection, "room", home, gateway="zigbee")
    town.sensor(connection, "24e124136d000001", home, gateway="ttn")
    town.sensor(connection, "0042", home, gateway="zigbee")
    connection.commit()
    with database.connect(autocommit=True) as conn:
        yield Network(conn)


def uplink(eui: str, **said: Any) -> dict[str, Any]:
    """Return a message of The Things Stack."""
    return {"end_device_ids": {"dev_eui": eui}, "uplink_message": {"received_at": NOON.isoformat(), **said}}


def test_one_bad_value_is_a_letter_and_its_reading_counts_as_stored(network: Network) -> None:
    fates = network.say("zigbee2mqtt/room", {"temperature": 20.5, "humidity": "wet"})
    assert (fates.stored, dict(fates.dead)) == (1, {})
    ((reason, reasons, faults),) = network.rows(LETTERS)
    assert (reason, reasons) == ("unread_value", {"unread_value": 1})
    assert faults[0]["detail"] == "humidity is not a number, but the text 'wet'"
    assert network.rows("SELECT temperature, humidity FROM reading") == [(20.5, None)]
    assert network.rows("SELECT messages, stored, dead FROM ingest_health") == [(1, 1, 0)]


def test_such_a_letter_goes_on_waiting_for_its_value(network: Network) -> None:
    network.say("zigbee2mqtt/room", {"temperature": 20.5, "humidity": "wet"})
    done = replay(network.conn, network.intake, LetterFilter(), lambda: NOON + timedelta(days=1))
    assert (done.duplicates, done.replayed, done.refused) == (1, 0, {"unread_value": 1})


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("zigbee2mqtt/room", {"state": "ON", "linkquality": 80}),
        ("v3/a@t/devices/d/up", uplink("24e124136d000001", decoded_payload={"firmware_version": "1.2", "BAT": 3.05})),
        ("v3/a@t/devices/d/up", uplink("24e124136d000001")),
        ("v3/a@t/devices/d/up", {**uplink("24e124136d000001", decoded_payload={"temperature": 5}), "simulated": True}),
    ],
)
def test_what_is_no_reading_is_counted_and_not_dead(network: Network, topic: str, payload: Any) -> None:
    fates = network.say(topic, payload)
    assert (fates.not_a_reading, fates.stored, dict(fates.dead)) == (1, 0, {})
    assert network.rows("SELECT messages, not_a_reading, dead FROM ingest_health") == [(1, 1, 0)]
    assert network.rows(LETTERS) == []


def test_a_codec_with_names_of_its_own_is_a_letter_that_says_what_to_set(network: Network) -> None:
    fates = network.say("v3/a@t/devices/d/up", uplink("24e124136d000001", decoded_payload={"TempC_SHT": 21.4}))
    assert dict(fates.dead) == {"no_value": 1}
    ((_, _, faults),) = network.rows(LETTERS)
    assert (
        "values.temperature: nothing at 'air.temperature' or 'temperature'; there is TempC_SHT" in faults[0]["detail"]
    )


@pytest.mark.parametrize(
    ("topic", "payload", "which"),
    [
        ("v3/a@t/devices/d/up", uplink("24E124136D000001", decoded_payload={"temperature": 21}), "24e124136d000001"),
        ("v3/a@t/devices/d/up", uplink("24:E1:24:13:6D:00:00:01", decoded_payload={"temperature": 21}), "24e124136d0"),
        ("zigbee2mqtt/42", {"temperature": 21}, "0042"),
        ("zigbee2mqtt/0x42", {"temperature": 21}, None),
        ("zigbee2mqtt/-", {"temperature": 21}, None),
    ],
)
def test_an_unknown_sensor_is_told_which_one_it_may_be(
    network: Network, topic: str, payload: Any, which: str | None
) -> None:
    for _ in range(2):  # looked up once, told each time
        assert dict(network.say(topic, payload).dead) == {"unknown_sensor": 1}
    for _, _, faults in network.rows(LETTERS):
        assert ("which has" in faults[0]["detail"]) == (which is not None)
        assert (which or "") in faults[0]["detail"]


def test_an_unknown_sensor_is_kept_with_what_it_said_last_until_it_is_registered(network: Network) -> None:
    minute = timedelta(minutes=1)
    network.say("zigbee2mqtt/lamp", {"temperature": 21, "humidity": 40}, NOON)
    network.say("zigbee2mqtt/lamp", {"temperature": 22}, NOON + minute)  # a minute has to be over
    assert listed(network) == [("lamp", "zigbee", {"temperature": 21.0, "humidity": 40.0}, None, NOON, NOON)]
    network.say("zigbee2mqtt/lamp", {"temperature": 23}, NOON + 2 * minute)
    network.say("zigbee2mqtt/42", {"temperature": 20}, NOON + 3 * minute)
    network.say("zigbee2mqtt/lamp", {"temperature": 19}, NOON - minute)  # delivered late: tells nothing new
    assert listed(network) == [
        ("42", "zigbee", {"temperature": 20.0}, "0042", NOON + 3 * minute, NOON + 3 * minute),
        ("lamp", "zigbee", {"temperature": 23.0}, None, NOON, NOON + 2 * minute),
    ]
    town.sensor(network.conn, "lamp", town.home(network.conn, "new"), gateway="zigbee")
    assert [row[0] for row in listed(network)] == ["42"]
    unknown_rows.forget(network.conn, NOON)
    assert network.rows("SELECT sensor FROM unknown_sensor") == [("42",)]
    unknown_rows.forget(network.conn, NOON + unknown_rows.KEPT + 4 * minute)
    assert network.rows("SELECT sensor FROM unknown_sensor") == []


def test_who_names_sensors_without_end_fills_no_table(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unknown_rows, "MOST", 3)
    for n in range(5):
        network.say(f"zigbee2mqtt/x{n}", {"temperature": 21})
    assert [row[0] for row in listed(network)] == ["x2", "x1", "x0"]
    later = NOON + timedelta(hours=1)
    network.say("zigbee2mqtt/x1", {"temperature": 25}, later)
    assert listed(network)[0][2:] == ({"temperature": 25.0}, None, NOON, later)


@pytest.mark.parametrize("code", ["x" * 101, "a\x07b"])
def test_what_cannot_be_a_code_is_not_offered(network: Network, code: str) -> None:
    assert dict(network.say(f"zigbee2mqtt/{code}", {"temperature": 21}).dead) == {"unknown_sensor": 1}
    assert listed(network) == []


def listed(network: Network) -> list[tuple[Any, ...]]:
    """Return the unknown sensors, page by page."""
    rows: list[Row] = []
    while page := unknown_rows.latest(network.conn, (rows[-1]["last_heard_at"], rows[-1]["id"]) if rows else None, 1):
        rows += page
    columns = ("sensor", "device", "said", "alike", "first_heard_at", "last_heard_at")
    return [tuple(row[column] for column in columns) for row in rows]


def test_a_cached_value_that_tells_its_time_is_not_new(network: Network) -> None:
    """Zigbee2MQTT publishes its cache when it starts; `last_seen` tells of when the values are."""
    said = {"temperature": 17.0, "last_seen": int(NOON.timestamp() * 1000)}
    assert network.say("zigbee2mqtt/room", said, NOON + timedelta(seconds=1)).stored == 1
    again = network.say("zigbee2mqtt/room", said, NOON + timedelta(hours=8))
    assert (again.stored, again.duplicates) == (0, 1)

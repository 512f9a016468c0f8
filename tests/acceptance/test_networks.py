"""Other networks on a real broker: Sparkplug's births reach every worker, and are asked for when one missed them.

And what the operator sees of the table of sources.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from local.port import LOOPBACK
from tests import registry_rows as town
from tests.acceptance import processes
from tests.acceptance.waiting import PATIENCE_SECONDS, until
from tests.acceptance.world import Making, World
from tests.conftest import Database

GOLDEN = Path(__file__).parents[1] / "golden" / "sparkplug" / "aliases"
BIRTHS_AND_DATA = list(
    zip((GOLDEN / "topic").read_text().splitlines(), (p.read_bytes() for p in sorted(GOLDEN.glob("p*"))), strict=True)
)
TABLE = '[[source]]\nname = "plant"\npreset = "sparkplug"\n'
READINGS = "SELECT count(*) FROM reading"


class EdgeNode:
    """Speaks by aliases, and tells what they are when it is asked to."""

    def __init__(self, client: Client) -> None:
        self.asked = 0
        self.client = client
        client.on_message = self._commanded

    def bear(self) -> None:
        """Node and device."""
        for topic, payload in BIRTHS_AND_DATA[:2]:
            self.client.publish(topic, payload)

    def speak(self) -> None:
        """Send one reading."""
        self.client.publish(*BIRTHS_AND_DATA[2], qos=1)

    def _commanded(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        assert b"Node Control/Rebirth" in message.payload
        self.asked += 1
        self.bear()


@contextmanager
def edge_node(port: int) -> Iterator[EdgeNode]:
    client, subscribed = Client(CallbackAPIVersion.VERSION2, "edge7"), Event()

    def _connected(client: Client, *_: Any) -> None:
        client.subscribe("spBv1.0/plant/NCMD/edge7")

    client.on_connect = _connected
    client.on_subscribe = lambda *_: subscribed.set()
    node = EdgeNode(client)
    client.connect(LOOPBACK, port)
    client.loop_start()
    try:
        assert subscribed.wait(PATIENCE_SECONDS)
        yield node
    finally:
        client.disconnect()
        client.loop_stop()


def furnished(world: World) -> World:
    """Return a sensor for which the plant speaks."""
    world.read_sources(TABLE)
    with world.database.connect() as connection:
        town.sensor(connection, "plant:edge7:thermo3", town.home(connection, "H1"), gateway="plant")
    return world


def dead(world: World) -> dict[str, int]:
    rows = world.rows("SELECT reason, count(*) AS n FROM dead_letter WHERE reason LIKE '%alias' GROUP BY reason")
    return {row["reason"]: row["n"] for row in rows}


def test_a_birth_that_was_missed_is_asked_for(new_world: Making, plain_database: Database) -> None:
    world = furnished(new_world(plain_database))
    world.wait_until_heard(world.thermometers(), world.start("ingest"))
    with edge_node(world.broker.port) as node:
        node.speak()
        until(lambda: world.one(READINGS) == 1, "the birth is stored as a reading")
        assert (node.asked, dead(world)) == (1, {"unknown_alias": 1})
        node.speak()
        until(lambda: world.one(READINGS) == 2, "what the node says by its aliases is stored")


def test_both_of_two_workers_see_a_birth(new_world: Making, plain_database: Database) -> None:
    world = furnished(new_world(plain_database))
    said = world.thermometers()
    world.believe_shares()
    for number in ("1", "2"):
        world.wait_until_heard(said, world.start("ingest"), f"hearth-ingest-{number}")
    with edge_node(world.broker.port) as node:
        node.bear()
        until(lambda: world.one(READINGS) == 1, "the birth is stored, once")
        for _ in range(10):
            node.speak()
        until(lambda: world.one(READINGS) == 2, "the reading is stored, once")
        doubled = "SELECT sum(duplicates) AS n FROM ingest_health WHERE worker LIKE 'hearth-ingest-%'"
        until(lambda: world.one(doubled) == 10, "all else was there already: a birth, and nine times the reading")
        assert (node.asked, dead(world)) == (0, {})


def test_decode_shows_what_a_sample_becomes_and_why_not(tmp_path: Path) -> None:
    table, sample = tmp_path / "sources.toml", tmp_path / "sample"
    table.write_text('[[source]]\nname = "zigbee"\npreset = "zigbee2mqtt"\n')
    settings = {"HEARTH_SOURCES": str(table)}
    command = ("decode", "--source", "zigbee", str(sample), "--topic")
    sample.write_text('{"temperature": 20.5}')
    done = processes.run(settings, *command, "zigbee2mqtt/living")
    assert (done.returncode, json.loads(done.stdout)["readings"]) == (0, [{"id": "living", "temperature": 20.5}])
    sample.write_text('{"temperature": "warm"}')
    done = processes.run(settings, *command, "zigbee2mqtt/living")
    assert (done.returncode, json.loads(done.stdout)["faults"]) == (
        2,
        [{"reason": "wrong_type", "detail": "temperature is not a number, but the text 'warm'"}],
    )
    done = processes.run(settings, *command, "tele/living/SENSOR")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is not let through by the filter of 'zigbee'; none has it" in done.stderr


def test_check_names_file_and_key_of_what_is_wrong_in_the_table(new_world: Making, plain_database: Database) -> None:
    world = furnished(new_world(plain_database))
    checks = {check["name"]: check for check in json.loads(world.command("check", "--json").stdout)["checks"]}
    assert checks["sources"]["detail"].startswith("Hearth's own devices and plant (sparkplug)")
    table = Path(world.environment["HEARTH_SOURCES"])
    table.write_text(TABLE + 'unit = "R"\n')
    done = processes.run(world.environment, "check", "--json")
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}["sources"]
    assert (done.returncode, found["ok"]) == (2, False)
    assert found["detail"].startswith(f"HEARTH_SOURCES {table}: source[0].unit: must be one of")

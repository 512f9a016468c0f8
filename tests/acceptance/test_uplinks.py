"""Uplinks of the field through a real broker: one of each kind, each by the source that the documents show for it."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from local.port import LOOPBACK
from tests import registry_rows as town
from tests.acceptance.waiting import PATIENCE_SECONDS, until
from tests.acceptance.world import Making, World
from tests.conftest import Database

TABLE = """
[[source]]
name = "collectors"
preset = "json"
filter = "heat/collector/+"
body = "list[*]"
sensor = ["gw", "list[*].id"]
values = {temperature = "t"}

[[source]]
name = "nodes"
preset = "esphome"
filter = "esphome/+/sensor/+/state"
sensor = "topic[2]"
label = "topic[4]"

[[source]]
name = "plc"
preset = "json"
filter = "plc/+"
sensor = "topic"
values.supply_temperature = {path = "t1", scale = 0.1}
values.supply_pressure = {path = "p1", unit = "bar"}

[[source]]
name = "site"
preset = "json"
filter = "site/+"
sensor = "id"
zone = "Asia/Shanghai"
values.temperature = {path = "temp", good = {path = "quality", values = ["good"]}}
values.humidity = "hum"
"""
SENSORS = {"C1:R101": "collectors", "C1:R102": "collectors", "room-12": "nodes", "TH001": "site"}
READINGS = """
SELECT s.code, round(r.temperature::numeric, 2)::float8 AS temperature, r.humidity::float8, r.measured_at
FROM reading AS r JOIN sensor AS s USING (sensor_id) ORDER BY s.code
"""
SUBSTATION = """
SELECT round(supply_temperature::numeric, 2)::float8 AS supply, round(supply_pressure::numeric, 4)::float8 AS pressure
FROM substation_reading
"""
HEALTH = "SELECT stored, not_a_reading FROM ingest_health"
DEAD = "SELECT reason FROM ingest_reject WHERE reason <> 'unknown_sensor'"  # which waiting for ingest makes


def furnished(world: World) -> World:
    """Return homes and a substation whose sensors these networks speak for."""
    world.read_sources(TABLE)
    with world.database.connect() as connection:
        home = town.home(connection, "H1")
        for code, source in SENSORS.items():
            town.sensor(connection, code, home, gateway=source)
        (substation,) = connection.execute("SELECT substation_id FROM substation").fetchone() or (None,)
        town.sensor(connection, "ss1", None, substation_id=substation, gateway="plc")
    return world


def publish(port: int, messages: list[tuple[str, str]]) -> None:
    """Send messages, each acknowledged by the broker."""
    client = Client(CallbackAPIVersion.VERSION2, "gateways")
    client.connect(LOOPBACK, port)
    client.loop_start()
    for topic, payload in messages:
        client.publish(topic, payload, qos=1).wait_for_publish(PATIENCE_SECONDS)
    client.disconnect()
    client.loop_stop()


def test_one_of_each_kind_is_stored_as_what_it_says(new_world: Making, plain_database: Database) -> None:
    world = furnished(new_world(plain_database))
    at = datetime.now(UTC).replace(microsecond=0)
    local = at.astimezone(ZoneInfo("Asia/Shanghai"))
    slashes = f"{local.year}/{local.month}/{local.day} {local:%H:%M:%S}"  # as PLCs print it, unpadded
    rooms = [{"id": "R101", "t": 21.5}, {"id": "R102", "t": 17.2}]
    world.wait_until_heard(world.thermometers(), world.start("ingest"))
    publish(
        world.broker.port,
        [
            ("heat/collector/C1", json.dumps({"gw": "C1", "time": slashes, "list": rooms})),
            ("esphome/room-12/sensor/temperature/state", "21.38"),
            ("esphome/room-12/sensor/uptime/state", "86412"),
            ("plc/ss1", json.dumps({"t1": 752, "p1": 3.6})),
            ("site/a", json.dumps({"id": "TH001", "time": slashes, "temp": 0, "quality": "bad", "hum": 41})),
        ],
    )
    until(lambda: world.rows(HEALTH)[0]["stored"] == 5, "all readings are stored")
    stored = {row["code"]: row for row in world.rows(READINGS)}
    assert {code: row["temperature"] for code, row in stored.items()} == {
        "C1:R101": 21.5,
        "C1:R102": 17.2,
        "room-12": 21.38,
        "TH001": None,
    }
    assert {stored[code]["measured_at"] for code in ("C1:R101", "C1:R102", "TH001")} == {at}
    assert [tuple(row.values()) for row in world.rows(SUBSTATION)] == [(75.2, 0.36)]
    assert world.one("SELECT count(*) FROM ingest_no_value WHERE quantity = 'temperature' AND reason = 'withheld'") == 1
    until(lambda: world.rows(HEALTH)[0]["not_a_reading"] == 1, "the uptime is counted, and not dead")
    assert world.rows(DEAD) == []

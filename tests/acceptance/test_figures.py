"""Counts of ingest: the fates add up to what was sent, in the view and for Prometheus alike."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client.parser import text_string_to_metric_families

from local.broker import Amqtt
from local.port import LOOPBACK, free_port
from tests import registry_rows as town
from tests.acceptance import processes
from tests.acceptance.thermometers import reading
from tests.acceptance.waiting import until
from tests.acceptance.world import Making, World
from tests.conftest import ANSWER_S, PLAIN_HTTP, Database

FATES = ("stored", "duplicates", "conflicts", "late", "retained", "not_a_reading")
HEALTH = "SELECT * FROM ingest_health"
SENSORS = 20
BAD = {
    "unknown_sensor": {"temperature": 20},
    "no_value": {"colour": "red"},
    "too_old": {"ts": 1_700_000_000_000, "temperature": 20},
    "future": {"ts": 4_000_000_000_000, "temperature": 20},
    "absurd_time": {"ts": 5, "temperature": 20},
}
Figures = dict[tuple[str, ...], float]


@pytest.fixture
def world(new_world: Making, plain_database: Database) -> World:
    """Homes with a sensor each."""
    made = new_world(plain_database)
    made.policy()
    with made.database.connect() as connection:
        building = town.building(connection)
        for n in range(SENSORS):
            town.sensor(connection, f"s{n}", town.home(connection, f"H{n}", building_id=building))
    return made


def figures(port: int) -> Figures:
    """Return all samples by name and values of labels."""
    text = httpx.get(f"http://{LOOPBACK}:{port}/metrics", trust_env=False, verify=PLAIN_HTTP, timeout=ANSWER_S).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


def test_the_sums_of_fates_are_what_was_sent(world: World) -> None:
    port = free_port()
    now = datetime.now(UTC)
    retain(world)
    ingest, said = world.start("ingest", HEARTH_METRICS_PORT=str(port)), world.thermometers()
    world.wait_until_heard(said, ingest)
    old, new = now - timedelta(hours=2), now
    said.say(*(reading(f"s{n}", old, 20.0) for n in range(SENSORS)))
    said.say(*(reading(f"s{n}", old, 20.0) for n in range(5)))
    said.say(*(reading(f"s{n}", old, 21.0) for n in range(3)))
    said.say(*(reading(f"s{n}", new, 20.0) for n in range(SENSORS)))
    for reason, payload in BAD.items():
        said.send("nobody" if reason == "unknown_sensor" else "s1", payload)
    until(lambda: world.one(HEALTH_OF_DEAD) == 4, "the dead letters are counted")
    row, seen = world.rows(HEALTH)[0], figures(port)
    assert (row["stored"], row["duplicates"], row["conflicts"], row["retained"]) == (2 * SENSORS, 5, 3, 1)
    assert row["messages"] == sum(row[fate] for fate in (*FATES, "dead") if fate != "late")
    assert {fate: seen["hearth_ingest_readings_total", fate] for fate in FATES} == {fate: row[fate] for fate in FATES}
    dead = {name[1]: value for name, value in seen.items() if name[0] == "hearth_ingest_dead_total"}
    assert dead == {row["reason"]: row["count"] for row in world.rows("SELECT reason, count FROM ingest_dead")}
    assert set(dead) == set(BAD)
    assert sum(dead.values()) == row["dead"]
    assert seen["hearth_ingest_batch_messages_sum",] == row["messages"]
    assert seen["hearth_ingest_batch_messages_count",] == row["batches"]
    assert ingest.stop() == 0


HEALTH_OF_DEAD = "SELECT sum(count)::integer FROM ingest_dead WHERE reason <> 'unknown_sensor'"


def retain(world: World) -> None:
    """Leave a message with the broker that every newcomer is told again."""
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect(LOOPBACK, world.broker.port)
    client.loop_start()
    client.publish("hearth/v1/s0/telemetry", '{"temperature": 5}', qos=1, retain=True).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def test_lag_counts_from_measurement_and_from_receipt(world: World) -> None:
    port = free_port()
    ingest, said = world.start("ingest", HEARTH_METRICS_PORT=str(port)), world.thermometers()
    world.wait_until_heard(said, ingest)
    said.say(reading("s0", datetime.now(UTC) - timedelta(hours=1), 20.0))
    until(lambda: world.one("SELECT count(*) FROM reading") == 1, "it is stored")
    row, seen = world.rows(HEALTH)[0], figures(port)
    assert 3_600 <= row["measured_lag_s"] < 3_660
    assert 0 <= row["received_lag_s"] < 60
    assert row["last_received_at"] <= row["last_batch_at"]
    assert (row["batch_messages"] >= 1, row["queue_messages"]) == (True, 0)
    assert 3_600 <= seen["hearth_ingest_newest_lag_seconds", "measured"] < 3_660
    assert 3_600 <= seen["hearth_ingest_lag_seconds_sum", "measured"] < 3_660
    assert 0 <= seen["hearth_ingest_newest_lag_seconds", "received"] < 60
    assert seen["hearth_ingest_lag_seconds_count", "received"] == row["batches"]


def test_what_stands_still_and_what_broke_is_told(world: World) -> None:
    port = free_port()
    ingest, said = world.start("ingest", HEARTH_METRICS_PORT=str(port)), world.thermometers()
    world.wait_until_heard(said, ingest)
    with world.database.connect() as blocker:
        blocker.execute("LOCK TABLE reading")
        said.say(reading("s0", datetime.now(UTC), 20.0))
        until(lambda: world.one(WAITS_FOR_LOCK), "its batch is in hand")
        assert figures(port)["hearth_ingest_in_flight_messages",] >= 1
        said.say(*(reading(f"s{n}", datetime.now(UTC), 20.0) for n in range(1, SENSORS)))
        until(lambda: figures(port)["hearth_ingest_queue_messages",] == SENSORS - 1, "the others wait")
        assert figures(port)["hearth_ingest_connected",] == 1
        blocker.execute(TERMINATE)
        blocker.rollback()
    until(lambda: world.one("SELECT count(*) FROM reading") == SENSORS, "all is stored")
    assert figures(port)["hearth_ingest_database_retries_total",] >= 1
    # A worker that lost its database parted from the broker, too: it had lost the right to its session.
    assert figures(port)["hearth_ingest_reconnects_total",] == 1
    assert (figures(port)["hearth_ingest_leading",], figures(port)["hearth_ingest_takeovers_total",]) == (1, 0)
    world.broker.stop()
    world.broker.start()
    until(lambda: figures(port)["hearth_ingest_reconnects_total",] == 2, "the reconnect is counted")


WAITS_FOR_LOCK = "SELECT count(*) FROM pg_locks WHERE relation = 'reading'::regclass AND NOT granted"
TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hearth hearth-ingest'"


@pytest.mark.slow
def test_at_a_broker_without_mqtt_5_workers_stand_by(world: World) -> None:
    with Amqtt(world.folder / "amqtt") as broker:
        world.settings({"HEARTH_MQTT_URL": broker.url()})
        ingest = world.start("ingest").wait_for("MQTT 3.1.1 only: plain subscription, one worker at a time")
        second = world.start("ingest").wait_for("standing by")
        never = processes.run(world.environment, "ingest", "--leave", "--share", "1")
        assert (never.returncode, "workers never shared" in never.stderr) == (2, True)
        world.believe_shares()
        done = processes.run(world.environment, "ingest", "--leave", "--share", "1")
        assert done.returncode == 2
        assert "shared subscriptions (MQTT 5)" in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr
        assert ingest.stop() == 0
        second.wait_for("event=connected")
        assert second.stop() == 0

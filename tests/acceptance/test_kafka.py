"""Readings out of a real Kafka: each message once, also over kills and changes of the group, and again by request."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from local import kafka
from local.kafka import Kafka
from tests import registry_rows as town
from tests.acceptance.processes import Process
from tests.acceptance.waiting import until
from tests.acceptance.world import World
from tests.conftest import Database, unavailable

confluent_kafka = pytest.importorskip(
    "confluent_kafka", reason="NOT TESTED WITH KAFKA: no confluent-kafka (make setup)"
)
SENSORS = 20
PARTITIONS = 4
COUNT = "SELECT count(*)::integer FROM reading"
FATES = "SELECT sum(stored)::integer AS stored, sum(duplicates)::integer AS duplicates FROM ingest_health"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """One node, running."""
    if reason := kafka.why_not():
        unavailable(f"NOT TESTED WITH KAFKA: {reason}")
    server = Kafka(tmp_path_factory.mktemp("kafka"))
    server.start()
    yield server
    server.kill()


class Writing:
    """Writes readings to a topic of its own; what was written, the log has acknowledged."""

    def __init__(self, server: Kafka, topic: str) -> None:
        from confluent_kafka.admin import AdminClient
        from confluent_kafka.cimpl import NewTopic

        self.topic = topic
        admin = AdminClient({"bootstrap.servers": server.address})  # it ends with its last name
        admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result()
        self._producer = confluent_kafka.Producer({"bootstrap.servers": server.address, "acks": "all"})
        self._begin_s = time.time() - 3_000
        self.written = 0

    def write(self, readings: int) -> None:
        """Write so many readings, of all sensors in turn, and wait until the log has them."""
        for nth in range(self.written, self.written + readings):
            told = {"ts": int((self._begin_s + nth // SENSORS) * 1000), "temperature": 20.0}
            key = f"hearth/v1/s{nth % SENSORS}/telemetry"
            self._producer.produce(self.topic, json.dumps(told).encode(), key.encode())
        assert self._producer.flush(30) == 0
        self.written += readings


@pytest.fixture
def world(tmp_path: Path, plain_database: Database) -> Iterator[World]:
    """Sensors, and a Hearth that reads a topic of its own as a group of its own."""
    with ExitStack() as stack:
        world = World(tmp_path, plain_database, None, stack)
        yield world


@pytest.fixture
def writing(world: World, log: Kafka, request: pytest.FixtureRequest) -> Writing:
    name = request.node.name
    options = world.folder / "options"
    options.write_text("# Who is killed is missed soon.\nsession.timeout.ms = 2000\nheartbeat.interval.ms = 500\n")
    world.policy()
    world.settings(
        {
            "HEARTH_KAFKA_SERVERS": log.address,
            "HEARTH_KAFKA_TOPICS": name,
            "HEARTH_KAFKA_GROUP": name,
            "HEARTH_KAFKA_OPTIONS": str(options),
            "HEARTH_BATCH_MESSAGES": "50",
        }
    )
    with world.database.connect() as conn:
        home = town.home(conn, "H1")
        for nth in range(SENSORS):
            town.sensor(conn, f"s{nth}", home)
    return Writing(log, name)


def worker(world: World) -> Process:
    return world.start("kafka", "ingest")


def test_each_message_is_stored_once_over_kills_and_rebalances(world: World, writing: Writing) -> None:
    writing.write(1000)
    first = worker(world).wait_for("event=connected")
    until(lambda: world.one(COUNT) > 0, "the first stores")
    second = worker(world).wait_for("partitions=2")
    speaking = threading.Thread(target=writing.write, args=(2000,))
    speaking.start()
    until(lambda: world.one(COUNT) > 1100, "both store")
    first.kill()
    speaking.join()
    third = worker(world).wait_for("event=connected")
    until(lambda: world.one(COUNT) == writing.written, "all is stored")
    # Not even read twice: where each partition stands is committed with its rows.
    assert world.rows(FATES) == [{"stored": 3000, "duplicates": 0}]
    assert world.one("SELECT sum(next_offset)::integer FROM log_offset") == 3000
    assert (second.stop(), third.stop()) == (0, 0)


def test_a_log_is_read_again_from_any_offset(world: World, writing: Writing, log: Kafka) -> None:
    ingest = worker(world).wait_for("event=connected")
    writing.write(400)
    until(lambda: world.one(COUNT) == 400, "all is stored")
    log.kill()
    log.start()
    (one,) = world.rows("SELECT partition, next_offset FROM log_offset ORDER BY next_offset DESC LIMIT 1")
    done = world.command("kafka", "rewind", writing.topic, str(one["partition"]), str(one["next_offset"] - 30))
    assert "from" in done.stdout
    until(lambda: world.rows(FATES) == [{"stored": 400, "duplicates": 30}], "the last thirty are recognised")
    writing.write(20)
    until(lambda: world.one(COUNT) == 420, "and it goes on")
    assert ingest.stop() == 0

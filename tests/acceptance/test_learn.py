"""Learning on a real broker: what is said becomes a table that `hearth decode` reads by; no worker loses anything."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from ingest.address import Address
from ingest.visitor import Visitor
from local.broker import Mosquitto
from local.port import LOOPBACK
from tests.acceptance import processes
from tests.acceptance.waiting import PATIENCE_SECONDS, until

OURS = "hearth/v1/R1/telemetry"
SAID = {
    OURS: '{"temperature": 20}',
    "zigbee2mqtt/living": '{"temperature": 21.5, "humidity": 41, "linkquality": 80}',
    "heat/collector/C1": '{"time": "2026-11-28 10:00:00", "list": [{"id": "A1", "t": 215}, {"id": "A2", "t": 172}]}',
    "town/h12/temp": "21.5",
}


@contextmanager
def speaker(port: int) -> Iterator[Client]:
    """Yield a client that publishes."""
    client = Client(CallbackAPIVersion.VERSION2, "field")
    client.connect(LOOPBACK, port)
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


def test_what_is_heard_until_ctrl_c_becomes_a_table_and_workers_lose_nothing(broker: Mosquitto, tmp_path: Path) -> None:
    settings = {"HEARTH_MQTT_URL": broker.url()}
    worker = Visitor(Address(broker.url(), "hearth-ingest"), "hearth-ingest", OURS)
    worker.subscribe("hearth/v1/+/telemetry")
    command = [*processes.PROGRAM, "sources", "learn", "--for", "600"]
    learner = subprocess.Popen(
        command, env=processes.surroundings(settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert learner.stderr is not None
    with speaker(broker.port) as field:

        def say() -> str:
            for topic, payload in SAID.items():
                field.publish(topic, payload, qos=1).wait_for_publish(PATIENCE_SECONDS)
            return learner.stderr.readline() if learner.stderr else ""

        sent = 1
        while "3 kinds" not in (told := say()):
            assert told, "it ended"
            sent += 1
    until(lambda: worker.heard == sent, "the worker has all that was said to it")
    learner.send_signal(signal.SIGINT)
    table, _ = learner.communicate(timeout=PATIENCE_SECONDS)
    assert learner.returncode == 0
    worker.end()
    file = tmp_path / "sources.toml"
    file.write_text(table, encoding="utf-8")
    assert "# read already: Hearth's own format" in table
    readings = {}
    for topic, payload in SAID.items():
        sample = tmp_path / "sample"
        sample.write_text(payload)
        done = processes.run({"HEARTH_SOURCES": str(file)}, "decode", "--topic", topic, str(sample))
        assert done.returncode == 0, done.stdout
        readings[topic] = [
            {"id": one["id"], "temperature": one["temperature"]} for one in json.loads(done.stdout)["readings"]
        ]
    assert readings == {
        OURS: [{"id": "R1", "temperature": 20.0}],
        "zigbee2mqtt/living": [{"id": "living", "temperature": 21.5}],
        "heat/collector/C1": [{"id": "A1", "temperature": 21.5}, {"id": "A2", "temperature": 17.2}],
        "town/h12/temp": [{"id": "h12", "temperature": 21.5}],
    }


def test_a_shared_subscription_is_refused_and_silence_is_told(broker: Mosquitto) -> None:
    settings = {"HEARTH_MQTT_URL": broker.url()}
    done = processes.run(settings, "sources", "learn", "--topic", "$share/group/#")
    assert (done.returncode, done.stdout) == (2, "")
    assert "$share" in done.stderr
    done = processes.run(settings, "sources", "learn", "--topic", "nobody/#", "--for", "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "nothing was heard on nobody/#" in done.stderr

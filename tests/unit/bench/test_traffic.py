"""The benchmark's packets and the rows it copies are the same readings."""

import json

import pytest

from bench.traffic import Traffic
from ingest.message import Stamps
from ingest.stream import PacketStream


@pytest.mark.parametrize("packed", [False, True])
def test_packets_say_what_the_rows_say(packed: bool) -> None:
    traffic = Traffic(sensors=100, first=100, count=200, start_ms=1_768_449_600_000, packed=packed)
    messages = PacketStream(False, 1).feed(b"".join(traffic.packets()), Stamps(lambda: 5))
    said = []
    for message in messages:
        found = json.loads(message.payload)
        device = message.topic.split("/")[2]
        for one in found if packed else [found | {"id": device}]:
            said.append((int(one["id"][1:]) + 1, one["ts"] * 1000, pytest.approx(one["temperature"])))
    rows = [(row["sensor_id"], row["measured_at"], row["temperature"]) for row in traffic.rows()]
    assert rows == said
    assert len(messages) == traffic.messages
    assert len({row[:2] for row in rows}) == 200


def test_one_home_in_a_hundred_is_cold() -> None:
    rows = Traffic(sensors=1000, first=1000, count=1000, start_ms=0).rows()
    assert (rows["temperature"] < 18).sum() == 10

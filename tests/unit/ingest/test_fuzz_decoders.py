"""Any payload on any topic gives readings, or faults with a reason; nothing is ever raised."""

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.reasons import RejectReason
from ingest.source_table import load
from ingest.sources import Sources
from ingest.uplink import Uplink
from tests.unit.ingest.golden import CASES, FORMATS, RECEIVED_US, messages

TOPICS = {
    "native": "hearth/v1/s1/telemetry",
    "json": "json/s1",
    "chirpstack": "application/17/device/24e124136b502217/event/up",
    "chirpstack_protobuf": "application/17/device/24e124136b502217/event/up",
    "the_things_stack": "v3/a@t/devices/d/up",
    "zigbee2mqtt": "zigbee2mqtt/a",
    "tasmota": "tele/a/SENSOR",
    "thingsboard": "v1/gateway/telemetry",
    "senml": "json/s1",
    "sparkplug": "spBv1.0/g/DDATA/e/d",
}
KEYS = st.sampled_from(
    [
        "object",
        "temperature",
        "humidity",
        "deviceInfo",
        "devEui",
        "time",
        "ts",
        "values",
        "end_device_ids",
        "dev_eui",
        "uplink_message",
        "decoded_payload",
        "settings",
        "received_at",
        "last_seen",
        "Time",
        "DS18B20",
        "Temperature",
        "TempUnit",
        "n",
        "v",
        "u",
        "t",
        "bn",
        "bt",
        "bu",
        "bv",
        "bver",
        "vs",
        "id",
        "battery",
    ]
)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
    | st.sampled_from(["2026-01-15T12:00:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59", "Cel", "K", "20.5"])
)  # fmt: skip
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=4), inner, max_size=5)
)


def reader(name: str) -> Sources:
    """Return a source of each format."""
    own = 'filter = "json/+"\nsensor = "topic"\n' if name in ("json", "senml") else ""
    table = f'[[source]]\nname = "net"\npreset = "{name}"\n{own}'
    return Sources() if name == "native" else load(table, "test", ZoneInfo("Asia/Shanghai"))


SOURCES = {name: reader(name) for name in FORMATS}


def check(name: str, payload: bytes, topic: str | None = None) -> None:
    """Assert that readings are of the types that they say, and faults have a reason."""
    said = SOURCES[name].decode(topic or TOPICS[name], payload, RECEIVED_US)
    for uplink in said.uplinks:
        assert msgspec.convert(msgspec.to_builtins(uplink), Uplink) == uplink
        assert name == "native" or uplink.id
    for fault in said.faults:
        assert fault.reason in RejectReason
        assert fault.detail
        assert fault.sensor is None or isinstance(fault.sensor, str)


@pytest.mark.parametrize("name", FORMATS)
@given(payload=st.binary(max_size=200))
def test_any_bytes(name: str, payload: bytes) -> None:
    check(name, payload)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=60)
@given(value=VALUES)
def test_any_json(name: str, value: Any) -> None:
    check(name, json.dumps(value).encode())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
@settings(max_examples=40)  # of each of many cases
@given(data=st.data())
def test_a_message_with_some_bytes_changed(case: Path, data: st.DataObject) -> None:
    topic, payload = messages(case)[-1]
    at = data.draw(st.integers(0, len(payload) - 1))
    damaged = payload[:at] + data.draw(st.binary(max_size=3)) + payload[at + data.draw(st.integers(0, 3)) :]
    check(case.parent.name, damaged, topic)


@pytest.mark.parametrize("name", FORMATS)
@given(topic=st.text(max_size=30), payload=st.binary(max_size=20))
def test_any_topic(name: str, topic: str, payload: bytes) -> None:
    check(name, payload, topic)


@given(levels=st.lists(st.sampled_from(["", "DBIRTH", "NDEATH", "DDATA", "g", "x/y"]), min_size=1, max_size=5))
def test_any_topic_of_sparkplug(levels: list[str]) -> None:
    check("sparkplug", b"\x12\x02\x10\x05", "/".join(["spBv1.0", *levels]))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"object":' * 50_000])
def test_json_that_is_deeper_than_any_message(name: str, deep: bytes) -> None:
    check(name, deep)

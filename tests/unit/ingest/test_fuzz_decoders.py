"""Any payload on any topic gives readings, or faults with a reason; nothing is ever raised."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.reasons import RejectReason
from ingest.explain import explain
from ingest.uplink import Uplink
from tests.unit.ingest.golden import CASES, FORMATS, RECEIVED_US, by_preset, messages, topic_of

PRESETS = Path(__file__).parents[3] / "ingest" / "presets.toml"
# All names that the presets know, so that what is made up gets past them.
NAMES = sorted(set(re.findall(r"[A-Za-z_]\w+", PRESETS.read_text())))
KEYS = st.sampled_from(
    [*NAMES, "n", "v", "u", "t", "bn", "bt", "bu", "bv", "bver", "vs", "q", "id", "air", "temperature:0"]
)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
    | st.sampled_from(
        ["2026-01-15T12:00:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59", "2026/1/5 8:03:06", "20261128100000",
         "1768449600", "Cel", "K", "20.5", "21,5", "21.5 °C", "nan", "0201061BFF99040506C56988", '{"temperature": 1}']
    )
)  # fmt: skip
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=4), inner, max_size=5)
)


# One preset of each decoder, and of each kind that the first of them reads.
KINDS = ["native", "chirpstack", "chirpstack_protobuf", "plain", "neuron", "ruuvi", "thingsboard", "senml", "sparkplug"]
SOURCES = {name: by_preset(name) for name in FORMATS}


def check(name: str, payload: bytes, topic: str | None = None) -> None:
    """Assert that readings are of the types that they say, and faults have a reason."""
    topic = topic or topic_of(SOURCES[name])
    said = SOURCES[name].decode(topic, payload, RECEIVED_US)
    for uplink in said.uplinks:
        assert msgspec.convert(msgspec.to_builtins(uplink), Uplink) == uplink
        assert name == "native" or uplink.id
    for fault in said.faults:
        assert fault.reason in RejectReason
        assert fault.detail
        assert fault.sensor is None or isinstance(fault.sensor, str)
    if not said.uplinks and not said.faults:
        assert all(isinstance(line, str) for line in explain(SOURCES[name], topic, payload))


@pytest.mark.parametrize("name", KINDS)
@given(payload=st.binary(max_size=200))
def test_any_bytes(name: str, payload: bytes) -> None:
    check(name, payload)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=20)  # of each of many presets
@given(value=VALUES)
def test_any_json(name: str, value: Any) -> None:
    check(name, json.dumps(value).encode())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
@settings(max_examples=20)  # of each of many cases
@given(data=st.data())
def test_a_message_with_some_bytes_changed(case: Path, data: st.DataObject) -> None:
    topic, payload = messages(case)[-1]
    at = data.draw(st.integers(0, len(payload) - 1))
    damaged = payload[:at] + data.draw(st.binary(max_size=3)) + payload[at + data.draw(st.integers(0, 3)) :]
    check(case.parent.name, damaged, topic)


@pytest.mark.parametrize("name", KINDS)
@given(topic=st.text(max_size=30), payload=st.binary(max_size=20))
def test_any_topic(name: str, topic: str, payload: bytes) -> None:
    check(name, payload, topic)


@given(levels=st.lists(st.sampled_from(["", "DBIRTH", "NDEATH", "DDATA", "g", "x/y"]), min_size=1, max_size=5))
def test_any_topic_of_sparkplug(levels: list[str]) -> None:
    check("sparkplug", b"\x12\x02\x10\x05", "/".join(["spBv1.0", *levels]))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"object":' * 50_000])
def test_json_that_is_deeper_than_any_message(name: str, deep: bytes) -> None:
    check(name, deep)

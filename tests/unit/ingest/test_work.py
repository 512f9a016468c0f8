"""However much is packed into one message, it is refused as a whole beyond a bound, quickly, and says which bound."""

import json
from collections.abc import Iterator
from time import process_time
from zoneinfo import ZoneInfo

import pytest

from domain.reasons import RejectReason
from ingest.decoders.payload import DEEPEST
from ingest.decoders.sparkplug import METRICS, NAME, TIMESTAMP
from ingest.decoders.wire import encoded_field
from ingest.decoders.work import MessageBounds
from ingest.source_table import load
from ingest.sources import Decoded, Sources
from tests.unit.ingest.golden import RECEIVED_US

TABLE = """
[[source]]
name = "senml"
preset = "senml"
filter = "senml/+"
[[source]]
name = "board"
preset = "thingsboard"
[[source]]
name = "plant"
preset = "sparkplug"
[[source]]
name = "lorawan"
preset = "chirpstack_protobuf"
"""
NATIVE, SENML, BOARD = "hearth/v1/g/telemetry", "senml/a", "v1/gateway/telemetry"
PLANT, LORAWAN = "spBv1.0/g/DDATA/e/d", "application/1/device/d/event/up"
BOUNDS = MessageBounds(readings=100, faults=20)
SOURCES = load(TABLE, "test", ZoneInfo("Asia/Shanghai"))


def read(topic: str, payload: bytes, bounds: MessageBounds = BOUNDS) -> Decoded:
    return SOURCES.decode(topic, payload, RECEIVED_US, bounds)


def packed(topic: str, count: int) -> bytes:
    """Return a message with so many sound elements."""
    if topic == NATIVE:
        return json.dumps([{"id": f"s{n}", "temperature": 20} for n in range(count)]).encode()
    if topic == SENML:
        return json.dumps([{"n": f"s{n}/temp", "v": 20} for n in range(count)]).encode()
    if topic == BOARD:
        return json.dumps({f"s{n}": [{"temperature": 20}] for n in range(count)}).encode()
    if topic == PLANT:
        metric = encoded_field(NAME, b"Temperature") + encoded_field(11, 20)
        return encoded_field(TIMESTAMP, 1) + encoded_field(METRICS, metric) * count
    entries = [
        encoded_field(1, encoded_field(1, f"t{n}".encode()) + encoded_field(2, b"\x11" + bytes(8)))
        for n in range(count - 1)
    ]
    struct = b"".join(
        [*entries, encoded_field(1, encoded_field(1, b"temperature") + encoded_field(2, b"\x11" + bytes(8)))]
    )
    return encoded_field(3, encoded_field(8, b"eui")) + encoded_field(11, struct)


@pytest.mark.parametrize("topic", [NATIVE, SENML, BOARD, PLANT, LORAWAN])
def test_a_message_has_so_many_elements_and_no_more(topic: str) -> None:
    assert read(topic, packed(topic, 100)).faults == []
    beyond = read(topic, packed(topic, 101))
    assert beyond.uplinks == []
    assert [fault.reason for fault in beyond.faults] == [RejectReason.TOO_MANY_READINGS]
    assert "HEARTH_MESSAGE_READINGS" in beyond.faults[0].detail


@pytest.mark.parametrize(
    ("topic", "one"),
    [
        (NATIVE, "1"),
        (NATIVE, '{"id": "s", "temperature": "warm"}'),
        (SENML, '{"n": "s/temp", "v": "warm"}'),
    ],
)
def test_a_list_has_so_many_faults_and_no_more(topic: str, one: str) -> None:
    assert len(read(topic, f"[{','.join([one] * 20)}]".encode()).faults) == 20
    beyond = read(topic, f"[{','.join([one] * 21)}]".encode())
    assert [fault.reason for fault in beyond.faults] == [RejectReason.TOO_MANY_FAULTS]
    assert "HEARTH_MESSAGE_FAULTS" in beyond.faults[0].detail


def test_faults_of_a_gateway_of_thingsboard_are_bounded() -> None:
    elements = json.dumps({"s": [1] * 21}).encode()
    assert [fault.reason for fault in read(BOARD, elements).faults] == [RejectReason.TOO_MANY_FAULTS]


@pytest.mark.parametrize("topic", [NATIVE, SENML, BOARD])
@pytest.mark.parametrize("deep", [b"[" * 60_000, b'{"a":' * 13_000, b"[[" + b"[],[" * 9_000])
def test_what_is_nested_too_deeply_says_so(topic: str, deep: bytes) -> None:
    assert [fault.reason for fault in read(topic, deep).faults] == [RejectReason.TOO_DEEP]


@pytest.mark.parametrize(("depth", "faults"), [(DEEPEST - 1, []), (DEEPEST, [RejectReason.TOO_DEEP])])
def test_how_deep_a_message_may_be_is_the_same_for_every_interpreter(depth: int, faults: list[RejectReason]) -> None:
    beside = b'{"id": "s", "temperature": 20, "note": "[{\\"[[", "more": ' + b"[" * depth + b"]" * depth + b"}"
    assert [fault.reason for fault in read(NATIVE, beside).faults] == faults


@pytest.mark.parametrize("note", [b"", b"[{" * 20, b'\\"' + b"[{" * 20, b"\\\\"])
def test_brackets_in_texts_and_in_other_elements_are_no_depth(note: bytes) -> None:
    one = b'{"id": "s", "temperature": 20, "note": "' + note + b'"}'
    decoded = read(NATIVE, b"[" + b", ".join([one] * 600) + b"]", MessageBounds())
    assert (len(decoded.uplinks), decoded.faults) == (600, [])


def test_a_protobuf_object_that_is_nested_too_deeply_says_so() -> None:
    inner = b""
    for _ in range(20):
        inner = encoded_field(1, encoded_field(1, b"a") + encoded_field(2, encoded_field(5, inner)))
    (fault,) = read(LORAWAN, encoded_field(3, encoded_field(8, b"eui")) + encoded_field(11, inner)).faults
    assert fault.reason == RejectReason.TOO_DEEP


def test_a_fault_says_which_element_it_is_and_of_which_sensor() -> None:
    native = read(NATIVE, b'[{"id": "a", "temperature": 1}, {"id": "b", "temperature": []}, 3]')
    assert [(fault.at, fault.sensor) for fault in native.faults] == [(1, "b"), (2, None)]
    board = read(BOARD, b'{"a": [{"temperature": 1}, 3], "b": [{"temperature": "x"}]}')
    assert [(fault.at, fault.sensor) for fault in board.faults] == [(1, "a"), (2, "b")]


def hostile() -> Iterator[tuple[str, bytes]]:
    """Yield messages of 64 kB that are as dear as can be, for all formats."""
    for topic in (NATIVE, SENML, BOARD):
        for text in ("[" + "1," * 32_000 + "1]", "[" + "{}," * 21_000 + "{}]", '{"s":[' + "1," * 32_000 + "1]}"):
            yield topic, text.encode()
    yield BOARD, json.dumps({f"{n:x}": 1 for n in range(8_000)}).encode()[:65_536]
    yield PLANT, encoded_field(METRICS, encoded_field(3, 1)) * 13_000
    yield PLANT, b"\x08\x01" * 32_000
    yield LORAWAN, encoded_field(11, encoded_field(1, b"") * 20_000)


def test_the_dearest_messages_cost_no_more_than_their_bytes_allow() -> None:
    messages = list(hostile())
    began = process_time()
    for topic, payload in messages:
        assert len(read(topic, payload, MessageBounds()).faults) <= MessageBounds().faults
    assert process_time() - began < 0.1 * len(messages)


def test_messages_of_own_devices_need_no_source() -> None:
    assert len(Sources().decode(NATIVE, packed(NATIVE, 101), RECEIVED_US, BOUNDS).faults) == 1


def test_what_is_remembered_of_topics_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.sources.MOST_ROUTES", 10)
    sources, pack = load(TABLE, "test", ZoneInfo("Asia/Shanghai")), b'[{"n": "box/temp", "u": "Cel", "v": 21}]'
    for n in range(100):
        assert sources.decode(f"senml/{n}", pack, RECEIVED_US).uplinks
    assert sources.decode("senml/" + "x" * 10_000, pack, RECEIVED_US).uplinks
    assert len(sources._routes) <= 10
    assert max(map(len, sources._routes)) < 300

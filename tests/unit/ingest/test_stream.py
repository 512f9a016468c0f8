"""Bytes of an MQTT session: messages out of any cut of them, acknowledgements back to back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.message import Message, Stamps
from ingest.stream import PacketStream, ProtocolError, TakenOver, acknowledgements, publication

TOPIC = "hearth/v1/s1/telemetry"
SUBACK_V5 = b"\x90\x04\x00\x01\x00\x01"
PINGRESP = b"\xd0\x00"


def number(value: int) -> bytes:
    out = b""
    while value >= 128:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def publish(payload: bytes, mid: int = 7, first: int = 0x32, properties: bytes | None = b"\x00") -> bytes:
    identifier = mid.to_bytes(2, "big") if first & 6 else b""
    body = len(TOPIC).to_bytes(2, "big") + TOPIC.encode() + identifier + (properties or b"") + payload
    return bytes([first]) + number(len(body)) + body


def at(us: int) -> Stamps:
    """Return stamps by a clock that stands still."""
    return Stamps(lambda: us)


def test_a_message_of_each_version() -> None:
    expected = [Message(TOPIC, b"{}", 5, 7, 1, 3, False)]
    assert PacketStream(True, 3).feed(publish(b"{}"), at(5)) == expected
    assert PacketStream(False, 3).feed(publish(b"{}", properties=None), at(5)) == expected


def test_flags_and_properties() -> None:
    (message,) = PacketStream(True, 1).feed(publish(b"x", first=0x3B, properties=b"\x02\x01\x01"), at(5))
    assert (message.payload, message.qos, message.retain) == (b"x", 1, True)
    (message,) = PacketStream(True, 1).feed(publish(b"x", first=0x30), at(5))
    assert (message.payload, message.qos, message.mid) == (b"x", 0, 0)


@given(st.lists(st.integers(1, 400), max_size=30), st.binary(max_size=300))
def test_any_cut_of_the_bytes_gives_the_same_messages(cuts: list[int], payload: bytes) -> None:
    data = SUBACK_V5 + publish(payload, 1) + PINGRESP + publish(payload * 60, 2) + publish(b"", 3)
    stream, found, begin = PacketStream(True, 1), [], 0
    for length in [*cuts, len(data)]:
        found += stream.feed(data[begin : begin + length], at(5))
        begin += length
    assert [(m.mid, m.payload) for m in found] == [(1, payload), (2, payload * 60), (3, b"")]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x90\x04\x00\x01\x00\x87", "refused the subscription, reason 0x87"),
        (b"\xe0\x02\x8d\x00", "ended the session, reason 0x8d"),
        (b"\xe0\x00", "ended the session, reason 0x0"),
        (b"\x20\x02\x00\x00", "type 2"),
        (b"\x32\xff\xff\xff\xff\x01", "more than four"),
        (b"\x32\x00", "too short"),
        (b"\x32\x05\x00\x09hea" + bytes(20), "longer than its packet"),
    ],
)
def test_what_ends_a_connection(data: bytes, says: str) -> None:
    with pytest.raises(ProtocolError, match=says):
        PacketStream(True, 1).feed(data, at(5))


def test_acknowledgements_back_to_back() -> None:
    assert acknowledgements([1, 0x1234, 65_535]) == b"\x40\x02\x00\x01\x40\x02\x12\x34\x40\x02\xff\xff"
    assert acknowledgements([]) == b""


@pytest.mark.parametrize("modern", [False, True])
def test_one_refused_filter_of_several_is_noticed(modern: bool) -> None:
    body = b"\x00\x01" + (b"\x00" if modern else b"") + b"\x01\x80\x01"
    with pytest.raises(ProtocolError, match="filter 2 of 3, reason 0x80"):
        PacketStream(modern, 3).feed(b"\x90" + bytes([len(body)]) + body, at(5))


@pytest.mark.parametrize("modern", [False, True])
@pytest.mark.parametrize("length", [0, 100, 20_000])
def test_what_is_published_is_read_as_it_was_meant(modern: bool, length: int) -> None:
    packet = publication("spBv1.0/g/NCMD/é", b"x" * length, modern)
    assert PacketStream(modern, 3).feed(packet, at(5)) == [
        Message("spBv1.0/g/NCMD/é", b"x" * length, 5, 0, 0, 3, False)
    ]


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 5)), min_size=1, max_size=8))
def test_no_two_messages_have_the_same_time_of_receipt(reads: list[tuple[int, int]]) -> None:
    """Each read finds several messages, on a connection of its own; between reads the clock may step back."""
    clock = iter(us for us, _ in reads)
    stamps, received = Stamps(lambda: next(clock)), [0]
    for us, count in reads:
        messages = PacketStream(True, 1).feed(b"".join(publish(b"{}", mid) for mid in range(count)), stamps)
        first = max(us, received[-1] + 1)
        assert [message.received_us for message in messages] == list(range(first, first + count))
        received += [message.received_us for message in messages]


def test_another_client_that_opens_the_session_is_told_apart() -> None:
    with pytest.raises(TakenOver):
        PacketStream(True, 1).feed(b"\xe0\x02\x8e\x00", at(5))


@pytest.mark.parametrize(
    ("codes", "missed"), [(b"\x00", False), (b"\x11", True), (b"\x00\x11", True), (b"\x87", False)]
)
def test_a_subscription_that_was_not_there_to_be_ended(codes: bytes, missed: bool) -> None:
    stream = PacketStream(True, 1)
    stream.feed(b"\xb0" + bytes([3 + len(codes)]) + b"\x00\x01\x00" + codes, at(5))
    assert stream.missed is missed


def test_mqtt_3_does_not_say_what_was_there() -> None:
    stream = PacketStream(False, 1)
    stream.feed(b"\xb0\x02\x00\x11", at(5))
    assert not stream.missed

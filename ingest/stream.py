"""The bytes of an MQTT session once it stands: batches of messages in, batches of PUBACKs out.

A general client takes three reads for a message and one write for an acknowledgement, and that would be most of what a
worker does. Here a read is as large as the socket has it. No I/O: bytes in, bytes out (MQTT 3.1.1 and 5, OASIS).
"""

from collections.abc import Sequence

import numpy as np

from ingest import varint
from ingest.message import Message, Stamps, topic_of

PUBLISH, SUBACK, UNSUBACK, PINGRESP, DISCONNECT = 3, 9, 11, 13, 14  # the upper four bits of a packet's first byte
REFUSED = 0x80  # reason codes from here on are failures
NO_SUBSCRIPTION = 0x11  # UNSUBACK: there was nothing to end
TAKEN_OVER = 0x8E  # DISCONNECT: another connection has opened the session
PING = b"\xc0\x00"
MOST_LENGTH_BYTES = 4  # of a variable byte integer
_PUBACK = 0x40_02_00_00  # two bytes of identifier follow


class ProtocolError(OSError):
    """The broker ended the session, refused the subscription, or does not speak MQTT."""


class TakenOver(ProtocolError):
    """Another client has opened the session under our client id."""


def acknowledgements(mids: Sequence[int]) -> bytes:
    """Encode PUBACK packets for messages of QoS 1, back to back."""
    return (np.asarray(mids, ">u4") | np.uint32(_PUBACK)).astype(">u4").tobytes()


def publication(topic: str, payload: bytes, modern: bool) -> bytes:
    """Encode a PUBLISH packet of QoS 0, not retained."""
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + (b"\0" if modern else b"") + payload
    return bytes((PUBLISH << 4, *varint.encode(len(body)))) + body


class PacketStream:
    """Cuts what a broker sends into messages; keeps the beginning of a packet whose end has not come yet."""

    def __init__(self, modern: bool, epoch: int) -> None:
        self._modern = modern  # MQTT 5: packets have properties
        self._epoch = epoch
        self._rest = b""
        self.pongs = 0  # answers to PING
        self.subscribed = False  # whether the broker has answered a subscription
        self.missed = False  # whether a subscription that we ended was not there

    def feed(self, data: bytes, stamps: Stamps) -> list[Message]:
        """Return the messages that are complete with these bytes.

        Raises:
            ProtocolError: nothing more can come of this connection.
        """
        data = self._rest + data if self._rest else data
        stamps.read_clock()
        messages: list[Message] = []
        try:
            at = self._cut(data, stamps, messages)
        except IndexError:
            raise ProtocolError("the broker sent a packet that is too short") from None
        self._rest = data[at:]
        return messages

    def _cut(self, data: bytes, stamps: Stamps, messages: list[Message]) -> int:
        """Add the messages of all whole packets; returns where the first one begins that is not whole."""
        at, end = 0, len(data)
        while at + 2 <= end:
            length, body = data[at + 1], at + 2
            if length & 0x80:  # short packets are the rule: their length is one byte, or two
                if body < end and data[body] < 0x80:
                    length, body = length & 0x7F | data[body] << 7, body + 1
                else:
                    length, body = _number(data, at + 1)
            if length < 0 or body + length > end:
                break
            first, at = data[at], body + length
            kind = first >> 4
            if kind == PUBLISH:
                messages.append(self._message(data, first, body, at, stamps.next()))
            elif kind in (SUBACK, DISCONNECT):
                _check(kind, data[body:at], self._modern)
                self.subscribed = True
            elif kind == PINGRESP:
                self.pongs += 1
            elif kind == UNSUBACK:
                self.missed |= self._modern and NO_SUBSCRIPTION in _codes(data[body:at], self._modern)
            else:
                raise ProtocolError(f"the broker sent a packet of type {kind}")
        return at

    def _message(self, data: bytes, first: int, at: int, end: int, received_us: int) -> Message:
        topic_end = at + 2 + (data[at] << 8 | data[at + 1])
        topic = topic_of(data[at + 2 : topic_end])
        at, mid, qos = topic_end, 0, first >> 1 & 3
        if qos:
            mid, at = data[at] << 8 | data[at + 1], at + 2
        if self._modern and data[at] == 0:  # most messages have no properties
            at += 1
        elif self._modern:
            length, at = _number(data, at)
            at += length
            if length < 0:
                raise ProtocolError("the broker sent properties without an end")
        if at > end:
            raise ProtocolError("the broker sent a message that is longer than its packet")
        # As Message(…) does, without a call in between.
        return tuple.__new__(Message, (topic, data[at:end], received_us, mid, qos, self._epoch, bool(first & 1)))


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Decode a variable byte integer; its end is -1 if it is not there yet."""
    try:
        return varint.decode(data, at, MOST_LENGTH_BYTES)
    except IndexError:
        return -1, at
    except ValueError:
        raise ProtocolError("the broker sent a length of more than four bytes") from None


def _codes(body: bytes, modern: bool) -> bytes:
    """Return the reason codes of a SUBACK or UNSUBACK: everything behind the identifier and the properties."""
    length, at = _number(body, 2) if modern else (0, 2)
    return body[at + length :]


def _check(kind: int, body: bytes, modern: bool) -> None:
    """Check reason codes: SUBACK ends with one for each filter; DISCONNECT begins with its own, if it has one."""
    if kind == DISCONNECT:
        if body and body[0] == TAKEN_OVER:
            raise TakenOver("another client opened our session")
        raise ProtocolError(f"the broker ended the session, reason {body[0] if body else 0:#x}")
    codes = _codes(body, modern)
    if (worst := max(codes, default=REFUSED)) >= REFUSED:
        which = f" of filter {codes.index(worst) + 1} of {len(codes)}" if len(codes) > 1 else ""
        raise ProtocolError(f"the broker refused the subscription{which}, reason {worst:#x}")

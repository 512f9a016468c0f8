"""Protobuf without its schema compiler: a message as its fields by number (protobuf.dev, "Encoding").

The few fields that we need of ChirpStack and Sparkplug are named with their numbers where they are read.
"""

import struct
from collections.abc import Iterator

from domain.reasons import RejectReason
from ingest import varint
from ingest.decoders.fault import DecodeError

VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5
_WIDTHS = {EIGHT_BYTES: 8, FOUR_BYTES: 4}
_REALS = {8: struct.Struct("<d"), 4: struct.Struct("<f")}
MOST_BYTES = 10  # of a varint
_64_BITS = 2**64 - 1


class ProtobufMessage:
    """A protobuf message; inner messages are cut only when they are asked for.

    Raises:
        DecodeError: the bytes are none (from any of its methods, too: a field is of another kind than asked for).
    """

    def __init__(self, data: bytes) -> None:
        self._fields: dict[int, list[int | bytes]] = {}
        for number, value in _cut(data):
            self._fields.setdefault(number, []).append(value)

    def uint(self, number: int) -> int | None:
        """Read an unsigned whole number or a boolean."""
        value = self._last(number)
        if isinstance(value, bytes):
            raise _wrong(number)
        return value

    def real(self, number: int) -> float | None:
        """Read a float or a double."""
        value = self._last(number)
        if value is None:
            return None
        if not isinstance(value, bytes) or len(value) not in _REALS:
            raise _wrong(number)
        return float(_REALS[len(value)].unpack(value)[0])

    def text(self, number: int) -> str | None:
        """Read a string."""
        value = self._last(number)
        if value is None:
            return None
        try:
            return _bytes(number, value).decode()
        except UnicodeDecodeError:
            raise _wrong(number) from None

    def record(self, number: int) -> "ProtobufMessage | None":
        """Read an inner message."""
        value = self._last(number)
        return None if value is None else ProtobufMessage(_bytes(number, value))

    def texts(self, number: int) -> list[str]:
        """Repeated strings."""
        return [_bytes(number, value).decode(errors="replace") for value in self._fields.get(number, ())]

    def records(self, number: int) -> Iterator["ProtobufMessage"]:
        """Repeated inner messages."""
        for data in self.raw(number):
            yield ProtobufMessage(data)

    def raw(self, number: int) -> list[bytes]:
        """Repeated inner messages, uncut."""
        return [_bytes(number, value) for value in self._fields.get(number, ())]

    def _last(self, number: int) -> int | bytes | None:
        """Return the last value of a field; it counts when a field is there twice."""
        return self._fields[number][-1] if number in self._fields else None


def _bytes(number: int, value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise _wrong(number)
    return value


def _wrong(number: int) -> DecodeError:
    return DecodeError(RejectReason.MALFORMED, f"protobuf field {number} is of another type than the schema says")


def _cut(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if not number or kind not in (VARINT, LENGTH, *_WIDTHS):
            raise DecodeError(RejectReason.MALFORMED, "is not protobuf")
        if kind == VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        width, at = _varint(data, at) if kind == LENGTH else (_WIDTHS[kind], at)
        if at + width > len(data):
            raise DecodeError(RejectReason.MALFORMED, "is protobuf cut off, or not protobuf")
        yield number, data[at : at + width]
        at += width


def encoded_field(number: int, value: int | bytes) -> bytes:
    """Encode a field: a whole number, or bytes with their length."""
    if isinstance(value, int):
        return varint.encode(number << 3 | VARINT) + varint.encode(value)
    return varint.encode(number << 3 | LENGTH) + varint.encode(len(value)) + value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    try:
        value, end = varint.decode(data, at, MOST_BYTES)
    except (ValueError, IndexError):
        raise DecodeError(RejectReason.MALFORMED, "is protobuf cut off, or not protobuf") from None
    return value & _64_BITS, end

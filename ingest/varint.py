"""Whole numbers of variable length, seven bits a byte, the lowest first: in protobuf, and in MQTT (chapter 1.5.5)."""


def encode(value: int) -> bytes:
    """Encode a whole number that is not negative."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def decode(data: bytes, at: int, longest: int) -> tuple[int, int]:
    """Decode the number that begins at an index; return it and the index behind it.

    Raises:
        ValueError: it has more bytes than the longest.
        IndexError: its end is not there.
    """
    value = 0
    for nth in range(longest):
        byte = data[at + nth]
        value |= (byte & 0x7F) << 7 * nth
        if not byte & 0x80:
            return value, at + nth + 1
    raise ValueError(f"a number of more than {longest} bytes")

"""A message as it came from the broker."""

from typing import NamedTuple


class Message(NamedTuple):
    """What is needed to store a message and to acknowledge it."""

    topic: str
    payload: bytes
    received_us: int  # µs since 1970, when it left the socket
    mid: int
    qos: int
    epoch: int  # of the connection it came by; an acknowledgement is good for that one only
    retain: bool

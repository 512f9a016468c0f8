"""A message as it came from the broker, and the time of its receipt."""

from collections.abc import Callable
from typing import NamedTuple


class Message(NamedTuple):
    """A message, with all that storing and acknowledging it needs."""

    topic: str  # as `topic_of` gives it
    payload: bytes
    received_us: int  # µs since 1970, when it left the socket; no two messages of a worker share it
    mid: int
    qos: int
    epoch: int  # of the connection it came by; an acknowledgement is good for that one only
    retain: bool


class Stamps:
    """Times of receipt: one for each message, strictly rising, also where the clock stands still or steps back.

    A message without a time of its own was measured at its receipt. Two of one sensor that share the instant would be
    taken for one reading.
    """

    def __init__(self, now_us: Callable[[], int]) -> None:
        self._now_us = now_us
        self._last_us = 0

    def read_clock(self) -> None:
        """Catch up with the clock. What is read from the socket at once needs to ask for the time only once."""
        self._last_us = max(self._last_us, self._now_us() - 1)

    def next(self) -> int:
        """Return the stamp of the next message, in µs since 1970."""
        self._last_us += 1
        return self._last_us


def topic_of(data: bytes) -> str:
    """Return the topic or key that bytes are, as text that the database takes: no UTF-8, and NUL, are replaced."""
    return data.decode("utf-8", "replace").replace("\0", "\ufffd")

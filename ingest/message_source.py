"""The source of messages, as a worker sees it."""

import threading
from collections.abc import Sequence
from typing import Protocol

from ingest.address import Address
from ingest.message import Message


class MessageSource(Protocol):
    """Feeds an inbox from a broker or from a log, in a thread of its own."""

    ended: threading.Event  # nothing more comes
    connected: threading.Event
    refusal: str | None  # what the operator has to correct
    forgotten: str | None  # why a broker is not to be trusted with shared subscriptions
    epoch: int  # counts connections
    takeovers: int

    @property
    def waits(self) -> bool:
        """True while it waits for a permit."""

    def start(self) -> None:
        """Begin to connect and read."""

    def stop(self) -> None:
        """Stop reading; what was not acknowledged comes again."""

    def permit(self, address: Address) -> None:
        """Have it read: the caller has just made sure of its right."""

    def drop(self) -> None:
        """Stay away until permitted again."""

    def acknowledge(self, batch: Sequence[Message]) -> None:
        """Take note that messages are stored."""

    def publish(self, requests: Sequence[tuple[str, bytes]]) -> None:
        """Send messages, if there is a way."""

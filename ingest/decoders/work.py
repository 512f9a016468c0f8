"""Bounds of the work for one message, of any format: every decoder counts here what it goes through."""

from dataclasses import dataclass
from typing import Any

from domain.reasons import RejectReason
from ingest.decoders.fault import DecodeError, DecodeFault
from ingest.decoders.payload import json

MOST_STEPS = 100  # parts of a message that paths go through, for each element that it may have


@dataclass(frozen=True)
class MessageBounds:
    """Bounds of one message. A message beyond one of them is refused as a whole."""

    readings: int = 5_000  # elements, readings or not
    faults: int = 200  # elements that cannot be read


USUAL = MessageBounds()


class Work:
    """The work of decoding one message so far, and the faults found in it."""

    def __init__(self, bounds: MessageBounds = USUAL) -> None:
        self.bounds = bounds
        self.elements = 0
        self.faults: list[DecodeFault] = []
        self._spoilt = 0  # elements that give no reading
        self._walked = 0
        self._opened: dict[str, Any] = {}

    def walk(self, nodes: int) -> None:
        """Count parts of the message that a path goes through.

        Raises:
            DecodeError: there are more than can be in a message whose elements are within their bound.
        """
        self._walked += nodes
        if self._walked > MOST_STEPS * self.bounds.readings:
            raise DecodeError(
                RejectReason.TOO_MANY_READINGS, "the paths of its source go through more of it than is followed"
            )

    def opened(self, text: str) -> Any:
        """Return what a text within the message holds as JSON, or else the text. It is parsed once."""
        if text not in self._opened:
            try:
                self._opened[text] = json(text.encode(errors="replace"))
            except DecodeError:
                self._opened[text] = text
        return self._opened[text]

    def count(self, elements: int = 1) -> None:
        """Count elements before they are looked at.

        Raises:
            DecodeError: there are more than one message may have.
        """
        self.elements += elements
        if self.elements > self.bounds.readings:
            raise DecodeError(
                RejectReason.TOO_MANY_READINGS,
                f"more than {self.bounds.readings} elements: HEARTH_MESSAGE_READINGS allows no more",
            )

    def fault(self, fault: DecodeFault) -> None:
        """Note an element that cannot be read.

        Raises:
            DecodeError: there are more than one message may have.
        """
        self.faults.append(fault)
        self._spoilt += not fault.is_partial
        if self._spoilt > self.bounds.faults:
            raise DecodeError(
                RejectReason.TOO_MANY_FAULTS,
                f"more than {self.bounds.faults} elements cannot be read: HEARTH_MESSAGE_FAULTS allows no more; "
                f"the first: {self.faults[0].detail}",
            )

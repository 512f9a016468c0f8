"""Bounds of the work for one message, of any format: every decoder counts here what it goes through."""

from dataclasses import dataclass

from domain.reasons import RejectReason
from ingest.decoders.fault import DecodeError, DecodeFault


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
        if len(self.faults) > self.bounds.faults:
            raise DecodeError(
                RejectReason.TOO_MANY_FAULTS,
                f"more than {self.bounds.faults} elements cannot be read: HEARTH_MESSAGE_FAULTS allows no more; "
                f"the first: {self.faults[0].detail}",
            )


def too_deep() -> DecodeError:
    """Make the error of a message that is nested deeper than is followed."""
    return DecodeError(RejectReason.TOO_DEEP, "is nested deeper than any message of a format that is read")

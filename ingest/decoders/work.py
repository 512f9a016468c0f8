"""Bounds of the work for one message, of any format: every decoder counts here what it goes through."""

import re
from dataclasses import dataclass
from itertools import accumulate

from domain.reasons import RejectReason
from ingest.decoders.fault import DecodeError, DecodeFault


@dataclass(frozen=True)
class MessageBounds:
    """Bounds of one message. A message beyond one of them is refused as a whole."""

    readings: int = 5_000  # elements, readings or not
    faults: int = 200  # elements that cannot be read


USUAL = MessageBounds()
# Levels of JSON; formats need fewer than 20. The parser has a bound too, but that depends on the interpreter's version.
DEEPEST = 500
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
_NO_BRACKET_OR_QUOTE = _NO_BRACKET.replace(b'"', b"")


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


def check_depth(payload: bytes) -> None:
    """Check that a text is nested as deeply as JSON is followed.

    Raises:
        DecodeError: it is nested more deeply.
    """
    if len(payload) <= DEEPEST or payload.count(b"[") + payload.count(b"{") <= DEEPEST:
        return
    if max(accumulate(1 if bracket in b"[{" else -1 for bracket in _brackets(payload)), default=0) > DEEPEST:
        raise too_deep()


def _brackets(payload: bytes) -> bytes:
    """Return the brackets outside of strings."""
    if b"\\" not in payload:
        # Quotes come in pairs wherever no string holds a bracket: then there is no need to look for strings.
        brackets = payload.translate(None, _NO_BRACKET_OR_QUOTE).replace(b'""', b"")
        if b'"' not in brackets:
            return brackets
    return _STRING.sub(b"", payload).translate(None, _NO_BRACKET)


def too_deep() -> DecodeError:
    """Make the error of a message that is nested deeper than is followed."""
    return DecodeError(RejectReason.TOO_DEEP, "is nested deeper than any message of a format that is read")

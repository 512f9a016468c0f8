"""Faults of decoders."""

from dataclasses import dataclass

from domain.reasons import RejectReason
from ingest.uplink import Uplink


@dataclass(frozen=True)
class DecodeFault:
    """The reason for which a message, or one element of it, is not a reading."""

    reason: RejectReason
    detail: str
    at: int | None = None  # which element of the message it is, from 0; None: all of it, or not known
    sensor: str | None = None  # whose reading it would be, as far as that is known

    @property
    def is_partial(self) -> bool:
        """Return whether other values of the same element are a reading."""
        return self.reason == RejectReason.UNREAD_VALUE


Read = tuple[list[Uplink], list[DecodeFault]]


class DecodeError(Exception):
    """The only error of decoders: a message, or one element of it, cannot be read."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail

    def fault(self, at: int | None = None, sensor: str | None = None) -> DecodeFault:
        """Return the fault of an element of the message, or about all of it."""
        return DecodeFault(self.reason, self.detail, at, sensor)

    def part(self) -> "DecodeError":
        """Return the error of a value whose reading has others that can be read."""
        return DecodeError(RejectReason.UNREAD_VALUE, self.detail)


def too_deep() -> DecodeError:
    """Make the error of a message that is nested deeper than is followed."""
    return DecodeError(RejectReason.TOO_DEEP, "is nested deeper than any message of a format that is read")

"""What a decoder could not read."""

from dataclasses import dataclass

from domain.reasons import RejectReason
from ingest.uplink import Uplink


@dataclass(frozen=True)
class Fault:
    """A message, or one element of it, that is not a reading; `raw` is what a dead letter keeps of it."""

    reason: RejectReason
    detail: str
    raw: bytes


Read = tuple[list[Uplink], list[Fault]]


class DecodeError(Exception):
    """What a decoder raises, and all that it raises: why a message, or one element of it, cannot be read."""

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail

    def fault(self, raw: bytes) -> Fault:
        """The same about some bytes."""
        return Fault(self.reason, self.detail, raw)

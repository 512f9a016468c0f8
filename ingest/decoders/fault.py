"""What a decoder could not read."""

from dataclasses import dataclass

from domain.reasons import RejectReason


@dataclass(frozen=True)
class Fault:
    """A message, or one element of it, that is not a reading; `raw` is what a dead letter keeps of it."""

    reason: RejectReason
    detail: str
    raw: bytes

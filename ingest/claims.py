"""The instants at which readings say that they were measured."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from domain.instants import NONE_US, NotBounded, bounded, to_us
from domain.reasons import RejectReason
from ingest.uplink import Uplink

FARTHEST_MS = 2**53  # what a device may claim is bounded by nothing
Objection = tuple[RejectReason, str]


class ClaimedTimes(NamedTuple):
    """The instants at which readings say that they were measured."""

    at_us: NDArray[np.int64]  # NONE_US: at no instant
    self_timed: NDArray[np.bool_]  # False: they do not say it, and the time of receipt stands for it

    @classmethod
    def joined(cls, parts: "Sequence[ClaimedTimes]") -> Self:
        """Put the instants of readings together that came one after the other."""
        return cls(*map(np.concatenate, zip(*parts, strict=True)))


def claimed(uplinks: Sequence[Uplink], received_us: NDArray[np.int64]) -> ClaimedTimes:
    """Read the instants of readings, and take that of receipt for those that say none."""
    said = [uplink.ts for uplink in uplinks]
    if set(map(type, said)) == {int}:  # most say it by a number, which takes no call
        with suppress(OverflowError):
            ms = np.array(said, np.int64).clip(-FARTHEST_MS, FARTHEST_MS)
            return ClaimedTimes(ms * 1000, np.ones(len(ms), bool))
    at_us, self_timed = received_us.copy(), np.array([ts is not None for ts in said], bool)
    for nth in np.flatnonzero(self_timed).tolist():
        at = claim(said[nth], 0)
        at_us[nth] = max(-FARTHEST_MS * 1000, min(at, FARTHEST_MS * 1000)) if isinstance(at, int) else NONE_US
    return ClaimedTimes(at_us, self_timed)


def claim(ts: int | str | None, received_us: int) -> int | Objection:
    """Read when a reading says that it was measured, in µs, or why that is no time."""
    if ts is None:
        return received_us
    if isinstance(ts, str):
        try:
            at = datetime.fromisoformat(ts)
        except ValueError:
            return RejectReason.WRONG_TYPE, f"ts {ts[:40]!r} is not an RFC 3339 time"
        if at.tzinfo is None:
            return RejectReason.WRONG_TYPE, f"ts {ts[:40]!r} has no offset from UTC"
        try:
            return to_us(bounded(at))
        except NotBounded as error:
            return RejectReason.ABSURD_TIME, f"ts {ts[:40]!r}: {error}"
    return ts * 1000

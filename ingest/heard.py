"""The readings of a batch as they came, message by message, and what they say as columns."""

from collections.abc import Sequence
from itertools import chain, repeat
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ingest.message import Message
from ingest.uplink import Uplink


class Said(NamedTuple):
    """One reading, who said it and in which message."""

    code: str
    device: str
    uplink: Uplink
    message: Message
    at: int | None  # which element of the message it is, if that is known


# A message, the device that sent it, how many readings it has, and which of its elements they are, if that is known.
Sent = tuple[Message, str, int, Sequence[int] | None]


class Heard:
    """Readings by their number, in the order in which they came; no object is made for one of them.

    Args:
        uplinks: the readings of all messages, one after the other.
        sent: the messages that have any.
    """

    def __init__(self, uplinks: Sequence[Uplink] = (), sent: Sequence[Sent] = ()) -> None:
        self.uplinks = uplinks
        self._sent = sent
        counts = np.array([count for _, _, count, _ in sent], np.intp)
        self._starts = np.cumsum(counts) - counts
        self.message = np.repeat(np.arange(len(sent)), counts)  # of each reading, by number
        received = np.array([message.received_us for message, _, _, _ in sent], np.int64)
        self.received_us = received[self.message]

    def codes(self) -> list[str]:
        """Return the sensor of each reading: as it says, or else the device that sent the message."""
        devices = chain.from_iterable(repeat(device, count) for _, device, count, _ in self._sent)
        return [
            device if uplink.id is None else uplink.id for uplink, device in zip(self.uplinks, devices, strict=True)
        ]

    def devices(self) -> list[str]:
        """Return the device that sent each message."""
        return [device for _, device, _, _ in self._sent]

    def values(self, which: NDArray[np.intp], channels: tuple[str, ...]) -> NDArray[np.float64]:
        """Return the values of some readings, (reading, channel), NaN where nothing was said."""
        whole = len(which) == len(self.uplinks)
        uplinks = self.uplinks if whole else [self.uplinks[nth] for nth in which.tolist()]
        out = np.empty((len(uplinks), len(channels)), order="F")
        for nth, channel in enumerate(channels):
            out[:, nth] = np.array(list(map(attrgetter(channel), uplinks)), np.float64)
        return out

    def said(self, number: int) -> Said:
        """Return one of the readings."""
        nth = int(self.message[number])
        message, device, _, at = self._sent[nth]
        uplink = self.uplinks[number]
        element = None if at is None else at[number - int(self._starts[nth])]
        return Said(device if uplink.id is None else uplink.id, device, uplink, message, element)

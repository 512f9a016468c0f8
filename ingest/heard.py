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
        channels: what the readings say of these is made a column at once; of others when it is asked for.
    """

    def __init__(self, uplinks: Sequence[Uplink] = (), sent: Sequence[Sent] = (), channels: Sequence[str] = ()) -> None:
        self.uplinks = uplinks
        self._sent = sent
        counts = np.array([count for _, _, count, _ in sent], np.intp)
        self._starts = np.cumsum(counts) - counts
        self.message = np.repeat(np.arange(len(sent)), counts)  # of each reading, by number
        received = np.array([message.received_us for message, _, _, _ in sent], np.int64)
        self.received_us = received[self.message]
        self.devices = [device for _, device, _, _ in sent]  # that sent each message
        said = list(map(attrgetter("id"), uplinks))
        self.own = said.count(None) == len(said)  # no reading names a sensor: each is of the device that sent it
        self.codes = self._codes(said, counts)  # the sensor of each reading: as it says, or else the device
        self._columns = {channel: _column(uplinks, channel) for channel in channels}

    def _codes(self, said: list[str | None], counts: NDArray[np.intp]) -> list[str]:
        devices = chain.from_iterable(map(repeat, self.devices, counts.tolist()))
        if self.own:
            return list(devices)
        return [device if code is None else code for code, device in zip(said, devices, strict=True)]

    def values(self, which: NDArray[np.intp], channels: tuple[str, ...]) -> NDArray[np.float64]:
        """Return the values of some readings, (reading, channel), NaN where nothing was said."""
        out = np.empty((len(which), len(channels)), order="F")
        for nth, channel in enumerate(channels):
            column = self._columns.get(channel)
            if column is None:
                column = _column([self.uplinks[number] for number in which.tolist()], channel)
            elif len(which) != len(column):
                column = column[which]
            out[:, nth] = column
        return out

    def said(self, number: int) -> Said:
        """Return one of the readings."""
        nth = int(self.message[number])
        message, device, _, at = self._sent[nth]
        uplink = self.uplinks[number]
        element = None if at is None else at[number - int(self._starts[nth])]
        return Said(self.codes[number], device, uplink, message, element)


def _column(uplinks: Sequence[Uplink], channel: str) -> NDArray[np.float64]:
    return np.array(list(map(attrgetter(channel), uplinks)), np.float64)

"""The readings of a batch as they came, message by message, and what they say as columns."""

from collections.abc import Sequence
from itertools import accumulate, chain, repeat
from operator import attrgetter
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ingest.decoders import native
from ingest.decoders.work import USUAL, MessageBounds
from ingest.message import Message
from ingest.uplink import Uplink
from store.readings.reading_rows import HOME_QUANTITIES


class Said(NamedTuple):
    """One reading, who said it and in which message."""

    code: str
    device: str
    uplink: Uplink
    message: Message
    at: int | None  # which element of the message it is, if that is known


# A message, the device that sent it, how many readings it has, which of its elements they are, if that is known, and
# the readings themselves, if they cannot be read once more.
Sent = tuple[Message, str, int, Sequence[int] | None, Sequence[Uplink] | None]


class Heard:
    """Readings by their number, in the order in which they came, as columns.

    The readings themselves take five times as much memory, and only those of which something is wrong, or of
    substations, are looked at once more: their messages are read again.

    Args:
        uplinks: the readings of all messages, one after the other.
        sent: the messages that have any.
        bounds: with which their messages were read.
    """

    def __init__(
        self, uplinks: Sequence[Uplink] = (), sent: Sequence[Sent] = (), bounds: MessageBounds = USUAL
    ) -> None:
        self._sent = sent
        self._bounds = bounds
        self._open: tuple[int, Sequence[Uplink]] = (-1, ())  # the message that was read again last, and its readings
        counts = np.array([count for _, _, count, _, _ in sent], np.intp)
        self._starts = np.cumsum(counts) - counts
        self.message = np.repeat(np.arange(len(sent)), counts)  # of each reading, by number
        received = np.array([message.received_us for message, *_ in sent], np.int64)
        self.received_us = received[self.message]
        self.devices = [device for _, device, *_ in sent]  # that sent each message
        said = list(map(attrgetter("id"), uplinks))
        self.own = said.count(None) == len(said)  # no reading names a sensor: each is of the device that sent it
        self.codes = self._codes(said, counts)  # the sensor of each reading: as it says, or else the device
        self._columns = {channel: _column(uplinks, channel) for channel in HOME_QUANTITIES}

    @classmethod
    def joined(cls, parts: "Sequence[Heard]") -> Self:
        """Put together what was heard one after the other, with the same bounds."""
        whole = cls(bounds=parts[0]._bounds)
        messages = accumulate((len(part.devices) for part in parts), initial=0)
        readings = accumulate((len(part.codes) for part in parts), initial=0)
        whole._sent = [sent for part in parts for sent in part._sent]
        whole._starts = np.concatenate([part._starts + at for part, at in zip(parts, readings, strict=False)])
        whole.message = np.concatenate([part.message + at for part, at in zip(parts, messages, strict=False)])
        whole.received_us = np.concatenate([part.received_us for part in parts])
        whole.devices = [device for part in parts for device in part.devices]
        whole.own = all(part.own for part in parts)
        whole.codes = [code for part in parts for code in part.codes]
        whole._columns = {
            channel: np.concatenate([part._columns[channel] for part in parts]) for channel in HOME_QUANTITIES
        }
        return whole

    def _codes(self, said: list[str | None], counts: NDArray[np.intp]) -> list[str]:
        devices = chain.from_iterable(map(repeat, self.devices, counts.tolist()))
        if self.own:
            return list(devices)
        return [device if code is None else code for code, device in zip(said, devices, strict=True)]

    def values(self, which: NDArray[np.intp], channels: tuple[str, ...]) -> NDArray[np.float64]:
        """Return the values of some readings, (reading, channel), NaN where nothing was said."""
        out = np.empty((len(which), len(channels)), order="F")
        if channels == HOME_QUANTITIES:
            for nth, column in enumerate(self._columns.values()):
                out[:, nth] = column if len(which) == len(column) else column[which]
        else:
            uplinks = list(map(self._uplink, which.tolist()))
            for nth, channel in enumerate(channels):
                out[:, nth] = _column(uplinks, channel)
        return out

    def said(self, number: int) -> Said:
        """Return one of the readings. To be asked in their order: each message is read again only once then."""
        nth = int(self.message[number])
        message, device, _, at, _ = self._sent[nth]
        uplink = self._uplink(number)
        element = None if at is None else at[number - int(self._starts[nth])]
        return Said(self.codes[number], device, uplink, message, element)

    def _uplink(self, number: int) -> Uplink:
        nth = int(self.message[number])
        if nth != self._open[0]:
            message, _, _, _, kept = self._sent[nth]
            self._open = nth, native.decode(message.payload, self._bounds)[0] if kept is None else kept
        return self._open[1][number - int(self._starts[nth])]


def _column(uplinks: Sequence[Uplink], channel: str) -> NDArray[np.float64]:
    return np.array(list(map(attrgetter(channel), uplinks)), np.float64)

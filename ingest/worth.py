"""Values that are no values: what no instrument says, what a sensor says when it has nothing to say.

`domain/quality.py` knows them. One such value never spoils the others of its message.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from domain.quality import SPANS, Quality
from domain.reasons import NoValue
from ingest.uplink import WITHHELD

LARGEST = 1e9  # no quantity can be that large in any unit
# The raw value of these is kept, marked as none. Of the others nothing but the count is.
KEPT_RAW = SPANS.keys() - {"humidity", "battery"}


class Weighing:
    """Values of readings, each weighed by itself.

    Args:
        channels: names of the columns.
        said: (reading, channel), NaN where nothing was said.
    """

    def __init__(self, channels: tuple[str, ...], said: NDArray[np.float64]) -> None:
        self.channels = channels
        self.said = said
        self.absurd = np.abs(said) >= LARGEST  # kept by no column; WITHHELD is one of them
        self.values = np.where(self.absurd, np.nan, said).astype(np.float32)  # what is stored
        self.quality = np.empty(said.shape, np.int16)  # Quality of each
        for nth, channel in enumerate(channels):
            self.quality[:, nth] = quality(channel, self.values[:, nth])
            if channel not in KEPT_RAW:
                self.values[self.quality[:, nth] != Quality.GOOD, nth] = np.nan

    def voids(self) -> Iterator[tuple[str, NoValue, NDArray[np.intp]]]:
        """Yield quantities without a value: quantity, reason, and which readings."""
        bad = (self.quality != Quality.GOOD) & (self.quality != Quality.ABSENT)
        if not bad.any() and not self.absurd.any():
            return
        withheld = self.said == WITHHELD
        for reason, mask in (
            (NoValue.SENTINEL, self.quality == Quality.SENTINEL),
            (NoValue.OUT_OF_RANGE, (self.quality == Quality.OUT_OF_RANGE) | (self.absurd & ~withheld)),
            (NoValue.WITHHELD, withheld),
        ):
            for nth in np.flatnonzero(mask.any(axis=0)).tolist():
                yield self.channels[nth], reason, np.flatnonzero(mask[:, nth])

    def reasons(self, nth: int) -> dict[str, NoValue]:
        """Return the quantities of a reading that have no value."""
        found: dict[str, NoValue] = {}
        codes = zip(self.channels, self.quality[nth].tolist(), self.absurd[nth].tolist(), strict=True)
        for column, (channel, code, absurd) in enumerate(codes):
            if absurd:
                withheld = self.said[nth, column] == WITHHELD
                found[channel] = NoValue.WITHHELD if withheld else NoValue.OUT_OF_RANGE
            elif code in (Quality.SENTINEL, Quality.OUT_OF_RANGE):
                found[channel] = NoValue.SENTINEL if code == Quality.SENTINEL else NoValue.OUT_OF_RANGE
        return found


def quality(channel: str, values: NDArray[np.float32]) -> NDArray[np.int16]:
    """Return the Quality of values of a quantity (NaN: absent)."""
    lowest, highest, sentinels = SPANS[channel]
    out = np.full(values.shape, Quality.GOOD, np.int16)
    out[(values < np.float32(lowest)) | (values > np.float32(highest))] = Quality.OUT_OF_RANGE
    for sentinel in sentinels:
        out[values == np.float32(sentinel)] = Quality.SENTINEL
    out[np.isnan(values)] = Quality.ABSENT
    return out

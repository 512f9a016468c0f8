"""Values of one sensor and instant complete each other, whatever messages bring them.

Pure: rows in, rows out. For each quantity the first value stays. A later one that says the same is a repetition, any
other clashes with it, and the other quantities of its message count nevertheless.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from domain import groups
from domain.quality import Quality

Rows = NDArray[np.void]


class ReadingFate(IntEnum):
    """The fate of a message's reading."""

    STORED = 0  # it brought a value of at least one quantity
    DUPLICATE = 1  # all that it says is stored
    CONFLICT = 2  # it says another value of a quantity


@dataclass(frozen=True)
class StoreOutcome:
    """The outcome of storing readings, beside what was stored before them.

    `rows` has one for each sensor and instant, in order, with the values that are new; NaN elsewhere.
    """

    rows: Rows
    brought: NDArray[np.bool_]  # per row: whether there are any
    values: NDArray[np.float32]  # (row, quantity): what is stored afterwards
    fates: NDArray[np.int8]  # per reading


class Together:
    """The readings of a batch, those of one sensor and instant put together.

    Args:
        said: rows with sensor_id, measured_at and the quantities; by sensor and time, first come first.
        quantities: names of the columns with values (NaN: none). With a temperature among them, time of receipt and
            quality of a row are those of the message that brought the temperature.
    """

    def __init__(self, said: Rows, quantities: tuple[str, ...]) -> None:
        self.said = said
        self.quantities = quantities
        first = groups.is_first(said["sensor_id"], said["measured_at"])
        self._first = np.flatnonzero(first)
        self.row = np.cumsum(first) - 1  # of each reading
        self.alone = self.outcome()

    def outcome(self, known: NDArray[np.float32] | None = None) -> StoreOutcome:
        """Return what comes of the readings.

        Args:
            known: (row, quantity), what is stored of each already; NaN: nothing. None: nothing of all.
        """
        count, lines = len(self._first), np.arange(len(self.said))
        if known is None and count == len(lines):
            return StoreOutcome(self.said, np.ones(count, bool), self._said(lines), np.zeros(count, np.int8))
        said = self._said(lines)
        values = np.full((count, len(self.quantities)), np.nan, np.float32) if known is None else known.copy()
        there, missing = ~np.isnan(said), np.isnan(values)
        # Of each quantity the reading that says it first; past the end if none does.
        by = np.minimum.reduceat(np.where(there, lines[:, None], len(lines)), self._first, axis=0)
        brings = missing & (by < len(lines))
        values[brings] = said[by[brings], np.nonzero(brings)[1]]
        clashes = np.logical_or.reduce(there & (said != values[self.row]), axis=1)
        bringing = np.zeros(len(lines), bool)
        bringing[by[brings]] = True
        fates = np.where(clashes, ReadingFate.CONFLICT, np.where(bringing, ReadingFate.STORED, ReadingFate.DUPLICATE))
        brought = np.logical_or.reduce(brings, axis=1)
        return StoreOutcome(self._rows(values, by, brings), brought, values, fates.astype(np.int8))

    def clashes(self, reading: int, values: NDArray[np.float32]) -> list[tuple[str, float, float]]:
        """Return the quantities of a reading that say something else than is stored: name, said, stored."""
        said, stored = self._said(np.array([reading]))[0], values[self.row[reading]]
        pairs = zip(self.quantities, said.tolist(), stored.tolist(), strict=True)
        return [(name, mine, other) for name, mine, other in pairs if mine == mine and mine != other]

    def _said(self, lines: NDArray[np.intp]) -> NDArray[np.float32]:
        return np.stack([self.said[name][lines] for name in self.quantities], axis=1)

    def _rows(self, values: NDArray[np.float32], by: NDArray[np.intp], brings: NDArray[np.bool_]) -> Rows:
        head = self._first
        if "temperature" in self.quantities:
            nth = self.quantities.index("temperature")
            head = np.where(brings[:, nth], np.minimum(by[:, nth], len(self.said) - 1), head)
        rows = self.said[head]
        for nth, name in enumerate(self.quantities):
            rows[name] = np.where(brings[:, nth], values[:, nth], np.nan)
        if "quality" in (rows.dtype.names or ()):
            rows["quality"] = np.where(np.isnan(rows["temperature"]), Quality.ABSENT, rows["quality"])
        if "implausible" in (rows.dtype.names or ()):
            bits = np.left_shift(1, np.arange(len(self.quantities)))
            marks = self.said["implausible"][np.minimum(by, len(self.said) - 1)] & bits
            rows["implausible"] = np.where(brings, marks, 0).sum(axis=1)
        return rows

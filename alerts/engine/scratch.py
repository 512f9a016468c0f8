"""Room for columns that live no longer than a block of readings.

Memory that is taken and given back for each block costs more than the arithmetic in it: the kernel clears every page.
"""

import numpy as np
from numpy.typing import NDArray


class Scratch:
    """Named columns of 8 bytes a row that are written over by the next block; each caller has its own."""

    def __init__(self) -> None:
        self._rooms: dict[str, NDArray[np.int64]] = {}

    def whole(self, name: str, length: int) -> NDArray[np.int64]:
        """Return a column of integers, of any values."""
        room = self._rooms.get(name)
        if room is None or len(room) < length:
            room = self._rooms[name] = np.empty(length, np.int64)
        return room[:length]

    def real(self, name: str, length: int) -> NDArray[np.float64]:
        """Return a column of floats, of any values."""
        return self.whole(name, length).view(np.float64)

    def marks(self, name: str, length: int) -> NDArray[np.bool_]:
        """Return a mask, of any values."""
        return self.whole(name, (length + 7) // 8).view(np.bool_)[:length]

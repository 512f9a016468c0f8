"""One sortable integer for (home, instant)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]


@dataclass(frozen=True)
class HomeTimeKeys:
    """Packs (home index, µs) into int64 so that homes and times sort and search as one."""

    base: int  # µs
    span: int  # µs

    @classmethod
    def over(cls, homes: int, *instants: Int) -> "HomeTimeKeys":
        """Return keys that can hold all the given instants.

        Raises:
            OverflowError: too many homes over too long a time; take fewer homes at once.
        """
        filled = [a for a in instants if len(a)]
        base = min((int(a.min()) for a in filled), default=0)
        span = max((int(a.max()) for a in filled), default=0) - base + 2
        if homes * span + abs(base) >= 2**63:
            raise OverflowError(f"{homes} homes over {span} µs do not fit one key")
        return cls(base, span)

    def of(self, home: Int, instant: Int) -> Int:
        """Pack pairs into keys."""
        key = home * self.span
        key += instant
        return key

    def split(self, key: Int) -> tuple[Int, Int]:
        """Unpack keys into pairs."""
        home = (key - self.base) // self.span
        return home, key - home * self.span

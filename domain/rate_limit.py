"""Limits on how often something may be asked for."""

import re
from typing import NamedTuple

UNITS_S = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_WRITTEN = re.compile(rf"([0-9]{{1,9}}) ?(?:/|per) ?([0-9]{{1,5}})? ?({'|'.join(UNITS_S)})s?", re.ASCII)


class RateLimit(NamedTuple):
    """So many requests in a window of time that begins with the first of them."""

    most: int
    window_s: int

    @classmethod
    def parse(cls, text: str) -> "RateLimit":
        """Parse a limit such as `600/minute`, `20/second` or `100/5 minutes`.

        Raises:
            ValueError: it is none.
        """
        match = _WRITTEN.fullmatch(text.strip().lower())
        if match is None:
            raise ValueError(f"{text!r} is not a limit such as 600/minute")
        return cls(int(match[1]), int(match[2] or 1) * UNITS_S[match[3]])

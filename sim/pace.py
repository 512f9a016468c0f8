"""Pace of sending: history at once, the present in real time."""

import threading
from collections.abc import Callable

from sim.town import SECOND_US


class Pace:
    """Limits when messages are sent: never before they are due."""

    def __init__(self, live_for_s: float | None, clock: Callable[[], float], stop: threading.Event) -> None:
        self._live_for_s, self._clock, self._stop = live_for_s, clock, stop
        self._live_since: float | None = None

    @property
    def live(self) -> bool:
        """True once the history has been sent."""
        return self._live_since is not None

    def wait(self, due_us: int) -> bool:
        """Wait until a message may be sent; return False if the run ends before that."""
        while (seconds := self._seconds_left(due_us)) > 0:
            if self._stop.wait(seconds) or self._ended():
                return False
        return not self._stop.is_set() and not self._ended()

    def _seconds_left(self, due_us: int) -> float:
        now = self._clock()
        until_due = due_us / SECOND_US - now
        if until_due > 0:
            self._live_since = self._live_since or now
            left = until_due if self._live_for_s is None else self._live_since + self._live_for_s - now
            return min(until_due, max(left, 0.001), 1.0)
        return 0.0

    def _ended(self) -> bool:
        if self._live_for_s is None or self._live_since is None:
            return False
        return self._clock() >= self._live_since + self._live_for_s

"""Pace of sending: history at a chosen speed, the present in real time."""

import threading
from collections.abc import Callable

from sim.town import SECOND_US


class Pace:
    """Limits when messages are sent: never before they are due, and history no faster than `speed`."""

    def __init__(
        self,
        start_us: int,
        speed: float | None,
        live_for_s: float | None,
        clock: Callable[[], float],
        stop: threading.Event,
    ) -> None:
        self._start_us, self._speed, self._live_for_s = start_us, speed, live_for_s
        self._clock, self._stop = clock, stop
        self._began = clock()
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
        if self._speed is None or self.live:
            return 0.0
        return min((due_us - self._start_us) / SECOND_US / self._speed - (now - self._began), 1.0)

    def _ended(self) -> bool:
        if self._live_for_s is None or self._live_since is None:
            return False
        return self._clock() >= self._live_since + self._live_for_s

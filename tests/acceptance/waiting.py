"""Waiting for what processes do in their own time: polled, and with an end."""

import time
from collections.abc import Callable
from typing import TypeVar

PAUSE_SECONDS = 0.02
PATIENCE_SECONDS = 60.0
T = TypeVar("T")


def until(look: Callable[[], T], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """Look until there is something true to see, and return it; fail the test if there is not after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}; last seen: {seen!r}"
        time.sleep(PAUSE_SECONDS)
    return seen

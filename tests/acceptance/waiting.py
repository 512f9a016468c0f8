"""Waiting for what processes do in their own time: polled, and with an end."""

import time
from collections.abc import Callable
from typing import TypeVar

PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.02, 0.5
PATIENCE_SECONDS = 60.0
T = TypeVar("T")


def until(look: Callable[[], T], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """Look until there is something true to see, and return it; fail the test if there is not after `seconds`."""
    began = time.monotonic()
    while not (seen := look()):
        waited = time.monotonic() - began
        assert waited < seconds, f"not within {seconds:g} s: {what}; last seen: {seen!r}"
        # A look may be a connection to the database: who waits for long looks less often, and is late by a tenth.
        time.sleep(min(max(PAUSE_SECONDS, waited / 10), LONGEST_PAUSE_SECONDS))
    return seen

"""Waiting until a page is as it should be, also while one page goes and the next comes."""

import time

from playwright.sync_api import Error, Page

PATIENCE_S = 20
STANDS = "document.readyState === 'complete' && ({})"


def until(page: Page, condition: str) -> None:
    """Wait for a condition of a whole page.

    The policy of the pages forbids playwright's own way, which evaluates a text in the page.

    Raises:
        AssertionError: it did not come true in time.
    """
    end = time.monotonic() + PATIENCE_S
    while not _holds(page, condition):
        assert time.monotonic() < end, condition
        time.sleep(0.05)


def _holds(page: Page, condition: str) -> bool:
    try:
        return bool(page.evaluate(STANDS.format(condition)))
    except Error as fault:
        if "Execution context was destroyed" in fault.message:  # a navigation began meanwhile
            return False
        raise

"""Doubt whether it is single messages that fail, or Hearth: told by how many senders fail, and how many do not."""

from collections.abc import Set

MOST = 10  # senders that may fail on credit


class Doubt(Exception):
    """Messages of too many senders fail, and of too few do not: no more are taken for the cause of it."""


class Benefit:
    """The benefit of the doubt: so many senders may fail; each one that does not fail gives one back.

    A sender counts once in a batch, however much it sends, and does not fail if any of its messages is taken.
    """

    def __init__(self) -> None:
        self._left = MOST

    @property
    def is_whole(self) -> bool:
        """Return whether nothing of it is spent, so that there is nothing to give back."""
        return self._left == MOST

    def weigh(self, failed: Set[str], taken: Set[str], why: str = "") -> None:
        """Weigh the senders whose messages fail against those whose messages are taken.

        Raises:
            Doubt: there is no benefit left.
        """
        left = self._left + len(taken) - len(failed - taken)
        if left < 0:
            raise Doubt(why)
        self._left = min(MOST, left)

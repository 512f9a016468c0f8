"""Pauses between attempts: each twice as long as the one before, up to a longest."""

from dataclasses import dataclass

MOST_DOUBLINGS = 20  # a million times the first: beyond any longest


def doubled(first: float, attempts: int, longest: float) -> float:
    """Return the pause after so many failed attempts, in the unit of `first` and `longest`."""
    return min(first * float(1 << min(max(attempts - 1, 0), MOST_DOUBLINGS)), longest)


@dataclass
class Backoff:
    """The pauses of one loop, s."""

    first_s: float
    longest_s: float
    attempts: int = 0

    @property
    def pause_s(self) -> float:
        """The pause that comes next."""
        return doubled(self.first_s, self.attempts + 1, self.longest_s)

    def fail(self) -> float:
        """Count a failed attempt; return the pause after it."""
        self.attempts += 1
        return doubled(self.first_s, self.attempts, self.longest_s)

    def succeed(self) -> None:
        """Begin with the first pause again."""
        self.attempts = 0

"""Public figures, aggregated over enough homes that none of them can be identified."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

STEP = 0.05  # shares are published in these steps, which hides a single home
TENS = 10  # numbers of homes are rounded to these


class HomeCount(NamedTuple):
    """Number of judged homes by state."""

    warm: int
    cold: int
    unknown: int

    @property
    def homes(self) -> int:
        """Total of the three."""
        return self.warm + self.cold + self.unknown

    def plus(self, other: "HomeCount") -> "HomeCount":
        """Add two counts."""
        return HomeCount(self.warm + other.warm, self.cold + other.cold, self.unknown + other.unknown)


NONE = HomeCount(0, 0, 0)


class Group(NamedTuple):
    """Areas published as one figure."""

    areas: tuple[str, ...]
    counted: HomeCount


def grouped(areas: Mapping[str, HomeCount], least: int) -> list[Group]:
    """Group areas so that each group has at least `least` homes and may be published, as may their total.

    A large area is a group of its own; the small ones form one group. If that group is still too small, the smallest
    large area joins it: otherwise subtracting the published groups from the total would reveal it. So every sum or
    difference of published figures is a sum of whole groups. Too few homes for one group give no group at all. Areas
    without judged homes are left out.
    """
    there = {name: count for name, count in areas.items() if count.homes}
    large = sorted((n for n, c in there.items() if c.homes >= least), key=lambda n: (there[n].homes, n))
    small = sorted(there.keys() - set(large))
    if small and total(there[name] for name in small).homes < least:
        small, large = sorted(small + large[:1]), large[1:]
    together = [tuple(small)] if small else []
    groups = [Group(names, total(there[n] for n in names)) for names in [*((n,) for n in sorted(large)), *together]]
    return [group for group in groups if group.counted.homes >= least]


def total(counts: Iterable[HomeCount]) -> HomeCount:
    """Add up counts."""
    whole = NONE
    for count in counts:
        whole = whole.plus(count)
    return whole


def share(part: int, whole: int) -> float:
    """Return a share of the homes, rounded to STEP."""
    return round(round(part / whole / STEP) * STEP, 2)


def roughly(homes: int) -> int:
    """Round a number of homes to tens."""
    return round(homes / TENS) * TENS

"""Figures that everybody may see: of so many homes at a time that none of them can be made out."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

STEP = 0.05  # shares are told in these steps, so that one home more or less is not seen
TENS = 10  # and numbers of homes in these


class HomeCount(NamedTuple):
    """Judged homes by how they are."""

    warm: int
    cold: int
    unknown: int

    @property
    def homes(self) -> int:
        """All of them."""
        return self.warm + self.cold + self.unknown

    def plus(self, other: "HomeCount") -> "HomeCount":
        """Both together."""
        return HomeCount(self.warm + other.warm, self.cold + other.cold, self.unknown + other.unknown)


NONE = HomeCount(0, 0, 0)


class Group(NamedTuple):
    """Areas whose homes are counted together."""

    areas: tuple[str, ...]
    counted: HomeCount


def grouped(areas: Mapping[str, HomeCount], least: int) -> list[Group]:
    """The areas, in groups of at least so many homes: their figures may be published, and the sum of all of them.

    An area with homes enough is a group by itself. Those with fewer are one group together; where even they are too
    few, the smallest of the others joins them, for else they would be what the total has beyond the others. So
    whatever is added up or taken away, what comes out is a sum of whole groups. Without homes enough for one group
    there is none. Areas in which no home is judged are left out.
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
    """All of them together."""
    whole = NONE
    for count in counts:
        whole = whole.plus(count)
    return whole


def share(part: int, whole: int) -> float:
    """A share of the homes, in steps of STEP."""
    return round(round(part / whole / STEP) * STEP, 2)


def roughly(homes: int) -> int:
    """A number of homes, in tens."""
    return round(homes / TENS) * TENS

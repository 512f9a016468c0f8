"""Labelled cases of cold homes for others to learn from: what was likely, what the crew found, in bands, of no home.

A case keeps no home, place, day or ticket. Each combination of what is told is that of K homes or more in the same
table: what is too rare loses columns, first that which is nearest to a day, and what is still too rare is left out.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

K = 5  # homes that share each combination
OTHER = "other"  # of causes found in fewer homes
DROPPED = ("outdoor", "since", "fell", "beside", "supply", "likely")  # one after the other


class LabelledCase(NamedTuple):
    """A case: features in bands, the likely cause, and the one that the crew found; None: not told, or not known."""

    outdoor: str | None  # °C
    since: str | None  # hours
    fell: str | None  # K
    beside: str | None  # measured homes beside it that fell, too
    supply: str | None  # share of the usual heat that supply lacked
    likely: str | None
    found: str


class AnonymousCases(NamedTuple):
    """The table, in no order of time, and how many cases were left out of it."""

    cases: list[LabelledCase]
    left_out: int


def banded(found: str, likely: str | None, evidence: Mapping[str, Any] | None) -> LabelledCase:
    """Return a case in bands; without evidence, of what is known."""
    if evidence is None:
        return LabelledCase(None, None, None, None, None, likely, found)
    outdoor, beside = evidence.get("outdoor"), evidence["beside"]
    return LabelledCase(
        outdoor=None if outdoor is None else f"{outdoor // 5 * 5:.0f}..{outdoor // 5 * 5 + 5:.0f}",
        since=_band(evidence["since_h"] or None, (6, 24)),
        fell=_band(evidence["fell_k"], (1, 2, 4)),
        beside=_share(evidence["beside_fell"], beside),
        supply=_band(evidence["supply_lost"] * 100, (5, 12)),
        likely=likely,
        found=found,
    )


def _band(value: float | None, ends: Sequence[int]) -> str | None:
    if value is None:
        return None
    above = [end for end in ends if value >= end]
    if not above:
        return f"<{ends[0]}"
    return f">={ends[-1]}" if len(above) == len(ends) else f"{above[-1]}..{ends[len(above)]}"


def _share(fell: int, beside: int) -> str:
    if not beside:
        return "none measured"
    return "none" if not fell else "most" if 2 * fell >= beside else "some"


def anonymous(cases: Sequence[tuple[Hashable, LabelledCase]], k: int = K) -> AnonymousCases:
    """Return cases of which no combination of columns but `found` is that of fewer than `k` homes.

    Args:
        cases: each with the home that it is of.
        k: homes that share each combination; a cause found in fewer becomes OTHER.
    """
    told, rest = list[tuple[Hashable, LabelledCase]](), list(cases)
    for depth in range(len(DROPPED) + 1):
        blank: dict[str, Any] = dict.fromkeys(DROPPED[:depth])
        groups = defaultdict(list)
        for home, case in rest:
            shorter = case._replace(**blank)
            groups[shorter[:-1]].append((home, shorter))
        rest = []
        for group in groups.values():
            (told if len({home for home, _ in group}) >= k else rest).extend(group)
    found_in = defaultdict(set)
    for home, case in told:
        found_in[case.found].add(home)
    table = [case if len(found_in[case.found]) >= k else case._replace(found=OTHER) for _, case in told]
    return AnonymousCases(sorted(table, key=lambda case: tuple(value or "" for value in case)), len(rest))

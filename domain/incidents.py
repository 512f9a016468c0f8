"""Incidents: many cold homes behind one pipe are one fault. Rules to open one, add and release homes, and close it.

An incident replaces nothing of a home's own: each keeps its flag, ticket, clocks and proof. It only avoids sending a
crew hundreds of times for one valve.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

from domain.bounds import Many, Seconds, Share

FINDING = timedelta(minutes=1)  # that watch may need to find an incident, after it has settled
BUILDINGS_NEEDED = 2  # one building alone, however large, is a fault of that building


@dataclass(frozen=True, kw_only=True)
class IncidentRule:
    """Thresholds of an incident. The regulation sets none; the utility chooses all of them."""

    share: Share  # of the judged homes of a place
    building_homes: Many  # and at least this many
    substation_homes: Many
    riser_homes: Many | None = None  # None: risers are no places of incidents
    settle_s: Seconds  # delay before a single home or building is dispatched, in case it belongs to an incident
    recovered_share: Share  # share of its homes from which the rest are stragglers
    rest_for_s: Seconds  # how long stragglers may stay cold before they leave the incident
    quiet_for_s: Seconds  # how long everything has to be in order before it closes

    @property
    def finding(self) -> timedelta:
        """The time in which a cold home may still become part of an incident."""
        return timedelta(seconds=self.settle_s) + FINDING

    @property
    def fewest(self) -> int:
        """The cold homes without which there is no incident, but for an alarm."""
        least = min(self.building_homes, self.substation_homes)
        return least if self.riser_homes is None else min(least, self.riser_homes)

    def needed(self, place: "NetworkPlace") -> int:
        """Return the number of cold homes that a place needs.

        Raises:
            ValueError: a riser, where they are no places of incidents.
        """
        if place.riser is None:
            return self.substation_homes if place.building is None else self.building_homes
        if self.riser_homes is None:
            raise ValueError("risers are no places of incidents by this rule")
        return self.riser_homes


class IncidentKind(StrEnum):
    """Cause that opened an incident. Stored with it."""

    COLD_HOMES = "cold_homes"
    SUBSTATION_ALARM = "substation_alarm"


class IncidentEnd(StrEnum):
    """Reason for closing an incident. Stored with it."""

    RECOVERED = "recovered"
    MERGED = "merged"  # its homes are part of a wider one
    NO_POLICY = "no_policy"  # the policy no longer covers incidents


class LeaveReason(StrEnum):
    """Reason a ticket left an incident. Stored with the link."""

    RECOVERED = "recovered"  # the incident closed
    STAYED_COLD = "stayed_cold"  # longer than the rest: it has its own fault
    MOVED = "moved"  # to a wider incident
    NO_POLICY = "no_policy"


class NetworkPlace(NamedTuple):
    """A substation, a building under it (building not None), or a riser of that building (riser not None)."""

    substation: int
    building: int | None = None
    riser: str | None = None


class RiserCount(NamedTuple):
    """Homes on one riser of a building that are judged now, and those of them that are cold.

    Homes whose riser is not in the registry are counted together as riser None, which is no place of an incident.
    Stragglers of an incident are no evidence of another one of the same extent: `cold` counts for the riser,
    `cold_building` for the building, `cold_wide` for the substation.
    """

    substation: int
    building: int
    riser: str | None
    judged: int
    cold: int
    cold_building: int
    cold_wide: int


@dataclass(frozen=True, kw_only=True)
class IncidentFinding:
    """A place that has an incident, with the evidence."""

    place: NetworkPlace
    kind: IncidentKind
    judged: int
    cold: int
    buildings: int  # with judged homes
    buildings_cold: int  # whose own share reaches the rule's


def find(
    rule: IncidentRule, counts: Iterable[RiserCount], alarmed: Collection[int], covered: Collection[NetworkPlace]
) -> list[IncidentFinding]:
    """Find the widest places that have an incident but no open one: a substation, else its buildings, else risers.

    Args:
        counts: per riser; all of a building, or none. Buildings of substations with few cold homes may be left out.
        alarmed: substations with a raised alarm.
        covered: places of open incidents. One of a substation covers its buildings, one of a building its risers.
    """
    ordered = sorted(counts, key=lambda count: (count.substation, count.building))
    by_substation = {sub: list(some) for sub, some in groupby(ordered, key=lambda count: count.substation)}
    found = []
    for substation in sorted({*by_substation, *alarmed}):
        if NetworkPlace(substation) in covered:
            continue
        some = by_substation.get(substation, [])
        buildings = [list(risers) for _, risers in groupby(some, key=lambda count: count.building)]
        wide = _wide(rule, substation, buildings, substation in alarmed)
        if wide is not None:
            found.append(wide)
            continue
        narrow = [one for b in buildings if NetworkPlace(*b[0][:2]) not in covered for one in _narrow(rule, b)]
        found += [one for one in narrow if one.place not in covered]
    return found


def _wide(
    rule: IncidentRule, substation: int, buildings: Sequence[Sequence[RiserCount]], alarmed: bool
) -> IncidentFinding | None:
    sums = [(sum(r.judged for r in b), sum(r.cold_wide for r in b)) for b in buildings]
    judged, cold = sum(all_judged for all_judged, _ in sums), sum(all_cold for _, all_cold in sums)
    there = sum(all_judged > 0 for all_judged, _ in sums)
    hit = [b for b, one in zip(buildings, sums, strict=True) if _reaches(rule.share, *one)]
    many = cold >= rule.substation_homes and _reaches(rule.share, judged, cold)
    many = many and len(hit) >= min(BUILDINGS_NEEDED, there)
    if many and len(hit) == 1:
        many = not _one_riser(rule, hit[0], [r.cold_wide for r in hit[0]])
    if not (alarmed or many):
        return None
    kind = IncidentKind.SUBSTATION_ALARM if alarmed else IncidentKind.COLD_HOMES
    return IncidentFinding(
        place=NetworkPlace(substation), kind=kind, judged=judged, cold=cold, buildings=there, buildings_cold=len(hit)
    )


def _narrow(rule: IncidentRule, risers: Sequence[RiserCount]) -> list[IncidentFinding]:
    judged, cold = sum(r.judged for r in risers), sum(r.cold_building for r in risers)
    many = cold >= rule.building_homes and _reaches(rule.share, judged, cold)
    if many and not _one_riser(rule, risers, [r.cold_building for r in risers]):
        return [_finding(NetworkPlace(*risers[0][:2]), judged, cold)]
    return [_finding(NetworkPlace(*r[:3]), r.judged, r.cold) for r in risers if _is_place(rule, r)]


def _one_riser(rule: IncidentRule, risers: Sequence[RiserCount], cold: Sequence[int]) -> bool:
    """Return whether one riser of several has the cold homes of its building, so that the fault is in it."""
    hit = [r for r, many in zip(risers, cold, strict=True) if _reaches(rule.share, r.judged, many)]
    return sum(r.judged > 0 for r in risers) > 1 and len(hit) == 1 and _is_place(rule, hit[0])


def _is_place(rule: IncidentRule, riser: RiserCount) -> bool:
    """Return whether a riser has enough cold homes for an incident of its own."""
    if rule.riser_homes is None or riser.riser is None:
        return False
    return riser.cold >= rule.riser_homes and _reaches(rule.share, riser.judged, riser.cold)


def _finding(place: NetworkPlace, judged: int, cold: int) -> IncidentFinding:
    return IncidentFinding(
        place=place, kind=IncidentKind.COLD_HOMES, judged=judged, cold=cold, buildings=1, buildings_cold=1
    )


def _reaches(share: float, judged: int, cold: int) -> bool:
    # A quotient, not a product: 3 / 10 is the very float that 0.3 is.
    return cold > 0 and cold / judged >= share


class IncidentStanding(NamedTuple):
    """Present state of an open incident."""

    kind: IncidentKind
    children: int  # tickets that are part of it
    still_cold: int  # of them
    cold_in_place: int  # cold homes of the place, in the incident or not, without earlier stragglers
    alarmed: bool
    recovering_since: datetime | None
    calm_since: datetime | None


class Course(NamedTuple):
    """Next state of an incident."""

    recovering_since: datetime | None  # most of its homes are warm again since
    calm_since: datetime | None  # none of its homes is cold, and no alarm is raised, since
    takes_in: bool  # homes that turn cold now join it
    closes: bool


def course(rule: IncidentRule, now: IncidentStanding, at: datetime) -> Course:
    """Decide how an incident goes on.

    While most of its homes are cold, homes that turn cold join it. Once most are warm again, a home that turns cold has
    its own fault; a second wave reopens it to new homes. It closes after it has been calm for long enough.
    """
    warm = now.children - now.cold_in_place
    recovering = now.children > 0 and warm / now.children >= rule.recovered_share
    if now.kind is IncidentKind.SUBSTATION_ALARM and not now.alarmed:
        # The alarm opened it, not the number of homes: without the alarm, a few cold homes have their own faults.
        recovering |= now.cold_in_place < rule.substation_homes
    calm = now.still_cold == 0 and not now.alarmed
    calm_since = (now.calm_since or at) if calm else None
    return Course(
        recovering_since=(now.recovering_since or at) if recovering else None,
        calm_since=calm_since,
        takes_in=not recovering,
        closes=calm_since is not None and at - calm_since >= timedelta(seconds=rule.quiet_for_s),
    )

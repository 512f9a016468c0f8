"""Incidents: many cold homes behind one pipe are one fault. When one opens, takes homes in, lets them go, and closes.

An incident never speaks for a home: each keeps its flag, its ticket, its clocks and its proof. It only saves the crew
from being sent out hundreds of times for one valve.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

from domain.reasons import Text

BUILDINGS_NEEDED = 2  # one building alone, however large, is a fault of that building


@dataclass(frozen=True, kw_only=True)
class IncidentRule:
    """When cold homes are one incident. The regulation names no numbers: all of them are the utility's to choose."""

    share: float  # of the judged homes of a place
    building_homes: int  # and at least so many
    substation_homes: int
    settle_s: int  # dispatch waits so long for a single home or building, in case more are found to be behind it
    recovered_share: float  # of its homes, from which on the rest are stragglers
    rest_for_s: int  # how long stragglers may stay cold before they are let go
    quiet_for_s: int  # how long all has to be well before it closes


class IncidentKind(StrEnum):
    """What opened an incident. Stored with it."""

    COLD_HOMES = "cold_homes"
    SUBSTATION_ALARM = "substation_alarm"


class IncidentEnd(StrEnum):
    """Why an incident was closed. Stored with it."""

    RECOVERED = "recovered"
    MERGED = "merged"  # its homes are part of a wider one
    NO_POLICY = "no_policy"  # the rules say nothing of incidents any more


class LeaveReason(StrEnum):
    """Why a ticket is no part of an incident any more. Stored with the link."""

    RECOVERED = "recovered"  # the incident closed
    STAYED_COLD = "stayed_cold"  # longer than the rest: a fault of its own
    MOVED = "moved"  # to the wider one
    NO_POLICY = "no_policy"


class NetworkPlace(NamedTuple):
    """A substation, or (building not None) a building under it."""

    substation: int
    building: int | None = None


class BuildingCount(NamedTuple):
    """The homes of a building: how many are judged now, and how many of them are cold.

    Homes that came out of an incident as stragglers are no sign of another one of the same width: `cold` counts for the
    building, `cold_wide` for the substation.
    """

    substation: int
    building: int
    judged: int
    cold: int
    cold_wide: int


@dataclass(frozen=True, kw_only=True)
class IncidentFinding:
    """A place that has an incident, and why."""

    place: NetworkPlace
    kind: IncidentKind
    judged: int
    cold: int
    buildings: int  # with judged homes
    buildings_cold: int  # whose own share reaches the rule's


def find(
    rule: IncidentRule, counts: Iterable[BuildingCount], alarmed: Collection[int], covered: Collection[NetworkPlace]
) -> list[IncidentFinding]:
    """The widest places that have an incident and no open one yet: a substation before its buildings.

    Args:
        counts: per building; those of substations with few cold homes may be left out.
        alarmed: substations with a raised alarm.
        covered: places of open incidents. One of a substation covers its buildings.
    """
    by_substation = {sub: list(some) for sub, some in groupby(sorted(counts), key=lambda count: count.substation)}
    found = []
    for substation in sorted({*by_substation, *alarmed}):
        if NetworkPlace(substation) in covered:
            continue
        buildings = by_substation.get(substation, [])
        wide = _wide(rule, substation, buildings, substation in alarmed)
        if wide is not None:
            found.append(wide)
        else:
            found += [one for b in buildings if (one := _narrow(rule, b)) is not None and one.place not in covered]
    return found


def _wide(
    rule: IncidentRule, substation: int, buildings: Sequence[BuildingCount], alarmed: bool
) -> IncidentFinding | None:
    judged, cold = sum(b.judged for b in buildings), sum(b.cold_wide for b in buildings)
    there = sum(b.judged > 0 for b in buildings)
    hit = sum(_reaches(rule.share, b.judged, b.cold_wide) for b in buildings)
    many = cold >= rule.substation_homes and _reaches(rule.share, judged, cold) and hit >= min(BUILDINGS_NEEDED, there)
    if not (alarmed or many):
        return None
    kind = IncidentKind.SUBSTATION_ALARM if alarmed else IncidentKind.COLD_HOMES
    return IncidentFinding(
        place=NetworkPlace(substation), kind=kind, judged=judged, cold=cold, buildings=there, buildings_cold=hit
    )


def _narrow(rule: IncidentRule, count: BuildingCount) -> IncidentFinding | None:
    if count.cold < rule.building_homes or not _reaches(rule.share, count.judged, count.cold):
        return None
    place, kind = NetworkPlace(count.substation, count.building), IncidentKind.COLD_HOMES
    return IncidentFinding(place=place, kind=kind, judged=count.judged, cold=count.cold, buildings=1, buildings_cold=1)


def _reaches(share: float, judged: int, cold: int) -> bool:
    # A quotient, not a product: 3 / 10 is the very float that 0.3 is.
    return cold > 0 and cold / judged >= share


class IncidentStanding(NamedTuple):
    """How an open incident stands."""

    kind: IncidentKind
    children: int  # tickets that are part of it
    still_cold: int  # of them
    cold_in_place: int  # homes of the place that are cold, part of it or not; stragglers of before left out
    alarmed: bool
    recovering_since: datetime | None
    calm_since: datetime | None


class Course(NamedTuple):
    """What becomes of an incident at a look."""

    recovering_since: datetime | None  # most of its homes are warm again since
    calm_since: datetime | None  # none of its homes is cold, and no alarm is raised, since
    takes_in: bool  # homes that get cold now are part of it
    closes: bool


def course(rule: IncidentRule, now: IncidentStanding, at: datetime) -> Course:
    """What becomes of an incident.

    While most homes are cold it takes in whoever gets cold too. Once most are warm, a home that gets cold has a fault
    of its own; a second wave makes it take in again. It closes when it has been calm for long enough.
    """
    warm = now.children - now.cold_in_place
    recovering = now.children > 0 and warm / now.children >= rule.recovered_share
    if now.kind is IncidentKind.SUBSTATION_ALARM and not now.alarmed:
        # It was never for the number of its homes: with the alarm gone, a few cold ones have faults of their own.
        recovering |= now.cold_in_place < rule.substation_homes
    calm = now.still_cold == 0 and not now.alarmed
    calm_since = (now.calm_since or at) if calm else None
    return Course(
        recovering_since=(now.recovering_since or at) if recovering else None,
        calm_since=calm_since,
        takes_in=not recovering,
        closes=calm_since is not None and at - calm_since >= timedelta(seconds=rule.quiet_for_s),
    )


# Templates: place, cold, judged, share (%), needed share (%), needed homes, buildings_cold, buildings.
INCIDENT_TEXTS: Mapping[IncidentKind, Text] = {
    IncidentKind.COLD_HOMES: Text(
        "{place}:已判定的{judged}户中有{cold}户室温不达标({share}%,涉及{buildings_cold}/{buildings}栋楼);"
        "达到{needed_share}%且不少于{needed_homes}户即合并为一个事件。",
        "{place}: {cold} of {judged} judged homes are too cold ({share} %, in {buildings_cold} of {buildings} "
        "buildings); from {needed_share} % and {needed_homes} homes on they are one incident.",
    ),
    IncidentKind.SUBSTATION_ALARM: Text(
        "{place}:换热站报警({alarms});已判定的{judged}户中有{cold}户室温不达标。",
        "{place}: the substation is in alarm ({alarms}); {cold} of {judged} judged homes are too cold.",
    ),
}
END_TEXTS: Mapping[IncidentEnd, Text] = {
    IncidentEnd.RECOVERED: Text("所涉住户室温已恢复。", "Its homes are warm again."),
    IncidentEnd.MERGED: Text("已并入范围更大的事件。", "It is part of a wider incident."),
    IncidentEnd.NO_POLICY: Text("规则不再合并事件。", "The rules know no incidents any more."),
}
LEAVE_TEXTS: Mapping[LeaveReason, Text] = {
    LeaveReason.RECOVERED: Text("事件已结束。", "The incident is over."),
    LeaveReason.STAYED_COLD: Text(
        "其他住户已恢复,该户仍未达标,单独派单。",
        "The others are warm again and this home is not: it is dispatched itself.",
    ),
    LeaveReason.MOVED: Text("转入范围更大的事件。", "It is part of the wider incident now."),
    LeaveReason.NO_POLICY: Text("规则不再合并事件。", "The rules know no incidents any more."),
}

"""The threshold rule of incidents, against a plain reading of it; and the course of an incident, look by look."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import policy_file
from domain.errors import UsageError
from domain.incidents import (
    IncidentFinding,
    IncidentKind,
    IncidentRule,
    IncidentStanding,
    NetworkPlace,
    RiserCount,
    course,
    find,
)

RULE = IncidentRule(
    share=0.3,
    building_homes=3,
    substation_homes=6,
    settle_s=120,
    recovered_share=0.8,
    rest_for_s=7200,
    quiet_for_s=1800,
)
NOON = datetime(2026, 1, 15, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def count(
    building: int,
    judged: int,
    cold: int,
    *,
    substation: int = 1,
    riser: str | None = None,
    in_building: int | None = None,
    wide: int | None = None,
) -> RiserCount:
    in_building = cold if in_building is None else in_building
    return RiserCount(substation, building, riser, judged, cold, in_building, in_building if wide is None else wide)


def places(
    counts: list[RiserCount], alarmed: set[int] | None = None, covered: set[NetworkPlace] | None = None
) -> list[NetworkPlace]:
    return [found.place for found in find(RULE, counts, alarmed or set(), covered or set())]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([], []),
        ([count(1, 10, 3)], [NetworkPlace(1, 1)]),  # exactly the share, exactly the number
        ([count(1, 11, 3)], []),
        ([count(1, 2, 2)], []),  # all of it, but too few
        ([count(1, 10, 3), count(2, 10, 0)], [NetworkPlace(1, 1)]),
        ([count(1, 10, 3), count(2, 10, 3)], [NetworkPlace(1)]),
        ([count(1, 10, 10), count(2, 10, 2)], [NetworkPlace(1, 1)]),  # enough in all, but one building alone
        (
            [count(1, 10, 3), count(2, 10, 3), count(3, 10, 0)],
            [NetworkPlace(1, 1), NetworkPlace(1, 2)],
        ),  # 6 of 30 are too few
        ([count(1, 20, 6)], [NetworkPlace(1)]),  # the substation has one building
        ([count(1, 20, 6), count(2, 0, 0)], [NetworkPlace(1)]),  # nothing is known of the other
        ([count(1, 9, 3, substation=7), count(2, 9, 3, substation=8)], [NetworkPlace(7, 1), NetworkPlace(8, 2)]),
    ],
)
def test_the_widest_place_that_fits(counts: list[RiserCount], expected: list[NetworkPlace]) -> None:
    assert places(counts) == expected


def test_an_alarm_is_an_incident_of_its_substation_however_many_are_cold() -> None:
    found = find(RULE, [count(1, 10, 1)], {1, 2}, set())
    assert found == [
        IncidentFinding(
            place=NetworkPlace(1), kind=IncidentKind.SUBSTATION_ALARM, judged=10, cold=1, buildings=1, buildings_cold=0
        ),
        IncidentFinding(
            place=NetworkPlace(2), kind=IncidentKind.SUBSTATION_ALARM, judged=0, cold=0, buildings=0, buildings_cold=0
        ),
    ]


def test_a_place_has_one_and_a_building_none_within_its_substations() -> None:
    both = [count(1, 10, 10), count(2, 10, 10)]
    assert places(both, covered={NetworkPlace(1)}) == []
    assert places([both[0]], covered={NetworkPlace(1, 1)}) == [NetworkPlace(1)]  # it has grown
    assert places([count(1, 10, 5), count(2, 90, 0)], covered={NetworkPlace(1, 1)}) == []


def test_stragglers_count_for_narrower_places_only() -> None:
    both = [count(1, 10, 9, wide=0), count(2, 10, 9, wide=0)]
    assert places(both) == [NetworkPlace(1, 1), NetworkPlace(1, 2)]
    assert places([count(1, 10, 0, wide=0), count(2, 10, 0, wide=0)]) == []


def riser(name: str | None, judged: int, cold: int, **other: int) -> RiserCount:
    return count(1, judged, cold, riser=name, **other)


WITH_RISERS = replace(RULE, building_homes=5, riser_homes=3)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([riser("R1", 10, 3), riser("R2", 40, 0)], [NetworkPlace(1, 1, "R1")]),
        ([riser("R1", 2, 2), riser("R2", 40, 0)], []),  # all of it, but too few
        ([riser("R1", 6, 6), riser("R2", 6, 0)], [NetworkPlace(1, 1, "R1")]),  # enough for the building, but one alone
        ([riser("R1", 6, 6), riser("R2", 6, 1)], [NetworkPlace(1, 1, "R1")]),
        ([riser("R1", 6, 3), riser("R2", 6, 2)], [NetworkPlace(1, 1)]),
        ([riser("R1", 9, 9)], [NetworkPlace(1)]),  # nothing is known of another
        ([riser("R1", 9, 9), riser("R2", 0, 0)], [NetworkPlace(1)]),
        ([riser("R1", 9, 9), riser("R2", 9, 0)], [NetworkPlace(1, 1, "R1")]),  # of the only building there is
        ([riser("R1", 5, 3), riser("R2", 5, 3), riser(None, 90, 0)], [NetworkPlace(1, 1, f"R{n}") for n in (1, 2)]),
        ([riser(None, 5, 5), riser("R2", 9, 0)], [NetworkPlace(1, 1)]),  # no riser is named that it could be
        ([riser("R1", 2, 2), riser("R2", 8, 2), riser("R3", 6, 1)], [NetworkPlace(1, 1)]),  # too few for that riser
    ],
)
def test_a_riser_that_alone_is_cold_is_the_place(counts: list[RiserCount], expected: list[NetworkPlace]) -> None:
    assert [found.place for found in find(WITH_RISERS, counts, set(), set())] == expected
    assert {found.place.riser for found in find(RULE, counts, set(), set())} <= {None}


def test_stragglers_of_a_building_count_for_its_risers_only() -> None:
    left = [riser("R1", 6, 6, in_building=0), riser("R2", 6, 0)]
    assert [found.place for found in find(WITH_RISERS, left, set(), set())] == [NetworkPlace(1, 1, "R1")]
    assert find(WITH_RISERS, left, set(), {NetworkPlace(1, 1, "R1")}) == []
    assert find(WITH_RISERS, left, set(), {NetworkPlace(1, 1)}) == []


def _counted(sub: int, building: int, riser: int, judged: int, shares: tuple[float, float, float]) -> RiserCount:
    wide, in_building, cold = sorted(round(judged * share) for share in shares)
    return RiserCount(sub, sub * 10 + building, f"R{riser}" if riser else None, judged, cold, in_building, wide)


COUNTS = st.builds(
    _counted,
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 3),
    st.integers(0, 30),
    st.floats(0, 1).map(lambda share: (share, share, share)) | st.tuples(*[st.floats(0, 1)] * 3),
)
PLACES = st.builds(
    lambda sub, building, riser: NetworkPlace(
        sub, sub * 10 + building if building else None, riser if building else None
    ),
    st.integers(1, 3),
    st.integers(0, 3),
    st.sampled_from([None, "R1", "R2", "R3"]),
)


def outer(place: NetworkPlace, parts: int) -> NetworkPlace:
    """Return the place of so many parts around a place, or itself."""
    some: list[Any] = list(place[:parts])
    return NetworkPlace(*some)


class Reading:
    """The rule read once more, place by place, over homes one at a time."""

    def __init__(self, rule: IncidentRule, counts: list[RiserCount]) -> None:
        self.rule = rule
        # (place of its riser, how far out its coldness counts: 0 not cold, 1 riser, 2 building, 3 substation)
        self.homes = [
            (NetworkPlace(c.substation, c.building, c.riser), reach)
            for c in counts
            for reach, many in enumerate(
                (c.judged - c.cold, c.cold - c.cold_building, c.cold_building - c.cold_wide, c.cold_wide)
            )
            for _ in range(many)
        ]

    def enough(self, depth: int, least: int, *key: object) -> bool:
        """Return whether a place (its first parts: `key`) has its share, and so many, as counts for `depth`."""
        reaches = [reach for place, reach in self.homes if tuple(place[: len(key)]) == key]
        cold = sum(reach >= depth for reach in reaches)
        return cold > 0 and cold >= least and Fraction(cold, len(reaches)) >= Fraction(str(self.rule.share))

    def parts(self, *key: object) -> set[NetworkPlace]:
        return {outer(place, len(key) + 1) for place, _ in self.homes if tuple(place[: len(key)]) == key}

    def riser(self, place: NetworkPlace) -> bool:
        named = place.riser is not None and self.rule.riser_homes is not None
        return named and self.enough(1, self.rule.riser_homes or 0, *place)

    def one_riser(self, depth: int, sub: int, building: int | None) -> bool:
        risers = {NetworkPlace(*place) for place, _ in self.homes if place[:2] == (sub, building)}
        hit = [place for place in risers if self.enough(depth, 0, *place)]
        return len(risers) > 1 and len(hit) == 1 and self.riser(hit[0])

    def building(self, sub: int, building: int | None) -> bool:
        return self.enough(2, self.rule.building_homes, sub, building) and not self.one_riser(2, sub, building)

    def substation(self, sub: int) -> bool:
        there = self.parts(sub)
        hit = [place for place in there if self.enough(3, 0, sub, place.building)]
        broad = len(hit) > 1 or (len(hit) == len(there) == 1 and not self.one_riser(3, sub, hit[0].building))
        return broad and self.enough(3, self.rule.substation_homes, sub)

    def expected(self, alarmed: set[int], covered: set[NetworkPlace]) -> set[NetworkPlace]:
        found: set[NetworkPlace] = set(map(NetworkPlace, alarmed))
        for sub in {place.substation for place, _ in self.homes} - alarmed:
            if self.substation(sub):
                found.add(NetworkPlace(sub))
                continue
            for building in self.parts(sub):
                whole = self.building(sub, building.building)
                found |= {building} if whole else {p for p, _ in self.homes if p[:2] == building[:2] and self.riser(p)}
        wider = {place for place in found for n in (1, 2, 3) if outer(place, n) in covered}
        return found - wider


@given(
    st.lists(COUNTS, max_size=14, unique_by=lambda c: c[:3]),
    st.sets(st.integers(1, 4)),
    st.sets(PLACES, max_size=4),
    st.sampled_from([0.1, 0.3, 0.5, 1.0]),
    st.tuples(st.none() | st.integers(2, 6), st.integers(2, 12), st.integers(2, 30)),
)
def test_as_the_rule_reads(
    counts: list[RiserCount],
    alarmed: set[int],
    covered: set[NetworkPlace],
    share: float,
    least: tuple[int | None, int, int],
) -> None:
    names = ("riser_homes", "building_homes", "substation_homes")
    numbers: dict[str, Any] = dict(zip(names, least, strict=True))
    rule = replace(RULE, share=share, **numbers)
    found = [f.place for f in find(rule, counts, alarmed, covered)]
    assert set(found) == Reading(rule, counts).expected(alarmed, covered)
    assert len(found) == len(set(found))
    # A place that has an incident without the level of risers has one with it, in it or in a riser of it.
    for place in [f.place for f in find(replace(rule, riser_homes=None), counts, alarmed, set())]:
        assert [
            f
            for f in find(rule, counts, alarmed, set())
            if f.place[: 2 if place.building else 1] == tuple(place[: 2 if place.building else 1])
        ]


def standing(children: int, cold: int, **other: object) -> IncidentStanding:
    filled = {
        "kind": IncidentKind.COLD_HOMES,
        "cold_in_place": cold,
        "alarmed": False,
        "recovering_since": None,
        "calm_since": None,
        **other,
    }
    return IncidentStanding(children=children, still_cold=cold, **filled)  # type: ignore[arg-type]


def test_it_takes_in_until_most_are_warm_again_and_once_more_in_a_second_wave() -> None:
    assert course(RULE, standing(0, 0), NOON).takes_in
    assert course(RULE, standing(10, 3), NOON).takes_in
    recovering = course(RULE, standing(10, 2), NOON)
    assert (recovering.takes_in, recovering.recovering_since) == (False, NOON)
    later = course(RULE, standing(10, 2, recovering_since=NOON), NOON + MINUTE)
    assert later.recovering_since == NOON
    # Others of the place have got cold meanwhile, though they are no part of it.
    wave = course(RULE, standing(10, 2, cold_in_place=5, recovering_since=NOON), NOON + MINUTE)
    assert (wave.takes_in, wave.recovering_since) == (True, None)


def test_it_closes_after_a_time_without_cold_and_without_alarm() -> None:
    calm = course(RULE, standing(10, 0), NOON)
    assert (calm.calm_since, calm.closes) == (NOON, False)
    assert not course(RULE, standing(10, 0, calm_since=NOON), NOON + 30 * MINUTE - timedelta(seconds=1)).closes
    assert course(RULE, standing(10, 0, calm_since=NOON), NOON + 30 * MINUTE).closes
    assert course(RULE, standing(10, 1, calm_since=NOON), NOON + 30 * MINUTE).calm_since is None
    alarmed = course(RULE, standing(10, 0, alarmed=True, calm_since=NOON), NOON + 30 * MINUTE)
    assert (alarmed.calm_since, alarmed.closes) == (None, False)


def test_an_alarm_that_is_over_leaves_a_few_cold_homes_to_themselves() -> None:
    alarm = {"kind": IncidentKind.SUBSTATION_ALARM}
    assert course(RULE, standing(5, 5, alarmed=True, **alarm), NOON).takes_in
    assert not course(RULE, standing(5, 5, **alarm), NOON).takes_in
    assert course(RULE, standing(6, 6, **alarm), NOON).takes_in


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans(), st.integers(1, 90)), max_size=30))
def test_it_never_closes_on_a_cold_home_and_only_after_its_quiet_time(looks: list[tuple[int, bool, int]]) -> None:
    at, since, calm_since = NOON, None, None
    quiet_from: datetime | None = None
    for cold, alarmed, minutes in looks:
        at += minutes * MINUTE
        step = course(RULE, standing(20, cold, alarmed=alarmed, recovering_since=since, calm_since=calm_since), at)
        quiet_from = (quiet_from or at) if cold == 0 and not alarmed else None
        assert step.closes == (quiet_from is not None and at - quiet_from >= timedelta(seconds=RULE.quiet_for_s))
        since, calm_since = step.recovering_since, step.calm_since


def test_the_policy_names_what_is_missing_or_absurd() -> None:
    text = policy_file.builtin_text("seed")
    assert policy_file.load(text, "p").versions[0].incident is not None
    for old, new, says in (
        ("quiet_for_s = 1800", "", "incident.quiet_for_s: is missing"),
        ("riser_homes = 4", "riser_homes = 1", "incident.riser_homes: "),
        ("building_homes = 5", "building_homes = 2.5", "incident.building_homes: 2.5 is not a whole number"),
        ("recovered_share = 0.8", "recovered_share = 0.7", "incident.recovered_share: leaves so many homes cold"),
        ("share = 0.3", "share = 0.3\nshares = 1", "incident.shares: is not a known key"),
    ):
        with pytest.raises(UsageError, match=says.replace("[", r"\[")):
            policy_file.load(text.replace(old, new, 1), "p")

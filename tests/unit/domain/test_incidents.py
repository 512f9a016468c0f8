"""The threshold rule of incidents, against a plain reading of it; and the course of an incident, look by look."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import policy_file
from domain.errors import UsageError
from domain.incidents import (
    BuildingCount,
    IncidentFinding,
    IncidentKind,
    IncidentRule,
    IncidentStanding,
    NetworkPlace,
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


def count(building: int, judged: int, cold: int, *, substation: int = 1, wide: int | None = None) -> BuildingCount:
    return BuildingCount(substation, building, judged, cold, cold if wide is None else wide)


def places(
    counts: list[BuildingCount], alarmed: set[int] | None = None, covered: set[NetworkPlace] | None = None
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
def test_the_widest_place_that_fits(counts: list[BuildingCount], expected: list[NetworkPlace]) -> None:
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


COUNTS = st.builds(
    lambda s, b, judged, share: BuildingCount(s, s * 10 + b, judged, round(judged * share), round(judged * share)),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(0, 40),
    st.floats(0, 1),
)


@given(
    st.lists(COUNTS, max_size=12, unique_by=lambda c: c.building),
    st.sets(st.integers(1, 4)),
    st.sets(st.builds(NetworkPlace, st.integers(1, 3), st.none() | st.integers(11, 34))),
    st.sampled_from([0.1, 0.3, 0.5, 1.0]),
    st.integers(2, 12),
    st.integers(2, 30),
)
def test_as_the_rule_reads(
    counts: list[BuildingCount], alarmed: set[int], covered: set[NetworkPlace], share: float, few: int, many: int
) -> None:
    rule = replace(RULE, share=share, building_homes=few, substation_homes=many)
    least = Fraction(str(share))

    def enough(cold: int, judged: int) -> bool:
        return judged > 0 and Fraction(cold, judged) >= least and cold > 0

    expected = set()
    for sub in {c.substation for c in counts} | alarmed:
        mine = [c for c in counts if c.substation == sub]
        hit = [c for c in mine if enough(c.cold, c.judged)]
        cold, judged = sum(c.cold for c in mine), sum(c.judged for c in mine)
        alone = len([c for c in mine if c.judged]) == 1
        if NetworkPlace(sub) in covered:
            continue
        if sub in alarmed or (cold >= many and enough(cold, judged) and (len(hit) > 1 or (alone and hit))):
            expected.add(NetworkPlace(sub))
        else:
            expected |= {NetworkPlace(sub, c.building) for c in hit if c.cold >= few} - covered
    found = [f.place for f in find(rule, counts, alarmed, covered)]
    assert set(found) == expected
    assert len(found) == len(expected)


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
        ("building_homes = 5", "building_homes = 2.5", "incident.building_homes: 2.5 is not a whole number"),
        ("recovered_share = 0.8", "recovered_share = 0.7", "incident.recovered_share: leaves so many homes cold"),
        ("share = 0.3", "share = 0.3\nshares = 1", "incident.shares: is not a known key"),
    ):
        with pytest.raises(UsageError, match=says.replace("[", r"\[")):
            policy_file.load(text.replace(old, new, 1), "p")

"""The heat balance of homes: held against homes whose physics are stepped one by one, and silent where it must be."""

from dataclasses import replace

import numpy as np
import pytest

from insight import chance, supply
from insight.balance import Balance
from insight.chance import Experience
from insight.forecast import LEADS, LEADS_H
from insight.model import FORM, Lesson, Model
from insight.supply import Outages
from insight.window import DAY, HOUR, STEP_S, STEPS, Floats, Window
from sim import thermal

HOMES = 3
STEPS_OF_ALL = STEPS + DAY
NOW = STEPS - 1
SIX, TWELVE = LEADS_H.index(6), LEADS_H.index(12)
NONE = np.zeros(DAY)
AT = np.arange(STEPS_OF_ALL)
OUTDOOR = -7.0 - 4.0 * np.cos(AT / DAY * 2 * np.pi)


def curve(outdoor: Floats) -> Floats:
    """Return radiators by a heat curve, °C."""
    return 21.0 + 0.83 * (21.0 - outdoor)


def lived(radiator: Floats, outdoor: Floats = OUTDOOR, shut_from: int = STEPS_OF_ALL) -> Floats:
    """Step three homes, the last one of which gets little and the first one of which is shut off at a step."""
    target = np.array([21.0, 20.0, 17.0])
    homes = thermal.ThermalHomes.balanced(target, -7.0, float(curve(np.array(-7.0))), np.ones(HOMES))
    nodes = thermal.NodeTemperatures(target, thermal.steady_wall(homes, target, -7.0))
    seen = []
    for step in range(STEPS_OF_ALL):
        seen.append(nodes.air)
        share = np.array([0.2 if step >= shut_from else 1.0, 1.0, 1.0])
        heat = thermal.HeatConditions(float(outdoor[step]), np.full(HOMES, radiator[step]), share, np.zeros(HOMES))
        nodes = thermal.step(homes, nodes, heat, STEP_S)
    return np.array(seen).T


def window(seen: Floats, fed: Floats, outdoor: Floats = OUTDOOR) -> Window:
    """Build a window with a weather forecast that is right."""
    past = slice(None, STEPS)
    return Window(
        seen[:, past],
        np.zeros(HOMES, int),
        outdoor[past],
        fed[past],
        np.full(STEPS, np.nan),
        np.ones(HOMES, bool),
        outdoor[NOW + LEADS],
        0.5,
    )


def missed(seen: Floats, said: Floats) -> Floats:
    """Return [home, lead]: how far a forecast is off, kelvin."""
    return np.abs(seen[:, NOW + LEADS] - seen[:, [NOW]] - said)


def test_weather_moves_homes_as_their_physics_have_it() -> None:
    fed = curve(OUTDOOR)
    seen = lived(fed)
    said = Balance.of(window(seen, fed)).carried(NONE)
    assert missed(seen, said).max() < 0.15
    assert np.abs(seen[:, NOW + LEADS] - seen[:, [NOW]]).max() > 0.8


def test_an_outage_that_ends_warms_homes_within_the_hour() -> None:
    off = (AT > NOW - 12) & (AT <= NOW)
    fed = curve(OUTDOOR) - 14.0 * off
    seen = lived(fed)
    said = Balance.of(window(seen, fed)).carried(np.full(DAY, 14.0))
    moved = seen[:, NOW + LEADS] - seen[:, [NOW]]
    assert moved[:, SIX].min() > 2.0
    assert missed(seen, said)[:, : TWELVE + 1].max() < 0.4


def test_an_outage_that_began_just_now_cools_homes() -> None:
    fed = curve(OUTDOOR) - 14.0 * (AT >= NOW)
    seen = lived(fed)
    said = Balance.of(window(seen, fed)).carried(NONE)
    assert said[:, SIX].max() < -1.5
    assert missed(seen, said)[:, SIX].max() < 0.4


@pytest.mark.parametrize(("ago", "most"), [(2, 1.2), (5, 0.5), (20, 0.4)])
def test_a_home_that_was_shut_off_goes_on_to_where_its_balance_lies(ago: int, most: float) -> None:
    fed = curve(OUTDOOR)
    seen = lived(fed, shut_from=NOW - ago)
    said = Balance.of(window(seen, fed)).carried(NONE)
    assert seen[0, NOW + 24] < 16.0
    assert missed(seen, said)[:, SIX].max() < most


def test_where_a_boiler_was_at_its_end_more_cold_brings_no_more_supply() -> None:
    outdoor = OUTDOOR - 10.0 * (AT > NOW - 20) - 6.0 * (AT > NOW + 4)
    fed = curve(np.maximum(outdoor, -17.0))
    seen = lived(fed, outdoor)
    looked = window(seen, fed, outdoor)
    at_leads = supply.asked(looked)[LEADS - 1]
    assert at_leads == pytest.approx(fed[NOW + LEADS], abs=1.0)
    assert curve(outdoor)[NOW + LEADS].max() > at_leads.max() + 4.0
    said = Balance.of(looked).carried(NONE)
    assert missed(seen, said)[:, : SIX + 1].max() < 0.25
    assert said[:, SIX].max() < -0.5


@pytest.mark.parametrize("what", ["supply", "outdoor"])
def test_without_supply_or_outdoors_it_says_nothing(what: str) -> None:
    fed = curve(OUTDOOR)
    looked, unknown = window(lived(fed), fed), np.full(STEPS, np.nan)
    looked = replace(looked, supply=unknown) if what == "supply" else replace(looked, outdoor=unknown)
    assert not Balance.of(looked).carried(NONE).any()
    assert np.isfinite(Model.new().foresee(looked, np.full((HOMES, DAY), 18.0)).chance).all()


def test_what_a_home_does_by_itself_is_apart_from_weather_and_supply() -> None:
    fed = curve(OUTDOOR)
    seen = lived(fed, shut_from=NOW - 3)
    settling = Balance.of(window(seen, fed)).settling()
    assert settling[0, SIX] < -2.0
    assert np.abs(settling[1:, SIX]).max() < 0.5


def test_air_goes_most_of_its_way_in_the_first_half_of_an_hour() -> None:
    path = chance.path(np.zeros(1), np.ones((1, len(LEADS))))[0]
    assert path[: HOUR + 1].tolist() == sorted(path[: HOUR + 1])
    assert path[1] > 0.6
    assert path[HOUR - 1 :] == pytest.approx(1.0)


def test_a_class_with_few_cases_is_drawn_to_all_of_them() -> None:
    told = np.tile(np.repeat([-4.0, 4.0], 200)[:, None], 4)
    knows = Experience().with_margins(told, told, np.full_like(told, -1.0))
    warm = knows.probability(np.full((1, 4), -4.0), np.full((1, 4), 1.5))
    for cases, least, most in ((6, 0.9, 0.97), (4_000, 0.0, 0.1)):  # in that class it never came so
        few = np.full((cases, 4), -4.0)
        found = knows.with_margins(few, np.full_like(few, 1.0), np.full_like(few, 1.5))
        chances = [found.probability(np.full((1, 4), -4.0), np.full((1, 4), now))[0, 0] for now in (1.5, -1.0)]
        assert least < chances[0] < most
    assert (warm > 0.97).all()


def test_what_was_learned_without_the_balance_is_not_taken_for_what_it_leaves() -> None:
    kept = Model.new().packed()
    for other in (kept[8:], np.array([FORM - 1]).tobytes() + kept[8:-8] + np.array([7.0]).tobytes()):
        assert Model.unpacked(other).packed() == kept


def test_a_network_without_supply_learns_nothing_from_what_a_balance_leaves() -> None:
    fed = curve(OUTDOOR)
    looked = window(lived(fed), fed)
    bare = replace(looked, supply=np.full(STEPS, np.nan))
    limits, after = np.full((HOMES, DAY), 18.0), lived(fed)[:, STEPS:]
    knows = Model.new()
    for each, supplied in ((looked, fed[STEPS:]), (bare, np.full(DAY, np.nan))):
        before = [knows.foresee(one, limits).change for one in (looked, bare)]
        knows = knows.taught([Lesson(each, knows.foresee(each, limits), after, supplied, limits)] * 3, 1.0)
        moved = [
            np.abs(knows.foresee(one, limits).change - was).max()
            for one, was in zip((looked, bare), before, strict=True)
        ]
        assert [move > 0 for move in moved] == [each is looked, each is bare]


def test_a_home_that_an_outage_cools_is_warned_of_by_its_supply() -> None:
    fed = curve(OUTDOOR) - 16.0 * (AT >= NOW - 1)
    seen = lived(fed)
    limits = np.full((HOMES, DAY), 18.0)
    told = np.concatenate([np.full((50, 4), -3.0), np.full((50, 4), 3.0)])
    new = Model.new()
    lasting = Outages(np.stack([np.full(new.outages.ends.shape[1], 1e6), np.zeros(new.outages.ends.shape[1])]))
    knows = Model.of(new.learned, Experience().with_margins(told, told, 0 * told + 1.5), lasting)
    looked = window(seen, fed)
    rows = knows.warnings(np.arange(HOMES, dtype=np.int32), looked, knows.foresee(looked, limits), limits)
    assert {row["home_id"]: row["reason"] for row in rows} == {0: "supply", 1: "supply"}

"""The story of a demo happens within its first minutes, by day and by night."""

import numpy as np
import pytest

from sim import story
from sim.town import SECOND_US, WARM_UP_SECONDS, Town
from sim.weather import DAY_US, HOUR_US

SEED, HOMES = 1, 200
MINUTE_US = 60 * SECOND_US
NOON_US = 20_500 * DAY_US + 4 * HOUR_US  # in the town
MIDNIGHT_US = NOON_US + 12 * HOUR_US


@pytest.mark.parametrize(("begin_us", "limit"), [(NOON_US, 18.0), (MIDNIGHT_US, 16.0)], ids=["noon", "midnight"])
def test_it_happens_in_the_first_minutes(begin_us: int, limit: float) -> None:
    told = story.tell(SEED, HOMES, 60, begin_us)
    assert told is not None
    town = Town(SEED, HOMES, 60, epoch_us=begin_us - WARM_UP_SECONDS * SECOND_US, source=told.source)
    plan = town.layout
    codes = [home.code for home in plan.homes]
    building = [i for i, home in enumerate(plan.homes) if plan.buildings[home.building].code == told.cold_building]
    recovering, needed = codes.index(told.recovering_home), 0.3 * len(building)
    town.advance_to(begin_us - 100 * MINUTE_US)
    building = [home for home in building if town.air[home] > limit]  # the others are no news
    sensor = [sensor.id for sensor in plan.sensors].index(told.silent_sensor)
    coldest = np.inf
    while town.at_us < begin_us - 5 * MINUTE_US:
        town.advance()
        coldest = min(coldest, town.air[recovering])
    assert coldest < 16.0  # flagged at any hour
    assert np.sum(town.air[building] < limit) < needed
    town.advance_to(begin_us + 5 * MINUTE_US)
    assert np.sum(town.air[building] < limit) >= needed  # an incident
    assert town.air[recovering] > 18.2
    assert town.readings().silent[sensor]


def test_a_town_that_is_too_small_has_none() -> None:
    assert story.tell(SEED, 4, 60, NOON_US) is None

"""Readings weighed sensor by sensor are worth what they are worth one by one."""

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from alerts.engine.track import Int
from alerts.judging.history import History
from alerts.judging.weigh import Lanes, ReadingRules, Weighed
from domain import policy_file
from domain.instants import EVER_US, NONE_US, to_us
from store.base import wire
from store.readings import stays

SEED = policy_file.builtin("seed")
CHANGE = date(2026, 1, 15)
# The rules change at midnight: rooms and hold.
POLICY = replace(
    SEED,
    versions=(
        *SEED.versions,
        replace(SEED.versions[-1], valid_from=CHANGE, hold_intervals=2, judged_rooms=("living",)),
    ),
)
MIDNIGHT = to_us(datetime(2026, 1, 14, 16, tzinfo=UTC))  # in Shanghai
MINUTE = 60_000_000
HOMES = np.array([3, 5, 8], np.int32)


class OneByOne(ReadingRules):
    """Rules that look at each reading."""

    def weigh_lanes(self, at: Int, celsius: NDArray[np.float32], alike: Lanes) -> Weighed | None:
        """Leave it to the other way."""
        return None


@st.composite
def towns(draw: st.DrawFn) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Draw the stays of some sensors, and what they said around the change of the rules."""
    rooms, places, said = st.integers(0, 3), list[tuple[int, ...]](), list[tuple[int, int, float]]()
    for sensor in range(draw(st.integers(1, 4))):
        edges = [NONE_US, *draw(st.lists(st.sampled_from([MIDNIGHT, MIDNIGHT + 30 * MINUTE]), max_size=1)), EVER_US]
        for begin, end in pairwise(edges):
            home, kind = draw(st.sampled_from(HOMES.tolist())), draw(rooms)
            until = end if draw(st.booleans()) else min(end, MIDNIGHT + 90 * MINUTE)
            places.append((sensor, home, kind, kind, 600, draw(st.sampled_from([0, -300])), begin, until))
        for at in sorted(draw(st.sets(st.integers(-12, 12), max_size=8))):
            celsius = draw(st.sampled_from([15.99, 18.0, 21.3, np.inf]))
            said.append((sensor, MIDNIGHT + at * 10 * MINUTE, celsius))
    return np.array(said, wire.native(stays.SAID)), np.array(places, wire.native(stays.STAY))


@given(town=towns(), changes=st.booleans())
def test_a_reading_is_worth_the_same_by_itself_and_among_those_of_its_sensor(
    town: tuple[NDArray[np.void], NDArray[np.void]], changes: bool
) -> None:
    said, places = town
    fast, slow = (History(POLICY if changes else SEED) for _ in range(2))
    slow.weights = OneByOne(slow.policy)
    found = [
        [np.asarray(column).tolist() for column in one._weigh(said, places, NONE_US, HOMES)] for one in (fast, slow)
    ]
    assert found[0] == found[1]


def test_sensors_that_stay_are_weighed_at_once() -> None:
    said = np.array([(1, MIDNIGHT - MINUTE, 17.0), (2, MIDNIGHT - MINUTE, 19.5)], wire.native(stays.SAID))
    places = np.array([(n, 3, 0, 0, 600, 0, NONE_US, EVER_US) for n in (1, 2)], wire.native(stays.STAY))
    found = History(SEED)._weigh(said, places, NONE_US, HOMES)
    assert (found.home.tolist(), found.lane.tolist(), found.milli.tolist()) == ([0, 0], [1, 2], [17_000, 19_500])

"""Readings placed a stay at a time are weighed as each by itself."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from alerts.engine.lanes import held
from alerts.engine.track import Readings, hold
from alerts.judging.placing import SensorReadings, lanes_of, placed
from alerts.judging.weigh import ReadingRules
from domain.care import Care
from domain.instants import EVER_US, NONE_US
from domain.policy import Policy, Season, Version
from store.base.wire import native
from store.readings.stays import SAID, STAY

US = 1_000_000
MINUTE = 60 * US
DAY = date(2026, 1, 15)
BEGIN = 1_768_406_400 * US  # its midnight
SPAN = 2 * 1440
VALUES = [17.9, 18.0, 18.0004, 20.0, 24.0, 24.0, np.nan, np.inf, -np.inf, 3e6, -3e6, 2_147_483.5]


def policy(versions: int, strict: bool) -> Policy:
    care = Care(
        silent_intervals=3,
        frozen_s=1800,
        jump_k=3.0,
        neighbour_k=5.0,
        neighbour_for_s=600,
        battery_percent=10,
        healed_for_s=600,
        judge_suspect=False,
    )
    rooms = [("living", "bedroom"), ("living",), ("bedroom", "other")]
    return Policy(
        name="drawn",
        zone=ZoneInfo("UTC"),
        seasons=(Season(first=date(2000, 1, 1), end=date(2030, 1, 1)),),
        versions=tuple(
            Version(
                valid_from=DAY + timedelta(days=n),
                confirm_for_s=0,
                clear_for_s=0,
                deadband_k=0.2,
                hold_intervals=[3, 2, 4.5][n],
                judged_rooms=rooms[n],
                limits=(),
                clocks={},
                care=care if strict and n != 1 else None,
            )
            for n in range(versions)
        ),
    )


def stays_of(random: np.random.Generator) -> NDArray[np.void]:
    """Draw stays of sensors one after the other: in the same room, in another, in another home, with time between."""
    rows: list[tuple[int, ...]] = []
    for sensor in range(1, int(random.integers(2, 6))):
        at = NONE_US if random.random() < 0.5 else BEGIN + int(random.integers(-60, SPAN)) * MINUTE
        for nth in range(4):
            last = nth == 3 or random.random() < 0.4
            later = max(at, BEGIN) + int(random.integers(1, SPAN // 2)) * MINUTE
            to = EVER_US if last and random.random() < 0.7 else later
            home, room, kind = (int(random.integers(*span)) for span in ((1, 4), (0, 2), (0, 4)))
            rows.append(
                (sensor, home, room, kind, int(random.choice([300, 600])), int(random.choice([0, 300])), at, to)
            )
            if last:
                break
            at = to + int(random.choice([0, 0, 30])) * MINUTE
    return np.array(rows, native(STAY))


def said_by(random: np.random.Generator) -> NDArray[np.void]:
    """Draw readings: some sensors have no stay at all, some say nothing."""
    parts = []
    for sensor in range(7):
        at = np.unique(random.integers(-60, SPAN, random.choice([0, 30, 400])))
        rows = np.zeros(len(at), native(SAID))
        rows["sensor_id"], rows["measured_at"] = sensor, BEGIN + at * MINUTE
        rows["temperature"] = random.choice(VALUES if random.random() < 0.5 else [20.0, 24.5], len(at))
        parts.append(rows)
    return np.concatenate(parts)


def one_by_one(
    rules: ReadingRules, said: NDArray[np.void], places: NDArray[np.void], homes: NDArray[np.int32], since: int
) -> Readings:
    """Place, screen and weigh reading by reading."""
    rows = placed(said, places)
    rows = rows[np.isin(rows["home_id"], homes)]
    rows = rules.screen(rows, since)
    rows = rows[rows["measured_at"] >= since]
    judged, milli, until = rules.weigh(rows)
    home, lane = np.searchsorted(homes, rows["home_id"]), rows["sensor_id"].astype(np.int64)
    return hold(*Readings(home, lane, rows["measured_at"], until, milli).take(judged))


@settings(max_examples=150)
@given(st.integers(0, 2**32), st.integers(1, 3), st.booleans(), st.sampled_from([-60, 0, 900]))
def test_a_stay_at_a_time_is_reading_by_reading(seed: int, versions: int, strict: bool, since: int) -> None:
    random = np.random.default_rng(seed)
    rules, said, places = ReadingRules(policy(versions, strict)), said_by(random), stays_of(random)
    homes, since_us = np.unique(places["home_id"]), BEGIN + since * MINUTE
    theirs = one_by_one(rules, said, places, homes, since_us)
    for mine, other in zip(
        held(lanes_of(rules, SensorReadings.of(said), places, homes, since_us)), theirs, strict=True
    ):
        np.testing.assert_array_equal(mine, other)

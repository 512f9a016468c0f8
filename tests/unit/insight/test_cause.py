"""Causes of cold homes: the smallest case of each, and faults of simulated towns."""

import numpy as np
import pytest

from bench.causes import looks
from bench.without_sensors import places
from insight.cause import ColdCause, ColdEvidence, HeatRecord, covered, explain, together
from insight.unmeasured import NONE, HomePlaces

STEPS, STEP_H = 200, 1 / 6


def one_building() -> HomePlaces:
    """Lay out one building of three risers with four floors."""
    at = np.arange(12)
    nothing = np.zeros(12, int)
    return HomePlaces(nothing, nothing, at // 4, at % 4 + 1, nothing + NONE, np.zeros(12))


def fallen(homes: list[int], hours: float = 0.9, by: float = 4.0) -> HeatRecord:
    """Record homes at 21 °C, some of which fell four hours ago."""
    after = np.maximum(np.arange(STEPS) * STEP_H - (STEPS - 24) * STEP_H, 0)
    celsius = 21 + np.random.default_rng(1).normal(0, 0.03, (STEPS, 12))
    celsius[:, homes] -= (by * (1 - np.exp(-after / hours)))[:, None]
    outdoor = -7 + np.sin(np.arange(STEPS) / 20)[:, None]
    return HeatRecord(celsius, 50 - outdoor, outdoor, STEP_H)


def cause(recording: HeatRecord, home: int = 0) -> ColdEvidence:
    return explain(one_building(), recording, np.array([home]))[0]


def test_one_home_beside_warm_ones_on_its_riser_is_open() -> None:
    found = cause(fallen([0]))
    assert (found.cause, found.beside, found.beside_fell) == (ColdCause.OPENING, 3, 0)


def test_a_riser_names_the_homes_on_it() -> None:
    found = cause(fallen([0, 1, 2]))
    assert (found.cause, found.homes) == (ColdCause.RISER, (1, 2))
    assert 3 < found.since_h < 5


def test_several_homes_have_the_cause_of_most_and_of_the_wider_place_of_two() -> None:
    riser, opening = cause(fallen([0, 1, 2])), cause(fallen([0]))
    found = together([opening, riser, riser._replace(fell_k=riser.fell_k + 2)])
    assert (found.cause, found.homes, found.of) == (ColdCause.RISER, (1, 2), 3)
    assert found.fell_k == pytest.approx(riser.fell_k + 1)
    assert found.sure == pytest.approx(riser.sure * 2 / 3)
    assert together([opening, riser]).cause is ColdCause.RISER


def test_a_riser_alone_is_told_from_an_opening_by_how_fast_the_air_went() -> None:
    measured = np.arange(12) == 0
    assert cause(covered(fallen([0], hours=1.1), measured)).cause is ColdCause.RISER
    assert cause(covered(fallen([0], hours=0.3), measured)).cause is ColdCause.OPENING


def test_all_risers_of_a_building_beside_a_warm_one() -> None:
    recording = fallen([0, 1, 2, 4, 5, 8, 9])
    many = HomePlaces(*(np.tile(column, 3) for column in vars(one_building()).values()))
    many.building[12:] = 1
    wide = HeatRecord(
        np.column_stack([recording.celsius] + [fallen([]).celsius] * 2), recording.supply, recording.outdoor, STEP_H
    )
    many.building[24:], many.riser[12:] = 2, many.riser[12:] + 3
    assert explain(many, wide, np.array([0]))[0].cause is ColdCause.BUILDING


def test_supply_that_is_lost_is_the_substation_and_cold_weather_is_not() -> None:
    recording = fallen(list(range(12)))
    assert cause(recording).cause is ColdCause.SUBSTATION
    recording.outdoor[-12:] = -25
    recording.supply[-12:] = 75
    assert cause(recording).cause is ColdCause.WEATHER
    recording.supply[-12:] = 45
    found = cause(recording)
    assert (found.cause, found.supply_lost > 0.3) == (ColdCause.SUBSTATION, True)


def test_what_was_always_cold_is_a_radiator_and_what_jumps_or_stands_still_a_sensor() -> None:
    recording = fallen([])
    recording.celsius[:, 0] = 16 + np.random.default_rng(2).normal(0, 0.03, STEPS)
    assert cause(recording).cause is ColdCause.RADIATOR
    recording.celsius[-40:, 0] = 15.5
    assert cause(recording).cause is ColdCause.SENSOR
    recording.celsius[:, 0] = 21 + np.random.default_rng(2).normal(0, 0.03, STEPS)
    recording.celsius[-1, 0] = 12
    assert cause(recording).cause is ColdCause.SENSOR


def test_faults_of_a_town_are_named() -> None:
    right = wrong = 0
    for town, recording, true, heated in looks(3):
        known = np.array([one is not None for one in true])
        cold = np.flatnonzero((recording.celsius[-1] < 18) & heated & known)
        at = places(town.layout, np.zeros(len(town.layout.substations)))
        for home, found in zip(cold, explain(at, recording, cold), strict=True):
            right, wrong = right + (true[home] is found.cause), wrong + (true[home] is not found.cause)
    assert right > 0.8 * (right + wrong) > 20

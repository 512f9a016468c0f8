"""Temperatures are judged as decimal arithmetic has them, whatever 32-bit floats make of them on the way."""

from datetime import date, datetime, time
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.engine.runs import LIMITS, classify
from alerts.engine.schedule import Terms, compile_schedule
from alerts.judging.weigh import judged_milli
from domain import policy_file
from domain.instants import to_us
from domain.milli import is_whole, milli
from domain.states import HomeState
from store.base.wire import celsius

DAY = date(2026, 1, 15)


def thousandths(least: int, most: int) -> st.SearchStrategy[Decimal]:
    """Decimal numbers with at most three decimals."""
    return st.integers(least, most).map(lambda n: Decimal(n) / 1000)


def state_of(raw: float, offset: float, contract_limit: float | None = None) -> HomeState:
    """Return the verdict of the built-in rules at noon on a day in winter."""
    rules = policy_file.builtin("seed")
    pieces = compile_schedule(rules, Terms("multistorey", contract_limit), DAY, date(2026, 1, 16))
    noon = to_us(datetime.combine(DAY, time(12), rules.zone))
    piece = pieces[np.searchsorted(pieces["start"], noon, "right") - 1][None]
    value = judged_milli(np.array([raw], np.float32), milli(offset))
    return HomeState(int(classify(value, {name: piece[name] for name in (*LIMITS, "reason")})[0]))


def by_decimals(judged: Decimal, limit: Decimal) -> HomeState:
    """Return the same from the text of the regulation, by day."""
    if judged < 16:
        return HomeState.SEVERE
    if judged < limit:
        return HomeState.COLD
    return HomeState.WARM if judged >= limit + Decimal("0.2") else HomeState.FAIR


def test_a_sum_that_binary_fractions_miss() -> None:
    assert np.float32(17.9) + np.float32(0.3) < np.float32(18.2)
    assert state_of(17.9, 0.3) is HomeState.WARM
    assert state_of(17.899, 0.3) is HomeState.FAIR


@pytest.mark.parametrize(
    ("raw", "offset", "state"),
    [
        (18.0, 0.0, HomeState.FAIR),
        (17.999, 0.0, HomeState.COLD),
        (18.2, 0.0, HomeState.WARM),
        (18.199, 0.0, HomeState.FAIR),
        (16.0, 0.0, HomeState.COLD),
        (15.999, 0.0, HomeState.SEVERE),
        (12.7, 5.3, HomeState.FAIR),
        (25.4, -7.4, HomeState.FAIR),
    ],
)
def test_the_edges_of_the_limits_and_of_the_deadband(raw: float, offset: float, state: HomeState) -> None:
    assert state_of(raw, offset) is state


@given(thousandths(10_000, 25_000), thousandths(-10_000, 10_000), thousandths(15_000, 22_000) | st.none())
def test_any_raw_value_offset_and_contract_limit_are_judged_as_decimals(
    judged: Decimal, offset: Decimal, contract: Decimal | None
) -> None:
    found = state_of(float(judged - offset), float(offset), None if contract is None else float(contract))
    assert found is by_decimals(judged, max(Decimal(18), contract or Decimal(18)))


@given(st.floats(-60, 90, width=32), thousandths(-20_000, 20_000))
def test_a_finer_raw_value_goes_to_the_nearest_thousandth(raw: float, offset: Decimal) -> None:
    # The product is a double: what the doors, the engine and SQL agree on. Half goes to the even side.
    nearest = int(Decimal(raw * 1000).quantize(Decimal(1), ROUND_HALF_EVEN))
    assert judged_milli(np.array([raw], np.float32), milli(float(offset))).tolist() == [nearest + int(offset * 1000)]
    assert milli(raw) == nearest


@given(st.integers(-200_000, 200_000))
def test_what_is_shown_is_the_decimal(value: int) -> None:
    (kept,) = celsius(np.array([value], np.int32))
    assert Decimal(str(kept)) == Decimal(value) / 1000


@pytest.mark.parametrize(
    ("number", "whole"), [(0.3, True), (18.2, True), (-0.001, True), (0.0005, False), (1e-9, False)]
)
def test_what_is_finer_than_a_thousandth_is_told(number: float, whole: bool) -> None:
    assert is_whole(number) is whole

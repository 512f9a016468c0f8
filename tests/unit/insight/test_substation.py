"""Early signs of a substation that leaves its usual behaviour, and none of one that does not."""

import numpy as np

from insight.rates import Floats
from insight.substation import QUANTITIES, learn, signs

STEPS = 400
RNG = np.random.default_rng(9)
HOUR = np.asarray(np.arange(STEPS) % 24.0, np.float64)
OUTDOOR = np.stack([-7 + 4 * np.cos(HOUR / 24 * 2 * np.pi) + RNG.normal(0, 1, STEPS)] * 3, axis=1)
LATE = np.arange(STEPS) >= STEPS - 12


def channels() -> dict[str, Floats]:
    supply = 50 - 0.9 * OUTDOOR + RNG.normal(0, 0.3, (STEPS, 3))
    back = 40 - 0.6 * OUTDOOR + RNG.normal(0, 0.3, (STEPS, 3))
    flow = 30 + RNG.normal(0, 0.3, (STEPS, 3))
    return {"supply": supply, "return": back, "spread": supply - back, "flow": flow}


def test_usual_days_give_no_sign() -> None:
    assert signs(channels(), OUTDOOR, HOUR, LATE) == []


def test_a_return_that_rises_is_a_sign_and_a_single_value_is_none() -> None:
    told = channels()
    told["return"][LATE, 1] += 4
    told["spread"] = told["supply"] - told["return"]
    told["flow"][-1, 2] += 50
    found = signs(told, OUTDOOR, HOUR, LATE)
    assert {(sign.substation, sign.quantity) for sign in found} == {(1, "return"), (1, "spread")}
    assert [abs(sign.deviations) for sign in found] == sorted((abs(sign.deviations) for sign in found), reverse=True)
    (back,) = (sign for sign in found if sign.quantity == "return")
    assert abs(back.now - back.usual - 4) < 0.5


def test_too_little_is_not_learned_from() -> None:
    told = {name: np.full((STEPS, 3), np.nan) for name in QUANTITIES}
    assert signs(told, OUTDOOR, HOUR, LATE) == []
    assert learn(OUTDOOR[:50, 0], OUTDOOR[:50, 0], HOUR[:50]) is None

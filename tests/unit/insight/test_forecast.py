"""Forecasts: what is missing breaks nothing, what comes later changes nothing, and a rhythm is learned."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insight import chance, forecast, supply
from insight.chance import Experience
from insight.forecast import BORROWED, FEATURES, KINDS, LEADS, Learned
from insight.model import Lesson, Model
from insight.supply import Outages
from insight.window import DAY, STEP_S, STEPS, Floats, Window, held, mean_of_others

HOMES = 4
ALL_DAY = np.full((HOMES, DAY), 18.0)
NO_SUPPLY = np.full(DAY, np.nan)


def window(seen: Floats, outdoor: Floats | None = None) -> Window:
    """Build a window of two buildings in the middle of a local day."""
    unknown = np.full(STEPS, np.nan)
    outside = unknown if outdoor is None else outdoor
    heated, told = np.ones(len(seen), np.bool_), np.full(len(LEADS), np.nan)
    return Window(seen, np.arange(len(seen)) // 2, outside, unknown, unknown, heated, told, 0.5)


def rhythm(steps: int, start: int = 0) -> Floats:
    """Return [home, step]: homes that swing with the day, each by its own measure."""
    angle = (start + np.arange(steps)) * STEP_S / 86_400 * 2 * np.pi
    return np.asarray(19.0 + np.arange(1, HOMES + 1)[:, None] * np.sin(angle), np.float64)


@cache
def taught() -> Model:
    """Return a model that has seen the rhythm for a day of hours."""
    model = Model.new()
    for start in range(0, 2 * DAY, 4):
        seen = window(rhythm(STEPS, start))
        lesson = Lesson(seen, model.foresee(seen, ALL_DAY), rhythm(DAY, start + STEPS), NO_SUPPLY, ALL_DAY)
        model = model.taught([lesson], 1.0)
    return model


def test_a_rhythm_is_learned() -> None:
    told = taught().foresee(window(rhythm(STEPS, 30)), ALL_DAY)
    came = rhythm(DAY, 30 + STEPS)[:, LEADS - 1]
    assert np.abs(told.celsius - came).mean() < 0.2 * np.abs(told.now[:, None] - came).mean()
    assert (told.ends[..., 0] <= told.ends[..., 1]).all()


def test_what_has_learned_nothing_says_that_all_stays() -> None:
    told = Model.new().foresee(window(rhythm(STEPS)), ALL_DAY)
    assert (told.change == 0).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_what_is_missing_never_becomes_a_forecast_that_is_none(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    seen = np.where(rng.random((HOMES, STEPS)) < share, np.nan, rhythm(STEPS))
    outdoor = np.where(rng.random(STEPS) < share, np.nan, 0.0)
    told = taught().foresee(window(seen, outdoor), ALL_DAY)
    speaks = np.isfinite(held(seen)[:, -1])
    for each in (told.change, told.chance):
        assert (np.isfinite(each) == speaks[:, None]).all()
    assert np.isfinite(told.ends[speaks]).all()
    assert ((told.chance[speaks] >= 0) & (told.chance[speaks] <= 1)).all()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.lists(st.one_of(st.none(), st.floats(10, 25)), min_size=3, max_size=3), min_size=1, max_size=6))
def test_the_mean_of_others_is_that_of_a_slow_count(rows: list[list[float | None]]) -> None:
    seen = np.array(rows, dtype=float)
    building = np.arange(len(seen)) % 2
    for home in range(len(seen)):
        for step in range(3):
            rest = [(b, v) for h, (b, v) in enumerate(zip(building, seen[:, step], strict=True)) if h != home]
            near = [v for b, v in rest if b == building[home] and np.isfinite(v)]
            far = [v for _, v in rest if np.isfinite(v)]
            wanted = np.mean(near or far) if near or far else np.nan
            assert mean_of_others(seen, building)[home, step] == pytest.approx(wanted, nan_ok=True)


def test_margins_are_the_least_above_any_limit_until_then() -> None:
    celsius, limits = np.full((1, DAY), 19.0), np.full((1, DAY), 16.0)
    celsius[0, 12], limits[0, 24:] = 17.0, 18.0
    assert chance.margins(celsius, limits).tolist() == [[3.0, 1.0, 1.0, 1.0]]
    assert np.isnan(chance.margins(celsius, np.full((1, DAY), np.nan))).all()
    celsius[0, :20] = np.nan
    assert np.isnan(chance.margins(celsius, limits)[0, :2]).all()


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0, 1)), min_size=2, max_size=50))
def test_a_chance_never_rises_with_the_margin(bins: list[tuple[int, float]]) -> None:
    pairs = np.array([count for count, _ in bins], float)
    events = np.array([count * share for count, share in bins])
    shares = chance.falling(pairs, events)
    assert (np.diff(shares) <= 1e-12).all()
    assert ((shares > 0) & (shares < 1)).all()
    assert (shares * (pairs + 0.02)).sum() == pytest.approx(events.sum(), abs=0.02 * len(bins))


def weather() -> tuple[Floats, Floats]:
    """Return [step]: outdoor temperature, and supply as such weather asks for."""
    rng = np.random.default_rng(5)
    outdoor = -7.0 + 5.0 * np.sin(np.arange(STEPS) / 15) + rng.normal(0, 0.2, STEPS)
    return outdoor, 46.0 - 1.2 * (outdoor + 7.0) + rng.normal(0, 0.3, STEPS)


def supplied(off: int, lacks: float = 15.0) -> Window:
    """Build a window whose supply has lacked so much for the last steps."""
    outdoor, fed = weather()
    return replace(window(rhythm(STEPS), outdoor), supply=fed - lacks * (np.arange(STEPS) >= STEPS - off))


@pytest.mark.parametrize(("lacks", "is_off"), [(0.0, False), (6.0, False), (15.0, True), (-15.0, False)])
def test_supply_is_off_where_it_lacks_much_of_what_such_weather_commonly_has(lacks: float, is_off: bool) -> None:
    seen = supplied(20, lacks)
    found = supply.line(seen.supply, seen.outdoor)
    assert found.lacks[-1] == pytest.approx(lacks, abs=1.5)
    assert found.slope == pytest.approx(-1.2, abs=0.1)
    assert (len(Outages().futures(seen).chance) > 1) is is_off
    silent = replace(seen, supply=np.where(np.arange(STEPS) < STEPS - 1, seen.supply, np.nan))
    assert Outages().futures(silent).beyond.tolist() == [[0.0] * DAY]


def test_outages_end_as_those_did_that_were_seen() -> None:
    knows = Outages()
    for off in (
        *range(1, 4 * 5),
        0,
    ) * 9:  # each is on for less than five hours; a look when it has just begun, and so on
        knows = knows.seen(supplied(off) if off else ended(4 * 5))
    chance, beyond = knows.futures(supplied(2))
    assert chance.sum() == pytest.approx(1.0)
    assert chance @ beyond[:, 4 * 3] < 4.0  # after three hours it is likely to be on
    assert chance @ beyond[:, 4 * 12] > 12.0  # and after twelve not to be
    assert (np.diff(beyond, axis=1) >= 0).all()


def test_a_home_that_an_outage_cooled_is_cold_in_the_morning_as_likely_as_it_lasts() -> None:
    weights = np.zeros_like(Model.new().weights)
    weights[..., forecast.BEYOND.start] = 0.25  # a room follows the supply of the last hour
    limits = np.where(np.arange(DAY) < 4 * 5, 16.0, ALL_DAY)  # the day begins in five hours
    told = np.concatenate([np.full((50, 4), -3.0), np.full((50, 4), 3.0)])
    came = np.sign(told)
    seen = replace(supplied(8), seen=np.full((HOMES, STEPS), 17.0))
    for share, (least, most) in ((0.5, (0.0, 0.1)), (0.0, (0.9, 1.0))):
        ends = np.stack([np.full(len(supply.AGES) + 1, 1e6), np.full(len(supply.AGES) + 1, 1e6 * share)])
        knows = Model(Learned.nothing(), Experience().with_margins(told, came, 0 * told - 1.0), Outages(ends), weights)
        forecasts = knows.foresee(seen, limits)
        assert (forecasts.chance[:, 1] >= least).all()
        assert (forecasts.chance[:, 1] <= most).all()
        assert (forecasts.change[:, 4] > 3.0).all() == (share > 0)


def test_only_what_supply_does_that_no_weather_asks_for_is_beyond_it() -> None:
    outdoor, fed = weather()
    seen = replace(window(rhythm(STEPS), outdoor), supply=fed, outdoor_ahead=np.full(len(LEADS), outdoor[-1] - 3.0))
    asked = fed[-1] + 1.2 * np.interp(np.arange(1, DAY + 1), [0, LEADS[0]], [0.0, 3.0])
    fallen = np.where(np.arange(DAY) < 40, 15.0, 0.0)
    assert supply.beyond(seen, asked - 4.0).tolist() == [0.0] * DAY
    assert supply.beyond(seen, asked - fallen) == pytest.approx(-fallen, abs=1.0)
    assert np.isnan(supply.beyond(seen, NO_SUPPLY)).all()


def test_a_boiler_at_its_end_in_a_cold_snap_is_no_outage() -> None:
    outdoor, fed = weather()
    outdoor[-12:] -= 25.0
    fed[-12:] = fed[:-12].max()  # it lacks far more than an outage, and is hotter than it commonly is
    seen = replace(window(rhythm(STEPS), outdoor), supply=fed)
    assert supply.line(fed, outdoor).lacks[-1] > supply.OFF_K
    assert not supply.is_off(seen)[-12:].any()


def ended(after: int) -> Window:
    """Build a window in which an outage of so many steps is over since the last one."""
    outdoor, fed = weather()
    at = np.arange(STEPS)
    return replace(window(rhythm(STEPS), outdoor), supply=fed - 15.0 * ((at >= STEPS - 1 - after) & (at < STEPS - 1)))


def test_intervals_hold_what_they_say() -> None:
    errors = np.random.default_rng(3).normal(0, 1, (20_000, len(LEADS)))
    ends = Experience().with_errors(errors, np.zeros((len(LEADS), 2))).interval()
    inside = (errors >= ends[:, 0]) & (errors <= ends[:, 1])
    assert inside.mean(axis=0) == pytest.approx(np.full(len(LEADS), 0.9), abs=0.02)


def test_intervals_that_are_too_narrow_become_wider_until_they_hold() -> None:
    rng = np.random.default_rng(3)
    knows, held = Experience(), []
    for day in range(300):
        spread = 1.0 + 0.5 * (day % 10 == 0)  # each tenth day is worse than those before it
        errors, ends = rng.normal(0, spread, (60, len(LEADS))), knows.interval()
        held.append(((errors >= ends[:, 0]) & (errors <= ends[:, 1])).mean())
        knows = knows.faded(0.9).with_errors(errors, ends)
    assert 0.89 < np.mean(held[50:]) < 0.93


def test_what_was_learned_is_kept_to_the_bit() -> None:
    packed = taught().packed()
    again = Model.unpacked(packed)
    assert again.packed() == packed
    assert (again.experience.outside != Experience().outside).any()
    assert Model.unpacked(packed[:-8]).packed() == Model.new().packed()


def test_a_fault_that_nobody_foresaw_teaches_little() -> None:
    struck = Model.new()
    for start in range(0, 4 * DAY, 4):
        seen, after = window(rhythm(STEPS, start)), rhythm(DAY, start + STEPS)
        fallen = np.where(start // 4 % 12 == 11, after - 12.0, after)  # one lesson in twelve
        struck = struck.taught([Lesson(seen, struck.foresee(seen, ALL_DAY), fallen, NO_SUPPLY, ALL_DAY)], 1.0)
    calm = taught().foresee(window(rhythm(STEPS, 30)), ALL_DAY).change
    assert np.abs(struck.foresee(window(rhythm(STEPS, 30)), ALL_DAY).change - calm).mean() < 0.3


def test_each_kind_of_homes_has_the_weights_of_its_own_least_squares() -> None:
    rng = np.random.default_rng(11)
    table, change = rng.normal(0, 1, (200, len(LEADS), FEATURES)), rng.normal(0, 1, (200, len(LEADS)))
    kinds, worth = rng.integers(0, KINDS, 200), rng.uniform(0.1, 3.0, change.shape)
    change[7] = np.nan
    found = Learned.of(table, change, worth, kinds).weights(0.0)
    known = np.isfinite(change[:, 0])
    for kind in range(KINDS):
        root = np.sqrt(worth[known, 4] * np.where(kinds[known] == kind, 1.0, BORROWED * (kinds[known] == kind ^ 1)))
        direct = np.linalg.lstsq(table[known, 4] * root[:, None], change[known, 4] * root, rcond=None)[0]
        assert found[kind, 4] == pytest.approx(direct, abs=1e-8)


def test_a_home_is_stirred_by_what_it_moved_in_half_a_day() -> None:
    seen = np.full((4, STEPS), 20.0)
    seen[0, -20:] -= 1.6
    seen[1, -60] -= 9.0
    seen[2] = np.nan
    seen[3, -2:] = [np.nan, 18.0]
    assert forecast.kind(seen).tolist() == [1, 0, 0, 1]


def test_a_home_that_swings_does_not_drown_the_others() -> None:
    assert forecast.scale(rhythm(STEPS)).argsort().tolist() == [0, 1, 2, 3]

"""Refunds of random ledgers under random tables come to the cent what a slow, independent computation says."""

from datetime import date, timedelta
from random import Random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.refunds.facts import no_facts
from domain.refunds.rules import Deemed, Money, OutageRefund, RefundRow, RefundRules, RefundVersion
from domain.refunds.season import DAY_FACTS, DayReason, HomeTerms, season
from tests.unit.refunds.slow_refunds import refunds

FIRST = date(2025, 11, 15)
DAY_US = 86_400_000_000
STARTS = st.sets(st.integers(0, 6), min_size=1, max_size=2)


@st.composite
def rows(draw: st.DrawFn) -> tuple[RefundRow, ...]:
    below = sorted(draw(st.sets(st.sampled_from([12.5, 14.0, 16.0, 18.0, 20.0]), max_size=3)))
    percents = sorted(draw(st.lists(st.integers(0, 100), min_size=len(below), max_size=len(below))), reverse=True)
    return tuple(RefundRow(below_celsius=b, percent=p) for b, p in zip(below, percents, strict=True))


@st.composite
def version(draw: st.DrawFn, valid_from: date) -> RefundVersion:
    deemed = st.builds(Deemed, within_s=st.just(3600), celsius=st.sampled_from([13.999, 15.0]))
    outage = st.builds(
        OutageRefund, over_s=st.just(43_200), percent=st.integers(0, 100), amount=st.sampled_from([Money(0), Money(45)])
    )
    return RefundVersion(
        valid_from=valid_from,
        rows=draw(rows()),
        counts=draw(st.sampled_from(["breach", "all_day"])),
        day_by=draw(st.sampled_from(["lowest", "mean"])),
        starts=draw(st.sampled_from(["proof", "request", "report"])),
        rounding=draw(st.sampled_from(["half_up", "half_even", "down"])),
        least_cold_s=draw(st.sampled_from([1, 3600])),
        least_days=draw(st.integers(1, 3)),
        basic_percent=draw(st.sampled_from([0, 30])),
        refusal_is_warm=draw(st.booleans()),
        unpaid_excluded=draw(st.booleans()),
        authority_factor=draw(st.sampled_from([1, 2])),
        deemed=draw(st.none() | deemed),
        outage=draw(st.none() | outage),
        cap_percent=draw(st.none() | st.integers(1, 100)),
        cap=draw(st.none() | st.integers(0, 2000).map(Money)),
    )


def drawn_day(random: Random) -> dict[str, Any]:
    """Draw the facts of a day, at the edges of the rules more often than between them."""
    known = random.choice([0, 3_600_000_000, DAY_US])
    names = ("authority", "requested", "reported", "refused", "unmeasured", "at_fault", "unpaid")
    edges = [14_000, 16_000, 18_000, 17_999, random.randint(12_000, 21_000)]
    return {
        "known": known,
        "breach": random.choice([0, 1_000_000, 3_599_999_999, DAY_US]) if known else 0,
        "unknown": random.choice([0, 3_600_000_000]),
        "lowest": random.choice(edges) if known else 2**31 - 1,
        "measured": random.choice([2**31 - 1, 2**31 - 1, *edges]),
        "outage": random.choice([0, 0, 43_199_999_999, 43_200_000_000]),
        "periods": random.choice([0, 0, 0, 1, 2]),
        "heat": known * random.choice(edges),
    } | {name: random.random() < 0.15 for name in names}


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(0, 2**32).map(Random))
def test_the_days_of_a_season_are_those_of_the_slow_computation(data: st.DataObject, random: Random) -> None:
    length = data.draw(st.integers(1, 12))
    made = [data.draw(version(FIRST + timedelta(days=day))) for day in sorted(data.draw(STARTS))]
    rules = RefundRules(name="drawn", currency="CNY", source="", read="", unread="", versions=tuple(made))
    homes = [[drawn_day(random) for _ in range(length)] for _ in range(6)]
    fees = [random.randint(0, 500_000) for _ in homes]
    facts = no_facts(len(homes), length)
    for at, home in enumerate(homes):
        for day, told in enumerate(home):
            facts[at, day] = tuple(told[name] for name in DAY_FACTS.names or ())
    numbers = rules.version_numbers(FIRST, FIRST + timedelta(days=length))
    found = season(rules, numbers, facts, HomeTerms(np.array(fees, np.int64), 121))
    for at, home in enumerate(homes):
        slow = refunds([rules.version_on(FIRST + timedelta(days=d)) for d in range(length)], home, fees[at], 121)
        assert found["amount"][at].tolist() == [day.amount for day in slow]
        assert ((found["reason"][at] >= DayReason.COLD) == [day.pays for day in slow]).all()
    again = season(rules, numbers, facts.copy(), HomeTerms(np.array(fees, np.int64), 121))
    assert again.tobytes() == found.tobytes()

"""Refunds of random ledgers under random tables come to the cent what a slow, independent computation says."""

from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.refunds.batch import SeasonTerms, compute_batch
from domain.refunds.facts import CountedMeasurement, FactKind, HomeFact, RefundRecord, SeasonDays, no_facts
from domain.refunds.rules import Deemed, Money, OutageRefund, RefundRow, RefundRules, RefundVersion
from domain.refunds.season import DAY_FACTS, DayReason, HomeTerms, season
from store.base import wire
from store.judging.ledger_rows import SPENT_ROW
from tests.unit.refunds.slow_refunds import facts_of, refunds

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
    deemed = st.builds(
        Deemed, within_s=st.just(3600), celsius=st.sampled_from([13.999, 15.0]), until_measured=st.booleans()
    )
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


ZONE = ZoneInfo("Asia/Shanghai")
HOURS = [0, 1, 23, 24, 25]  # between what happens, so that edges of days and of times allowed are met


def drawn_record(random: Random, days: int) -> RefundRecord:
    """Draw what is on record of a home."""
    at = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=ZONE)
    facts, measured = list[HomeFact](), list[CountedMeasurement]()
    for _ in range(random.randint(0, 5)):
        at += timedelta(hours=random.choice(HOURS), seconds=random.choice([0, 0, 1, 1800]))
        if at >= datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=ZONE) + timedelta(days=days):
            break
        if random.random() < 0.3:
            measured.append(CountedMeasurement(at, random.choice([13_000, 15_999, 16_000, 19_000])))
        else:
            facts.append(HomeFact(random.choice([FactKind.REQUEST, *FactKind]), at))
    return RefundRecord(tuple(facts), tuple(measured))


def drawn_ledger(random: Random, days: int) -> list[dict[str, int]]:
    """Draw the days of a home."""
    out = []
    for _ in range(days):
        day = drawn_day(random)
        cold = min(day["breach"], day["known"])
        row = {"compliant": day["known"] - cold, "cold": cold // 2, "severe": cold - cold // 2}
        out.append(row | {name: day[name] for name in ("unknown", "heat", "lowest")})
    return out


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(0, 2**32).map(Random))
def test_sheets_are_those_of_the_slow_computation_from_the_ledger_and_the_record(
    data: st.DataObject, random: Random
) -> None:
    length = data.draw(st.integers(1, 8))
    made = [data.draw(version(FIRST + timedelta(days=day))) for day in sorted(data.draw(STARTS))]
    rules = RefundRules(name="drawn", currency="CNY", source="", read="", unread="", versions=tuple(made))
    homes, days = np.array([3, 5, 9]), SeasonDays(FIRST, FIRST + timedelta(days=length), ZONE, 121)
    ledgers = {home: drawn_ledger(random, length) for home in homes.tolist()}
    records = {home: drawn_record(random, length) for home in homes.tolist()}
    fees = np.array([random.randint(0, 500_000) for _ in homes], np.int64)
    rows = [
        (home, (FIRST + timedelta(days=nth)).toordinal(), *(row[name] for name in list(SPENT_ROW)[2:]))
        for home, ledger in ledgers.items()
        for nth, row in enumerate(ledger)
    ]
    outside = [(3, days.end.toordinal(), *rows[0][2:]), (4, *rows[0][1:])]  # of another season, and of another home
    random.shuffle(rows)
    ledger = np.array(rows + outside, wire.native(SPENT_ROW))
    terms = SeasonTerms(days, homes, fees, records)
    found = compute_batch(rules, terms, ledger)
    versions = [rules.version_on(FIRST + timedelta(days=nth)) for nth in range(length)]
    for nth, home in enumerate(homes.tolist()):
        told = facts_of(records[home], ledgers[home], FIRST, ZONE, versions)
        slow = refunds(versions, told, int(fees[nth]), 121)
        assert found.computed["amount"][nth].tolist() == [day.amount for day in slow]
        assert found.totals[nth] == sum(day.amount for day in slow)
    assert compute_batch(rules, terms, ledger).computed.tobytes() == found.computed.tobytes()
    changed = random.randrange(len(rows))
    ledger["unknown"][changed] += 1_000_000
    same = [
        a == b
        for a, b in zip(compute_batch(rules, terms, ledger).sealed(rules)[0], found.sealed(rules)[0], strict=True)
    ]
    assert same == (homes != ledger["home_id"][changed]).tolist()

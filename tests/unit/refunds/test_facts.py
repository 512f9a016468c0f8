"""Records with instants, as days: requests, measurements, times without heat, and their edges."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from domain.errors import Fault
from domain.refunds.facts import (
    AwaySpan,
    CountedMeasurement,
    FactKind,
    HomeFact,
    RefundRecord,
    SeasonDays,
    no_facts,
    note,
)
from domain.refunds.rules import Deemed, Money, OutageRefund, RefundRules
from domain.refunds.rules_file import pack
from domain.refunds.season import DayReason, HomeTerms, season
from domain.refunds.sheet import InputsSeal, ledger_facts, season_fee
from store.base import wire
from store.judging.ledger_rows import DAY_ROW

ZONE = ZoneInfo("Asia/Shanghai")
DAYS = SeasonDays(date(2025, 11, 15), date(2025, 11, 21), ZONE, 120)
RULES = pack("luoyang")


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2025, 11, day, hour, minute, tzinfo=ZONE)


def noted(record: RefundRecord, rules: RefundRules = RULES, days: SeasonDays = DAYS) -> Any:
    facts = no_facts(1, days.days)[0]
    note(facts, days, record, rules)
    return facts


def with_rules(**changes: Any) -> RefundRules:
    return replace(RULES, versions=(replace(RULES.versions[0], **changes),))


def test_a_request_that_nobody_answers_in_time_marks_its_day() -> None:
    rules = with_rules(deemed=Deemed(within_s=3600, celsius=13.0))
    asked = HomeFact(FactKind.REQUEST, at(16, 9))
    in_time = RefundRecord((asked,), (CountedMeasurement(at(16, 10), 17_000),))
    late = RefundRecord((asked,), (CountedMeasurement(at(16, 10, 1), 17_000),))
    refused = RefundRecord((asked, HomeFact(FactKind.REFUSED, at(16, 9, 30))))
    assert [noted(one, rules)["unmeasured"].sum() for one in (in_time, late, refused)] == [0, 1, 0]
    waiting = with_rules(deemed=Deemed(within_s=3600, celsius=13.0, until_measured=True))
    assert noted(RefundRecord((asked,)), waiting)["unmeasured"].tolist() == [False, *[True] * 5]
    came = RefundRecord((asked,), (CountedMeasurement(at(18, 8), 17_000),))
    assert noted(came, waiting)["unmeasured"].tolist() == [False, True, True, False, False, False]


def test_a_request_whose_time_is_not_over_is_nobodys_fault() -> None:
    rules = with_rules(deemed=Deemed(within_s=86_400, celsius=13.0))
    assert not noted(RefundRecord((HomeFact(FactKind.REQUEST, at(20, 0, 1)),)), rules)["unmeasured"].any()


def test_time_without_heat_is_told_on_each_day_it_touches_and_its_edges_are_half_open() -> None:
    facts = noted(RefundRecord(away=(AwaySpan(at(16, 12), at(17)),)))
    assert facts["outage"].tolist() == [0, 43_200_000_000, 0, 0, 0, 0]
    until_now = noted(RefundRecord(away=(AwaySpan(at(14, 12), None),)))
    assert (until_now["outage"] == 6.5 * 86_400_000_000).all()


def test_full_periods_count_on_the_day_that_ends_them_from_the_first_report() -> None:
    rules = pack("uk-24h")
    reported = HomeFact(FactKind.REPORT, at(16))
    away = AwaySpan(at(15, 12), at(18, 0, 1))
    assert noted(RefundRecord((reported,), away=(away,)), rules)["periods"].tolist() == [0, 1, 1, 0, 0, 0]
    assert noted(RefundRecord(away=(away,)), rules)["outage"].sum() == 0


def test_days_of_23_and_25_hours_are_counted_by_instants() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    days = SeasonDays(date(2026, 3, 28), date(2026, 3, 31), berlin, 180)
    away = AwaySpan(datetime(2026, 3, 29, tzinfo=berlin), datetime(2026, 3, 30, tzinfo=berlin))
    rules = with_rules(outage=OutageRefund(over_s=23 * 3600, amount=Money(10)))
    facts = noted(RefundRecord(away=(away,)), rules, days)
    assert facts["outage"].tolist() == [0, 23 * 3_600_000_000, 0]
    assert facts["periods"].tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("name", "celsius", "percent"),
    [
        ("heilongjiang-2021", 20.0, 0),
        ("heilongjiang-2021", 19.999, 50),
        ("heilongjiang-2021", 16.0, 50),
        ("heilongjiang-2021", 15.999, 100),
    ],
)
def test_a_pack_at_its_edges(name: str, celsius: float, percent: int) -> None:
    facts = no_facts(1, 1)
    facts["known"], facts["lowest"] = 86_400_000_000, round(celsius * 1000)
    rules = pack(name)
    numbers = rules.version_numbers(DAYS.first, DAYS.first + timedelta(days=1))
    day = season(rules, numbers, facts, HomeTerms(np.array([360_000]), 180))[0, 0]
    assert (day["percent"], day["amount"]) == (percent, 2_000 * percent // 100)


def test_luoyang_counts_from_the_request_and_not_a_single_day() -> None:
    facts = no_facts(1, 5)
    facts["known"], facts["breach"], facts["lowest"] = 86_400_000_000, 3_600_000_000, 17_000
    facts["requested"][0, 3] = True
    numbers = RULES.version_numbers(DAYS.first, date(2025, 11, 20))
    days = season(RULES, numbers, facts, HomeTerms(np.array([120_000]), 120))[0]
    assert [DayReason(one).name for one in days["reason"]] == ["NOT_STARTED"] * 3 + ["COLD"] * 2
    assert days["amount"].tolist() == [0, 0, 0, 500, 500]
    assert days["would"].tolist() == [500] * 5
    facts["lowest"][0, 4] = 19_000
    alone = season(RULES, numbers, facts, HomeTerms(np.array([120_000]), 120))[0]
    assert DayReason(alone["reason"][3]).name == "TOO_SHORT"
    assert alone["amount"].sum() == 0


def test_a_changed_second_of_the_ledger_is_found() -> None:
    rows = np.zeros(4, wire.native(DAY_ROW))
    rows["home_id"], rows["day"] = [7, 7, 9, 9], [DAYS.first.toordinal(), DAYS.first.toordinal() + 5] * 2
    rows["compliant"], rows["lowest"] = 86_400_000_000, 19_000
    homes = np.array([7, 9])

    def digests() -> list[bytes]:
        facts = ledger_facts(rows, homes, DAYS)
        assert facts["known"][1].tolist() == [86_400_000_000, 0, 0, 0, 0, int(rows["compliant"][3])]
        return [InputsSeal(RULES, DAYS).of(120_000, facts[at]) for at in range(2)]

    before = digests()
    assert digests() == before
    rows["compliant"][3] -= 1_000_000
    after = digests()
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False]
    facts = no_facts(1, 6)[0]
    assert InputsSeal(RULES, DAYS).of(1, facts) != InputsSeal(RULES, DAYS).of(2, facts)


def test_a_fee_is_area_by_price_to_the_cent() -> None:
    assert season_fee(Decimal("89.53"), Decimal("24.5")) == 219_349  # 2193.485
    with pytest.raises(Fault, match="more than 100000000"):
        season_fee(Decimal(10_000_000), Decimal(100))

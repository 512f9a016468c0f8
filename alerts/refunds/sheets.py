"""Refund sheets: computed from the ledger and what is on record, written under a seal, and compared again."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from domain.errors import Fault
from domain.policy import Policy, Season
from domain.refunds.facts import SeasonDays, note
from domain.refunds.rules import RefundRules
from domain.refunds.season import DayReason, HomeTerms, season
from domain.refunds.sheet import inputs_digest, ledger_facts, rows_digest, season_fee
from domain.words import faults
from store.judging import ledger_rows
from store.refunds import refund_rows
from store.refunds.refund_rows import NewSheet, OpenSpan
from store.registry import fee_rows


@dataclass(frozen=True)
class ComputedSheet:
    """The days of a home in a season as the record says now."""

    days: SeasonDays
    fee: int  # smallest units
    facts: NDArray[np.void]  # DAY_FACTS
    computed: NDArray[np.void]  # DAYS
    inputs: bytes
    digest: bytes

    @property
    def total(self) -> int:
        """The sum of its days, in smallest units."""
        return int(self.computed["amount"].sum())

    @property
    def missed(self) -> dict[str, int]:
        """Sums that days would have given back, by why they do not."""
        found: dict[str, int] = {}
        for reason, amount, would in self.computed[["reason", "amount", "would"]].tolist():
            if would > amount:
                name = "cap" if reason >= DayReason.COLD else DayReason(reason).name.lower()
                found[name] = found.get(name, 0) + would - amount
        return found


class Making(NamedTuple):
    """Author and time of a sheet, and what it corrects and why."""

    by: str
    at: datetime
    corrects: int | None = None
    reason: str | None = None


def chosen_season(policy: Policy, wanted: date | None, today: date) -> Season | None:
    """Return the season that begins on a day; None wanted: the last that has begun."""
    if wanted is not None:
        return next((one for one in policy.seasons if one.first == wanted and one.first < today), None)
    return next((one for one in reversed(policy.seasons) if one.first < today), None)


def compute(conn: Connection, policy: Policy, rules: RefundRules, home: int, of: tuple[Season, date]) -> ComputedSheet:
    """Compute the days of a home's season that are over.

    Args:
        of: the season, and the first day that is not over.
    Raises:
        Fault: what the home pays is not on record.
    """
    chosen, until = of
    whole = (chosen.end - chosen.first).days
    days = SeasonDays(chosen.first, min(chosen.end, until), policy.zone, whole)
    price = fee_rows.find(conn, home, chosen.first)
    if price is None:
        raise Fault(faults.NO_FEE.fill(season=chosen.first))
    fee = season_fee(*price)
    rows = ledger_rows.days(conn, [home], (days.first, days.end), policy.labels)
    facts = ledger_facts(rows, np.array([home]), days)
    note(facts[0], days, refund_rows.record(conn, home, OpenSpan(days.start(), days.over())), rules)
    numbers = rules.version_numbers(days.first, days.end)
    computed = season(rules, numbers, facts, HomeTerms(np.array([fee], np.int64), whole))
    inputs = inputs_digest(rules, days, fee, facts[0])
    return ComputedSheet(days, fee, facts[0], computed[0], inputs, rows_digest(inputs, computed[0]))


def write(conn: Connection, rules: RefundRules, home: int, sheet: ComputedSheet, making: Making) -> str:
    """Write a sheet; returns its number.

    Raises:
        psycopg.errors.UniqueViolation: the home has one of the season, or the corrected one has a correction.
    """
    new = NewSheet(
        home=home,
        season=sheet.days.first,
        upto=sheet.days.end,
        season_days=sheet.days.whole,
        rules=rules.name,
        rules_digest=hashlib.sha256(rules.text.encode()).digest(),
        currency=rules.currency,
        fee=sheet.fee,
        total=sheet.total,
        inputs=sheet.inputs,
        digest=sheet.digest,
        corrects=making.corrects,
        reason=making.reason,
        made_at=making.at,
        made_by=making.by,
    )
    return refund_rows.insert(conn, new, sheet.computed, sheet.facts)


def over(policy: Policy, now: datetime) -> date:
    """Return the first local day that is not over and counted: yesterday's is, an hour after midnight."""
    return (now.astimezone(policy.zone) - timedelta(hours=1)).date()

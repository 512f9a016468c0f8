"""The days of many homes in a season in money. No database is asked, so any machine may compute them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from domain.refunds.facts import RefundRecord, SeasonDays, note
from domain.refunds.rules import RefundRules
from domain.refunds.season import HomeTerms, Int, season
from domain.refunds.sheet import InputsSeal, ledger_facts, rows_digest


class SeasonTerms(NamedTuple):
    """Homes in a season: what each pays, and what is on record of it beside the ledger."""

    days: SeasonDays
    homes: Int  # home_id, rising: those whose fee is on record
    fees: Int  # of each home, in smallest units
    records: Mapping[int, RefundRecord]  # home_id → record; of those that have any

    def of(self, homes: NDArray[np.integer]) -> "SeasonTerms":
        """Return the terms of some of the homes."""
        mine = np.isin(self.homes, homes)
        return self._replace(homes=self.homes[mine], fees=self.fees[mine])

    def upto(self, end: date) -> "SeasonTerms":
        """Return the terms for the days before `end` alone."""
        return self._replace(days=self.days._replace(end=min(self.days.end, end)))


@dataclass(frozen=True)
class SheetBatch:
    """The days of several homes in a season in money; all arrays are by home, in one order."""

    days: SeasonDays
    homes: NDArray[np.int64]  # rising
    fees: NDArray[np.int64]  # smallest units
    facts: NDArray[np.void]  # DAY_FACTS
    computed: NDArray[np.void]  # DAYS

    @property
    def totals(self) -> NDArray[np.int64]:
        """The sums of their days, in smallest units."""
        return np.asarray(self.computed["amount"].sum(axis=1))

    def of(self, which: NDArray[np.bool_]) -> "SheetBatch":
        """Return the part of some of the homes."""
        return SheetBatch(self.days, self.homes[which], self.fees[which], self.facts[which], self.computed[which])

    def sealed(self, rules: RefundRules) -> tuple[list[bytes], list[bytes]]:
        """Return the digests of what each sheet was computed from, and those of its days."""
        seal, fees = InputsSeal(rules, self.days), self.fees.tolist()
        inputs = [seal.of(fee, facts) for fee, facts in zip(fees, self.facts, strict=True)]
        return inputs, [rows_digest(one, computed) for one, computed in zip(inputs, self.computed, strict=True)]


def compute_batch(rules: RefundRules, terms: SeasonTerms, ledger: NDArray[np.void]) -> SheetBatch:
    """Compute the days of homes in a season.

    Args:
        ledger: days with the fields that `ledger_facts` takes, in any order; those of other homes and outside the
            season are left out.
    """
    days = terms.days
    inside = (ledger["day"] >= days.first.toordinal()) & (ledger["day"] < days.end.toordinal())
    facts = ledger_facts(ledger[inside & np.isin(ledger["home_id"], terms.homes)], terms.homes, days)
    for nth, home in enumerate(terms.homes.tolist()):
        if home in terms.records:
            note(facts[nth], days, terms.records[home], rules)
    numbers = rules.version_numbers(days.first, days.end)
    computed = season(rules, numbers, facts, HomeTerms(terms.fees, days.whole))
    return SheetBatch(days, terms.homes, terms.fees, facts, computed)

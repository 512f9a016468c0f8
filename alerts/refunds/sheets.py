"""Refund sheets: computed from the ledger and what is on record, written under a seal, and compared again."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from domain.errors import Fault
from domain.policy import Policy, Season
from domain.refunds.batch import SheetBatch, compute_batch
from domain.refunds.facts import SeasonDays
from domain.refunds.rules import RefundRules
from domain.refunds.season import DayReason
from domain.words import faults
from store.judging import ledger_rows
from store.refunds import refund_rows, season_rows
from store.refunds.refund_rows import NewSheets


@dataclass(frozen=True)
class ComputedSheet:
    """The days of a home in a season as the record says now."""

    batch: SheetBatch  # of one home
    inputs: bytes
    digest: bytes

    @property
    def days(self) -> SeasonDays:
        """Its days."""
        return self.batch.days

    @property
    def fee(self) -> int:
        """The season's fee, in smallest units."""
        return int(self.batch.fees[0])

    @property
    def facts(self) -> NDArray[np.void]:
        """DAY_FACTS of its days."""
        return np.asarray(self.batch.facts[0])

    @property
    def computed(self) -> NDArray[np.void]:
        """DAYS of its days."""
        return np.asarray(self.batch.computed[0])

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


def compute_many(
    conn: Connection, policy: Policy, rules: RefundRules, homes: Sequence[int], of: tuple[Season, date]
) -> SheetBatch:
    """Compute the days of a season that are over, of those homes whose fee is on record.

    Args:
        of: the season, and the first day that is not over.
    """
    chosen, until = of
    days = SeasonDays.of(chosen, policy.zone, until)
    terms = season_rows.terms(conn, homes, days, policy.after_season_before(chosen))
    return compute_batch(rules, terms, ledger_rows.spent(conn, terms.homes.tolist(), (days.first, days.end)))


def compute(conn: Connection, policy: Policy, rules: RefundRules, home: int, of: tuple[Season, date]) -> ComputedSheet:
    """Compute the days of a home's season that are over.

    Args:
        of: the season, and the first day that is not over.
    Raises:
        Fault: what the home pays is not on record.
    """
    batch = compute_many(conn, policy, rules, [home], of)
    if not len(batch.homes):
        raise Fault(faults.NO_FEE.fill(season=of[0].first))
    (inputs,), (digest,) = batch.sealed(rules)
    return ComputedSheet(batch, inputs, digest)


def write_many(conn: Connection, rules: RefundRules, batch: SheetBatch, making: Making) -> dict[int, str]:
    """Write sheets; returns the number of each home's.

    Raises:
        psycopg.errors.UniqueViolation: a home has one of the season, or the corrected one has a correction.
    """
    inputs, digests = batch.sealed(rules)
    new = NewSheets(
        season=batch.days.first,
        upto=batch.days.end,
        season_days=batch.days.whole,
        rules=rules.name,
        rules_digest=hashlib.sha256(rules.text.encode()).digest(),
        currency=rules.currency,
        homes=batch.homes.tolist(),
        fees=batch.fees.tolist(),
        totals=batch.totals.tolist(),
        inputs=inputs,
        digests=digests,
        corrects=making.corrects,
        reason=making.reason,
        made_at=making.at,
        made_by=making.by,
    )
    return refund_rows.insert(conn, new, batch.computed, batch.facts)


def write(conn: Connection, rules: RefundRules, sheet: ComputedSheet, making: Making) -> str:
    """Write the sheet of a home; returns its number. Raises as `write_many` does."""
    (number,) = write_many(conn, rules, sheet.batch, making).values()
    return number


def over(policy: Policy, now: datetime) -> date:
    """Return the first local day that is not over and counted: yesterday's is, an hour after midnight."""
    return (now.astimezone(policy.zone) - timedelta(hours=1)).date()

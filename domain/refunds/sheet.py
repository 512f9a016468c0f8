"""From the ledger to the facts of a season, and the seals of a sheet: of what went in, and of the days of it."""

import hashlib
import json
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from numpy.typing import NDArray

from domain.errors import Fault
from domain.refunds.facts import SeasonDays, no_facts
from domain.refunds.rules import MOST_FEE, RefundRules
from domain.refunds.season import Int
from domain.words import faults


def ledger_facts(rows: NDArray[np.void], homes: Int, days: SeasonDays) -> NDArray[np.void]:
    """Lay out ledger days by home and day.

    Args:
        rows: ledger days of the homes within the season, with the fields of `store.judging.ledger_rows.SPENT_ROW`.
        homes: keys of homes, ascending.
        days: local days.
    Returns:
        DAY_FACTS of homes × days; nothing is known of a day without a row.
    """
    facts = no_facts(len(homes), days.days)
    at = np.searchsorted(homes, rows["home_id"]), rows["day"] - days.first.toordinal()
    breach = rows["cold"] + rows["severe"]
    facts["breach"][at] = breach
    facts["known"][at] = rows["compliant"] + breach
    for name in ("unknown", "heat", "lowest"):
        facts[name][at] = rows[name]
    return facts


class InputsSeal:
    """Seals what sheets of a season are computed from: rules, season, fee, and the facts of each day."""

    def __init__(self, rules: RefundRules, days: SeasonDays) -> None:
        self._told = {
            "rules": hashlib.sha256(rules.text.encode()).hexdigest(),
            "first": days.first.isoformat(),
            "end": days.end.isoformat(),
            "whole": days.whole,
        }

    def of(self, fee: int, facts: NDArray[np.void]) -> bytes:
        """Return the SHA-256 for a home, of its fee and DAY_FACTS."""
        head = json.dumps({**self._told, "fee": fee}, sort_keys=True, separators=(",", ":")).encode()
        return hashlib.sha256(b"hearth-refund/1|" + head + b"|" + facts.tobytes()).digest()


def rows_digest(inputs: bytes, computed: NDArray[np.void]) -> bytes:
    """Return the SHA-256 of the days of a sheet (DAYS), bound to what they were computed from."""
    return hashlib.sha256(inputs + computed.tobytes()).digest()


def season_fee(area_m2: Decimal, per_m2: Decimal) -> int:
    """Return the fee of a season in smallest units; half a unit goes up.

    Raises:
        Fault: it is more than can be computed with.
    """
    fee = int((area_m2 * per_m2 * 100).quantize(Decimal(1), ROUND_HALF_UP))
    if fee > MOST_FEE:
        raise Fault(faults.FEE_TOO_HIGH.fill(most=MOST_FEE // 100))
    return fee


def told(units: int) -> str:
    """Return an amount of smallest units as people read it: 12.34."""
    return f"{units // 100}.{units % 100:02}"

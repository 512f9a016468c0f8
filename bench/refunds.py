"""`python -m bench.refunds`: a season of 200,000 homes from ledger days to sealed sheets, on one core, as JSON.

The ledger is made up in memory as `store.judging.ledger_rows.days` returns it, a block of homes at a time; that is
not counted. One home in twenty has a request, a signed measurement and a time without heat on record.
"""

import argparse
import json
import resource
import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from domain.refunds.facts import AwaySpan, CountedMeasurement, FactKind, HomeFact, RefundRecord, SeasonDays, note
from domain.refunds.rules_file import pack
from domain.refunds.season import HomeTerms, season
from domain.refunds.sheet import inputs_digest, ledger_facts, rows_digest
from store.base import wire
from store.judging.ledger_rows import DAY_ROW

HOMES, QUICK_HOMES = 200_000, 8_000
DAY_US = 86_400_000_000
BLOCK_HOMES = 512  # whose arrays stay in the caches of a core
NOTED_EVERY = 20
DAYS = SeasonDays(date(2025, 11, 15), date(2026, 3, 16), ZoneInfo("Asia/Shanghai"), 121)
RULES = pack("luoyang")


def main() -> None:
    """Compute the sheets of a season and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--homes", type=int, default=HOMES)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_HOMES:,} homes")
    asked = parser.parse_args()
    homes = QUICK_HOMES if asked.quick else asked.homes
    took, owed = 0.0, 0
    for low in range(0, homes, BLOCK_HOMES):
        keys = np.arange(low, min(low + BLOCK_HOMES, homes))
        rows = _made_up(keys)
        begin = time.perf_counter()
        owed += _sheets(keys, rows)
        took += time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"homes": homes, "season_sheets_s": round(took, 2), "peak_rss_mib": round(peak), "owed": owed}))


def _sheets(keys: NDArray[np.int64], rows: NDArray[np.void]) -> int:
    """Compute and seal the sheets of a block; returns the sum."""
    facts = ledger_facts(rows, keys, DAYS)
    for at in range(0, len(keys), NOTED_EVERY):
        note(facts[at], DAYS, _record(int(keys[at])), RULES)
    fees = 150_000 + keys % 7 * 12_345
    numbers = RULES.version_numbers(DAYS.first, DAYS.end)
    computed = season(RULES, numbers, facts, HomeTerms(fees, DAYS.whole))
    for at in range(len(keys)):
        rows_digest(inputs_digest(RULES, DAYS, int(fees[at]), facts[at]), computed[at])
    return int(computed["amount"].sum())


def _record(home: int) -> RefundRecord:
    asked = datetime(2025, 12, 1, 9, tzinfo=UTC) + timedelta(days=home % 60)
    return RefundRecord(
        (HomeFact(FactKind.REQUEST, asked),),
        (CountedMeasurement(asked + timedelta(hours=3), 16_500),),
        (AwaySpan(asked + timedelta(days=3), asked + timedelta(days=4)),),
    )


def _made_up(keys: NDArray[np.int64]) -> NDArray[np.void]:
    """Make up a block's ledger: most days warm, some cold for hours, some unknown in part."""
    random = np.random.default_rng(int(keys[0]))
    rows = np.zeros(len(keys) * DAYS.days, wire.native(DAY_ROW))
    rows["home_id"] = np.repeat(keys, DAYS.days)
    rows["day"] = np.tile(np.arange(DAYS.days) + DAYS.first.toordinal(), len(keys))
    rows["unknown"] = random.integers(0, 3_600_000_000, len(rows))
    cold = random.random(len(rows)) < 0.08
    rows["cold"] = np.where(cold, random.integers(0, DAY_US // 3, len(rows)), 0)
    rows["compliant"] = DAY_US - rows["unknown"] - rows["cold"]
    rows["lowest"] = np.where(cold, random.integers(13_000, 18_000, len(rows)), 19_000)
    rows["heat"] = (rows["compliant"] + rows["cold"]) * 19_500
    return rows


if __name__ == "__main__":
    main()

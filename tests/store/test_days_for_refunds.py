"""The days from which refunds are computed are those of the ledger."""

from datetime import date, timedelta

import numpy as np
import pytest

from domain.milli import NONE_MILLI
from store.base import wire
from store.judging import ledger_rows
from tests.conftest import Database

pytestmark = pytest.mark.plain_only
FIRST, LAST = date.min, date.max - timedelta(days=1)
DAY_US = 86_400_000_000
NO_HOME_NEEDED = "ALTER TABLE ledger DISABLE TRIGGER ledger_has_home"


def test_days_for_refunds_are_those_of_the_ledger(database: Database) -> None:
    rng = np.random.default_rng(7)
    spans = [(home, day) for home in (1, 2_000_000_000) for day in (FIRST, date(2026, 1, 15), date(2026, 1, 16), LAST)]
    rows = np.zeros(len(spans), wire.native(ledger_rows.DAY_ROW))
    rows["home_id"], rows["day"] = [home for home, _ in spans], [day.toordinal() for _, day in spans]
    rows["cold"] = [0, 7, 0, 0, 3, 0, DAY_US, 0]
    rows["severe"] = [0, 5, 9, 0, 0, 0, 0, 0]
    rows["unknown"] = rng.integers(0, DAY_US, len(rows))
    breach = rows["cold"] + rows["severe"]
    rows["compliant"] = DAY_US - breach
    rows["heat"] = rng.integers(0, 2**55, len(rows))
    rows["lowest"] = [NONE_MILLI, 15_000, 14_999, *rng.integers(-20_000, 30_000, len(rows) - 3)]
    with database.connect() as conn:
        conn.execute(NO_HOME_NEEDED)
        ledger_rows.put(conn, rows, ["p"])
        found = ledger_rows.spent(conn, [1, 2_000_000_000, 3], (FIRST, date.max))
        some = ledger_rows.spent(conn, [2_000_000_000], (date(2026, 1, 15), date(2026, 1, 16)))
        none = ledger_rows.spent(conn, [3], (FIRST, date.max))
    names = list(ledger_rows.SPENT_ROW)
    assert sorted(found.tolist()) == sorted(rows[names].tolist())
    assert some.tolist() == rows[names][[5]].tolist()
    assert len(none) == 0


def test_a_cold_day_for_refunds_has_its_own_breach(database: Database) -> None:
    rows = np.zeros(200, wire.native(ledger_rows.DAY_ROW))
    rows["home_id"], rows["day"] = np.arange(200) // 100 + 1, np.arange(200) % 100 + 700_000
    rows["cold"] = np.where(np.arange(200) % 3 == 0, np.arange(200), 0)
    rows["severe"] = np.where(np.arange(200) % 5 == 0, np.arange(200), 0)
    with database.connect() as conn:
        conn.execute(NO_HOME_NEEDED)
        ledger_rows.put(conn, rows[np.random.default_rng(1).permutation(200)], ["p"])
        found = ledger_rows.spent(conn, [2, 1], (FIRST, date.max))
    names = list(ledger_rows.SPENT_ROW)
    assert sorted(found.tolist()) == sorted(rows[names].tolist())

"""`hearth refunds` as an operator runs it: for show, for good, and again."""

import json
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.registry import HomeFee
from hearth.commands.refunds import MakeSheets, SheetSums, _connection
from hearth.settings import load
from hearth.wiring import now
from store.registry import fee_rows
from tests import registry_rows
from tests.acceptance import processes
from tests.conftest import Database

FIRST = date(2025, 11, 15)
COLD = range(3, 6)  # days of the first home; on the first of them somebody asks for a measurement
INSERT_DAY = """
INSERT INTO ledger VALUES (%s, %s, 82800000000, %s, 0, 0, 0, 0, 1572480000000000, 0, %s, 'p', true, NULL)
"""
INSERT_FACT = """
INSERT INTO refund_fact (home_id, kind, at, reference, recorded_at, recorded_by)
VALUES (%s, 'request', '2025-11-18T09:00:00+08:00', 'call', '2025-11-18T09:00:00+08:00', 'p')
"""


def test_sheets_of_all_homes_are_made_once(plain_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with plain_database.connect(autocommit=True) as conn:
        homes = [registry_rows.home(conn, code) for code in ("cold", "warm", "unpriced")]
        for home in homes:
            for nth in range(10):
                is_cold = home == homes[0] and nth in COLD
                day = FIRST + timedelta(days=nth)
                conn.execute(INSERT_DAY, (home, day, 3_600_000_000 * is_cold, 17 if is_cold else 19))
        conn.execute(INSERT_FACT, (homes[0],))
        fee_rows.bring(conn, [HomeFee(code, FIRST, Decimal(80), Decimal(25)) for code in ("cold", "warm")])
    ours = {"HEARTH_DATABASE_URL": plain_database.url, "HEARTH_REFUNDS": "luoyang", "COLUMNS": "250"}

    def told(*options: str) -> dict[str, Any]:
        done = processes.run(ours, "refunds", "--season", str(FIRST), "--json", *options)
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        return {name: answer[name] for name in ("before", "homes", "owed", "made", "total")}

    amount = 3 * 826  # 2,000 a season of 121 days: 16.529 a day, half of it
    assert told("--dry-run") == {"before": 0, "homes": 2, "owed": 1, "made": 0, "total": amount}
    assert told() == {"before": 0, "homes": 2, "owed": 1, "made": 1, "total": amount}
    assert told("--all") == {"before": 1, "homes": 1, "owed": 0, "made": 1, "total": 0}
    assert told("--all") == {"before": 2, "homes": 0, "owed": 0, "made": 0, "total": 0}
    with plain_database.connect() as conn:
        made = conn.execute("SELECT total, made_by FROM refund_sheet ORDER BY home_id").fetchall()
    assert made == [(amount, "hearth refunds"), (0, "hearth refunds")]
    # Both got their sheets since a worker was given the homes: it leaves them out.
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    settings = load()
    with closing(_connection(settings)):
        assert MakeSheets(settings, FIRST, now(), True, False)(homes) == (3, SheetSums())
    _connection.cache_clear()
    without = processes.run(ours | {"HEARTH_REFUNDS": ""}, "refunds")
    assert (without.returncode, len(without.stderr.splitlines())) == (2, 1)

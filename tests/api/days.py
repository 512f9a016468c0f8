"""Days of the ledger."""

from datetime import date, timedelta
from typing import Any

from tests.api.conftest import Api

TODAY = date(2026, 1, 15)  # of town.NOW, in Shanghai
DAY = timedelta(days=1)
INSERT_DAY = """
INSERT INTO ledger (
  home_id, day, compliant_us, cold_us, severe_us, unknown_us, not_judged_us, shortfall_us, heat, deficit, lowest,
  policy, closed
)
VALUES (
  %(home)s, %(day)s, %(compliant)s, %(cold)s, 0, %(unknown)s, 0, %(shortfall)s, %(heat)s, %(deficit)s, %(lowest)s,
  'seed@2020-01-01', %(closed)s
)
"""


def ledger_day(api: Api, home: int, day: date, **columns: Any) -> None:
    """Store a day of a home, all warm unless told otherwise; µs as in the table."""
    row = {"compliant": 86_400_000_000, "cold": 0, "unknown": 0, "shortfall": 0, "heat": 0, "deficit": 0}
    api.conn.execute(INSERT_DAY, {**row, "home": home, "day": day, "lowest": None, "closed": day < TODAY, **columns})

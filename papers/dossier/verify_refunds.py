"""Verification of the refund sheets in a dossier: days in order that add up, and are those of the sheet's digest."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from itertools import islice
from typing import Any

import numpy as np

from domain.refunds.rules_file import money
from domain.refunds.season import DAYS, DayReason
from domain.refunds.sheet import rows_digest

MOST_SHEETS, MOST_DAYS = 100, 400


def look(sheets: Sequence[Mapping[str, Any]], fault: Callable[[str], None]) -> int:
    """Check sheets; `fault` is called for each fault. Return how many there are."""
    for sheet in islice(sheets, MOST_SHEETS):
        _sheet(sheet, fault)
    return len(sheets)


def _sheet(sheet: Mapping[str, Any], fault: Callable[[str], None]) -> None:
    days, number = sheet["days"][:MOST_DAYS], sheet["number"]
    first = date.fromisoformat(sheet["season"])
    whole = (date.fromisoformat(sheet["upto"]) - first).days
    if [day["day"] for day in days] != [(first + timedelta(days=nth)).isoformat() for nth in range(whole)]:
        fault(f"refunds.json: {number}: does not have each of its days, in order")
        return
    rows = np.zeros(len(days), DAYS)
    for row, day in zip(rows, days, strict=True):
        row["reason"] = DayReason[day["reason"].upper()]
        row["row"], row["percent"] = day["row"], day["percent"]
        row["amount"], row["would"] = money(day["amount"]), money(day["would"])
    if int(rows["amount"].sum()) != money(sheet["total"]):
        fault(f"refunds.json: {number}: its days do not add up to its total")
    if rows_digest(bytes.fromhex(sheet["inputs"]), rows).hex() != sheet["digest"]:
        fault(f"refunds.json: {number}: its days are not those of its digest")

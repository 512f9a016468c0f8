"""The file for a bank: a line for each sheet, and a last one with the sum, each with its check."""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

from domain.refunds.sheet import told
from registry.csv_file import harmless

COLUMNS = ("sheet", "home", "first_day", "last_day", "days", "amount", "currency", "check")
CHECK_DIGITS = 16


def payment_file(sheets: Sequence[Mapping[str, Any]]) -> bytes:
    """Write the file.

    Args:
        sheets: `number`, `home`, `first`, `last`, `days`, `amount` in smallest units, `currency`.
    Returns:
        CSV in UTF-8. `check` of a line is the beginning of the SHA-256 of its other cells joined by bars; that of the
        last line, `TOTAL`, of all bytes before it.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for sheet in sheets:
        days = (sheet["first"].isoformat(), sheet["last"].isoformat(), str(sheet["days"]))
        cells = (sheet["number"], harmless(sheet["home"]), *days, told(sheet["amount"]), sheet["currency"])
        writer.writerow((*cells, _check("|".join(cells).encode())))
    body = out.getvalue().encode()
    total, currency = told(sum(sheet["amount"] for sheet in sheets)), sheets[0]["currency"] if sheets else ""
    days = sum(sheet["days"] for sheet in sheets)
    return body + f"TOTAL,{len(sheets)},,,{days},{total},{currency},{_check(body)}\r\n".encode()


def _check(said: bytes) -> str:
    return hashlib.sha256(said).hexdigest()[:CHECK_DIGITS]

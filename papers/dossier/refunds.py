"""Refund sheets in a dossier: whole sheets whose days touch the span, with the digests that bind their days."""

from datetime import date
from typing import Any

from psycopg import Connection

from domain.milli import celsius
from domain.refunds.season import DayReason
from domain.refunds.sheet import told
from store.base.rows import Row
from store.refunds import refund_rows

PLAIN = (
    "number",
    "season",
    "upto",
    "season_days",
    "rules",
    "currency",
    "corrects",
    "corrected_by",
    "reason",
    "made_at",
)


def sheets(conn: Connection, home: int, first: date, end: date) -> list[Row]:
    """Return the sheets of a home of which a day lies in [first, end), the newest first; nobody is named."""
    found = refund_rows.of_home(conn, home)
    return [_sheet(conn, row) for row in found if row["season"] < end and row["upto"] > first]


def _sheet(conn: Connection, row: Row) -> Row:
    plain = {name: row[name] for name in PLAIN}
    money = {name: told(row[name]) for name in ("fee", "total", "paid")}
    seals = {name: row[name] for name in ("inputs", "digest")}
    days = [_day(day) for day in refund_rows.days(conn, row["id"])]
    stands = {"state": row["state"], "approvals": len(row["approved_by"]), "paid_at": row["paid_at"]}
    return {**plain, **money, **stands, **seals, "days": days}


def _day(day: Row) -> dict[str, Any]:
    kept = ("day", "percent", "breach_us", "known_us", "unknown_us", "outage_us", "paid")
    degrees = {name: None if (at := day[f"{name}_milli"]) is None else celsius(at) for name in ("lowest", "measured")}
    money = {name: told(day[name]) for name in ("amount", "would")}
    reason = DayReason(day["reason"]).name.lower()
    return {**{name: day[name] for name in kept}, "reason": reason, "row": day["table_row"], **money, **degrees}

"""A refund sheet as a paper: what it was computed from, and its days that were not plainly warm."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from domain.milli import celsius
from domain.refunds.season import DayReason
from domain.refunds.sheet import told
from papers.tables import Paper, Table, TableColumn, Value, ValueKind
from papers.words import refunds

SPANS = ("breach", "unknown", "outage")
Row = Mapping[str, Any]


def paper(sheet: Row, days: Sequence[Row], language: Literal["zh", "en"]) -> Paper:
    """Make the paper of a sheet on record (`store.refunds.refund_rows`). The same sheet gives the same paper."""
    money = {name: told(sheet[name]) for name in ("fee", "total")}
    seals = {name: bytes(sheet[name]).hex() for name in ("inputs", "digest")}
    values = {**sheet, **money, **seals, "days": sheet["season_days"]}
    texts = [refunds.OF_HOME, refunds.FEE, refunds.TOTAL, refunds.RULES, refunds.SEALS]
    lines = [getattr(text.fill(**values), language) for text in texts]
    if sheet["corrects"] is not None:
        corrected = refunds.CORRECTS.fill(number=sheet["corrects"], reason=sheet["reason"])
        lines.append(getattr(corrected, language))
    columns = [
        TableColumn(getattr(text, language), ValueKind.SPAN if name in SPANS else ValueKind.TEXT)
        for name, text in refunds.COLUMNS
    ]
    shown = [day for day in days if day["reason"] != DayReason.WARM]
    table = Table(
        getattr(refunds.DAYS, language),
        columns,
        [_row(day, language) for day in shown],
        getattr(refunds.NOTE, language),
    )
    return Paper(getattr(refunds.TITLE.fill(**values), language), lines, [table], language)


def _row(day: Row, language: str) -> list[Value]:
    return [
        day["day"].isoformat(),
        getattr(refunds.REASONS[DayReason(day["reason"])], language),
        _degrees(day["lowest_milli"]),
        _degrees(day["measured_milli"]),
        *(day[f"{name}_us"] / 1e6 for name in SPANS),
        f"{day['percent']} %",
        told(day["amount"]),
        told(day["would"]),
    ]


def _degrees(of_milli: int | None) -> str | None:
    return None if of_milli is None else f"{celsius(of_milli):.3f}"

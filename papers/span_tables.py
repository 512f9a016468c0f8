"""The tables of a span of months beside those of its months: its rates, applications, peers and refunds paid."""

from collections.abc import Iterable, Sequence
from typing import Any

from domain.applications import ApplicationKind
from domain.refunds.sheet import told
from domain.span_kpi import RateKey, SpanRate, span_rates
from domain.tickets import TicketClass
from domain.words.applications import KIND_TEXTS
from domain.words.desk import CLASS_TEXTS, CLOCK_TEXTS
from domain.words.text import Text
from papers.figures_gather import SpanFigures
from papers.kpi import SpanTables, station_name
from papers.tables import Table, TableColumn, Value, ValueKind
from papers.words.kpi import COLUMNS, MONTH, NOTES, OF, RATES, STATION, TITLES

HOUR_S = 3600
APPLICATIONS = (
    "received", "answered_in_time", "answered_late", "overdue", "waiting", "late_explained", "warm_in_time",
    "warm_late",
)  # fmt: skip
PEERS = ("response_due", "response_met", "solution_due", "solution_met", "rated", "satisfied")


def span_tables(found: SpanFigures, language: str) -> SpanTables:
    """Build the tables; the rates of one month alone are those of its own tables."""
    rates = span_rates((one for _, several in found.months for one in several), found.applications, found.peers)
    applications = [
        (row["month"], _said(KIND_TEXTS[ApplicationKind(row["kind"])], language), *(row[name] for name in APPLICATIONS))
        for row in found.applications
    ]
    peers = [(row["month"], row["peer"], *(row[name] for name in PEERS)) for row in found.peers]
    refunds = [
        (row["month"], row["payments"], row["sheets"], row["days"], told(row["amount"]), row["currency"])
        for row in found.refunds
    ]
    after = (
        _table("applications", ("kind", *APPLICATIONS), applications, language),
        _table("peers", ("peer", *PEERS), peers, language),
        _table("refunds", ("payments", "sheets", "days", "amount", "currency"), refunds, language),
    )
    return SpanTables([_rates(rates, language)] if len(found.months) > 1 else [], [one for one in after if one.rows])


def _rates(rates: Iterable[SpanRate], language: str) -> Table:
    """Build the table of rates, each with its part and its whole; times in hours."""
    headings = [TableColumn(_said(STATION, language), ValueKind.TEXT)]
    headings += [TableColumn(_said(COLUMNS["figure"], language), ValueKind.TEXT)]
    headings += [TableColumn(_said(COLUMNS[name], language)) for name in ("part", "whole")]
    headings += [TableColumn(_said(COLUMNS["share"], language), ValueKind.SHARE)]
    rows = []
    for one in rates:
        unit = HOUR_S if one.key.table == "heat" else 1
        numbers = (one.part / unit, one.whole / unit, one.rate)
        rows.append((station_name(one.key.station, language), _said(_name(one.key), language), *numbers))
    return Table(_said(TITLES["rates"], language), headings, rows, _said(NOTES["rates"], language))


def _name(key: RateKey) -> Text:
    """Name a rate: of what, and which."""
    if key.table == "clocks":
        name = CLOCK_TEXTS.get(key.name, Text(key.name, key.name))
    else:
        name = RATES[f"{key.table}.{key.name}"]
    if not key.subject:
        return name
    subject = Text(key.subject, key.subject)
    if key.table in ("clocks", "cases"):
        subject = CLASS_TEXTS[TicketClass(key.subject)]
    if key.table == "applications":
        subject = KIND_TEXTS[ApplicationKind(key.subject)]
    return OF.fill(subject=subject, name=name)


def _table(name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], language: str) -> Table:
    words = {"kind", "peer", "amount", "currency"}
    headings = [
        TableColumn(_said(COLUMNS[one], language), ValueKind.TEXT if one in words else ValueKind.COUNT)
        for one in columns
    ]
    cells: Sequence[Sequence[Value]] = rows
    month = TableColumn(_said(MONTH, language), ValueKind.TEXT)
    return Table(_said(TITLES[name], language), [month, *headings], cells, _said(NOTES[name], language))


def _said(text: Text, language: str) -> str:
    return text.zh if language == "zh" else text.en

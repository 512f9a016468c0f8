"""Figures of months as a paper, in Chinese or English."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import attrgetter
from typing import TypeAlias
from zoneinfo import ZoneInfo

from domain.kpi import CaseKpi, ClockKpi, Month, MonthKpi
from domain.words.desk import CLASS_TEXTS, CLOCK_TEXTS
from domain.words.text import Text
from insight.words.proof import proven_text
from papers.tables import Paper, Table, TableColumn, Value, ValueKind
from papers.words.kpi import (
    COLUMNS,
    COMPANY,
    COUNTED,
    MONTH,
    NO_STATION,
    NOTES,
    RUNNING,
    SPAN_TITLE,
    STATION,
    TITLE,
    TITLES,
)

Columns = Sequence[tuple[str, ValueKind]]
MonthFigures: TypeAlias = tuple[Month, Sequence[MonthKpi]]


@dataclass(frozen=True)
class SpanTables:
    """The tables of a span beside those of its months: before and after them."""

    before: Sequence[Table]
    after: Sequence[Table]


HEAT: Columns = (
    ("heat.rate_by_time", ValueKind.SHARE),
    ("heat.rate_by_homes", ValueKind.SHARE),
    ("heat.coverage", ValueKind.SHARE),
    ("heat.homes", ValueKind.COUNT),
    ("heat.judged_homes", ValueKind.COUNT),
    ("heat.qualified_homes", ValueKind.COUNT),
    ("heat.compliant_s", ValueKind.HOURS),
    ("heat.cold_s", ValueKind.HOURS),
    ("heat.severe_s", ValueKind.HOURS),
    ("heat.unknown_s", ValueKind.HOURS),
    ("heat.not_judged_s", ValueKind.HOURS),
    ("heat.shortfall_s", ValueKind.HOURS),
    ("heat.kelvin_hours", ValueKind.KELVIN_HOURS),
)
PROOF: Columns = (
    ("proof.homes", ValueKind.COUNT),
    ("proof.measured", ValueKind.COUNT),
    ("proof.warm", ValueKind.COUNT),
    ("proof.proven", ValueKind.SHARE),
    ("proof.by_homes", ValueKind.SHARE),
    ("proof.by_homes_low", ValueKind.SHARE),
    ("proof.by_homes_high", ValueKind.SHARE),
    ("proof.by_time", ValueKind.SHARE),
    ("proof.by_time_low", ValueKind.SHARE),
    ("proof.by_time_high", ValueKind.SHARE),
)
DESK: Columns = (
    ("desk.tickets", ValueKind.COUNT),
    ("desk.retrospective", ValueKind.COUNT),
    ("desk.closed", ValueKind.COUNT),
    ("desk.called_back", ValueKind.COUNT),
    ("desk.asked", ValueKind.COUNT),
    ("desk.satisfied", ValueKind.COUNT),
    ("desk.satisfaction", ValueKind.SHARE),
    ("desk.merged", ValueKind.COUNT),
    ("desk.void", ValueKind.COUNT),
    ("desk.flags", ValueKind.COUNT),
    ("desk.recovered", ValueKind.COUNT),
    ("desk.warm_mean_s", ValueKind.SPAN),
    ("desk.warm_median_s", ValueKind.SPAN),
)
CLOCK_COLUMNS: Columns = (
    ("class", ValueKind.TEXT),
    ("clock", ValueKind.TEXT),
    ("due", ValueKind.COUNT),
    ("in_time", ValueKind.COUNT),
    ("late", ValueKind.COUNT),
    ("unmet", ValueKind.COUNT),
    ("rate", ValueKind.SHARE),
    ("took_mean", ValueKind.SPAN),
    ("took_median", ValueKind.SPAN),
)
CASE_COLUMNS: Columns = (
    ("class", ValueKind.TEXT),
    ("received", ValueKind.COUNT),
    ("closed", ValueKind.COUNT),
    ("closure", ValueKind.SHARE),
    ("closed_in_time", ValueKind.SHARE),
    ("answered_in_time", ValueKind.COUNT),
    ("answered_late", ValueKind.COUNT),
    ("overdue", ValueKind.COUNT),
    ("waiting", ValueKind.COUNT),
    ("answered_in_time_rate", ValueKind.SHARE),
)


def paper(
    months: Sequence[MonthFigures], now: datetime, zone: ZoneInfo, language: str, more: SpanTables | None = None
) -> Paper:
    """Build the paper of the figures of one month or several.

    Args:
        months: figures of the company and its stations, by month.
        now: when they were computed.
        language: zh or en.
        more: what a span has beside the figures of its months.
    """
    counted = f"{now.astimezone(zone):%Y-%m-%d %H:%M} ({zone.key})"
    first, last = months[0][0], months[-1][0]
    running = "" if now >= last.span(zone)[1] else _said(RUNNING, language)
    clocks = [(month, of, _clock(one, language)) for month, of in _each(months) for one in of.clocks]
    cases = [(month, of, _case(one, language)) for month, of in _each(months) for one in of.cases]
    tables = (
        *(more.before if more else ()),
        _table("heat", HEAT, months, language),
        _proof(months, language),
        _rows("clocks", CLOCK_COLUMNS, clocks, language),
        _rows("cases", CASE_COLUMNS, cases, language),
        _table("desk", DESK, months, language),
        *(more.after if more else ()),
    )
    if first == last:
        title = _said(TITLE.fill(month=first, running=running), language)
    else:
        title = _said(SPAN_TITLE.fill(first=first, last=last, running=running), language)
    return Paper(title, (_said(COUNTED.fill(at=counted), language),), tables, language)


def _each(months: Sequence[MonthFigures]) -> Iterator[tuple[str, MonthKpi]]:
    """Yield each figures with its month; empty where there is one month alone."""
    for month, several in months:
        yield from (("" if len(months) == 1 else str(month), figures) for figures in several)


def _proof(months: Sequence[MonthFigures], language: str) -> Table:
    """Build the table of what the rates prove, with that of the first said in words."""
    proven = [(month, [figures for figures in several if figures.proof is not None]) for month, several in months]
    table = _table("proof", PROOF, proven, language)
    first = next((figures.proof for _, several in proven for figures in several), None)
    words = [] if first is None else [_said(proven_text(first), language)]
    return replace(table, note=" ".join([*words, table.note]))


def _table(name: str, columns: Columns, months: Sequence[MonthFigures], language: str) -> Table:
    """Build a table of figures, each named by its attribute."""
    values = [(m, f, [attrgetter(figure)(f) for figure, _ in columns]) for m, f in _each(months)]
    return _rows(name, columns, values, language)


def _rows(name: str, columns: Columns, rows: Sequence[tuple[str, MonthKpi, Sequence[Value]]], language: str) -> Table:
    """Build a table whose first column is the station; the next is the month, where there are several."""
    several = any(month for month, _, _ in rows)
    month = [TableColumn(_said(MONTH, language), ValueKind.TEXT)] if several else []
    headings = [
        TableColumn(_said(STATION, language), ValueKind.TEXT),
        *month,
        *(TableColumn(_said(COLUMNS[heading], language), kind) for heading, kind in columns),
    ]
    named = [(station_name(f.station, language), *([of] if several else []), *values) for of, f, values in rows]
    return Table(_said(TITLES[name], language), headings, named, _said(NOTES[name], language))


def station_name(station: str | None, language: str) -> str:
    """Name a station, or the company (None)."""
    if station is None:
        return _said(COMPANY, language)
    return station or _said(NO_STATION, language)


def _clock(figures: ClockKpi, language: str) -> tuple[Value, ...]:
    return (
        _said(CLASS_TEXTS[figures.ticket_class], language),
        _said(CLOCK_TEXTS[figures.name], language) if figures.name in CLOCK_TEXTS else figures.name,
        figures.due,
        figures.in_time,
        figures.late,
        figures.unmet,
        figures.rate,
        figures.mean_s,
        figures.median_s,
    )


def _case(figures: CaseKpi, language: str) -> tuple[Value, ...]:
    return (
        _said(CLASS_TEXTS[figures.ticket_class], language),
        figures.received,
        figures.closed,
        figures.closure,
        figures.closure_in_time,
        figures.answered_in_time,
        figures.answered_late,
        figures.overdue,
        figures.waiting,
        figures.answered,
    )


def _said(text: Text, language: str) -> str:
    return text.zh if language == "zh" else text.en

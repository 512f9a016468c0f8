"""Monthly figures as a paper, in Chinese or English."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
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
    NO_STATION,
    NOTES,
    RUNNING,
    STATION,
    TITLE,
    TITLES,
)

Columns = Sequence[tuple[str, ValueKind]]


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


def paper(found: Sequence[MonthKpi], month: Month, now: datetime, zone: ZoneInfo, language: str) -> Paper:
    """Build the paper of a month's figures.

    Args:
        found: figures of the company and its stations.
        now: when they were computed.
        language: zh or en.
    """
    counted = f"{now.astimezone(zone):%Y-%m-%d %H:%M} ({zone.key})"
    running = "" if now >= month.span(zone)[1] else _said(RUNNING, language)
    tables = (
        _table("heat", HEAT, found, language),
        _proof(found, language),
        _rows("clocks", CLOCK_COLUMNS, [(f, _clock(c, language)) for f in found for c in f.clocks], language),
        _rows("cases", CASE_COLUMNS, [(f, _case(c, language)) for f in found for c in f.cases], language),
        _table("desk", DESK, found, language),
    )
    title = _said(TITLE.fill(month=month, running=running), language)
    return Paper(title, (_said(COUNTED.fill(at=counted), language),), tables, language)


def _proof(found: Sequence[MonthKpi], language: str) -> Table:
    """Build the table of what the rates prove, with that of the first said in words."""
    proven = [figures for figures in found if figures.proof is not None]
    table = _table("proof", PROOF, proven, language)
    words = [_said(proven_text(figures.proof), language) for figures in proven[:1] if figures.proof is not None]
    return replace(table, note=" ".join([*words, table.note]))


def _table(name: str, columns: Columns, found: Sequence[MonthKpi], language: str) -> Table:
    """Build a table of figures, each named by its attribute."""
    values = [(f, [attrgetter(figure)(f) for figure, _ in columns]) for f in found]
    return _rows(name, columns, values, language)


def _rows(name: str, columns: Columns, rows: Sequence[tuple[MonthKpi, Sequence[Value]]], language: str) -> Table:
    """Build a table whose first column is the station."""
    headings = [
        TableColumn(_said(STATION, language), ValueKind.TEXT),
        *(TableColumn(_said(COLUMNS[heading], language), kind) for heading, kind in columns),
    ]
    company, none = _said(COMPANY, language), _said(NO_STATION, language)
    named = [(company if f.station is None else f.station or none, *values) for f, values in rows]
    return Table(_said(TITLES[name], language), headings, named, _said(NOTES[name], language))


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

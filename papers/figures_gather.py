"""Reading for a package of figures, in one transaction: figures of months, the lists behind them, and seals."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from psycopg import Connection

from domain.kpi import Month, MonthKpi
from store.base.access import Scope
from store.base.rows import Row
from store.evidence import figure_lists
from store.evidence.figure_lists import ListSpan
from store.exchange import exchange_pages
from store.figures import kpi_rows
from store.tickets import application_rows


@dataclass(frozen=True, kw_only=True)
class FiguresRequest:
    """The figures asked for, as they were counted: of months that follow each other."""

    months: Sequence[Month]
    station: str | None  # None: of the company and each station
    language: str  # zh | en
    counted_at: datetime

    @property
    def name(self) -> str:
        """The months as a text: 2026-01, or 2026-01--2026-03."""
        first, last = str(self.months[0]), str(self.months[-1])
        return first if first == last else f"{first}--{last}"


@dataclass(frozen=True, kw_only=True)
class SpanFigures:
    """The figures of months with the lists behind them. Peers are those of the company alone."""

    months: Sequence[tuple[Month, Sequence[MonthKpi]]]
    applications: Sequence[Row]  # by month, station and kind
    peers: Sequence[Row]  # by month and peer
    refunds: Sequence[Row]  # by month and currency
    lists: Mapping[str, Sequence[Row]]
    seals: Sequence[Row]


def months_of(first: Month, last: Month) -> list[Month]:
    """Return the months from the first to the last."""
    found = [first]
    while found[-1] < last:
        found.append(Month(found[-1].end))
    return found


def gather(conn: Connection, scope: Scope, wanted: FiguresRequest, zone: ZoneInfo) -> SpanFigures:
    """Read the figures and lists of a span of months, in a transaction that sees one state of the database.

    Heat and proofs are those counted before; the desk's work is counted from the same records that the lists show.
    """
    now, own, spans = wanted.counted_at, wanted.station, [(month, month.span(zone)) for month in wanted.months]
    lists = figure_lists.lines(conn, ListSpan(spans[0][1][0], spans[-1][1][1], now, own))
    if own is not None:
        lists["peers"] = []
    named = {row["seal"] for rows in lists.values() for row in rows if row.get("seal") is not None}
    return SpanFigures(
        months=[(month, kpi_rows.figures_as_of(conn, month.first, span, now, own)) for month, span in spans],
        applications=[
            {"month": str(month), "station": own, **row}
            for month, span in spans
            for row in application_rows.figures(conn, scope, span, now, own)
        ],
        peers=[
            {"month": str(month), **row}
            for month, span in spans
            for row in (exchange_pages.rates(conn, *span, now) if own is None else [])
        ],
        refunds=list(_paid(lists["refunds"], zone)),
        lists=lists,
        seals=figure_lists.seals(conn, sorted(named)),
    )


def _paid(lines: Sequence[Row], zone: ZoneInfo) -> Iterator[Row]:
    """Add up what was paid back, by month and currency."""
    sums: dict[tuple[str, str], list[Row]] = {}
    for line in lines:
        sums.setdefault((str(Month.of(line["at"], zone)), line["currency"]), []).append(line)
    for (month, currency), rows in sorted(sums.items()):
        counts = {name: sum(row[name] for row in rows) for name in ("days", "amount")}
        yield {"month": month, "currency": currency, "payments": len({row["payment"] for row in rows}),
               "sheets": len(rows), **counts}  # fmt: skip

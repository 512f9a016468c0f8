"""The printable summary of an evidence dossier: findings, chart and tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

from domain.instants import to_datetime
from domain.policy import Version
from domain.states import ClearReason
from domain.words.desk import CLASS_TEXTS, CLOCK_TEXTS
from domain.words.reasons import CLEAR_TEXTS
from domain.words.text import Text
from papers import pdf
from papers.dossier import chart
from papers.dossier.chart import TemperatureChart
from papers.tables import ABSENT, Table, TableColumn, Value, ValueKind
from papers.words import dossier

Row: TypeAlias = Mapping[str, Any]
MOST_ROWS = 200  # of a printed table; the data file has all of them
STATES = ("compliant", "cold", "severe", "unknown", "not_judged", "shortfall")


@dataclass(frozen=True)
class DossierContents:
    """Content of the summary; rows as in the dossier's files."""

    home: Row
    heat: Sequence[Row]
    first: date
    end: date
    view: str
    counted: tuple[datetime, datetime] | None  # start and end; None: nothing was counted in the span
    readings: Row  # count, last_measured_at, last_received_at
    places: Sequence[tuple[str, str, bool]]  # sensor, room, judged
    rules: Sequence[tuple[str, Version]]  # in force in the span, with their labels
    ledger: Sequence[Row]
    differing: Sequence[date]
    flags: Sequence[Row]
    tickets: Sequence[Row]
    measurements: Sequence[Row]
    outages: Sequence[Row]
    refunds: Sequence[Row]
    chart: TemperatureChart


def render(contents: DossierContents, language: str) -> bytes:
    """Typeset the summary in a language: zh or en."""
    teller = _Teller(contents, language)
    drawn = contents.counted is not None
    tables = [(table, widths) for table, widths in teller.tables()]
    return pdf.set_type(
        "evidence.typ",
        {
            "title": f"{teller.said(dossier.TITLE)} · {contents.home['code']}",
            "language": language,
            "span": f"{contents.first} – {contents.end - timedelta(days=1)}",
            "facts": [[teller.said(label), lines] for label, lines in teller.facts()],
            "finding": teller.finding(),
            "chart_title": teller.said(dossier.CHART),
            "chart": chart.svg(contents.chart) if drawn else None,
            "chart_none": teller.said(dossier.CHART_NONE),
            "chart_alt": teller.said(dossier.CHART_ALT),
            "chart_note": teller.chart_note(),
            "legend": teller.legend(),
            "tables": [{**pdf.as_content(table), "widths": widths} for table, widths in tables],
        },
    )


@dataclass(frozen=True)
class _Teller:
    """Texts and tables of the summary in one language."""

    contents: DossierContents
    language: str

    def said(self, text: Text, **values: object) -> str:
        template = text.zh if self.language == "zh" else text.en
        return template.format(**values) if values else template

    def at(self, instant: datetime | None, none: Text = dossier.NO_INSTANT) -> str:
        """Format an instant in local time."""
        zone = self.contents.chart.zone
        return self.said(none) if instant is None else f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"

    def facts(self) -> list[tuple[Text, list[str]]]:
        """Return the facts about the dossier, each a label and lines."""
        of, home = self.contents, self.contents.home
        last, days = of.end - timedelta(days=1), (of.end - of.first).days
        zone = of.chart.zone.key
        return [
            (dossier.HOME, [f"{home['code']} ({home['building']}, {self.said(dossier.CLASSES[home['class']])})"]),
            (dossier.SPAN, [self.said(dossier.SPAN_LINE, first=of.first, last=last, days=days, zone=zone)]),
            (
                dossier.COUNTED,
                [" – ".join(map(self.at, of.counted)) if of.counted else self.said(dossier.NEVER_COUNTED)],
            ),
            (dossier.READINGS, self._readings()),
            (dossier.SENSORS, [self._place(*place) for place in of.places] or [ABSENT]),
            (dossier.RULES, [line for label, version in of.rules for line in self._rule(label, version)] or [ABSENT]),
            (dossier.HEAT, [self._heat(row) for row in of.heat] or [ABSENT]),
            (dossier.CONTRACT, [self._contract(home)]),
            (dossier.VIEW, [self.said(dossier.VIEWS[of.view])]),
        ]

    def _readings(self) -> list[str]:
        told = self.contents.readings
        measured, received = self.at(told["last_measured_at"]), self.at(told["last_received_at"])
        line = self.said(dossier.READINGS_LINE, count=f"{told['count']:,}", measured=measured, received=received)
        kept = self.contents.home["readings_kept_since"]
        gone = [self.said(dossier.READINGS_GONE, since=self.at(kept))] if kept and kept > self._start() else []
        return [line if told["count"] else self.said(dossier.NO_READING), *gone]

    def _start(self) -> datetime:
        return to_datetime(self.contents.chart.start)

    def _place(self, sensor: str, room: str, judged: bool) -> str:
        return f"{room}: {sensor} ({self.said(dossier.JUDGED if judged else dossier.NOT_JUDGED)})"

    def _rule(self, label: str, version: Version) -> list[str]:
        mine = [limit for limit in version.limits if limit.home_class == self.contents.home["class"]]
        lines = [
            self.said(
                dossier.LIMIT_LINE,
                window=f"{limit.opens:%H:%M}–{limit.closes:%H:%M}" if limit.opens else self.said(dossier.ANY_TIME),
                below=f"{limit.below_celsius:g}",
                clause=limit.clause or label,
            )
            for limit in mine
        ]
        return [label, *lines]

    def _heat(self, row: Row) -> str:
        since = self.said(dossier.SINCE, since=self.at(row["since"])) if row["since"] else self.said(dossier.AS_KNOWN)
        return f"{since}: {self.said(dossier.ON if row['status'] == 'on' else dossier.STOPPED)}"

    def _contract(self, home: Row) -> str:
        if home["contract_limit"] is None:
            return self.said(dossier.NO_CONTRACT)
        opens, closes = home["contract_from"], home["contract_to"]
        span = f"{opens:%H:%M}–{closes:%H:%M}" if opens else self.said(dossier.ALL_DAY)
        return f"{home['contract_limit']:g} °C, {span}"

    def finding(self) -> str:
        """Return the summarising sentence."""
        of = self.contents
        if not of.ledger:
            return self.said(dossier.FINDING_NONE)
        total = {name: sum(row[f"{name}_s"] for row in of.ledger) for name in STATES}
        return self.said(
            dossier.FINDING,
            days=(of.end - of.first).days,
            counted=len(of.ledger),
            breached=sum(1 for row in of.ledger if row["cold_s"] + row["severe_s"] > 0),
            hours=f"{(total['cold'] + total['severe']) / 3600:,.1f}",
            severe=f"{total['severe'] / 3600:,.1f}",
            unknown=f"{total['unknown'] / 3600:,.1f}",
            flags=len(of.flags),
            tickets=len(of.tickets),
        )

    def chart_note(self) -> str:
        """Return the note under the chart."""
        minutes = (self.contents.chart.end - self.contents.chart.start) / chart.COLUMNS / 60e6
        return self.said(dossier.CHART_NOTE, minutes=f"{minutes:,.1f}")

    def legend(self) -> list[dict[str, object]]:
        """Return the legend of the chart."""
        of_sensor: dict[str, list[str]] = {}
        for sensor, room, judged in self.contents.places:
            if judged:
                of_sensor.setdefault(sensor, []).append(room)
        rooms = [
            (f"{', '.join(dict.fromkeys(names))} ({sensor})", chart.COLOURS[nth % len(chart.COLOURS)], True)
            for nth, (sensor, names) in enumerate(of_sensor.items())
        ]
        rest = [
            (self.said(dossier.LEGEND_COLD), chart.COLD, True),
            (self.said(dossier.LEGEND_SEVERE), chart.SEVERE, True),
            (self.said(dossier.LEGEND_WINDOW), chart.WINDOW, False),
            (self.said(dossier.LEGEND_GAP), chart.GAP, False),
            (self.said(dossier.LEGEND_IDLE), chart.IDLE, False),
            (self.said(dossier.LEGEND_UNCOUNTED), chart.UNCOUNTED, False),
        ]
        return [{"label": label, "colour": colour, "thin": thin} for label, colour, thin in (*rooms, *rest)]

    def tables(self) -> list[tuple[Table, list[int]]]:
        """Return the tables with their column widths; 0: as wide as the content."""
        of = self.contents
        return [
            self._totals(),
            self._days(),
            self._gaps(),
            self._table(dossier.FLAGS, FLAG_COLUMNS, [self._flag(row) for row in of.flags], "flags.json"),
            self._table(
                dossier.TICKETS,
                TICKET_COLUMNS,
                [self._ticket(row) for row in of.tickets],
                "tickets.json",
                self.said(dossier.TICKETS_NOTE),
            ),
            self._table(
                dossier.MEASUREMENTS,
                MEASUREMENT_COLUMNS,
                [self._measurement(row) for row in of.measurements],
                "measurements.json",
                self.said(dossier.MEASUREMENTS_NOTE),
            ),
            self._table(dossier.OUTAGES, OUTAGE_COLUMNS, [self._outage(row) for row in of.outages], "outages.json"),
            self._table(dossier.REFUNDS, REFUND_COLUMNS, [self._refund(row) for row in of.refunds], "refunds.json"),
            (Table(self.said(dossier.CHECK), (), (), self.said(dossier.CHECK_NOTE)), []),
        ]

    def _table(
        self, title: Text, columns: "Columns", rows: Sequence[Sequence[Value]], file: str, note: str = ""
    ) -> tuple[Table, list[int]]:
        notes = [note] if note and rows else []
        if not rows:
            notes.append(self.said(dossier.NOTHING))
        if len(rows) > MOST_ROWS:
            notes.append(self.said(dossier.SHOWN_MORE, more=len(rows) - MOST_ROWS, file=file))
        told = [TableColumn(self.said(name), kind) for name, kind, _ in columns]
        return Table(self.said(title), told, rows[:MOST_ROWS], " ".join(notes)), [width for *_, width in columns]

    def _totals(self) -> tuple[Table, list[int]]:
        ledger = self.contents.ledger
        total = {name: sum(row[f"{name}_s"] for row in ledger) for name in STATES}
        whole = sum(total[name] for name in STATES[:-1])
        rows = [
            (self.said(dossier.STATES[name]), total[name], total[name] / whole if whole else None) for name in STATES
        ]
        differing = ", ".join(str(day) for day in self.contents.differing[:20])
        note = self.said(dossier.DIFFERS, days=differing) if differing else ""
        return self._table(dossier.TOTALS, TOTAL_COLUMNS, rows, "ledger.csv", note)

    def _days(self) -> tuple[Table, list[int]]:
        cold = [row for row in self.contents.ledger if row["cold_s"] + row["severe_s"] > 0]
        rows = [
            (
                str(row["day"]),
                row["cold_s"],
                row["severe_s"],
                row["unknown_s"],
                ABSENT if row["min"] is None else f"{row['min']:.2f}",
                row["kelvin_hours"],
            )
            for row in cold
        ]
        return self._table(dossier.DAYS, DAY_COLUMNS, rows, "ledger.csv", self.said(dossier.DAYS_NOTE))

    def _gaps(self) -> tuple[Table, list[int]]:
        rows = [
            (self.at(to_datetime(start)), self.at(to_datetime(end)), (end - start) / 1e6)
            for start, end in self.contents.chart.gaps
        ]
        return self._table(dossier.GAPS, GAP_COLUMNS, rows, "gaps.csv", self.said(dossier.GAPS_NOTE))

    def _flag(self, row: Row) -> Sequence[Value]:
        why = row["why"].get(self.language, row["why"].get("reason", ""))
        ended = self.said(CLEAR_TEXTS[ClearReason(row["clear_reason"])]) if row["clear_reason"] else ""
        lowest, ticket = f"{row['lowest']:.2f}", row["ticket"] or ABSENT
        return (
            self.at(row["cold_since"]),
            self.at(row["cleared_at"], dossier.NOT_ENDED),
            lowest,
            f"{why} {ended}",
            ticket,
        )

    def _ticket(self, row: Row) -> Sequence[Value]:
        late = [
            CLOCK_TEXTS[clock["name"]]
            for clock in row["clocks"]
            if clock["breached_at"] and clock["name"] in CLOCK_TEXTS
        ]
        name = self.said(CLASS_TEXTS[row["class"]])
        return (
            row["number"],
            self.said(dossier.RETROSPECTIVE, name=name) if row["retrospective"] else name,
            self.at(row["opened_at"]),
            self.at(row["done_at"]),
            self.at(row["closed_at"], dossier.NOT_ENDED),
            ", ".join(self.said(name) for name in dict.fromkeys(late)) or ABSENT,
        )

    def _measurement(self, row: Row) -> Sequence[Value]:
        worth = self.said(dossier.WORTHS[row["worth"]])
        return row["number"], self.at(row["measured_at"]), row["room"], f"{row['celsius']:.2f}", worth

    def _outage(self, row: Row) -> Sequence[Value]:
        ended = self.at(row["restored_at"], dossier.CANCELLED if row["cancelled_at"] else dossier.NOT_ENDED)
        reason = f"{self.said(dossier.KINDS[row['kind']])}: {row['reason']}"
        return row["number"], self.at(row["begins_at"]), ended, reason

    def _refund(self, row: Row) -> Sequence[Value]:
        total, paid = (f"{row[name]} {row['currency']}" for name in ("total", "paid"))
        return row["number"], str(row["upto"]), row["rules"], total, paid


Columns: TypeAlias = Sequence[tuple[Text, ValueKind, int]]
TEXT, HOURS = ValueKind.TEXT, ValueKind.HOURS
TOTAL_COLUMNS: Columns = (
    (dossier.H_STATE, TEXT, 3),
    (dossier.H_HOURS, HOURS, 1),
    (dossier.H_SHARE, ValueKind.SHARE, 1),
)
DAY_COLUMNS: Columns = (
    (dossier.H_DAY, TEXT, 1),
    (dossier.H_COLD, HOURS, 1),
    (dossier.H_SEVERE, HOURS, 1),
    (dossier.H_UNKNOWN, HOURS, 1),
    (dossier.H_LOWEST, ValueKind.COUNT, 1),
    (dossier.H_DEFICIT, ValueKind.KELVIN_HOURS, 1),
)
GAP_COLUMNS: Columns = ((dossier.H_FROM, TEXT, 2), (dossier.H_TO, TEXT, 2), (dossier.H_LENGTH, ValueKind.SPAN, 1))
FLAG_COLUMNS: Columns = (
    (dossier.H_SINCE, TEXT, 0),
    (dossier.H_UNTIL, TEXT, 0),
    (dossier.H_LOWEST, ValueKind.COUNT, 0),
    (dossier.H_WHY, TEXT, 1),
    (dossier.H_TICKET, TEXT, 0),
)
TICKET_COLUMNS: Columns = (
    (dossier.H_NUMBER, TEXT, 0),
    (dossier.H_CLASS, TEXT, 0),
    (dossier.H_OPENED, TEXT, 0),
    (dossier.H_DONE, TEXT, 0),
    (dossier.H_CLOSED, TEXT, 0),
    (dossier.H_LATE, TEXT, 1),
)
MEASUREMENT_COLUMNS: Columns = (
    (dossier.H_NUMBER, TEXT, 0),
    (dossier.H_AT, TEXT, 0),
    (dossier.H_ROOM, TEXT, 1),
    (dossier.H_CELSIUS, ValueKind.COUNT, 0),
    (dossier.H_WORTH, TEXT, 1),
)
REFUND_COLUMNS: Columns = (
    (dossier.H_NUMBER, TEXT, 0),
    (dossier.H_UPTO, TEXT, 0),
    (dossier.H_RULES, TEXT, 1),
    (dossier.H_TOTAL, TEXT, 0),
    (dossier.H_PAID, TEXT, 0),
)
OUTAGE_COLUMNS: Columns = (
    (dossier.H_NUMBER, TEXT, 0),
    (dossier.H_SINCE, TEXT, 0),
    (dossier.H_UNTIL, TEXT, 0),
    (dossier.H_REASON, TEXT, 1),
)

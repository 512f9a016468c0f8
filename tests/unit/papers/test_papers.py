"""Papers: how values are written, and that workbook and PDF hold what was handed in."""

import zipfile
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from domain.kpi import NOTHING_DONE, NOTHING_HEAT, CaseKpi, ClockKpi, Month, MonthKpi
from papers import pdf, xlsx
from papers.figures_gather import SpanFigures
from papers.kpi import paper
from papers.span_tables import span_tables
from papers.tables import Paper, Table, TableColumn, ValueKind, written

SHANGHAI = ZoneInfo("Asia/Shanghai")
NAMES = {"东站", "2026-01", "2026-02", "city", "CNY", "123.45"}
AT = datetime(2026, 2, 3, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (0.99999, ValueKind.SHARE, "99.99 %"),  # 100 % would say that nobody was cold
        (1.0, ValueKind.SHARE, "100.00 %"),
        (0.0, ValueKind.SHARE, "0.00 %"),
        (None, ValueKind.SHARE, "–"),
        (5400.0, ValueKind.SPAN, "1:30"),
        (3599.0, ValueKind.SPAN, "1:00"),
        (90_000 * 3600.0, ValueKind.HOURS, "90,000.0"),
        (12345, ValueKind.COUNT, "12,345"),
        ("东站", ValueKind.TEXT, "东站"),
    ],
)
def test_values_are_written_for_people(value: str | float | None, kind: ValueKind, text: str) -> None:
    assert written(value, kind) == text


def figures(station: str | None) -> MonthKpi:
    clock = ClockKpi(
        ticket_class="cold", name="on_site", due=10, in_time=7, late=2, unmet=1, mean_s=5400.0, median_s=4000.0
    )
    case = CaseKpi(
        ticket_class="complaint", received=3, closed=2, closed_in_time=2, answered_in_time=2, answered_late=0,
        overdue=1, waiting=0,
    )  # fmt: skip
    return MonthKpi(station=station, heat=NOTHING_HEAT, desk=NOTHING_DONE, clocks=(clock,), cases=(case,))


def said_in(made: Paper, language: str) -> bool:
    """Return whether all words of a paper, but names of places, are of its language."""
    words = [made.title, *made.lines]
    for table in made.tables:
        words += [table.title, table.note, *(column.name for column in table.columns)]
        words += [value for row in table.rows for value in row if isinstance(value, str) and value not in NAMES]
    chinese = [word for word in words if any("一" <= letter <= "鿿" for letter in word)]
    return (chinese == words) if language == "zh" else (chinese == [])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_report_says_everything_in_its_language(language: str) -> None:
    months = [(Month.parse("2026-01"), [figures(None), figures("东站"), figures("")])]
    made = paper(months, AT, SHANGHAI, language)
    assert said_in(made, language)
    assert [row[0] for row in made.tables[0].rows][1] == "东站"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_span_begins_with_its_rates_and_says_which_month(language: str) -> None:
    months = [(Month.parse(month), [figures(None), figures("东站")]) for month in ("2026-01", "2026-02")]
    counts = {"answered_in_time": 2, "answered_late": 1, "overdue": 1, "warm_in_time": 0, "warm_late": 0}
    applied = {"month": "2026-01", "station": None, "kind": "stop", "received": 4, "waiting": 0, "late_explained": 0}
    peer = dict.fromkeys(("response_due", "response_met", "solution_due", "solution_met", "rated", "satisfied"), 1)
    paid = {"month": "2026-01", "currency": "CNY", "payments": 1, "sheets": 2, "days": 3, "amount": 12_345}
    found = SpanFigures(
        months=months, applications=[applied | counts], peers=[{"month": "2026-01", "peer": "city", **peer}],
        refunds=[paid], lists={}, seals=[],
    )  # fmt: skip
    made = paper(months, AT, SHANGHAI, language, span_tables(found, language))
    assert said_in(made, language)
    shares = [row[2:] for row in made.tables[0].rows]
    assert (14, 20, 0.7) in shares  # clocks of both months
    assert (2, 4, 0.5) in shares
    assert [row[1] for row in made.tables[1].rows] == ["2026-01", "2026-01", "2026-02", "2026-02"]
    assert made.tables[-1].rows == [("2026-01", 1, 2, 3, "123.45", "CNY")]


def test_a_month_that_is_not_over_is_called_so() -> None:
    assert "未结束" in paper([(Month.parse("2026-02"), [])], AT, SHANGHAI, "zh").title
    assert "未结束" not in paper([(Month.parse("2026-01"), [])], AT, SHANGHAI, "zh").title


def hostile() -> Paper:
    """Return words that other programs would take for orders."""
    table = Table(
        "T",
        [TableColumn("a", ValueKind.TEXT), TableColumn("b", ValueKind.SHARE)],
        [('=HYPERLINK("x") #panic() $x$ \\', 0.5), ("b", None)],
    )
    return Paper("<#t>", ["#line"], [table], "en")


def test_a_workbook_holds_numbers_as_numbers_and_words_as_words(tmp_path: Path) -> None:
    file = tmp_path / "report.xlsx"
    xlsx.write(hostile(), file)
    with zipfile.ZipFile(file) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        strings = archive.read("xl/sharedStrings.xml").decode()
    assert "<v>0.5</v>" in sheet
    assert "<f>" not in sheet
    assert "=HYPERLINK" in strings


def test_a_workbook_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        xlsx.write(hostile(), tmp_path / "nowhere" / "report.xlsx")


def test_a_pdf_is_the_same_each_time_and_takes_words_as_words() -> None:
    first = pdf.render(hostile())
    assert first.startswith(b"%PDF")
    assert pdf.render(hostile()) == first

"""Papers as workbooks: a sheet per table, with numeric values that can be used in formulas."""

from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import xlsxwriter

from papers.tables import Paper, Value, ValueKind

FORMATS = {
    ValueKind.TEXT: "@",
    ValueKind.COUNT: "#,##0",
    ValueKind.SHARE: "0.00%",
    ValueKind.HOURS: "#,##0.0",
    ValueKind.SPAN: "[h]:mm",
    ValueKind.KELVIN_HOURS: "#,##0.0",
}
PER_UNIT = {ValueKind.HOURS: 3600, ValueKind.SPAN: 86_400}  # seconds; workbooks store durations in days
LONGEST_SHEET_NAME = 31


def write(paper: Paper, file: Path | IO[bytes], created: datetime | None = None) -> None:
    """Write a workbook; an existing file is replaced.

    Args:
        created: the time that the workbook tells of itself; with one, the same paper gives the same bytes.
    Raises:
        OSError: the file cannot be written.
    """
    try:
        # Text typed by users stays text, whatever it begins with.
        options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": not isinstance(file, Path)}
        with xlsxwriter.Workbook(file, options) as book:
            if created is not None:
                book.set_properties({"created": created.astimezone(UTC).replace(tzinfo=None)})
            _fill(book, paper)
    except xlsxwriter.exceptions.FileCreateError as error:
        raise OSError(str(error)) from None


def _fill(book: xlsxwriter.Workbook, paper: Paper) -> None:
    bold, wrapped = book.add_format({"bold": True}), book.add_format({"bold": True, "text_wrap": True, "bottom": 1})
    formats = {kind: book.add_format({"num_format": text}) for kind, text in FORMATS.items()}
    for table in paper.tables:
        sheet = book.add_worksheet(table.title[:LONGEST_SHEET_NAME])
        sheet.write_string(0, 0, paper.title, bold)
        for row, line in enumerate((*paper.lines, table.note), 1):
            sheet.write_string(row, 0, line)
        head = len(paper.lines) + 3
        for place, column in enumerate(table.columns):
            sheet.write_string(head, place, column.name, wrapped)
        for nth, values in enumerate(table.rows, head + 1):
            for place, (column, value) in enumerate(zip(table.columns, values, strict=True)):
                sheet.write(nth, place, _cell(value, column.kind), formats[column.kind])
        sheet.set_column(0, len(table.columns), 14)
        sheet.freeze_panes(head + 1, 1)


def _cell(value: Value, kind: ValueKind) -> Value:
    return value / PER_UNIT.get(kind, 1) if isinstance(value, int | float) else value

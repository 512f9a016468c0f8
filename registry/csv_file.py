"""A file of the registry: a table to typed lines, and rows to CSV."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, Generic, NamedTuple

from domain.errors import Fault
from domain.words.text import Text
from registry import words
from registry.cells import EDGES, Cleaner, escaped
from registry.delimited import Record
from registry.fields import Value, text
from registry.headers import TITLE_LINES, Header, find_header
from registry.problems import FileProblem, UnreadableFile
from registry.sheets import REQUIRED, Row, Sheet, SheetColumn
from registry.synonyms import TOTALS
from registry.tables import PLAINLY, FileReading, OpenTable, bytes_of, find, table

COUNTED = re.compile(r"[共计]+[0-9]+[户栋个条台站]?")
PROGRESS_LINES = 1_000
MOST_NAMED = 3
MOST_SEEN = 1_000  # cells of a column
# Why lines are left out.
ABOVE_HEADER = Text("表头上方", "above the header")
HEADER_AGAIN = Text("重复表头", "with the header again")
OF_TOTALS = Text("合计", "of totals")


class FileLine(NamedTuple, Generic[Row]):
    """A line of a file: the number it begins at, counted from 1, and its values."""

    number: int
    row: Row


@dataclass
class Content(Generic[Row]):
    """Content of a file. `codes` are those of all lines, even faulty ones; `readable`: the lines could be read.

    `absent`: columns missing from the header. `file`: its name, or that of the sheet if it has none of its own.
    `written`: how the header names the columns. `notes`: what was left out or read as something else.
    """

    lines: list[FileLine[Row]] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)
    problems: list[FileProblem] = field(default_factory=list)
    readable: bool = True
    absent: frozenset[str] = frozenset()
    file: str = ""
    written: dict[str, str] = field(default_factory=dict)
    notes: list[Text] = field(default_factory=list)

    @property
    def rows(self) -> list[Row]:
        """The values of the lines."""
        return [line.row for line in self.lines]

    def placed(self, problem: FileProblem) -> FileProblem:
        """Return a problem with the file and the column as the user has named them."""
        written = self.written.get(problem.column, problem.column)
        column = problem.column if written == problem.column else f"{written} ({problem.column})"
        return problem._replace(file=self.file or problem.file, column=column)


def read(sheet: Sheet[Row], source: Path, reading: FileReading = PLAINLY) -> Content[Row] | None:
    """Read a sheet of a folder, or of a workbook; None: there is no such file or worksheet.

    Raises:
        UsageError: it cannot be opened.
    """
    path = find(sheet, source)
    return None if path is None else parse_file(sheet, path.name, bytes_of(path), reading, alone=path != source)


def parse_file(
    sheet: Sheet[Row], file: str, data: bytes, reading: FileReading = PLAINLY, *, alone: bool = True
) -> Content[Row] | None:
    """Parse the bytes of a file of this name; None: it is a workbook without a worksheet for the sheet.

    Args:
        alone: the file holds nothing else.
    """
    try:
        opened = table(sheet, file, data, reading, alone)
    except UnreadableFile as fault:
        return Content(problems=[fault.problem], readable=False, file=file)
    return None if opened is None else _parse_table(sheet, opened, reading)


def holds(sheet: Sheet[Any], source: Path) -> bool:
    """Return whether a folder or workbook holds a sheet, whatever is in it."""
    path = find(sheet, source)
    try:
        return path is not None and (
            path != source or table(sheet, path.name, bytes_of(path), PLAINLY, alone=False) is not None
        )
    except UnreadableFile:
        return True


def parse(sheet: Sheet[Row], data: bytes, reading: FileReading = PLAINLY) -> Content[Row]:
    """Parse a file of its own. Faults go to `problems`; lines with a fault are left out."""
    return parse_file(sheet, sheet.file, data, reading) or _parse_table(
        sheet, OpenTable(sheet.file, Text("", ""), [], 0), reading
    )


def _parse_table(sheet: Sheet[Row], opened: OpenTable, reading: FileReading) -> Content[Row]:
    content: Content[Row] = Content(file=opened.file)
    try:
        records = iter(opened.records)
        first = list(islice(records, TITLE_LINES))
        header = find_header(sheet, first)
        content.problems += header.faults
        content.readable = not header.faults
        content.written = header.written
        content.absent = frozenset(sheet.names) - set(header.written)
        if content.readable:
            _Lines(sheet, opened, header, content, reading).read(chain(first, records))
    except UnreadableFile as fault:
        content.problems.append(fault.problem)
        content.readable = False
    told = [opened.how, *_meanings(content), *content.notes]
    reading.understood(opened.file, Text("；".join(one.zh for one in told), "; ".join(one.en for one in told)))
    return content


def _meanings(content: Content[Any]) -> list[Text]:
    """Tell what the names of the header were taken for, where they are not the columns' own."""
    named = [f"{name} = {column}" for column, name in content.written.items() if name.casefold() != column]
    return [Text("，".join(named), ", ".join(named))] if named else []


class _Lines:
    """Reads the lines of a table below its header."""

    def __init__(
        self, sheet: Sheet[Any], opened: OpenTable, header: Header, content: Content[Any], reading: FileReading
    ) -> None:
        self.sheet, self.opened, self.header, self.content, self.reading = sheet, opened, header, content, reading
        self.cleaner = Cleaner(reading.known)
        at = {name: place for place, name in enumerate(header.columns) if name}
        # A column, its place, and the values of cells that were seen in it: most columns have few.
        seen: list[dict[str, Value]] = [{} for _ in sheet.readable]
        self.places = [(column, at.get(column.name), seen[nth]) for nth, column in enumerate(sheet.readable)]
        self.required = [at[column.name] for column in sheet.columns if column.empty is REQUIRED]
        self.last_required = max(self.required, default=0)
        self.nameless = [place for place, name in enumerate(header.columns) if name == ""]
        self.left_out: dict[Text, list[int]] = {}
        self.manners: list[list[Value]] = []

    def read(self, records: Iterable[Record]) -> None:
        """Read all records; those down to the header are titles."""
        header: list[str] | None = None
        for nth, (number, cells) in enumerate(records):
            if nth % PROGRESS_LINES == 0:
                self.reading.progress(self.opened.file, number, max(self.opened.lines, number))
            if number < self.header.line:
                self._leave_out(ABOVE_HEADER, number)
            elif header is None:
                header = cells
            elif cells == header:
                self._leave_out(HEADER_AGAIN, number)
            elif self._is_total(cells):
                self._leave_out(OF_TOTALS, number)
            else:
                self._line(number, cells)
        self.reading.progress(self.opened.file, self.opened.lines, self.opened.lines)
        self.content.notes += self._notes()
        if self.manners and self.sheet.manner:
            numbers = [line.number for line in self.content.lines]
            meant = self.sheet.understand(self.content.rows, *zip(*self.manners, strict=True))
            self.content.lines = [FileLine(*line) for line in zip(numbers, meant, strict=True)]

    def _leave_out(self, why: Text, number: int) -> None:
        self.left_out.setdefault(why, []).append(number)

    def _is_total(self, cells: list[str]) -> bool:
        """Return whether a line is one of sums: its first cell says so, and it lacks what a line must have."""
        label = next((re.sub(r"\s", "", cell).strip(EDGES + ":：") for cell in cells if cell.strip(EDGES)), "")
        if label.casefold() not in TOTALS and not COUNTED.fullmatch(label):
            return False
        filled = [at < len(cells) and bool(cells[at].strip(EDGES)) for at in self.required]
        return not all(filled) or len(filled) == 1

    def _line(self, number: int, cells: list[str]) -> None:
        fault = self._misshapen(number, cells)
        if fault:
            self.content.problems.append(FileProblem(self.sheet.file, number, "", fault))
            return
        values, faults = self._values(cells)
        self.content.problems += [FileProblem(self.sheet.file, number, column, said) for column, said in faults]
        if not faults:
            kept = len(self.sheet.columns)
            self.content.lines.append(FileLine(number, self.sheet.make(*values[:kept])))
            self.manners.append(values[kept:])

    def _misshapen(self, number: int, cells: list[str]) -> Text | None:
        """Return what is wrong with the number of cells of a line.

        Spreadsheets leave out empty cells at the end of a line; what a line must have is no such cell.
        """
        width = len(self.header.columns)
        if len(cells) == width and not self.nameless:
            return None
        cut = self.opened.ends_within_a_line and number >= self.opened.lines
        too_short = len(cells) <= self.last_required or (cut and len(cells) < width)
        if (too_short and not self.opened.ragged) or any(cell.strip(EDGES) for cell in cells[width:]):
            commas = any("，" in cell for cell in cells)
            return (words.WRONG_WIDTH_COMMAS if commas else words.WRONG_WIDTH).fill(cells=len(cells), width=width)
        for at in self.nameless:
            if at < len(cells) and cells[at].strip(EDGES):
                return words.NAMELESS_COLUMN.fill(column=at + 1)
        return None

    def _values(self, cells: list[str]) -> tuple[list[Value], list[tuple[str, Text]]]:
        """Parse the cells of a line into values in column order, and (column, fault) for each invalid one."""
        values: list[Value] = []
        faults = []
        for column, at, seen in self.places:
            cell = "" if at is None or at >= len(cells) else cells[at]
            value = seen.get(cell) if type(cell) is str else None
            if value is None:
                try:
                    value = self._value(column, cell)
                except Fault as fault:
                    faults.append((column.name, fault.told))
                if len(seen) < MOST_SEEN and type(cell) is str:
                    seen[cell] = value
            values.append(value)
        return values, faults

    def _value(self, column: SheetColumn, cell: str) -> Value:
        cleaned = self.cleaner.clean(column.kind, cell) if cell else ""
        if column is self.sheet.columns[0]:
            self.content.codes.add(cleaned)
        if cleaned:
            return column.parse(cleaned)
        if column.empty is REQUIRED:
            raise Fault(words.EMPTY)
        return column.empty

    def _notes(self) -> Iterator[Text]:
        """Tell what was left out, and codes that were read as others or look like others."""
        readers = sum(name is None for name in self.header.columns)
        if readers:
            yield Text(f"{readers} 列仅供查看，未读取", f"{_counted(readers, 'column')} for readers left out")
        for why, numbers in self.left_out.items():
            places = [str(number) for number in numbers]
            yield Text(
                f"{why.zh}的 {len(places)} 行未读取（第 {_some(places, '、')} 行）",
                f"{_counted(len(places), 'line')} {why.en} left out ({_some(places)})",
            )
        if self.cleaner.folded:
            folded = self.cleaner.folded.items()
            yield Text(
                "编号按半角字符读取：" + _some((f"{old} 读作 {new}" for old, new in folded), "、"),
                "read as codes of ASCII: " + _some(f"{old} as {new}" for old, new in folded),
            )
        if alike := _alike(self.content.codes):
            yield Text(
                "仅大小写不同的编号：" + _some((" 与 ".join(group) for group in alike), "、"),
                "codes that differ only in capitals: " + _some(" and ".join(group) for group in alike),
            )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _some(names: Iterable[str], mark: str = ", ") -> str:
    named = list(names)
    return mark.join([*named[:MOST_NAMED], *(["…"] if len(named) > MOST_NAMED else [])])


def _alike(codes: Iterable[str]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for code in sorted(codes):
        groups.setdefault(code.casefold(), []).append(code)
    return [group for group in groups.values() if len(group) > 1]


def render(sheet: Sheet[Row], rows: Iterable[Row]) -> str:
    """Render rows as a file with all columns, which parses to the same rows."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(sheet.names)
    writer.writerows([harmless(value) for value in row] for row in rows)
    return out.getvalue()


def harmless(value: Value) -> str:
    """Render a cell so that no spreadsheet takes it for a formula: an apostrophe escapes text that looks like one."""
    return escaped(value) if isinstance(value, str) else text(value)

"""A CSV file of the registry: bytes to typed lines and back."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, NamedTuple

from domain.errors import UsageError
from registry.fields import Value, text
from registry.problems import FileProblem
from registry.sheets import REQUIRED, Row, Sheet, SheetColumn

# The start of a formula, or of a text that looks like an escaped one.
FORMULA = re.compile(r"'*[=+\-@\t\r]")
Record = tuple[int, list[str]]  # number of the first line, cells


class FileLine(NamedTuple, Generic[Row]):
    """A line of a file: the number it begins at, counted from 1, and its values."""

    number: int
    row: Row


@dataclass
class Content(Generic[Row]):
    """Content of a file. `codes` are those of all lines, even faulty ones; `readable`: the lines could be read.

    `absent`: columns missing from the header.
    """

    lines: list[FileLine[Row]] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)
    problems: list[FileProblem] = field(default_factory=list)
    readable: bool = True
    absent: frozenset[str] = frozenset()

    @property
    def rows(self) -> list[Row]:
        """The values of the lines."""
        return [line.row for line in self.lines]


def read(sheet: Sheet[Row], folder: Path) -> Content[Row] | None:
    """Read a file of a folder; None: there is no such file.

    Raises:
        UsageError: it cannot be opened.
    """
    path = folder / sheet.file
    try:
        return parse(sheet, path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


def parse(sheet: Sheet[Row], data: bytes) -> Content[Row]:
    """Parse a file. Faults go to `problems`; lines with a fault are left out."""
    content = Content[Row]()
    try:
        records = _records(sheet.file, data)
        header = [name.strip() for name in next(records, (1, []))[1]]
        content.problems += header_problems(sheet, header)
        content.readable = not content.problems
        content.absent = frozenset(sheet.names) - set(header)
        if content.readable:
            _parse_records(sheet, header, records, content)
    except UnreadableFile as fault:
        content.problems.append(fault.problem)
        content.readable = False
    return content


class UnreadableFile(Exception):
    """The rest of a file cannot be read."""

    def __init__(self, problem: FileProblem) -> None:
        super().__init__(problem)
        self.problem = problem


def header_problems(sheet: Sheet[Row], header: list[str]) -> list[FileProblem]:
    """Find unknown, repeated and missing columns."""
    if not header:
        return [FileProblem(sheet.file, 1, "", f"no header; the columns are {','.join(sheet.names)}")]
    unknown = [name for name in header if name not in sheet.names]
    repeated = sorted({name for name in header if header.count(name) > 1} - set(unknown))
    missing = [c.name for c in sheet.columns if c.empty is REQUIRED and c.name not in header]
    missing += [name for pair in sheet.pairs if len(set(pair) - set(header)) == 1 for name in set(pair) - set(header)]
    faults = [(name, f"unknown column; the columns are {','.join(sheet.names)}") for name in unknown]
    faults += [(name, "is in the header twice") for name in repeated]
    faults += [(name, "this column is missing") for name in missing]
    return [FileProblem(sheet.file, 1, name, fault) for name, fault in faults]


def _records(file: str, data: bytes) -> Iterator[Record]:
    """Yield the records of a CSV text that are not blank.

    Raises:
        UnreadableFile: the text is not UTF-8 or not CSV.
    """
    reader = csv.reader(io.StringIO(_decode(file, data), newline=""), strict=True)
    start = 1
    try:
        for cells in reader:
            if any(cells):
                yield start, cells
            start = reader.line_num + 1
    except csv.Error as error:
        raise UnreadableFile(FileProblem(file, start, "", f"is not CSV: {error}")) from None


def _decode(file: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UnreadableFile(FileProblem(file, line, "", "is not UTF-8; save the file as “CSV UTF-8”")) from None


def _parse_records(sheet: Sheet[Row], header: list[str], records: Iterator[Record], content: Content[Row]) -> None:
    places = [(column, header.index(column.name) if column.name in header else None) for column in sheet.columns]
    code_at = header.index(sheet.columns[0].name)
    for number, cells in records:
        if len(cells) != len(header):
            fault = f"has {len(cells)} fields, the header has {len(header)}"
            content.problems.append(FileProblem(sheet.file, number, "", fault))
            continue
        content.codes.add(plain(cells[code_at].strip()))
        values, faults = _values(places, cells)
        content.problems += [FileProblem(sheet.file, number, column, fault) for column, fault in faults]
        if not faults:
            content.lines.append(FileLine(number, sheet.make(*values)))


def _values(
    places: list[tuple[SheetColumn, int | None]], cells: list[str]
) -> tuple[list[Value], list[tuple[str, str]]]:
    """Parse the cells of a line into values in column order, and (column, fault) for each invalid one."""
    values: list[Value] = []
    faults = []
    for column, at in places:
        cell = "" if at is None else plain(cells[at].strip())
        try:
            values.append(_value(column, cell))
        except ValueError as error:
            faults.append((column.name, str(error)))
    return values, faults


def _value(column: SheetColumn, cell: str) -> Value:
    if cell:
        return column.parse(cell)
    if column.empty is REQUIRED:
        raise ValueError("is empty")
    return column.empty


def render(sheet: Sheet[Row], rows: Iterable[Row]) -> str:
    """Render rows as a file with all columns, which parses to the same rows."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(sheet.names)
    writer.writerows([harmless(value) for value in row] for row in rows)
    return out.getvalue()


def harmless(value: Value) -> str:
    """Render a cell so that no spreadsheet takes it for a formula: an apostrophe escapes text that looks like one."""
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else text(value)


def plain(cell: str) -> str:
    """Undo `harmless`."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell[1:]) else cell

"""The header of a file: its line, and which column each of its names means."""

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from domain.words.text import Text
from registry import words
from registry.cells import EDGES
from registry.delimited import Record
from registry.problems import FileProblem
from registry.sheets import REQUIRED, Row, Sheet
from registry.synonyms import FOR_READERS, MARKS, UNITLESS, UNITS

TITLE_LINES = 10  # so many lines may stand above the header
BRACKETS = re.compile(r"(.*?)[_ ]*[(\[【](.*)[)\]】]")


class Header(NamedTuple):
    """A header: its line, what each place means (None: a column for readers only; "": no name), and what is wrong.

    `written`: the name in the file, by column.
    """

    line: int
    columns: tuple[str | None, ...]
    written: dict[str, str]
    faults: list[FileProblem]


def meaning(sheet: Sheet[Row], written: str) -> tuple[str, Text | None]:
    """Return the column that a name means, or "" and what is wrong with the name. For readers only: "" and None."""
    name = _plain(written)
    if name in FOR_READERS or not name:
        return "", None
    base, unit = name, ""
    if brackets := BRACKETS.fullmatch(name):
        base, unit = brackets[1], brackets[2] if brackets[2] not in MARKS else ""
    column = sheet.meanings.get(base) or (sheet.meanings.get(base + "_s") if unit else None)
    if column is None:
        return "", words.UNKNOWN_COLUMN_OF.fill(columns=",".join(column.name for column in sheet.readable))
    units = UNITS.get(column, ())
    if unit and unit not in units:
        wrong = words.OTHER_UNIT.fill(unit=units[0]) if units else words.UNKNOWN_UNIT.fill(column=column, unit=unit)
        return "", wrong
    if base in UNITLESS and not unit:
        return "", words.NO_UNIT.fill(base=base, unit=units[1], column=column)
    return column, None


def _plain(written: str) -> str:
    """Return a name without case, width, spaces and marks, which lists write in many ways."""
    name = unicodedata.normalize("NFKC", written).strip(EDGES + "*:").casefold()
    name = "".join(c for c in name if unicodedata.category(c) != "Cf")
    return re.sub(r"[\s_-]+", "_" if name.isascii() else "", name)


def known_names(sheet: Sheet[Row], cells: Sequence[str]) -> int:
    """Count the columns that the cells of a line name."""
    return len({meaning(sheet, cell)[0] for cell in cells if cell} - {""})


def find_header(sheet: Sheet[Row], records: Sequence[Record]) -> Header:
    """Find the header among the first lines that are not blank: the first that names all that is required, or most."""
    if not records:
        names = ",".join(sheet.names)
        return Header(1, (), {}, [FileProblem(sheet.file, 1, "", words.NO_HEADER.fill(columns=names))])
    return max((_header(sheet, *record) for record in records[:TITLE_LINES]), key=_completeness)


def _completeness(header: Header) -> tuple[bool, int]:
    return not header.faults, len(header.written)


def _header(sheet: Sheet[Row], line: int, cells: list[str]) -> Header:
    columns: list[str | None] = []
    written: dict[str, str] = {}
    faults = []
    for cell in cells:
        column, fault = meaning(sheet, cell)
        name = cell.strip(EDGES)
        if fault:
            faults.append((name, fault))
        elif column in written:
            same = written[column] == name
            twice = words.COLUMN_TWICE if same else words.COLUMN_TWICE_AS.fill(one=written[column], other=name)
            faults.append((column, twice))
        elif column:
            written[column] = name
        columns.append(column or (None if name else ""))
    faults += [(name, _absent(sheet, name)) for name in _missing(sheet, written)]
    return Header(line, tuple(columns), written, [FileProblem(sheet.file, line, *fault) for fault in faults])


def _absent(sheet: Sheet[Row], column: str) -> Text:
    others = sheet.synonyms.get(column, ())
    return words.COLUMN_MISSING_OR.fill(other=others[0]) if others else words.COLUMN_MISSING


def _missing(sheet: Sheet[Row], named: dict[str, str]) -> list[str]:
    required = [c.name for c in sheet.columns if c.empty is REQUIRED and c.name not in named]
    meant = {column.name for column in sheet.manner} & set(named)
    return required + [
        name for pair in sheet.pairs if meant or set(pair) & set(named) for name in pair if name not in named
    ]

"""Cleaning of cells: what spreadsheets put around a value is taken away, what they did to it is refused by name."""

import re
from dataclasses import dataclass, field
from enum import Enum

from domain.errors import Fault
from domain.spreadsheets import SIGNS
from domain.words.text import Text
from registry import words

# Spaces of all kinds and invisible characters, which no cell begins or ends with.
EDGES = "".join(chr(c) for c in range(0x3001) if chr(c).isspace()) + "\xad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
EDGES += "".join(map(chr, range(0x202A, 0x202F)))
WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x2212: "-"}  # full-width forms; the minus sign
APOSTROPHES = "'‘’＇"
# Text that has to be escaped in a file: a spreadsheet would take it for a formula, or for an escape.
FORMULA = re.compile(rf"['{SIGNS}]")
PLAIN = re.compile(r"[A-Za-z]{1,2}[0-9_.-]*|[0-9]{1,15}|[0-9]{1,3}(-[0-9]{1,4}){1,3}|[a-z]{1,40}")
WRAPPED = re.compile(r'="(.*)"', re.DOTALL)
ERROR = re.compile(
    r"#(N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|SPILL!|CALC!|NV|BEZUG!|WERT!|ZAHL!|名称\?|#+)", re.IGNORECASE
)
SCIENTIFIC = re.compile(r"[0-9]+([.,][0-9]+)?[eE][+-][0-9]+")
MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
DATE = re.compile(
    r"(19|20)[0-9]{2}/[0-9]{1,2}/[0-9]{1,2}( [0-9:]+)?|((19|20)[0-9]{2}年)?[0-9]{1,2}月([0-9]{1,2}日)?"
    rf"|[0-9]{{1,2}}-{MONTH}(-[0-9]{{2,4}})?|{MONTH}-[0-9]{{1,4}}",
    re.IGNORECASE,
)
KEPT_DIGITS = 15  # of a number, in a spreadsheet; those after are zeros
ROUNDED = re.compile(r"[1-9][0-9]{14}0{3,}")


class Kind(Enum):
    """Content of a cell: a code others refer to, free text, or a value such as a number, a date or a choice."""

    CODE = 1
    TEXT = 2
    VALUE = 3


class ShownNumber(str):
    """A number that a workbook shows in another form than its digits, so that it is no text."""


@dataclass
class Cleaner:
    """Cleans the cells of a file.

    `known`: codes of the registry with full-width characters or an apostrophe, which stay as they are. `folded`: codes
    as they were written, with what they were read as.
    """

    known: frozenset[str] = frozenset()
    folded: dict[str, str] = field(default_factory=dict)

    def clean(self, kind: Kind, written: str) -> str:
        """Return the value of a cell.

        Raises:
            Fault: a spreadsheet changed or hid what was entered.
        """
        if type(written) is str and PLAIN.fullmatch(written):
            return written
        cell = written.strip(EDGES)
        if kind is Kind.CODE and cell in self.known:
            return cell
        if kind is Kind.TEXT and (literal := _literal(cell)):
            return literal
        if cell.startswith("="):
            cell = _unwrapped(cell)
        if kind is not Kind.TEXT and cell[:1] in APOSTROPHES:
            cell = cell[1:]
        if kind is not Kind.VALUE:
            _refuse_spoilt(kind, written if isinstance(written, ShownNumber) else cell)
        elif ERROR.fullmatch(cell):
            raise Fault(words.FORMULA_ERROR.fill(given=cell))
        return self._folded(kind, cell)

    def _folded(self, kind: Kind, cell: str) -> str:
        if kind is Kind.TEXT or cell.isascii() or cell in self.known:
            return cell
        folded = cell.translate(WIDE)
        if kind is Kind.CODE and folded != cell:
            self.folded[cell] = folded
        return folded


def _unwrapped(cell: str) -> str:
    """Return the text of `="00123"`, as spreadsheets are told to keep zeros."""
    if wrapped := WRAPPED.fullmatch(cell):
        return wrapped[1].replace('""', '"').strip(EDGES)
    raise Fault(words.FORMULA)


def _literal(cell: str) -> str | None:
    """Return what follows the apostrophe that says "this is text", in free text where it can mean nothing else."""
    if cell[:1] == "'" and (FORMULA.match(cell[1:]) or cell[1:2].isdigit() or _spoilt(cell[1:])):
        return None if SCIENTIFIC.fullmatch(cell[1:]) else cell[1:]
    return None


def _refuse_spoilt(kind: Kind, cell: str) -> None:
    """Refuse codes and texts that a spreadsheet changed; messages about texts do not repeat what may be personal."""
    digits = cell.translate(WIDE)
    if isinstance(cell, ShownNumber):
        raise Fault(words.SHOWN_OTHERWISE)
    if SCIENTIFIC.fullmatch(digits):
        raise Fault(words.SCIENTIFIC_CODE.fill(given=cell) if kind is Kind.CODE else words.SCIENTIFIC)
    if kind is Kind.CODE and ROUNDED.fullmatch(digits):
        raise Fault(words.ROUNDED.fill(given=cell, digits=KEPT_DIGITS))
    if fault := _spoilt(cell):
        raise Fault(fault)


def _spoilt(cell: str) -> Text | None:
    """Return what a spreadsheet did to a text; None: nothing that can be seen."""
    if ERROR.fullmatch(cell):
        return words.FORMULA_ERROR.fill(given=cell)
    if DATE.fullmatch(cell.translate(WIDE)):
        return words.MADE_A_DATE
    if "??" in cell or cell == "?":
        return words.CHARACTERS_LOST
    return None


def escaped(text: str) -> str:
    """Render a text so that no spreadsheet takes it for a formula, and that is cleaned to the same text."""
    return f"'{text}" if FORMULA.match(text) or _spoilt(text) else text

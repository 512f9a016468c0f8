"""Sources of the records of a sheet: a text file or workbook in a folder, or a worksheet of one workbook."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from domain.errors import UsageError
from domain.words.text import Text
from registry import delimited, words, workbook
from registry.delimited import Record
from registry.encoding import decode
from registry.headers import known_names
from registry.problems import FileProblem, UnreadableFile
from registry.sheets import Row, Sheet
from registry.synonyms import FILES

TEXTS = (".csv", ".txt", ".tsv")
WORKBOOKS = (".xlsx", ".xlsm")
# Formats that hold such lists and cannot be read.
OTHERS = (".xls", ".xlsb", ".ods", ".et", ".ett", ".numbers")
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
MARKUP = (b"<html", b"<table", b"<!doctype", b"<?xml")


class OpenTable(NamedTuple):
    """The records of a sheet: the name of its file, how it was understood, and its lines if their number is known.

    `ragged`: lines end with their last cell that holds something, as those of a worksheet.
    """

    file: str
    how: Text
    records: Iterable[Record]
    lines: int
    ragged: bool = False
    ends_within_a_line: bool = False


@dataclass(frozen=True)
class FileReading:
    """Conditions of reading files: what the user and the registry know, and the callers to tell.

    `encoding`: of texts that do not show theirs. `known`: codes of the registry that stay as they are written.
    `progress` is called with a file, the lines that are done, and all. `understood` takes what there is to say of each
    file.
    """

    encoding: str | None = None
    known: frozenset[str] = field(default_factory=frozenset)
    progress: Callable[[str, int, int], None] = lambda *_: None
    understood: Callable[[str, Text], None] = lambda *_: None


PLAINLY = FileReading()


def find(sheet: Sheet[Row], source: Path) -> Path | None:
    """Return the file of a sheet in a folder, in capitals or not; a workbook as source holds all sheets.

    Raises:
        UsageError: there are several, or one in a format that cannot be read.
    """
    if source.is_file():
        return source
    named = _named(sheet.stem, source)
    found = [path for path in named if path.suffix.lower() in TEXTS + WORKBOOKS]
    if len(found) > 1:
        raise UsageError(f"{source}: holds {' and '.join(p.name for p in found)}: keep the one that is meant")
    if unread := [path for path in named if path.suffix.lower() in OTHERS and not found]:
        raise UsageError(f"{unread[0]}: {unread[0].suffix} is not read; save it as .xlsx, or as “CSV UTF-8”")
    return found[0] if found else None


def _named(stem: str, folder: Path) -> list[Path]:
    names = {stem, *FILES.get(stem, ())}
    try:
        return sorted(p for p in folder.iterdir() if p.stem.casefold() in names and p.is_file())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}") from None


def bytes_of(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        UsageError: it cannot be opened.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


def table(sheet: Sheet[Row], file: str, data: bytes, reading: FileReading, alone: bool = True) -> OpenTable | None:
    """Understand the bytes of a file as the table of a sheet. `alone`: the file holds nothing else.

    Returns:
        None: it is a workbook without a worksheet for the sheet.
    Raises:
        UnreadableFile: it is not what its name says.
    """
    if data.startswith(ZIP):
        return _worksheet(sheet, file, data, alone)
    if data.startswith(OLE):
        raise _refusal(file, words.OLD_WORKBOOK)
    if data.lstrip()[:9].lower().startswith(MARKUP):
        raise _refusal(file, words.MARKUP)
    text, encoding = decode(file, data, reading.encoding)
    found = delimited.understand(text, lambda cells: known_names(sheet, cells))
    lines = text.count("\n") + 1
    unended = bool(text) and not text.endswith(("\n", "\r"))
    how = Text(f"{encoding}，以{found.name.zh}分隔", f"{encoding}, separated by {found.name.en}")
    return OpenTable(file, how, delimited.records(file, found), lines, False, unended)


def _worksheet(sheet: Sheet[Row], file: str, data: bytes, alone: bool) -> OpenTable | None:
    book = workbook.open_book(file, data)
    name = _chosen(sheet, book, alone)
    if name is None:
        return None
    records = book.records(name)
    place = file if alone else f"{file}[{name}]"
    return OpenTable(place, Text(f"工作表 {name}", f"worksheet {name}"), records, len(records), ragged=True)


def _chosen(sheet: Sheet[Row], book: workbook.Book, alone: bool) -> str | None:
    """Return the worksheet of a sheet: that of its name, or in a file of its own the only one that holds something."""
    named = [name for name in book.sheets if name.strip().casefold() in (sheet.stem, *FILES.get(sheet.stem, ()))]
    if len(named) > 1:
        raise _refusal(book.file, words.SEVERAL_WORKSHEETS.fill(names=" and ".join(named)))
    if named or not alone:
        return named[0] if named else None
    if len(book.sheets) == 1:
        return next(iter(book.sheets))
    filled = [name for name in book.sheets if book.records(name)]
    if len(filled) > 1:
        names = ", ".join(filled)
        raise _refusal(book.file, words.NO_SUCH_WORKSHEET.fill(count=len(filled), names=names, wanted=sheet.stem))
    return filled[0] if filled else next(iter(book.sheets), None)


def _refusal(file: str, fault: Text) -> UnreadableFile:
    return UnreadableFile(FileProblem(file, 1, "", fault))

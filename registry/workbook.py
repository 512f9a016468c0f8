"""Workbooks (.xlsx): their worksheets as records, each cell as its text.

Cells are read as the file has them, because what a spreadsheet shows depends on more than values: number formats
(123456 as 00123456), errors, and formulas that were never computed. docs/decisions/0033-workbooks-are-read-here.md.
"""

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeVar
from xml.etree import ElementTree
from xml.parsers import expat

from registry import words
from registry.delimited import Record
from registry.number_formats import Nature, nature
from registry.problems import FileProblem, UnreadableFile
from registry.worksheet import Styles, records

LARGEST_MB = 500  # of all parts, unpacked
TYPE = "/officeDocument"
# How XML in a workbook writes characters that XML does not have.
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
FAULTS: tuple[type[Exception], ...] = (zipfile.BadZipFile, zlib.error, expat.ExpatError, ElementTree.ParseError)
FAULTS += (KeyError, IndexError, ValueError, RuntimeError, OSError, EOFError, OverflowError)
Names = dict[str, str]
Found = TypeVar("Found")


class Book(NamedTuple):
    """An open workbook: its parts, and where its visible worksheets are, by name."""

    file: str
    parts: zipfile.ZipFile
    sheets: Names
    styles: Styles

    def records(self, name: str) -> list[Record]:
        """Return the records of a worksheet that are not blank.

        Raises:
            UnreadableFile: it breaks the rules of the format.
        """
        return _read(self.file, lambda: records(self.parts.read(self.sheets[name]), self.styles))


@lru_cache(maxsize=1)  # the sheets of a registry that is one workbook follow each other
def open_book(file: str, data: bytes) -> Book:
    """Open a workbook.

    Raises:
        UnreadableFile: it is none, or is too large.
    """
    return _read(file, lambda: _open(file, data))


def _read(file: str, what: Callable[[], Found]) -> Found:
    try:
        return what()
    except FAULTS:
        raise UnreadableFile(FileProblem(file, 1, "", words.NO_WORKBOOK)) from None


def _open(file: str, data: bytes) -> Book:
    parts = zipfile.ZipFile(io.BytesIO(data))
    if sum(part.file_size for part in parts.infolist()) > LARGEST_MB * 1_000_000:
        raise UnreadableFile(FileProblem(file, 1, "", words.UNPACKED_TOO_LARGE.fill(most=LARGEST_MB)))
    (main,) = (target for kind, target in _relations(parts, "").values() if kind.endswith(TYPE))
    book = _xml(parts, main)
    relations = _relations(parts, main)
    sheets: Names = {}
    for sheet in _all(book, "sheet"):
        (identity,) = (value for key, value in sheet.attrib.items() if key.endswith("}id"))
        kind, target = relations[identity]
        if kind.endswith("/worksheet") and sheet.get("state", "visible") == "visible":
            sheets[sheet.attrib["name"]] = target
    since_1904 = any(one.get("date1904") in ("1", "true") for one in _all(book, "workbookPr"))
    of_kind = {kind.rpartition("/")[2]: target for kind, target in relations.values()}
    strings = _strings(parts, of_kind["sharedStrings"]) if "sharedStrings" in of_kind else []
    formats = _formats(parts, of_kind["styles"]) if "styles" in of_kind else []
    return Book(file, parts, sheets, Styles(strings, formats, since_1904))


def _relations(parts: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """Return the parts that a part names: their kind and place, by identity."""
    folder, name = posixpath.split(part)
    found = _xml(parts, posixpath.join(folder, "_rels", f"{name}.rels"))
    return {
        one.attrib["Id"]: (
            one.attrib["Type"],
            posixpath.normpath(posixpath.join("/", folder, one.attrib["Target"])).lstrip("/"),
        )
        for one in found
        if one.get("TargetMode") != "External"
    }


def _xml(parts: zipfile.ZipFile, name: str) -> ElementTree.Element:
    data = parts.read(name)
    if b"<!DOCTYPE" in data:
        raise ValueError("a document type, which workbooks do not have")
    return ElementTree.fromstring(data)


def _all(element: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    """Return the elements of a local name: there are two namespaces of the same format."""
    return [one for one in element.iter() if one.tag.rpartition("}")[2] == name]


def _strings(parts: zipfile.ZipFile, name: str) -> list[str]:
    """Return the shared texts: all runs of each, without its reading in another script."""
    return [_text(one) for one in _xml(parts, name)]


def _text(element: ElementTree.Element) -> str:
    runs = []
    for child in element:
        match child.tag.rpartition("}")[2]:
            case "t":
                runs.append(child.text or "")
            case "r":
                runs.append(_text(child))
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), "".join(runs))


def _formats(parts: zipfile.ZipFile, name: str) -> list[tuple[Nature, str | None]]:
    """Return the number format of each style of cells."""
    styles = _xml(parts, name)
    codes = {int(one.attrib["numFmtId"]): one.attrib["formatCode"] for one in _all(styles, "numFmt")}
    (cells,) = _all(styles, "cellXfs")
    numbers = [int(one.get("numFmtId", "0")) for one in cells]
    return [(nature(number, codes.get(number)), codes.get(number)) for number in numbers]

"""A worksheet of a workbook: XML to records."""

from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import NamedTuple
from xml.parsers import expat

from registry.delimited import Record, is_blank
from registry.number_formats import Nature, text

Handler = Callable[[str, dict[str, str]], None]
NAMESPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
WIDEST = 16_384
NO_FORMAT: tuple[Nature, str | None] = ("digits", None)


class Styles(NamedTuple):
    """Parts of a workbook that cells refer to: shared texts, number formats, and its calendar."""

    strings: list[str]
    formats: list[tuple[Nature, str | None]]
    since_1904: bool


def records(xml: bytes, styles: Styles) -> list[Record]:
    """Return the records of a worksheet that are not blank, by their line, merged cells filled downwards.

    Raises:
        ValueError, IndexError, ExpatError: it breaks the rules of the format.
    """
    reader = _Reader(styles)
    reader.read(xml)
    reader.fill_merged()
    found = ((line + 1, _cells(row)) for line, row in sorted(reader.rows.items()))
    return [(line, cells) for line, cells in found if not is_blank(cells)]


def _cells(row: dict[int, str]) -> list[str]:
    cells = [""] * (max(row, default=-1) + 1)
    for at, cell in row.items():
        cells[at] = cell
    return cells


def _place(name: str) -> tuple[int, int]:
    """Return line and column, from 0, of a cell such as B7."""
    letters = name.rstrip("0123456789")
    return int(name[len(letters) :]) - 1, _column(letters)


@cache
def _column(letters: str) -> int:
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    if not 1 <= column <= WIDEST:
        raise ValueError(letters)
    return column - 1


class _Reader:
    """Collects the cells of a worksheet from the events of its XML."""

    def __init__(self, styles: Styles) -> None:
        self.styles = styles
        self.rows: dict[int, dict[int, str]] = defaultdict(dict)
        self.merged: list[str] = []
        self.line, self.column = -1, -1
        self.kind, self.style = "n", 0
        self.parts: dict[str, list[str]] = {}
        self.now: list[str] | None = None
        self.phonetic = False

    def read(self, xml: bytes) -> None:
        """Read the XML.

        Raises:
            ValueError, IndexError, ExpatError: it breaks the rules of the format.
        """
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        starts: dict[str, Handler] = {"row": self._row, "c": self._cell, "v": self._part, "f": self._part}
        starts |= {"t": self._part, "rPh": self._phonetic, "mergeCell": self._merge}
        handlers = {f"{space} {name}": (name, starts[name]) for space in NAMESPACES for name in starts}
        ends = {f"{space} {name}": name for space in NAMESPACES for name in ("c", "v", "f", "t", "rPh")}

        def start(name: str, attributes: dict[str, str]) -> None:
            if found := handlers.get(name):
                found[1](found[0], attributes)

        def end(name: str) -> None:
            if found := ends.get(name):
                self._end(found)

        def characters(data: str) -> None:
            if self.now is not None:
                self.now.append(data)

        def doctype(*_: object) -> None:
            raise ValueError("a document type, which workbooks do not have")

        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = characters, doctype
        parser.Parse(xml, True)

    def _row(self, _: str, attributes: dict[str, str]) -> None:
        self.line = int(attributes["r"]) - 1 if "r" in attributes else self.line + 1
        self.column = -1

    def _cell(self, _: str, attributes: dict[str, str]) -> None:
        if name := attributes.get("r"):
            self.line, self.column = _place(name)
        else:
            self.column += 1
        self.kind, self.style = attributes.get("t", "n"), int(attributes.get("s", "0"))
        self.parts = {}

    def _part(self, name: str, _: dict[str, str]) -> None:
        self.now = None if self.phonetic else self.parts.setdefault(name, [])

    def _phonetic(self, *_: object) -> None:
        self.phonetic = True

    def _merge(self, _: str, attributes: dict[str, str]) -> None:
        self.merged.append(attributes["ref"])

    def _end(self, name: str) -> None:
        self.now = None
        if name == "rPh":
            self.phonetic = False
        elif name == "c" and self.parts:
            self.rows[self.line][self.column] = self._text()

    def _text(self) -> str:
        """Return the text of a cell; a formula that was never computed stays one, and is refused."""
        value = "".join(self.parts.get("v", ()))
        match self.kind:
            case "s":
                return self.styles.strings[int(value)] if value else ""
            case "inlineStr":
                return "".join(self.parts.get("t", ()))
            case "str" | "e":
                return value
            case "b":
                return "TRUE" if value == "1" else "FALSE"
            case "d":
                return value.removesuffix("T00:00:00").replace("-", "/").replace("T", " ")
        if not value:
            return f"={''.join(self.parts['f'])}" if "f" in self.parts else ""
        kind, code = self.styles.formats[self.style] if self.styles.formats else NO_FORMAT
        return text(value, kind, code, self.styles.since_1904)

    def fill_merged(self) -> None:
        """Give each line of merged cells their value: it is shown beside all of them."""
        last = max(self.rows, default=0)
        for area in self.merged:
            (top, column), (bottom, _) = (_place(name) for name in area.split(":"))
            if value := self.rows.get(top, {}).get(column):
                for line in range(top + 1, min(bottom, last) + 1):
                    if line in self.rows:
                        self.rows[line].setdefault(column, value)

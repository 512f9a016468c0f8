"""Texts with separators: which separator a file has, and its records."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from domain.words.text import Text
from registry import words
from registry.cells import EDGES
from registry.problems import FileProblem, UnreadableFile

Record = tuple[int, list[str]]  # number of the first line, cells
SEPARATORS = {
    ",": Text("逗号", "commas"),
    ";": Text("分号", "semicolons"),
    "\t": Text("制表符", "tabs"),
    "|": Text("竖线", "bars"),
    "，": Text("全角逗号", "full-width commas"),
    "；": Text("全角分号", "full-width semicolons"),
}
# Excel writes it, and reads it, as a first line.
SAID = re.compile(r"\"?sep=(.)\"?\r?\n", re.IGNORECASE)
MOST_COLUMNS = 16_384  # as many as a worksheet has; those of stray commas are empty
LOOKED_AT = 10  # records in which a header is looked for


class Delimited(NamedTuple):
    """A text, the separator of its cells, and whether a first line says which it is."""

    text: str
    separator: str
    said: bool = False

    @property
    def name(self) -> Text:
        """The name of the separator."""
        return SEPARATORS.get(self.separator, Text(*[repr(self.separator)] * 2))


def understand(text: str, known_names: Callable[[Sequence[str]], int]) -> Delimited:
    """Find the separator: said in a first line `sep=;`, or else the one that splits a line into most known names."""
    if said := SAID.match(text):
        return Delimited(text, said[1], True)
    return max((Delimited(text, separator) for separator in SEPARATORS), key=lambda tried: _names(tried, known_names))


def _names(tried: Delimited, known_names: Callable[[Sequence[str]], int]) -> int:
    try:
        return max((known_names(cells) for _, cells in islice(records("", tried), LOOKED_AT)), default=0)
    except UnreadableFile:
        return 0


def records(file: str, found: Delimited) -> Iterator[Record]:
    """Yield the records of a text that are not blank.

    Raises:
        UnreadableFile: it breaks the rules of quotation marks, or a line has too many cells.
    """
    lines = io.StringIO(found.text, newline="")
    skipped = 0
    if found.said:
        lines.readline()
        skipped = 1
    reader = csv.reader(lines, delimiter=found.separator, strict=True)
    start = skipped + 1
    try:
        for cells in reader:
            if len(cells) > MOST_COLUMNS:
                raise UnreadableFile(FileProblem(file, start, "", words.TOO_WIDE.fill(most=MOST_COLUMNS)))
            if not is_blank(cells):
                yield start, cells
            start = skipped + reader.line_num + 1
    except csv.Error as error:
        raise UnreadableFile(FileProblem(file, start, "", words.NOT_CSV.fill(said=error))) from None


def is_blank(cells: Sequence[str]) -> bool:
    """Return whether a line has nothing that can be seen."""
    return not any(cells) or not any(cell.strip(EDGES) for cell in cells)

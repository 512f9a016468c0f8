"""PDFs: kept as they came, so refused where they could do more than be read.

All objects are looked at, those in compressed streams included. A file whose table of objects has to be guessed is
refused: a viewer could guess otherwise.
"""

import io
import re
from collections.abc import Iterator

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject

from domain.files import FileFault, FileRefused, MediaType, PreparedFile, digest

MOST_OBJECTS = 50_000
LAST_BYTES = 1_024  # in which the end has to stand
END = re.compile(rb"%%EOF[\s\0]*\Z")
ACTIVE = frozenset(
    {
        "/JavaScript", "/JS", "/Launch", "/EmbeddedFile", "/EmbeddedFiles", "/EF", "/FileAttachment", "/RichMedia",
        "/Rendition", "/Movie", "/XFA", "/SubmitForm", "/ImportData", "/GoToE", "/GoToR", "/AA",
    }
)  # fmt: skip
# What no table of objects leads to may still be found by a viewer that repairs.
HIDDEN = re.compile(rb"/(?:JavaScript|Launch|EmbeddedFiles?|RichMedia)\b")
ESCAPED = re.compile(rb"#([0-9A-Fa-f]{2})")


def inspect(content: bytes) -> PreparedFile:
    """Check that a PDF only shows pages.

    Raises:
        FileRefused: it is broken, encrypted, does something when it is opened, or has scripts or files inside.
    """
    try:
        if not END.search(content[-LAST_BYTES:]):
            raise FileRefused(FileFault.BROKEN)
        if HIDDEN.search(ESCAPED.sub(lambda code: bytes([int(code[1], 16)]), content)):
            raise FileRefused(FileFault.ACTIVE)
        _look(PdfReader(io.BytesIO(content), strict=True))
    except FileRefused:
        raise
    except Exception:  # the parser raises whatever a hostile file leads it to
        raise FileRefused(FileFault.BROKEN) from None
    return PreparedFile(MediaType.PDF, content, digest(content), len(content))


def _look(reader: PdfReader) -> None:
    if reader.is_encrypted:
        raise FileRefused(FileFault.ENCRYPTED)
    if not len(reader.pages):
        raise FileRefused(FileFault.BROKEN)
    if _acts_when_opened(reader) or _is_active(reader.trailer) or any(_is_active(one) for one in _objects(reader)):
        raise FileRefused(FileFault.ACTIVE)


def _acts_when_opened(reader: PdfReader) -> bool:
    """Return whether opening the file does more than show a place in it: it could tell an address who opened it."""
    root = reader.trailer["/Root"].get_object()
    opening = root["/OpenAction"].get_object() if isinstance(root, DictionaryObject) and "/OpenAction" in root else None
    return isinstance(opening, DictionaryObject) and ("/Next" in opening or str(opening["/S"]) != "/GoTo")


def _objects(reader: PdfReader) -> Iterator[object]:
    numbers = [(number, generation) for generation, table in reader.xref.items() for number in table]
    numbers += [(number, 0) for number in reader.xref_objStm]
    if len(numbers) > MOST_OBJECTS:
        raise FileRefused(FileFault.BROKEN)
    for number, generation in numbers:
        yield reader.get_object(IndirectObject(number, generation, reader))


def _is_active(value: object) -> bool:
    """Return whether a name in a value, at any depth, stands for more than pages."""
    if isinstance(value, NameObject):
        return value in ACTIVE
    if isinstance(value, DictionaryObject):
        return any(key in ACTIVE or _is_active(dict.__getitem__(value, key)) for key in value)
    if isinstance(value, ArrayObject):
        return any(_is_active(list.__getitem__(value, n)) for n in range(len(value)))
    return False

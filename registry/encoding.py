"""Decoding of registry files: the encodings that spreadsheets write, told apart by evidence and never by hope.

Windows code pages (1250 to 1258) share their bytes: which one a file has cannot be seen, so it has to be said.
"""

import codecs
import re
import unicodedata
from typing import NamedTuple

from domain.words.text import Text
from registry import words
from registry.problems import FileProblem, UnreadableFile

MARKS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
LOST = "\ufffd"  # stands where a program could not read a character
# Chinese text has characters of GB2312's rows 1-9 (punctuation, full-width forms) and 16-87, mostly of level 1 (16-55).
# Other encodings, taken for GB18030, give rare characters outside these.
GB2312 = (range(0xA1, 0xAA), range(0xB0, 0xF8))
LEVEL_1 = range(0xB0, 0xD8)
LEAST_GB2312 = 0.8
LEAST_LEVEL_1 = 0.5
# One Chinese character in eight is valid UTF-8 (楼 is ¥, 路 is ·), so few of them may all be, as letters of any script.
FEW, MANY = 4, 12
WITHIN_A_WORD = re.compile("[a-z][^\\0-\x7f]|[^\\0-\x7f][a-z]")
SEPARATING = re.compile(r"[,;\t\r\n]")
UTF8_CHARACTER = re.compile(rb"[\xc3-\xef][\x80-\xbf]{1,2}")
UTF8_HANZI = re.compile(rb"[\xe3-\xe9][\x80-\xbf]{2}")


class DecodedText(NamedTuple):
    """A text, and the name of its encoding."""

    text: str
    encoding: str


def decode(file: str, data: bytes, named: str | None = None) -> DecodedText:
    """Decode a file by its byte order mark, else as UTF-8, UTF-16 or GB18030; `named` is what the user says it is.

    Raises:
        UnreadableFile: it is none of these, or characters were lost in it.
    """
    found = _marked(file, data) or _plain_utf_8(data) or _unmarked(file, data, named)
    text = found.text.rstrip("\0")  # some exports pad a file with NUL
    for lost, fault in ((LOST, words.LOST_CHARACTERS), ("\0", words.NUL_CHARACTERS)):
        if lost in text:
            raise _refusal(file, text.count("\n", 0, text.index(lost)) + 1, fault)
    return DecodedText(text, found.encoding)


def _marked(file: str, data: bytes) -> DecodedText | None:
    for mark, codec, name in MARKS:
        if data.startswith(mark):
            return _as(file, data[len(mark) :], codec, name)
    return None


def _plain_utf_8(data: bytes) -> DecodedText | None:
    """Decode UTF-8, unless the same bytes may as well be Chinese text."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text.rstrip("\0") or _may_be_chinese(text, data) else DecodedText(text, "UTF-8")


def _may_be_chinese(text: str, data: bytes) -> bool:
    """Return whether some two-byte letters, of several scripts and not within words, are Chinese as GB18030."""
    beyond = [c for c in text if c > "\x7f"]
    if not 0 < len(beyond) <= MANY or max(beyond) > "\u07ff" or WITHIN_A_WORD.search(text):
        return False
    scripts = {unicodedata.name(c, "").partition(" ")[0] for c in beyond}
    return (len(beyond) <= FEW or len(scripts) > 1) and _is_chinese(data)


def _unmarked(file: str, data: bytes, named: str | None) -> DecodedText:
    has_nul = b"\0" in data.rstrip(b"\0")
    if named:
        if not has_nul:
            _refuse_mixed(file, data)
        return _as(file, data, named, named)
    if has_nul:
        return _utf_16(file, data)
    line = _first_line_beyond_utf_8(data)
    if not line:
        raise _refusal(file, 1, words.UTF_8_OR_GB18030)
    if _mostly_utf_8(data):
        raise _refusal(file, line, words.DAMAGED_UTF_8)
    _refuse_mixed(file, data)
    return _gb_18030(file, data, line)


def _refuse_mixed(file: str, data: bytes) -> None:
    """Refuse lines of UTF-8 among others, which a file has that was put together from two."""
    lines = [(number, line) for number, line in enumerate(data.split(b"\n"), 1) if not line.isascii()]
    utf_8 = {number for number, line in lines if _is_utf_8_alone(line)}
    other = {number for number, _ in lines} - utf_8
    if utf_8 and other:
        fewer = utf_8 if len(utf_8) < len(other) else other
        raise _refusal(file, min(fewer), words.MIXED_ENCODINGS)


def _is_utf_8_alone(line: bytes) -> bool:
    """Return whether a line has Chinese characters in UTF-8, and would be none as GB18030."""
    return bool(UTF8_HANZI.search(line)) and _first_line_beyond_utf_8(line) == 0 and not _is_chinese(line)


def _gb_18030(file: str, data: bytes, line: int) -> DecodedText:
    """Decode Chinese text; `line` is the first that is beyond ASCII."""
    if not _is_chinese(data):
        raise _refusal(file, _odd_line(data) or line, words.NO_ENCODING)
    text = data.decode("gb18030")
    for number, one in enumerate(text.split("\n"), 1):
        if WITHIN_A_WORD.search(one) and not _usual(one):  # ü before l, as in a name, is one rare character
            raise _refusal(file, number, words.NO_ENCODING)
    return DecodedText(text, "GB18030")


def _odd_line(data: bytes) -> int:
    """Return the line of the first byte that keeps Chinese text from being GB18030; 0: it is none, or all of it is."""
    try:
        data.decode("gb18030")
    except UnicodeDecodeError as error:
        if _is_chinese(data.decode("gb18030", "ignore").encode("gb18030")):
            return data.count(b"\n", 0, error.start) + 1
    return 0


def _first_line_beyond_utf_8(data: bytes) -> int:
    """Return the line of the first byte that is not UTF-8; 0: there is none."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return data.count(b"\n", 0, error.start) + 1
    return 0


def _as(file: str, data: bytes, codec: str, name: str) -> DecodedText:
    try:
        return DecodedText(data.decode(codec).removeprefix("\ufeff"), name)
    except LookupError:
        raise _refusal(file, 1, words.NO_SUCH_ENCODING.fill(name=codec)) from None
    except UnicodeError as error:
        # Not by its bytes: 上 is 4E 0A in UTF-16.
        good = data[: error.start].decode(codec, "ignore") if isinstance(error, UnicodeDecodeError) else ""
        raise _refusal(file, good.count("\n") + 1, words.NOT_IN_ENCODING.fill(name=name)) from None


def _utf_16(file: str, data: bytes) -> DecodedText:
    """Decode UTF-16 without a mark in the byte order that gives separators and ends of lines."""
    texts = [data.decode(codec, "replace") for codec in ("utf-16-le", "utf-16-be")]
    text = max(texts, key=lambda t: len(SEPARATING.findall(t)))
    if LOST in text or "\0" in text or not SEPARATING.search(text):
        raise _refusal(file, data.count(b"\n", 0, data.index(b"\0")) + 1, words.NUL_OR_NO_CSV)
    return DecodedText(text, "UTF-16")


def _mostly_utf_8(data: bytes) -> bool:
    """Return whether most characters beyond ASCII are UTF-8; GB18030 text has such pairs only by chance."""
    beyond = sum(byte > 0x7F for byte in data)
    return sum(map(len, UTF8_CHARACTER.findall(data))) > 0.9 * beyond


def _is_chinese(data: bytes) -> bool:
    """Return whether a text is GB18030 beyond doubt: its characters are those that Chinese text is made of."""
    try:
        text = data.decode("gb18030")
    except UnicodeError:
        return False
    usual = _usual(text)
    hanzi = [c for c in usual if c[0] >= 0xB0]
    common = sum(c[0] in LEVEL_1 for c in hanzi)
    beyond = sum(c > "\x7f" for c in text)
    return len(usual) >= LEAST_GB2312 * beyond and bool(hanzi) and common >= LEAST_LEVEL_1 * len(hanzi)


def _usual(text: str) -> list[bytes]:
    """Return those characters beyond ASCII that Chinese text is made of, as GB2312 has them."""
    beyond = [c.encode("gb18030") for c in text if c > "\x7f"]
    return [c for c in beyond if len(c) == 2 and c[1] >= 0xA1 and any(c[0] in rows for rows in GB2312)]


def _refusal(file: str, line: int, fault: Text) -> UnreadableFile:
    return UnreadableFile(FileProblem(file, line, "", fault))

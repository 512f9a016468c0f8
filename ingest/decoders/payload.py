"""Payloads as devices send them: JSON, and what becomes of it on the way.

A trailing NUL, a byte order mark, GB18030 in place of UTF-8 and a bare NaN are faults of the sender that leave no doubt
about what is meant. They are looked for only when a payload cannot be read as it is.
"""

import re
from itertools import accumulate
from typing import Any

import msgspec

from domain.reasons import RejectReason
from ingest.decoders.fault import DecodeError, too_deep

_DECODE = msgspec.json.Decoder().decode
PADDING = "\x00\x1a\ufeff \t\r\n"
MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
# Texts are passed over; one that does not end reaches to the end, so that no letter is looked at twice.
BARE = re.compile(
    r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|(?<![\w.+-])[+-]?(?:nan(?:\(ind\))?|inf(?:inity)?)(?![\w.+-])', re.I | re.S
)
# Levels of JSON; formats need fewer than 20. The parser has a bound too, but that depends on the interpreter's version.
DEEPEST = 500
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
_NO_BRACKET_OR_QUOTE = _NO_BRACKET.replace(b'"', b"")
KINDS = (
    (b"\x1f\x8b", "gzip"),
    (b"\x78\x9c", "zlib"),
    (b"\x78\x01", "zlib"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"<", "XML"),
    (b"eyJ", "base64"),
)


def json(payload: bytes) -> Any:
    """Parse a payload as JSON.

    Raises:
        DecodeError: it is not JSON, or nested too deeply.
    """
    check_depth(payload)
    try:
        return _DECODE(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return _cleaned(payload, str(error))


def _cleaned(payload: bytes, problem: str) -> Any:
    try:
        said = BARE.sub(lambda found: found[0] if found[0][0] == '"' else "null", text(payload)).encode()
    except (UnicodeError, DecodeError):
        raise DecodeError(RejectReason.MALFORMED, _named(payload, problem)) from None
    check_depth(said)
    try:
        return _DECODE(said)
    except msgspec.MsgspecError:
        raise DecodeError(RejectReason.MALFORMED, _named(payload, problem)) from None


def check_depth(payload: bytes) -> None:
    """Check that a text is nested as deeply as JSON is followed.

    Raises:
        DecodeError: it is nested more deeply.
    """
    if len(payload) <= DEEPEST or payload.count(b"[") + payload.count(b"{") <= DEEPEST:
        return
    if max(accumulate(1 if bracket in b"[{" else -1 for bracket in _brackets(payload)), default=0) > DEEPEST:
        raise too_deep()


def _brackets(payload: bytes) -> bytes:
    """Return the brackets outside of strings."""
    if b"\\" not in payload:
        # Quotes come in pairs wherever no string holds a bracket: then there is no need to look for strings.
        brackets = payload.translate(None, _NO_BRACKET_OR_QUOTE).replace(b'""', b"")
        if b'"' not in brackets:
            return brackets
    return _STRING.sub(b"", payload).translate(None, _NO_BRACKET)


def text(payload: bytes) -> str:
    """Return a payload as text, without padding.

    Raises:
        DecodeError: it is none.
    """
    for coding in (MARKS.get(payload[:2], "utf-8"), "gb18030"):
        try:
            return payload.decode(coding).strip(PADDING)
        except UnicodeDecodeError:
            continue
    raise DecodeError(RejectReason.MALFORMED, _named(payload, "is no text, neither in UTF-8 nor in GB18030"))


def _named(payload: bytes, problem: str) -> str:
    """Add to a problem what the payload looks like."""
    kind = next((kind for mark, kind in KINDS if payload.startswith(mark)), None)
    if kind is None and payload[:1] and 0x80 <= payload[0] < 0xC0:
        kind = "CBOR or MessagePack"
    if kind is None and payload.lstrip()[:2] in (b"{'", b"['"):
        kind = "JSON with single quotes"
    return f"{problem}; it looks like {kind}, and JSON is what is read" if kind else problem

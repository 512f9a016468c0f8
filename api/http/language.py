"""Language negotiation: Chinese or English by Accept-Language (RFC 9110, 12.5.4)."""

from typing import Literal, TypeAlias

from domain.words.text import Text

Language: TypeAlias = Literal["zh", "en"]
USUAL: Language = "en"


def preferred(header: str | None) -> Language:
    """Choose the language of the response; English if the header names neither."""
    best, weight = USUAL, 0.0
    for wish in (header or "").split(","):
        tag, _, parameter = wish.strip().lower().partition(";")
        wished = _weight(parameter)
        for language in ("zh", "en"):
            if tag.partition("-")[0] == language and wished > weight:
                best, weight = language, wished
    return best


def said(text: Text | str, language: Language) -> str:
    """Return a text in a language; a plain string stays as it is."""
    return getattr(text, language) if isinstance(text, Text) else text


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0

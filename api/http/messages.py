"""Validation messages in Chinese and English: pydantic has the English."""

from collections.abc import Mapping
from typing import Any

from api.words.validation import CHINESE, UNKNOWN
from domain.words.text import Text


class UnreadableValue(ValueError):
    """A value refused by one of the API's own rules, with the reason in both languages."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


def in_both(error: Mapping[str, Any]) -> Text:
    """Translate a pydantic error into both languages."""
    context = error.get("ctx") or {}
    cause = context.get("error")
    if isinstance(cause, UnreadableValue):
        return cause.text
    english = str(error["msg"]).removeprefix("Value error, ")
    try:
        return Text(CHINESE.get(error["type"], UNKNOWN).format(**context), english)
    except (KeyError, IndexError):
        return Text(UNKNOWN, english)

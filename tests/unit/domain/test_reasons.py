"""Every reason has its text in both languages."""

import re
from collections.abc import Mapping
from enum import StrEnum

import pytest

from domain.reasons import BreachReason, RejectReason
from domain.states import ClearReason
from domain.words.reasons import BREACH_TEXTS, CLEAR_TEXTS, REJECT_TEXTS
from domain.words.text import Text


@pytest.mark.parametrize(
    ("reasons", "texts"),
    [(BreachReason, BREACH_TEXTS), (ClearReason, CLEAR_TEXTS), (RejectReason, REJECT_TEXTS)],
)
def test_every_reason_has_a_chinese_and_an_english_text(reasons: type[StrEnum], texts: Mapping[StrEnum, Text]) -> None:
    assert set(texts) == set(reasons)
    for text in texts.values():
        assert re.search(r"[\u4e00-\u9fff]", text.zh)
        assert text.zh.endswith("。")
        assert text.en.isascii() or "°C" in text.en
        assert text.en.endswith(".")


@pytest.mark.parametrize("text", BREACH_TEXTS.values())
def test_both_languages_tell_the_same_figures(text: Text) -> None:
    zh, en = (sorted(re.findall(r"{(\w+)}", one)) for one in text)
    assert zh == en == ["celsius", "clause", "confirmed", "limit", "since", "window"]

"""Every fault of a policy file, a table and a token is told in both languages where it is found."""

import re
from pathlib import Path
from string import Formatter

import pytest

from domain.words import faults, tokens
from domain.words.text import Text
from registry import words

ROOT = Path(__file__).parents[3]
ROOMS = {
    f"{module.__name__}.{name}": text
    for module in (faults, tokens, words)
    for name, text in vars(module).items()
    if isinstance(text, Text) and name != "AT_KEY"
}
PARSERS_SAY = {"NOT_TOML", "NOT_TOML_AT", "NUMBER_TOO_LONG", "NOT_CSV"}  # in English alone
HAN = "[\u4e00-\u9fff]"
HALF_WIDTH = re.compile(rf"{HAN}[,.:;?!()\"'\[\]]|[,.;?!()\"'\[\]]{HAN}")
SOURCES = "".join(
    path.read_text(encoding="utf-8")
    for room in ("domain", "registry", "store/base", "alerts/refunds")
    for path in (ROOT / room).rglob("*.py")
)


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("name", ROOMS)
def test_a_fault_is_told_in_both_languages(name: str) -> None:
    text = ROOMS[name]
    assert re.search(HAN, text.zh)
    assert text.en
    assert not re.search(HAN, text.en.replace("1月1日", ""))
    assert not HALF_WIDTH.search(text.zh)
    constant = name.rpartition(".")[2]
    if constant not in PARSERS_SAY:
        assert fields(text.zh) == fields(text.en)
    assert len(re.findall(rf"\b{constant}\b", SOURCES)) > 1


def test_what_is_filled_in_may_be_a_text() -> None:
    filled = words.HEAT_ALREADY.fill(status=words.HEAT_STATUSES["on"])
    assert filled == Text("届时供热状态已经是“供热”", "the heat is on then")

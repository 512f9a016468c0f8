"""Spelling of words: pinyin by phrases, syllable by syllable; keys of people."""

import pytest

from domain.registry import Contact
from registry.addresses import SaidWord
from registry.spelling import person_keys, spelt


@pytest.mark.parametrize(
    ("word", "said", "initials"),
    [
        ("幸福里", "xing fu li", "xfl"),
        ("重庆路", "chong qing lu", "cql"),
        ("长江", "chang jiang", "cj"),
        ("绿园", "lv yuan", "ly"),
        ("green court", "green court", "gc"),
    ],
)
def test_a_word_is_said_in_syllables(word: str, said: str, initials: str) -> None:
    spelling = spelt(word)
    assert " ".join(spelling.syllables) == said
    assert spelling.initials == initials


def test_a_character_that_nobody_can_say_stands_for_itself() -> None:
    assert spelt("\U0003fffd") == SaidWord("\U0003fffd", ("\U0003fffd",))


def test_a_person_is_found_by_number_and_name() -> None:
    contact = Contact("B1-101", "phone", "+86 138 0000 0001", "zh", None, None, "李 娜")
    assert person_keys(contact) == [
        ("telephone", "10000000831"),
        ("name", "李娜"),
        ("said", "lina"),
        ("initials", "ln"),
    ]
    assert person_keys(contact._replace(channel="email", address="a@b.example", name="Anna Bo")) == [
        ("name", "annabo"),
        ("said", "annabo"),
        ("initials", "ab"),
    ]
    assert person_keys(Contact("B1-101", None, None, "zh", None)) == []

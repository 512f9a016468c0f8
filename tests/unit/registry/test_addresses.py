"""Addresses as people type them: taken apart alike however they are written, and compared with room for a slip."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.addresses import (
    LEAST_LIKENESS,
    SaidWord,
    WrittenAddress,
    edits_within,
    grams,
    grams_asked,
    likeness,
    numbers_met,
    plain,
    taken_apart,
    telephone,
)

LETTERS = st.sampled_from("abcdefghijklmnopqrstuvwxyz")
SAID = st.lists(st.sampled_from(["an", "he", "xiao", "qu", "fu", "kang", "lu", "ning", "yuan"]), min_size=3, max_size=6)


def latin(*syllables: str) -> SaidWord:
    return SaidWord(" ".join(syllables), syllables)


XINGFULI = SaidWord("幸福里", ("xing", "fu", "li"))


@pytest.mark.parametrize(
    "text",
    [
        "幸福里3栋2单元501",
        "幸福里3-2-501",
        "幸福里 3 2 501",
        "幸福里３号楼２单元５０１室",
        "幸福里三号楼二单元501室",
        "幸福里3幢2门0501",
        "  幸福里03栋/2单元/501 ",
    ],
)
def test_an_address_is_the_same_however_it_is_written(text: str) -> None:
    assert taken_apart(text) == WrittenAddress(("幸福里",), ("3", "2", "501"))


@pytest.mark.parametrize(
    ("text", "words", "numbers"),
    [
        ("安和区幸福路12号安和小区3号楼", ("安和区幸福路", "安和小区"), ("12", "3")),
        ("十二号楼", (), ("12",)),
        ("二十号楼 十单元", (), ("20", "10")),
        ("三里屯五一路", ("三里屯五一路",), ()),
        ("A座1201", (), ("a", "1201")),
        ("501A", (), ("501", "a")),
        ("Green  Court 4", ("green court",), ("4",)),
        ("Straße 5", ("strasse",), ("5",)),
        ("xfl 3-2-501", ("xfl",), ("3", "2", "501")),
        ("", (), ()),
        ("-- ，。", (), ()),
        ("000", (), ("0",)),
    ],
)
def test_words_and_numbers(text: str, words: tuple[str, ...], numbers: tuple[str, ...]) -> None:
    assert taken_apart(text) == WrittenAddress(words, numbers)


@given(st.text(max_size=60))
def test_any_text_can_be_taken_apart_and_typed_again(text: str) -> None:
    assert plain(plain(text)) == plain(text)
    address = taken_apart(text)
    assert all(number == "0" or not number.startswith("0") for number in address.numbers)
    assert all(word == word.strip() and word for word in address.words)


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("13812345678", "13812345678"),
        ("+86 138-1234-5678", "13812345678"),
        ("８６１３８１２３４５６７８", "13812345678"),
        ("(0431) 8654 3210", "043186543210"),
        ("86543210", "86543210"),
        ("3-2-501", None),
        ("", None),
        ("长江路1234567", None),
    ],
)
def test_a_telephone_number(text: str, digits: str | None) -> None:
    assert telephone(text) == digits


def test_likeness_ranks_the_same_before_a_beginning_before_a_part_before_a_slip() -> None:
    known = SaidWord("幸福里小区", ("xing", "fu", "li", "xiao", "qu"))
    said = [
        SaidWord("幸福里小区", known.syllables),
        XINGFULI,
        SaidWord("福里", ("fu", "li")),
        SaidWord("幸福理小区", known.syllables),
        SaidWord("幸运里小区", ("xing", "yun", "li", "xiao", "qu")),
    ]
    ranks = [likeness(one, known) for one in said]
    assert ranks[0] == 1.0
    assert ranks == sorted(ranks, reverse=True)
    assert min(ranks) >= LEAST_LIKENESS
    assert likeness(SaidWord("长江路", ("chang", "jiang", "lu")), known) < LEAST_LIKENESS


@pytest.mark.parametrize("typed", ["xingfuli", "xfl", "xingfu", "xf", "fuli"])
def test_pinyin_and_its_initials_are_like_the_word(typed: str) -> None:
    assert likeness(latin(typed), XINGFULI) >= 0.85
    assert grams_asked(latin(typed)) & grams(XINGFULI)


@given(SAID, st.data())
def test_one_letter_changed_is_still_found(syllables: list[str], data: st.DataObject) -> None:
    said = "".join(syllables)
    at = data.draw(st.integers(0, len(said) - 1))
    typed = latin(said[:at] + data.draw(LETTERS) + said[at + 1 :])
    known = latin(*syllables)
    assert likeness(typed, known) >= LEAST_LIKENESS
    assert grams_asked(typed) & grams(known)


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_edits_within_are_those_of_the_best_part(asked: str, known: str) -> None:
    parts = {known[a:b] for a in range(len(known) + 1) for b in range(a, len(known) + 1)}
    fewest = min(slow_edits(asked, part) for part in parts)
    assert edits_within(asked, known, most=6) == fewest
    assert all(edits_within(asked, known, most) == (fewest if fewest <= most else None) for most in range(6))


def slow_edits(a: str, b: str) -> int:
    """Count changes, additions, omissions and swaps of neighbours, row by row of the whole table."""
    table = {(n, 0): n for n in range(len(a) + 1)} | {(0, m): m for m in range(len(b) + 1)}
    for n in range(1, len(a) + 1):
        for m in range(1, len(b) + 1):
            choices = [table[n - 1, m] + 1, table[n, m - 1] + 1, table[n - 1, m - 1] + (a[n - 1] != b[m - 1])]
            if n > 1 and m > 1 and a[n - 1] == b[m - 2] and a[n - 2] == b[m - 1]:
                choices.append(table[n - 2, m - 2] + 1)
            table[n, m] = min(choices)
    return table[len(a), len(b)]


def test_numbers_are_met_in_their_order_and_rather_at_the_end() -> None:
    home = ["12", "3", "2", "501"]
    assert numbers_met(["3", "2", "501"], home) == 1.0
    assert numbers_met(home, home) == 1.0
    assert numbers_met(["2", "501"], home) > numbers_met(["3", "501"], home) > numbers_met(["9", "501"], home)
    assert 0 < numbers_met(["3", "2", "50"], home) < numbers_met(["3", "2", "501"], home)
    assert numbers_met(["501", "3"], home) < numbers_met(["3", "501"], home)
    assert numbers_met(["7"], home) == 0.0
    assert numbers_met([], home) == 0.0

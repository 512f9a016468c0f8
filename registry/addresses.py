"""Addresses as people write and type them: words and numbers that can be compared, and how alike words are.

The registry and a search take an address apart by the same function, so that both sides meet.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

# Bounds of what a search does for one query.
LONGEST_QUERY = 120
MOST_NUMBERS = 8
LONGEST_WORD = 40
OF_SLIPS = 0.85  # what a misspelt word is worth of one that is not
LEAST_LIKENESS = 0.6  # under this a word is another word, not a misspelt one

DIGITS = "零一二三四五六七八九"
TEN = "十"
# What a number counts: 3号楼、2单元、501室. A Chinese numeral before one of these is a number.
LETTERED = "座|栋|幢|区"  # what a letter may name: A座
MEASURES = "号楼|号院|号|栋|幢|座|楼|单元|门|层|室|户|房|排|区|期|组|弄|巷|院"
_NUMERAL = re.compile(f"[{DIGITS}{TEN}]{{1,3}}(?={MEASURES})")
SPACED = "号楼|单元|栋|幢|室"  # these also where a blank stands before them
_MEASURE = re.compile(
    f"(?<=[0-9])(?:{MEASURES}| +(?:{SPACED}))|(?<=[0-9][a-z])(?:{MEASURES})|(?<=(?<![a-z])[a-z])(?:{LETTERED})"
)
BUILDING = "号楼|栋|幢"  # what counts buildings
_HOUSE = re.compile(f"([0-9]+) *(?:{BUILDING})")
_HAN = "\u3007\u3400-\u9fff\U00020000-\U0003ffff"
_TOKEN = re.compile(f"[0-9]+|[{_HAN}]+|[^\\W\\d_{_HAN}]+")
_HAN_RUN = re.compile(f"[{_HAN}]+")


@dataclass(frozen=True)
class WrittenAddress:
    """An address taken apart. Numbers are texts without leading zeros; a single letter (A座, 501a) is one of them.

    `house`: the number that is said to be that of the building (2号楼、2栋), if one is; `is_house_last`: no number
    follows it, so that no door is named.
    """

    words: tuple[str, ...]
    numbers: tuple[str, ...]
    house: str | None = field(default=None, compare=False)
    is_house_last: bool = field(default=False, compare=False)


class SaidWord(NamedTuple):
    """A word and how it is said: syllables of pinyin, or the words of another script."""

    word: str
    syllables: tuple[str, ...]

    @property
    def said(self) -> str:
        """The syllables in one."""
        return "".join(self.syllables)

    @property
    def initials(self) -> str:
        """The first letter of each syllable."""
        return "".join(syllable[0] for syllable in self.syllables)


def plain(text: str) -> str:
    """Return a text without what typing does to it: width, case, accents, and the forms of compatible signs."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFC", "".join(c for c in apart if not unicodedata.combining(c)))


def is_han(word: str) -> bool:
    """Return whether a word is of Chinese characters."""
    return _HAN_RUN.fullmatch(word) is not None


def taken_apart(text: str) -> WrittenAddress:
    """Take an address apart: `幸福里3栋2单元０５０１` is 幸福里 and 3, 2, 501; words of one script in a row are one."""
    said = _NUMERAL.sub(_digits, plain(text))
    counted = _MEASURE.sub(" ", said)
    houses = list(_HOUSE.finditer(said))
    words: list[str] = []
    numbers: list[str] = []
    follows = False  # directly on a word of letters
    for token in _TOKEN.findall(counted):
        if token[0] in "0123456789":
            numbers.append(_unpadded(token))
        elif is_han(token):
            words.append(token)
        elif len(token) == 1:
            numbers.append(token)
        elif follows:
            words[-1] = f"{words[-1]} {token}"
        else:
            words.append(token)
        follows = len(token) > 1 and token[0] not in "0123456789" and not is_han(token)
    return WrittenAddress(
        tuple(word[:LONGEST_WORD].rstrip() for word in words),
        tuple(numbers[:MOST_NUMBERS]),
        house=_unpadded(houses[-1][1]) if houses else None,
        is_house_last=bool(houses) and not re.search("[0-9]", said[houses[-1].end() :]),
    )


@lru_cache(maxsize=20_000)
def house_of(name: str, address: str) -> str | None:
    """Return the number of a building: the one that its name or address calls so, or else the last one."""
    parts = [taken_apart(text) for text in (name, address)]
    named = [part.house for part in parts if part.house]
    return next(filter(None, (*named, *(last_number(part.numbers) for part in parts))), None)


def last_number(numbers: Sequence[str]) -> str:
    """Return the last number that is no letter; empty: there is none."""
    return next((number for number in reversed(numbers) if number[0].isdigit()), "")


def _unpadded(number: str) -> str:
    return number.lstrip("0") or "0"


def _digits(numeral: re.Match[str]) -> str:
    said = numeral[0]
    if TEN not in said:
        return "".join(str(DIGITS.index(digit)) for digit in said)
    tens, _, ones = said.partition(TEN)
    if TEN in ones or len(tens) > 1 or len(ones) > 1:
        return said
    return str((DIGITS.index(tens) if tens else 1) * 10 + (DIGITS.index(ones) if ones else 0))


def telephone(text: str) -> str | None:
    """Return the digits of a telephone number, without the country's code 86; None: it is none."""
    shown = plain(text).strip()
    if not re.fullmatch(r"\+?[(0-9][0-9 ()./-]*", shown):
        return None
    digits = re.sub(r"\D", "", shown)
    digits = re.sub(r"^(?:0086|86)(?=1[0-9]{10}$)", "", digits)
    return digits if 7 <= len(digits) <= 20 else None


def grams(spelling: SaidWord) -> set[str]:
    """Return the pieces by which a word is found, also misspelt.

    These are characters and pairs of Chinese characters, three letters in a row of how it is said, pairs of initials
    (capital letters), and `^` with two letters where a syllable begins.
    """
    word, said, initials = spelling.word, spelling.said, spelling.initials.upper()
    found = {said[n : n + 3] for n in range(len(said) - 2)}
    found |= {initials[n : n + 2] for n in range(len(initials) - 1)}
    found |= {f"^{syllable[:2]}" for syllable in spelling.syllables}
    return found | _of_characters(word)


def grams_asked(spelling: SaidWord) -> set[str]:
    """Return the pieces to look up for a word that was typed: what it may be, as a whole or as initials."""
    said = spelling.said
    found = {said[n : n + 3] for n in range(len(said) - 2)} or {f"^{said}"}
    if not is_han(spelling.word):
        found |= {said[n : n + 2].upper() for n in range(len(said) - 1)}
    return found | _of_characters(spelling.word)


def _of_characters(word: str) -> set[str]:
    if not is_han(word):
        return set()
    return set(word) | {word[n : n + 2] for n in range(len(word) - 1)}


def likeness(asked: SaidWord, known: SaidWord) -> float:
    """Return how alike a typed word is to a known one: 1 the same, then its beginning, a part, one misspelt.

    The same sound counts a little less than the same characters, and a known word that is only a part of what was typed
    by its share.
    """
    found = _said_alike(asked, known) if not is_han(asked.word) else 0.9 * _said_alike(asked, known)
    if is_han(asked.word) and is_han(known.word):
        found = max(found, _alike(asked.word, known.word))
    if not is_han(asked.word) and len(asked.said) >= 2:
        found = max(found, 0.95 * _within(asked.said, known.initials))
    return found


def _said_alike(asked: SaidWord, known: SaidWord) -> float:
    begins, starts = 0, {0}
    for syllable in known.syllables:
        begins += len(syllable)
        starts.add(begins)
    return _alike(asked.said, known.said, frozenset(starts))


def _alike(asked: str, known: str, starts: frozenset[int] | None = None) -> float:
    """Compare letters; `starts`: where a part of the known word may begin, without which it counts for less."""
    whole = _within(asked, known, starts)
    if whole:
        return whole
    if len(known) >= 2 and known in asked:
        return 0.95 * len(known) / len(asked)
    if len(asked) < 3:
        return 0.0
    edits = edits_within(asked, known, most=int((1 - LEAST_LIKENESS / OF_SLIPS) * len(asked)))
    return OF_SLIPS * (1 - edits / len(asked)) if edits is not None else 0.0


def _within(asked: str, known: str, starts: frozenset[int] | None = None) -> float:
    if asked == known:
        return 1.0
    at = known.find(asked)
    if at < 0:
        return 0.0
    if at == 0:
        return 0.97
    return 0.9 if starts is None or at in starts else 0.75


def edits_within(asked: str, known: str, most: int) -> int | None:
    """Return the least number of letters to change, add or drop to make a word a part of another.

    Two neighbours that have changed places are one edit. None: there are more than `most`.

    The table of edits has a column per letter of the known word. A number holds in which rows of the column a count is
    one more than in the row above, another where it is one less, so that a column is a few operations (Hyyrö, A
    bit-vector algorithm for computing Levenshtein and Damerau edit distances, 2003). The part may begin at any letter,
    so no count of the top row is more than 0.
    """
    if sum(letter not in known for letter in asked) > most:  # each of these is an edit: most words end here
        return None
    places: dict[str, int] = {}  # of each letter, as bits
    for n, letter in enumerate(asked):
        places[letter] = places.get(letter, 0) | 1 << n
    rows, last_row = (1 << len(asked)) - 1, 1 << len(asked) >> 1
    more, less, equal, before = rows, 0, 0, 0  # `equal`: as in the column before and one row up
    edits = fewest = len(asked)
    for letter in known:
        here = places.get(letter, 0)
        places_changed = ((~equal & here) << 1) & before
        equal = ((((here & more) + more) ^ more) | here | less | places_changed) & rows
        up, down = less | rows & ~(equal | more), equal & more
        edits += bool(up & last_row) - bool(down & last_row)
        fewest = min(fewest, edits)
        up, down = up << 1, down << 1
        more, less = (down | ~(equal | up)) & rows, equal & up
        before = here
    return fewest if fewest <= most else None


def numbers_met(asked: Sequence[str], known: Sequence[str]) -> float:
    """Return the share of typed numbers that a place has, in their order; the last may be yet to be typed to its end.

    Numbers that are the last ones of both count a little more: 2-501 is rather entrance 2 than house 2.
    """
    if not asked:
        return 0.0
    best = [0.0] * (len(known) + 1)
    for n, number in enumerate(asked):
        row = [0.0]
        for m, other in enumerate(known):
            met = _met(number, other, last=n == len(asked) - 1)
            row.append(max(row[-1], best[m + 1], best[m] + met if met else 0.0))
        best = row
    ending = 0
    while ending < min(len(asked), len(known)) and asked[-1 - ending] == known[-1 - ending]:
        ending += 1
    return (10 * best[-1] + ending) / (11 * len(asked))


def _met(number: str, other: str, *, last: bool) -> float:
    if number == other:
        return 1.0
    return 0.6 if last and other.startswith(number) else 0.0

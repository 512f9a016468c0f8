"""Spelling of words: pinyin of Chinese characters, which phrases decide (重庆 is chong qing)."""

from functools import lru_cache

from domain.registry import Contact
from registry.addresses import SaidWord, is_han, plain, telephone


@lru_cache(maxsize=10_000)
def spelt(word: str) -> SaidWord:
    """Return a word of an address with its syllables; ü is v, as people type it."""
    if not is_han(word):
        return SaidWord(word, tuple(word.split()))
    # Imported late: its phrases take half a second, and most processes spell nothing.
    from pypinyin import Style, lazy_pinyin

    return SaidWord(word, tuple(lazy_pinyin(word, style=Style.NORMAL, v_to_u=False)))


def person_name(text: str) -> str:
    """Return a name as it is compared: without blanks, case and what typing does."""
    return "".join(plain(text).split())


def person_keys(contact: Contact) -> list[tuple[str, str]]:
    """Return the keys (kind, key) by which a search finds the person of a contact."""
    keys = []
    if contact.channel == "phone" and (digits := telephone(contact.address or "")):
        keys.append(("telephone", digits[::-1]))
    if contact.name and (called := person_name(contact.name)):
        spelling = spelt(called) if is_han(called) else SaidWord(called, tuple(plain(contact.name).split()))
        keys += [("name", called), ("said", spelling.said), ("initials", spelling.initials)]
    return keys

"""Causes of faults as crews find them: a list of codes that a utility adds to in its policy."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from domain.printable import shortened
from domain.toml_table import TomlFault
from domain.words.causes import CAUSES
from domain.words.faults import NOT_A_CODE, NOT_A_NAME
from domain.words.text import Text

CODE = re.compile(r"[a-z][a-z0-9_]{1,39}")
LONGEST_NAME = 60


@dataclass(frozen=True, kw_only=True)
class AddedCause:
    """A cause that a utility adds, or names in its own words."""

    code: str
    zh: str
    en: str


def checked(added: AddedCause) -> AddedCause:
    """Check an added cause.

    Raises:
        TomlFault: its code or a name cannot be used.
    """
    if not CODE.fullmatch(added.code):
        raise TomlFault("code", NOT_A_CODE.fill(given=shortened(added.code)))
    for key, name in (("zh", added.zh), ("en", added.en)):
        if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
            raise TomlFault(key, NOT_A_NAME.fill(most=LONGEST_NAME))
    return added


def known_causes(added: Iterable[AddedCause]) -> dict[str, Text]:
    """Return all causes by code; those of the utility before `other`."""
    own = {cause.code: Text(cause.zh, cause.en) for cause in added}
    known = {code: own.get(code, text) for code, text in CAUSES.items()}
    last = known.pop("other")
    return {**known, **own, "other": own.get("other", last)}
